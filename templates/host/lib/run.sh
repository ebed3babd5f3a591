# shellcheck shell=sh
# run: the entrypoint of a container without systemd. Takes settings from the environment, applies, and becomes Postfix in the foreground.
#
# /run/mail-relay.container   names the files in /run/credstore that an earlier start has made of the environment

# The credential store that this fills; status names it as the source.
store=/run/credstore
copier=/usr/lib/postfix/configure-instance.sh
# Postfix appends to the log, so it can be emptied at any time.
container_log_bytes=16777216

run_main() {
    [ $# = 0 ] || wrong "run takes no argument"
    need_root
    ! in_system || wrong "run is for containers: here systemd starts Postfix"
    ! is_running || wrong "Postfix runs already"
    take_environment || exit 2
    # A separate process, without the log.
    mail-relay apply || exit
    : >>"$container_log" && chmod 0600 "$container_log" || fail "cannot write $container_log: is the root read-only? /etc and /var must be volumes, /run a tmpfs"
    # Debian up to 12 has its unit copy the resolver to the chroot of its services; later ones do it whenever Postfix starts.
    if grep -qs "^ExecStartPre=$copier %i" /lib/systemd/system/postfix@.service; then "$copier" - || fail "$copier failed"; fi
    show_log
    exec postfix start-fg
}

# Orphans: Postfix would take the end of a child for the end of one of its programs. Each runs exec, because /proc shows the environment
# with which a shell has started, also for its copies.
show_log() {
    (exec tail -n 0 -F "$container_log" 2>/dev/null &)
    # shellcheck disable=SC2016  # a program for another sh
    (exec sh -c 'while sleep 600; do size=$(stat -c %s -- "$0") && [ "$size" -ge "$1" ] && : >"$0"; done' "$container_log" "$container_log_bytes" 2>/dev/null &)
}

# RELAY_KEY is a value. RELAY_KEY_FILE is the path of a file with only the value: a secret of docker, podman or kubernetes, of any mode.
# None of them stays in the environment of Postfix.
take_environment() {
    [ ! -f "$container" ] || while read -r file; do rm -f -- "$file"; done <"$container"
    : >"$container" && mkdir -p "$store" && chmod 0700 "$store" || { warn "cannot write into /run: it must be writable, such as a tmpfs"; return 1; }
    # shellcheck disable=SC2013  # a name is one word
    for name in $(awk 'BEGIN { for (name in ENVIRON) if (name ~ /^RELAY_[A-Z0-9_]+$/) print name }' | sort); do
        take_variable "$name" || return
        unset "$name"
    done
    value=
}

take_variable() {
    eval "value=\$$1"
    # Compose sets what a person has left out to nothing.
    [ -n "$value" ] || return 0
    # Kubernetes describes a service called `relay` to every container of the namespace.
    case $1=$value in RELAY_SERVICE_* | RELAY_PORT_[0-9]* | RELAY_PORT=*://*) return 0 ;; esac
    key=${1%_FILE}
    file=$store/$(printf %s "$key" | tr '[:upper:]' '[:lower:]')
    # It may be the secret itself, so it is not shown.
    case $key=$value in "$1"=* | *=/*) ;; *) warn "$1 is not the absolute path of a file; fix: mount the secret, and put its path there"; return 2 ;; esac
    if grep -qxF -- "$file" "$container"; then warn "$key and ${key}_FILE are both set; fix: unset one of them"; return 2; fi
    echo "$file" >>"$container"
    rm -f -- "$file"
    if [ "$key" = "$1" ]; then
        printf '%s' "$value" >"$file"
    elif [ -f "$value" ]; then
        cat -- "$value" >"$file"
    else
        warn "$1: there is no file $value; fix: mount the secret there"
        return 2
    fi || { warn "cannot write $file: is /run full?"; return 1; }
}
