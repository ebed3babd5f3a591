# shellcheck shell=sh
# shellcheck disable=SC2034  # the variables are read by the other parts
# How answers look: --format and --color, and colour where a person sees it and has not asked for none (NO_COLOR, see no-color.org).

# Takes one of these options from the beginning of $@. Sets words, the number of words to shift; return code 1: it is another option.
look_option() {
    case $1 in
    --format | --color)
        [ $# -ge 2 ] || wrong "$1 needs a value"
        [ "$1" = --color ] && color=$2 || format=$2
        words=2
        ;;
    --format=*) format=${1#*=} words=1 ;;
    --color=*) color=${1#*=} words=1 ;;
    *) return 1 ;;
    esac
}

# Sets bold, red, yellow, green and plain for what is written to standard output.
choose_look() {
    case $format in text | json) ;; *) wrong "--format is text or json" ;; esac
    bold='' red='' yellow='' green='' plain=''
    case $color in
    never) return 0 ;;
    always) ;;
    auto) [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ] || return 0 ;;
    *) wrong "--color is auto, always or never" ;;
    esac
    escape=$(printf '\033')
    bold="${escape}[1m" red="${escape}[1;31m" yellow="${escape}[1;33m" green="${escape}[1;32m" plain="${escape}[0m"
}

# The text $2 in the colour of good news, if $1 is yes, or of bad news.
tint() { if [ "$1" = yes ]; then printf %s "$green$2$plain"; else printf %s "$red$2$plain"; fi; }
