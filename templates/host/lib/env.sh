# shellcheck shell=sh
# What the sources of settings and credentials say, by way of env.awk.

# env.awk on the copies of take_sources: $1 is what it shall give; a login, that of the smarthost with the key $2, goes into folder $3.
read_env() {
    wanted=$1 of_host=${2:-} into=${3:-}
    set --
    while IFS='	' read -r copy key label; do
        [ "$key" != - ] || key=
        set -- "$@" "source=$label" "whole=$key" "$copy"
    done <"$taken/list"
    [ $# -gt 0 ] || set -- /dev/null
    awk -v out="$wanted" -v hosts="${password_hosts:-}" -v tokens="${token_hosts:-}" -v database="${database:-}" -v folder="$state/oauth2" -v name="$of_host" -v into="$into" -f "$lib/env.awk" "$@"
}

# Sets relay_host, relay_port, ... each empty when nobody says anything.
load_env() {
    relay_host='' relay_port='' relay_from='' relay_root_mail_to='' relay_hostname='' relay_command='' relay_verify=''
    read_env settings >"$taken/settings" || return 2
    while read -r key value; do
        case $key in
        RELAY_HOST) relay_host=$value ;;
        RELAY_PORT) relay_port=$value ;;
        RELAY_FROM) relay_from=$value ;;
        RELAY_ROOT_MAIL_TO) relay_root_mail_to=$value ;;
        RELAY_HOSTNAME) relay_hostname=$value ;;
        RELAY_COMMAND) relay_command=$value ;;
        RELAY_VERIFY) relay_verify=$value ;;
        esac
    done <"$taken/settings"
}
