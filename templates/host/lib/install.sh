# shellcheck shell=sh
# Makes a built and verified generation live, so that Postfix can read a whole configuration (the old or the new one) at any moment.

# The generation is in $stage, with the list of what has to be replaced (changes); the words for the person are said here.
install_generation() {
    sandbox_on
    prepare_tables && keep_all || { rm -rf "$stage"; return 1; }
    write_info || { warn "cannot write into $state (is the disk full?); nothing was changed"; rm -rf "$stage"; return 1; }
    how=$(reload_or_restart)
    new_addresses=no
    in_system || [ "$(listening "$stage")" = "$(listening "$postfix_dir")" ] || new_addresses=yes
    intend "$stage" && rm -rf "$state/next" && mv "$stage" "$state/next" || fail "cannot write into $state or $before (is the disk full, or mounted read-only?); nothing was changed"
    make_all_ready && owe "$how" || { drop_ready; rm -rf "$state/next"; return 1; }
    go_live || { warn "stopped half-way; mend the cause and run 'mail-relay apply' again"; return 1; }
    [ -d "$state/applied" ] || rivals_off
    served=yes
    serve "$how" && rm -f "$state/owed" || served=no
    finish_secrets
    finished=$?
    retire_tables
    keep_generation || { warn "the new configuration is in force, but $state is not up to date; the next 'mail-relay apply' ends it"; finished=1; }
    [ "$served" = yes ] && [ "$finished" = 0 ] || return 1
    say "applied (Postfix $mail_version, relay to $(way_out))"
}

way_out() {
    in_use=$(postconf -xh relayhost 2>/dev/null)
    for way in $ways; do in_use="${in_use:-nowhere yet}, $way: $(hop_words "$way")"; done
    if [ -z "$in_use" ] && sends_directly; then in_use='MX hosts'; fi
    echo "${in_use:-nowhere yet}"
}

hop_words() {
    hops=$(hops_of_way "$1" "$way_hops")
    echo "${hops:-nowhere yet}"
}

write_info() {
    time=$(now) || return 1
    printf '%s\n' "time $time" "package $package $version" "postfix $mail_version $database_type" "unit $unit_text" >"$stage/info"
}

# --- tables ---

prepare_tables() {
    both=no
    while read -r name kind; do
        case $kind in
        secret) compile "$stage" "$name" "$kind" && merge_secrets || return 1 ;;
        indexed | alias) compile "$stage" "$name" "$kind" || return 1 ;;
        esac
    done <"$stage/changes"
}

# Where a smarthost changes, processes of the running Postfix still ask for the old one, and without a password its mail would
# bounce: until the restart the table holds both, in sasl_passwd.both.
merge_secrets() {
    [ -f "$postfix_dir/sasl_passwd" ] || return 0
    lines_without "$stage/sasl_passwd" "$postfix_dir/sasl_passwd" >"$stage/sasl_passwd.old"
    [ -s "$stage/sasl_passwd.old" ] && cat "$stage/sasl_passwd" "$stage/sasl_passwd.old" >"$stage/sasl_passwd.both" || return 0
    # What stood there may be somebody's hand-made file: when it does not compile, it did not work before either.
    if postmap -c "$stage" "$database_type:$stage/sasl_passwd.both" 2>/dev/null; then both=yes; fi
}

# --- keeping ---

keep_all() {
    while read -r name kind; do
        for file in $(with_compiled "$name" "$kind"); do
            # A rename onto a folder would end inside of it.
            [ ! -d "$postfix_dir/$file" ] || { warn "$postfix_dir/$file is a folder where a file belongs; mend: move it away; nothing was changed"; return 1; }
            keep_before "$file" || { warn "cannot write into $before (is the disk full?); nothing was changed"; return 1; }
        done
    done <"$stage/changes"
    while read -r name _; do
        keep_edit "$name" || { warn "cannot write into $postfix_dir (is the disk full?); nothing was changed"; return 1; }
    done <"$stage/changes"
}

# The edits of master.cf live on in the new one; those of any other file only in the copy.
keep_edit() {
    if [ "$1" = master.cf ] || [ ! -f "$postfix_dir/$1" ] || same "$stage/$1" "$postfix_dir/$1"; then return 0; fi
    is_ours "$1"
    case $? in 0) return 0 ;; 2) return 1 ;; esac
    # After a removal that was killed, too: what it gave back is kept already.
    if is_before "$1"; then return 0; fi
    save_edit "$1"
}

# What Postfix has still to be told, should this run end before it was: the next one pays.
owe() { echo "$1" >"$state/owed" && sync_file "$state/owed" || { warn "cannot write into $state (is the disk full?); nothing was changed"; return 1; }; }

# When nothing is to be changed: what an earlier run could not do, a table that was compiled, or a Postfix that should run and does not.
serve_what_is_owed() {
    if [ -e "$state/owed" ]; then
        serve restart && rm -f "$state/owed"
    elif [ "$recompiled" != no ]; then
        serve "$recompiled"
    else
        case $mode in person | package) serve none ;; esac
    fi
}

