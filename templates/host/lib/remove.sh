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
    stop_timer
    secrets_before=$(secret_names)
    move_before || fail "cannot write into $settings: is the disk full, or mounted read-only?"
    if has_before; then
        restore_files
        say "Postfix has the files it had before"
        put_copies_aside
    else
        say "nothing to give back"
    fi
    services_back
    drop_own_compiled
    if [ -d "$own_path" ]; then rm -rf "$own_path"; ! in_system || systemctl daemon-reload; fi
    # Figures of a relay that is no more would look like a relay that stands still.
    metrics_file=$(sed -n 's/^metrics_file=//p' "$share/facts" 2>/dev/null)
    [ -z "$metrics_file" ] || rm -f "$metrics_file"
    # The originals go last: until here a second run can do it all again.
    rm -rf "$state/applied" "$state/previous" "$state/next" "$state/stage" "$state/gone" "$state/owed"
    rm -rf "$before"
    # With the lock; on Linux it stays ours until we end.
    rm -rf "$(token_folder)" "$state" "${handed_over%/*}" "$doctor_folder".*
}

# The copies of edits that hold passwords belong to the credentials: a purge by the package manager deletes their folder, and no file
# of Postfix.
put_copies_aside() {
    for copy in $(saved_copies "$secrets_before"); do
        mv -f -- "$copy" "$settings/" && say "$copy is $settings/${copy##*/} now"
    done
}

# As in an apply, tables come before main.cf. master.cf goes back before main.cf, because it sets parameters that only ours
# defines. A file that did not exist before goes last, when nothing refers to it any more.
restore_files() {
    save_edits
    drop_ready
    lend_secrets
    restore_each is_table
    restore_each is_master
    restore_each is_main
    serve_old
    restore_each is_last
    drop_ready
}

# Restores those of the kept names that $1 picks.
restore_each() {
    for marker in "$before"/*; do
        name=${marker##*/}
        if "$1"; then
            restore "${name%.absent}" || fail "cannot restore $postfix_dir/${name%.absent}; mend the cause and run 'mail-relay remove' again"
        fi
    done
}

is_master() { [ "$name" = master.cf ]; }

is_main() { [ "$name" = main.cf ]; }

is_table() { ! is_master && ! is_main && ! is_last; }

# Postfix can only be stopped in good order while main.cf is there.
is_last() { case $name in "sasl_passwd.$lent" | *.absent) ;; *) return 1 ;; esac; }

# Until the restart a process of Postfix may ask for either smarthost, and without a password the mail would bounce: where both
# configurations use a table of this very name, it holds for that time what either of them has. Its source goes back first: by that
# an apply after a kill knows that the table is not its own.
lend_secrets() {
    lent=$(sed -n 's/^postfix [^ ]* //p' "$state/applied/info" 2>/dev/null)
    case $lent in hash | btree) lent=db ;; esac
    [ -n "$lent" ] && [ -f "$before/sasl_passwd" ] && [ -f "$before/sasl_passwd.$lent" ] || { lent=; return 0; }
    [ -f "$state/applied/sasl_passwd" ] && have postmap || return 0
    rm -rf "$state/stage" && mkdir -m 0700 "$state/stage" || return 0
    type=$(sed -n 's/^postfix [^ ]* //p' "$state/applied/info")
    table=$state/stage/sasl_passwd
    lines_without "$before/sasl_passwd" "$state/applied/sasl_passwd" >"$table.ours" &&
        cat "$before/sasl_passwd" "$table.ours" >"$table" &&
        postmap -c "$share" "$type:$table" 2>/dev/null && restore sasl_passwd &&
        make_ready "$table.$lent" "sasl_passwd.$lent" && make_live "sasl_passwd.$lent"
    rm -rf "$state/stage"
}

# What somebody changed in a file of ours since the last apply. Compiled tables are nobody's work.
save_edits() {
    [ -d "$postfix_dir" ] || return 0
    for marker in "$before"/*; do
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
    if [ ! -e "$before/main.cf.absent" ] && was_active; then control restart; else control stop; fi ||
        warn "Postfix did not take the old files; see 'systemctl status postfix'"
}
