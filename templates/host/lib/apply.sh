# shellcheck shell=sh
# apply: the heart. Build beside the live files, verify, keep what was there, rename. Killed at any point, Postfix has a whole
# configuration (the old or the new one) and the next apply finishes.

# Which settings the last apply has read, by their time stamps.
seen_file=/run/mail-relay.seen
# How an attempt with these settings failed.
failed_file=/run/mail-relay.failed

apply_main() {
    read_options "$@"
    need_root
    case $mode in
    changed)
        apply_what_changed
        done=$?
        # What changes from here until systemd has seen us end, no path unit sees.
        systemctl --no-block start mail-relay-recheck.service
        return "$done"
        ;;
    recheck) apply_what_changed ;;
    *) apply_once ;;
    esac
}

# The folders that the path unit watches belong to others, too: an upgrade of systemd makes some of them, and in its midst Postfix may be
# unpacked and not yet set up. A path unit does not start a service that runs already: what changes meanwhile gets a turn of its own.
apply_what_changed() {
    # What failed with these settings has failed until something changes: another event does not make the unit succeed.
    case $mode in changed) done=$(cat "$failed_file" 2>/dev/null) ;; *) done=0 ;; esac
    mode=trigger done=${done:-0}
    seen=$(cat "$seen_file" 2>/dev/null)
    while now=$(settings_seen); [ "$now" != "$seen" ]; do
        (apply_once)
        done=$?
        seen=$now
        [ "$done" = 0 ] || ! in_system || echo "$done" >"$failed_file" || :
    done
    return "$done"
}

note_seen() {
    in_system || return 0
    rm -f "$failed_file"
    settings_seen >"$seen_file" || :
}

