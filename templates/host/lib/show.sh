# shellcheck shell=sh
# show-config: the parameters in force, and where each comes from.

show_main() {
    format=text color=auto all=no
    while [ $# -gt 0 ]; do
        if look_option "$@"; then shift "$words"; continue; fi
        case $1 in
        --all) all=yes ;;
        *) wrong "show-config has no option '$1'" ;;
        esac
        shift
    done
    choose_look
    load_facts
    [ -r "$postfix_dir/main.cf" ] || fail "$postfix_dir/main.cf is missing; mend: mail-relay apply"
    grep -q "^# Written by 'mail-relay apply'" "$postfix_dir/main.cf" || warn "$postfix_dir/main.cf was not written by mail-relay apply"
    scratch=$(mktemp) || fail "cannot make a temporary file: is the disk full?"
    trap 'rm -f "$scratch"' EXIT
    if [ "$all" = yes ]; then set --; else set -- -n; fi
    postconf "$@" >"$scratch" || fail "Postfix cannot read its configuration"
    # Only root may see what was applied; to others an edit by hand looks like what stands above it.
    applied=/dev/null
    [ ! -r "$state/applied/main.cf" ] || applied=$state/applied/main.cf
    awk -v format="$format" -v stated="$stated" -v preset="$preset" -v provider="$provider" -v profile="$profile" \
        -v bold="$bold" -v plain="$plain" -f "$lib/json_string.awk" -f "$lib/show.awk" "$lib/origins.tsv" "$applied" "$postfix_dir/main.cf" "$scratch"
}