# A change of listening addresses, of services or of the sandbox needs a restart; so does a smarthost that goes, which processes
# in flight would otherwise look up in a table that no longer has it, and so does an earlier run that was killed or failed.
reload_or_restart() {
    if [ ! -e "$state/owed" ] && [ "$both" = no ] && ! secret_leaves && [ "$(info "$state/applied" unit)" = "$unit_text" ] &&
        same "$stage/master.cf" "$postfix_dir/master.cf" && [ "$(listening "$stage")" = "$(listening "$postfix_dir")" ] &&
        [ "$(sending "$stage")" = "$(sending "$postfix_dir")" ]; then
        echo reload
    else
        echo restart
    fi
}

secret_leaves() { [ -f "$postfix_dir/sasl_passwd" ] && [ ! -f "$stage/sasl_passwd" ]; }

# After a reload the old queue manager may serve one more flush, with the old way out: the mail would wait for its next turn.
sending() { unnamed_postconf -c "$1" -xh relayhost default_transport sender_dependent_default_transport_maps 2>/dev/null; }

listening() { unnamed_postconf -c "$1" -h inet_interfaces inet_protocols 2>/dev/null; }

# --- the switch ---

make_all_ready() {
    while read -r name kind; do
        source=$name
        [ "$kind" = secret ] && [ "$both" = yes ] && source=sasl_passwd.both
        make_ready "$state/next/$source" "$name" || return 1
        [ "$kind" != database ] || chgrp "$(postfix_group)" "$ready" || return 1
        case $kind in
        indexed | alias | secret) make_ready "$state/next/$source.$(extension)" "$name.$(extension)" || return 1 ;;
        esac
    done <"$state/next/changes"
}

# The renames: tables first, the compiled one before its source so that it is never the older one. Then master.cf and main.cf:
# a service must be in master.cf before main.cf uses it, and leave it after.
go_live() {
    while read -r name kind; do
        case $kind in
        main | master) continue ;;
        indexed | alias | secret) make_live "$name.$(extension)" || return 1 ;;
        esac
        make_live "$name" || return 1
    done <"$state/next/changes"
    if services_leave; then
        switch main.cf && switch master.cf
    else
        switch master.cf && switch main.cf
    fi || return 1
    sync_file "$postfix_dir"
}

# In the shell alone: a grep that dies would say that there is nothing to do.
switch() {
    while read -r changed _; do
        if [ "$changed" = "$1" ]; then make_live "$1" || return 1; fi
    done <"$state/next/changes"
}

services_leave() {
    [ -f "$postfix_dir/main.cf" ] || return 1
    postconf -c "$state/next" -M | awk '{ print $1 "/" $2 }' >"$state/next/services"
    unnamed_postconf -M 2>/dev/null | awk '{ print $1 "/" $2 }' | grep -qvxF -f "$state/next/services"
}

# --- after the switch ---

finish_secrets() {
    [ "$both" = yes ] || return 0
    make_ready "$state/next/sasl_passwd" sasl_passwd && make_ready "$state/next/sasl_passwd.$(extension)" "sasl_passwd.$(extension)" &&
        make_live "sasl_passwd.$(extension)" && make_live sasl_passwd || {
        warn "the old password stays in $postfix_dir/sasl_passwd until the next 'mail-relay apply'"
        return 1
    }
}

# Tables that only an older package or an older Postfix used: back to what was before us.
retire_tables() {
    # Not by way of a file: on a full disk an empty one would say that nothing is wanted.
    wanted=$(while read -r name kind; do with_compiled "$name" "$kind"; done <"$state/next/manifest")
    [ -n "$wanted" ] || return 0
    for marker in "$before"/*; do
        file=${marker##*/}
        file=${file%.absent}
        # shellcheck disable=SC2086  # words on purpose
        if ! is_one_of "$file" $wanted; then
            restore "$file" && rm -f -- "$marker"
        elif is_old_type "$file"; then
            rm -f -- "$postfix_dir/$file"
        fi
    done
}

# A compiled table of a type that is not in use and that was not there before us.
is_old_type() {
    [ -e "$before/$1.absent" ] || return 1
    for type in $compiled_extensions; do
        case $1 in *."$type") [ "$type" != "$(extension)" ] && return 0 ;; esac
    done
    return 1
}

# Fails at the first thing that fails, and leaves `next` there: then the next apply does all of it again.
keep_generation() {
    for leftover in changes services sasl_passwd.old sasl_passwd.both; do rm -f "$state/next/$leftover" || return 1; done
    for type in $compiled_extensions; do rm -f "$state"/next/*."$type" || return 1; done
    keep_master "$state/next" && : >"$state/next/complete" || return 1
    # None is deleted under its own name: after a kill, half of one would be taken for all of it.
    if [ -d "$state/applied" ] && ! same_generation; then
        if [ -d "$state/previous" ]; then mv "$state/previous" "$state/gone" || return 1; fi
        mv "$state/applied" "$state/previous" || return 1
    elif [ -d "$state/applied" ]; then
        mv "$state/applied" "$state/gone" || return 1
    fi
    mv "$state/next" "$state/applied" && rm -rf "$state/gone" || return 1
    # A table that still holds the old password is nobody's edit.
    [ "$finished" != 0 ] || forget
}

same_generation() {
    one=$(sums_of "$state/applied" manifest) && two=$(sums_of "$state/next" manifest) && [ "$one" = "$two" ]
}
