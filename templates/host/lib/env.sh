# shellcheck shell=sh
# relay.env: is it safe to read, what does it say. Passwords go from file to file through awk; no shell variable ever holds one.

# Takes a private copy of relay.env into folder $1, or an empty one when there is none.
take_env() {
    env_copy=$1/relay.env
    if [ ! -e "$relay_env" ] && [ ! -L "$relay_env" ]; then
        : >"$env_copy"
        return 0
    fi
    check_env_file || return 2
    cp -- "$relay_env" "$env_copy" || { warn "cannot write into $1: is the disk full?"; return 1; }
    if [ "$(wc -c <"$env_copy")" -ne "$(tr -d '\000' <"$env_copy" | wc -c)" ]; then
        warn "$relay_env holds NUL bytes; it must be a text of KEY=value lines"
        return 2
    fi
}

check_env_file() {
    if [ -L "$relay_env" ] || [ ! -f "$relay_env" ]; then
        warn "$relay_env is not a regular file; mend: put a file with KEY=value lines there"
        return 2
    fi
    # shellcheck disable=SC2046  # three words on purpose
    set -- $(stat -c '%u %a %s' -- "$relay_env")
    if [ "$1" != 0 ]; then
        warn "$relay_env does not belong to root; mend: chown root:root $relay_env"
        return 2
    fi
    case $2 in
    *00) ;;
    *)
        warn "$relay_env can be read by others (mode $2); mend: chmod 600 $relay_env"
        return 2
        ;;
    esac
    if [ "$3" -gt 65536 ]; then
        warn "$relay_env is $3 bytes long; settings never need more than 65536"
        return 2
    fi
}

# env.awk on the private copy: $1 is what to print.
read_env() {
    awk -v out="$1" -v hosts="$password_hosts" -f "$lib/env.awk" "$env_copy"
}

# Sets relay_host, relay_port, ... from relay.env, each empty when it says nothing.
load_env() {
    relay_host='' relay_port='' relay_from='' relay_root_mail_to='' relay_hostname=''
    read_env settings >"${env_copy%/*}/settings" || return 2
    while read -r key value; do
        case $key in
        RELAY_HOST) relay_host=$value ;;
        RELAY_PORT) relay_port=$value ;;
        RELAY_FROM) relay_from=$value ;;
        RELAY_ROOT_MAIL_TO) relay_root_mail_to=$value ;;
        RELAY_HOSTNAME) relay_hostname=$value ;;
        esac
    done <"${env_copy%/*}/settings"
    rm -f "${env_copy%/*}/settings"
}
