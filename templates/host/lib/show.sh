# shellcheck shell=sh
# show-config: the parameters in force, each under the layer it comes from.

show_main() {
    [ $# = 0 ] || wrong "show-config takes no argument"
    [ -r "$postfix_dir/main.cf" ] || fail "$postfix_dir/main.cf is missing; mend: mail-relay apply"
    grep -q "^# Written by 'mail-relay apply'" "$postfix_dir/main.cf" || warn "$postfix_dir/main.cf was not written by mail-relay apply"
    scratch=$(mktemp) || fail "cannot make a temporary file: is the disk full?"
    trap 'rm -f "$scratch"' EXIT
    postconf -n >"$scratch" || fail "Postfix cannot read its configuration"
    awk -f "$lib/show.awk" "$scratch" "$postfix_dir/main.cf"
}
