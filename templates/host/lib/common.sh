# shellcheck shell=sh
# What every verb needs: the paths, the facts of the package, messages, the lock, comparing files.
# shellcheck disable=SC2034  # the variables are read by the other parts

share=/usr/share/mail-relay
settings=/etc/mail-relay
relay_env=$settings/relay.env
postfix_dir=/etc/postfix
state=/var/lib/mail-relay

# The variables that /usr/share/mail-relay/facts may leave out.
load_facts() {
    package='' version='' profile='' provider='' smarthosts='' tls_level='' ca_files=''
    from='' root_mail_to='' hostname='' tables=''
    # shellcheck disable=SC1091  # part of the package, written by postpack
    . "$share/facts" || fail "$share/facts is missing: reinstall the package"
}

say() { printf '%s\n' "mail-relay: $*"; }
warn() { printf '%s\n' "mail-relay: $*" >&2; }
fail() { warn "$*"; exit 1; }
wrong() { warn "$*"; exit 2; }

need_root() {
    [ "$(id -u)" = 0 ] || fail "only root can do this: try 'sudo mail-relay $verb'"
}

have() { command -v "$1" >/dev/null 2>&1; }

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

digest() {
    sum=$(sha256sum <"$1") && [ -n "$sum" ] || return 1
    echo "${sum%% *}"
}

# Do two files hold the same bytes? (cmp(1) is not on every minimal system.)
same() {
    [ -f "$1" ] && [ -f "$2" ] && one=$(digest "$1") && two=$(digest "$2") && [ "$one" = "$two" ]
}

# One at a time. With flock(1) the kernel frees the lock however we end; without it a folder holds our process id.
lock() {
    if have flock; then
        until take_lock; do :; done
        return
    fi
    [ -d "$state" ] || mkdir -p "$state" || fail "cannot make $state: is the disk full, or mounted read-only?"
    tries=0
    until mkdir "$state/lock.d" 2>/dev/null; do
        holder=$(cat "$state/lock.d/pid" 2>/dev/null)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
            rm -rf "$state/lock.d"
            continue
        fi
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || fail "another mail-relay (process ${holder:-unknown}) holds $state/lock.d"
        sleep 1
    done
    trap 'rm -rf "$state/lock.d"' EXIT
    trap 'exit 1' HUP INT TERM
    echo $$ >"$state/lock.d/pid"
}

# A removal deletes the lock: who waited for that one must take the next.
take_lock() {
    [ -d "$state" ] || mkdir -p "$state" || fail "cannot make $state: is the disk full, or mounted read-only?"
    # The braces keep a failing redirection from ending the shell without a word.
    { exec 9>>"$state/lock"; } 2>/dev/null || fail "cannot write $state/lock: is the disk full, or mounted read-only?"
    flock -w 120 9 || fail "another mail-relay has been at work for two minutes; 'ps -ef | grep mail-relay' shows it"
    # shellcheck disable=SC3013  # every sh of the supported systems has -ef
    [ ! -e /proc/self/fd/9 ] || [ "$state/lock" -ef /proc/self/fd/9 ]
}

# A string as JSON. Input on standard input, so that no value becomes an argument.
json_string() {
    awk 'BEGIN { ORS = ""; print "\"" }
        { gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); gsub(/[\001-\037]/, "?")
          if (NR > 1) print "\\n"; print }
        END { print "\"" }'
}

json() { printf '%s\n' "$1" | json_string; }
