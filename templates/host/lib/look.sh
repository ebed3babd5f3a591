# shellcheck shell=sh
# shellcheck disable=SC2034  # the variables are read by the other parts
# How text looks on a terminal: colour where a person sees it and has not asked for none (NO_COLOR, see no-color.org).

check_color() { case $1 in auto | always | never) ;; *) wrong "--color is auto, always or never" ;; esac; }

# Sets bold, red, yellow, green and plain for what is written to standard output.
choose_look() {
    bold='' red='' yellow='' green='' plain=''
    case $1 in
    never) return 0 ;;
    auto) [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ] || return 0 ;;
    esac
    escape=$(printf '\033')
    bold="${escape}[1m" red="${escape}[1;31m" yellow="${escape}[1;33m" green="${escape}[1;32m" plain="${escape}[0m"
}
