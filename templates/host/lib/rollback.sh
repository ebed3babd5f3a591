# shellcheck shell=sh
# rollback: the generation before the last one comes back, and stays until a person applies again.

rollback_main() {
    [ $# = 0 ] || wrong "rollback takes no argument"
    mode=person
    need_root
    lock
    load_facts
    move_before
    recover
    [ -d "$state/previous" ] || fail "there is no earlier configuration to go back to"
    ask_postfix "$state" || exit 1
    read_unit
    stage=$state/stage
    rm -rf "$stage" && cp -Rp "$state/previous" "$stage" && rm -f "$stage/complete" "$stage/inputs" && find_host_tables "$stage" && digests_of_own_files >"$stage/own" || fail "cannot write into $state: is the disk full?"
    relayhost=$(postconf -c "$stage" -xh relayhost 2>/dev/null)
    verify "$stage" no || refuse $?
    # In the generation itself: in force with it, gone with it.
    now >"$stage/held" || fail "cannot write into $state: is the disk full?"
    list_changes >"$stage/changes" || { warn "cannot compare what is in $stage; nothing was changed"; refuse 1; }
    install_generation || exit 1
    say "boot, upgrades and changes of relay.env leave this alone; 'mail-relay apply' goes forward again"
}
