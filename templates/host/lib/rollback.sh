# shellcheck shell=sh
# rollback: the generation before the last one comes back, and stays until a person applies again.

rollback_main() {
    [ $# = 0 ] || wrong "rollback takes no argument"
    mode=person
    need_root
    lock
    load_facts
    recover
    [ -d "$state/previous" ] || fail "there is no earlier configuration to go back to"
    database_type=$(pick_database_type) || exit 1
    stage=$state/stage
    rm -rf "$stage" && cp -Rp "$state/previous" "$stage" && rm -f "$stage/complete" || fail "cannot write into $state: is the disk full?"
    relayhost=$(postconf -c "$stage" -xh relayhost 2>/dev/null)
    verify "$stage" no || refuse $?
    # In the generation itself: in force with it, gone with it.
    now >"$stage/held" || fail "cannot write into $state: is the disk full?"
    install_generation || exit 1
    say "boot, upgrades and changes of relay.env leave this alone; 'mail-relay apply' goes forward again"
}
