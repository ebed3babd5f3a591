# shellcheck shell=sh
# remove: Postfix gets back the files it had before the first apply. Works without Postfix, too. purge: the rest goes as well.

remove_main() {
    [ $# = 0 ] || wrong "remove takes no argument"
    need_root
    lock
    mode=remove
    restore_all
}

purge_main() {
    [ $# = 0 ] || wrong "purge takes no argument"
    need_root
    lock
    mode=remove
    # It would take the deletion of relay.env for a change to apply.
    ! in_system || systemctl stop mail-relay-apply.path 2>/dev/null
    restore_all
    rm -rf "$settings"
    [ ! -e "$settings" ] || fail "cannot delete $settings"
}

restore_all() {
    if [ -d "$state/before" ]; then
        restore_files
        serve_old
        [ ! -e "$state/before/main.cf.absent" ] || restore main.cf
        say "Postfix has the files it had before"
    else
        say "nothing to give back"
    fi
    services_back
    # The originals go last: until here a second run can do it all again.
    rm -rf "$state/applied" "$state/previous" "$state/next" "$state/stage" "$state/ours" "$state/held"
    # With the lock; on Linux it stays ours until we end.
    rm -rf "$state"
}

restore_files() {
    save_edits
    for marker in "$state"/before/*; do
        name=${marker##*/}
        # Postfix can only be stopped in good order while it is there.
        [ "$name" != main.cf.absent ] || continue
        restore "${name%.absent}" || fail "cannot restore $postfix_dir/${name%.absent}; mend the cause and run 'mail-relay remove' again"
    done
    for ready in "$postfix_dir"/.*.mail-relay; do rm -f -- "$ready"; done
}

# What somebody changed in a file of ours since the last apply. Compiled tables are nobody's work.
save_edits() {
    [ -d "$postfix_dir" ] || return 0
    for marker in "$state"/before/*; do
        name=${marker##*/}
        name=${name%.absent}
        case $name in *.db | *.cdb | *.lmdb) continue ;; esac
        if [ ! -f "$postfix_dir/$name" ] || is_ours "$name" || is_before "$name"; then continue; fi
        save_edit "$name" || fail "cannot write into $postfix_dir"
    done
}

# Without a main.cf Postfix cannot run; and where it did not run before us, it shall not run after us.
serve_old() {
    in_system || return 0
    sandbox_off
    is_running || return 0
    if [ ! -e "$state/before/main.cf.absent" ] && was_active; then control restart; else control stop; fi ||
        warn "Postfix did not take the old files; see 'systemctl status postfix'"
}