settings_seen() {
    load_facts
    # shellcheck disable=SC2046,SC2086  # words on purpose
    set -- "$relay_env" "$settings/main.cf.d" "$settings"/main.cf.d/*.cf $watched_files $certificate_files \
        $(have postconf && own_tables "$postfix_dir" | sed 's/^[a-z]*://')
    for folder in "$secrets" $credential_folders $encrypted_folders; do set -- "$@" "$folder"/relay*; done
    stat -L -c '%n %i %s %y %z' -- "$@" 2>/dev/null
}

read_options() {
    mode=person quiet=no try=no
    while [ $# -gt 0 ]; do
        case $1 in
        --verify) try=yes ;;
        --refresh) mode=trigger quiet=yes ;;
        --package | --boot | --trigger | --changed | --recheck) mode=${1#--} ;;
        *) wrong "apply has no option '$1'" ;;
        esac
        shift
    done
}

apply_once() {
    # At boot and in an image the network may not be there, and an installation shall not fail for it: the refresh unit asks soon after.
    case $mode in boot | package) asking=no ;; *) asking=yes ;; esac
    lock
    read_unit
    note_seen
    load_facts
    move_before || fail "cannot write into $settings: is the disk full, or mounted read-only?"
    if [ "$mode" = trigger ] && ! have postconf; then
        say "Postfix is gone; the configuration comes back with it"
        exit 0
    fi
    first_settings
    first_service
    if is_image_build; then leave_to_the_boot; fi
    leave_held
    recover
    drop_leftovers
    close_saved_copies
    built_from=$(inputs)
    if [ "$mode" = boot ] && nothing_changed; then
        find_host_tables "$postfix_dir"
        watch_own_tables
        say "nothing has changed"
        exit 0
    fi
    stage=$state/stage
    mkdir -m 0700 "$stage" || fail "cannot write into $state: is the disk full, or mounted read-only?"
    build "$stage" || refuse $?
    list_changes >"$stage/changes" || { warn "cannot compare what is in $stage; nothing was changed"; refuse 1; }
    if in_force; then
        if [ "$try" = yes ] && wants_trial; then try_credentials || refuse 1; fi
        publish_tokens || exit 1
        drop_tokens
        keep_sources "$stage"
        compile_own_tables "$stage"
        watch_own_tables
        keep_inputs
        rm -rf "$stage"
        say_missing
        serve_what_is_owed || exit 1
        mind_timer
        flush_for_tokens
        # An apply that was killed may not have said it.
        report_losses
        [ "$quiet" = yes ] || say "nothing to change"
        exit "$tokens_failed"
    fi
    strict=strict
    [ "$mode" = person ] || strict=no
    verify "$stage" $strict || refuse $?
    if wants_trial; then try_credentials || refuse 1; fi
    compile_own_tables "$stage"
    watch_own_tables
    publish_tokens && install_generation || { say_full; exit 1; }
    keep_inputs
    drop_tokens
    mind_timer
    say_missing
    report_losses
    [ "$tokens_failed" = 0 ] || exit 1
}

refuse() {
    refused=$1
    say_full || refused=1
    rm -rf "$stage"
    [ -z "${relay_command:-}${token_hosts:-}" ] || mind_timer
    [ ! -d "$state/applied" ] || warn "the configuration of $(info "$state/applied" time) stays in force"
    exit "$refused"
}

# A full disk makes awk, postmap and others fail, each with words of its own.
say_full() {
    full=no
    for folder in "$state" "$postfix_dir"; do
        [ -d "$folder" ] || continue
        if ! has_room "$folder" 2>/dev/null; then
            warn "there is no room in $folder: the disk is full, or mounted read-only"
            full=yes
        fi
    done
    [ "$full" = no ]
}

# The installation of a package outside a running system, before any apply.
is_image_build() {
    case $mode in package | trigger) ;; *) return 1 ;; esac
    ! in_system && [ ! -d "$state/applied" ] && [ ! -d "$state/next" ] && ! has_before
}

# An image has the files of the package and enabled units. Its first boot finds the files of the distribution, keeps them, and applies. So
# nothing in the image depends on its builder, and a removal on the host can restore them.
leave_to_the_boot() {
    rm -f "$state/lock" "$state/lock.pid"
    [ "$mode" != package ] || say "nothing is applied, because systemd does not run this root; the next boot applies, or 'mail-relay apply' now"
    exit 0
}

# The folders and the commented relay.env that a person starts from. Image systems may have lost /etc and /var since the install.
first_settings() {
    for folder in "$settings" "$settings/main.cf.d"; do
        [ -d "$folder" ] || mkdir -m 0755 "$folder"
    done
    if exists "$relay_env.new"; then rm -f "$relay_env.new"; fi
    [ "$mode" = package ] && [ ! -e "$relay_env" ] && [ ! -L "$relay_env" ] && [ -f "$share/relay.env.example" ] || return 0
    cp -- "$share/relay.env.example" "$relay_env.new" && chmod 0600 "$relay_env.new" && mv -f "$relay_env.new" "$relay_env"
}

# After a rollback nothing but a person (or a new package) applies again.
leave_held() {
    [ -e "$state/applied/held" ] || return 0
    case $mode in
    boot | trigger)
        say "held since the rollback of $(cat "$state/applied/held"); 'mail-relay apply' ends that"
        exit 0
        ;;
    esac
}

# A kill between the last two renames of an apply leaves its generation, complete, under the name 'next' and none in force.
# One that is not complete is done again, with its reload. Files that were ready to be renamed may hold passwords that are gone since.
recover() {
    drop_ready
    for folder in "$state/stage" "$state/gone"; do
        [ ! -e "$folder" ] || rm -rf "$folder" || fail "cannot write into $state: is the disk full, or mounted read-only?"
    done
    if [ -e "$state/next/complete" ] && [ ! -d "$state/applied" ]; then mv "$state/next" "$state/applied"; fi
}

# Is everything that was built live and applied already?
in_force() {
    [ ! -s "$stage/changes" ] && [ -f "$state/applied/manifest" ] && [ ! -e "$state/applied/held" ] && [ ! -d "$state/next" ] || return 1
    [ "$(info "$state/applied" unit)" = "$unit_text" ] && kept=$(sums_of "$state/applied" "$beside" 2>/dev/null) && [ "$kept" = "$built" ]
}

# What a generation has beside its files. (The names that status shows may change without them.)
beside='manifest master.base own'

# Prints which files of the generation in $stage are not live, "NAME KIND" on a line each. Sets built to the digests of what is in $stage.
list_changes() {
    built=$(sums_of "$stage" "$beside") || return 1
    look_at_live
    # shellcheck disable=SC2086  # DIGEST NAME, in the order of the manifest
    set -- $built
    while read -r name kind; do
        is_live "$name" "$kind" "$1" || echo "$name $kind" || return 1
        shift 2
    done <"$stage/manifest"
}

# Sets live_sums and live_modes, of the live files that the generation in $stage has, and of their compiled tables.
look_at_live() {
    live_sums='' live_modes='' files='' tables_too=''
    while read -r name kind; do
        [ ! -f "$postfix_dir/$name" ] || files="$files $name"
        case $kind in indexed | alias | secret) tables_too="$tables_too $name.$(extension)" ;; esac
    done <"$stage/manifest"
    [ -n "$files" ] || return 0
    # shellcheck disable=SC2086  # words on purpose
    live_sums=$(sums "$postfix_dir" $files 2>/dev/null) live_modes=$(cd "$postfix_dir" && stat -c '%n %u %g %a' -- $files $tables_too 2>/dev/null)
    return 0
}

# Is file $1, which has digest $3 in the generation in $stage, in place: bytes, owner, mode, compiled table?
is_live() {
    case $2 in
    secret) expected='0 0 600' ;;
    database) expected="0 $(postfix_group) 640" ;;
    *) expected='0 0 644' ;;
    esac
    has_line "$live_sums" "$3  $1" && has_line "$live_modes" "$1 $expected" || return 1
    [ "$2" != secret ] || has_line "$live_modes" "$1.$(extension) 0 0 600" || return 1
    compiled_is_fresh "$1" "$2"
}

# Is the compiled table there, in today's type, not older than its source, and readable?
compiled_is_fresh() {
    case $2 in indexed | alias | secret) ;; *) return 0 ;; esac
    compiled=$postfix_dir/$1.$(extension)
    # shellcheck disable=SC3013  # every sh of the supported systems has -nt
    [ -s "$compiled" ] && [ ! "$postfix_dir/$1" -nt "$compiled" ] || return 1
    [ "$2" = alias ] || reads_back "$postfix_dir" "$postfix_dir/$1" "$database_type:$postfix_dir/$1" 2>/dev/null
}

say_missing() {
    [ -z "$no_authorities" ] || say "no certificate authorities yet, so mail waits in the queue: $ca_file: $no_authorities; put the file there"
    [ -z "$no_certificate" ] || say "clients get no TLS: $no_certificate; put the certificate and its key there"
    for table in $host_tables; do
        why=$(why_closed "$table")
        [ -z "$why" ] || say "Postfix cannot open the table $table, so mail waits: $why; put the file there"
    done
    if [ -n "$database" ] && [ "$database_login" = no ]; then
        say "no login for the database yet, so mail is put off; put RELAY_DATABASE_USERNAME and RELAY_DATABASE_PASSWORD into $relay_env"
    fi
    [ -n "$without" ] || return 0
    if ! sends_directly && [ -z "$relayhost" ]; then say "no credentials yet, so mail waits in the queue; put $(wanted_keys) into $relay_env"; fi
    for way in $blocked; do say "no credentials for the smarthost $way yet, so mail of its senders waits in the queue; put $(keys_of_way "$way") into $relay_env"; done
    [ -z "$left_out" ] || say "no credentials for the smarthost(s) $left_out, so they are left out; put $(waiting_keys "$left_waiting") into $relay_env"
}
