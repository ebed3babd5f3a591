# shellcheck shell=sh
# apply: the heart. Build beside the live files, verify, keep what was there, rename. Killed at any point, Postfix has a whole
# configuration (the old or the new one) and the next apply finishes.

# Which settings the last apply has read, by their time stamps.
seen_file=/run/mail-relay.seen

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
    mode=trigger done=0
    seen=$(cat "$seen_file" 2>/dev/null)
    while now=$(settings_seen); [ "$now" != "$seen" ]; do
        (apply_once)
        done=$?
        seen=$now
    done
    return "$done"
}

note_seen() { ! in_system || settings_seen >"$seen_file" || :; }

settings_seen() {
    set -- "$relay_env" "$settings/main.cf.d" "$settings"/main.cf.d/*.cf
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
    # Everything below trusts it to tell files apart.
    digest "$lib/common.sh" >/dev/null || fail "sha256sum does not work here; mend: reinstall coreutils"
    lock
    note_seen
    load_facts
    if [ "$mode" = trigger ] && ! have postconf; then
        say "Postfix is gone; the configuration comes back with it"
        exit 0
    fi
    first_settings
    first_service
    leave_held
    recover
    stage=$state/stage
    # A killed status leaves a folder with credentials.
    find "$state" -maxdepth 1 -name 'status.*' -mmin +10 -exec rm -rf {} + 2>/dev/null
    rm -rf "$stage" && mkdir -m 0700 "$stage" || fail "cannot write into $state: is the disk full, or mounted read-only?"
    build "$stage" || refuse $?
    if in_force; then
        if [ "$try" = yes ] && wants_trial; then try_credentials || refuse 1; fi
        publish_tokens || exit 1
        keep_sources "$stage"
        rm -rf "$stage"
        say_missing
        serve_what_is_owed || exit 1
        mind_timer
        flush_for_tokens
        [ "$quiet" = yes ] || say "nothing to change"
        exit "$tokens_failed"
    fi
    strict=strict
    [ "$mode" = person ] || strict=no
    verify "$stage" $strict || refuse $?
    if wants_trial; then try_credentials || refuse 1; fi
    publish_tokens && install_generation || { say_full; exit 1; }
    mind_timer
    say_missing
    [ "$tokens_failed" = 0 ] || exit 1
}

refuse() {
    refused=$1
    say_full || refused=1
    rm -rf "$stage"
    [ -z "${relay_command:-}${token_hosts:-}" ] || mind_timer
    [ ! -d "$state/applied" ] || warn "the configuration of $(sed -n 's/^time //p' "$state/applied/info") stays in force"
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

# The folders and the commented relay.env that a person starts from. Image systems may have lost /etc and /var since the install.
first_settings() {
    for folder in "$settings" "$settings/main.cf.d"; do
        [ -d "$folder" ] || mkdir -m 0755 "$folder"
    done
    rm -f "$relay_env.new"
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
    rm -rf "$state/gone"
    if [ -e "$state/next/complete" ] && [ ! -d "$state/applied" ]; then mv "$state/next" "$state/applied"; fi
}

# Is everything that was built live and applied already?
in_force() {
    [ -f "$state/applied/manifest" ] && [ ! -e "$state/applied/held" ] && [ ! -d "$state/next" ] || return 1
    same "$stage/manifest" "$state/applied/manifest" && same "$stage/master.base" "$state/applied/master.base" || return 1
    [ "$(sed -n 's/^unit //p' "$state/applied/info")" = "$(unit_digest)" ] || return 1
    while read -r name kind; do
        same "$stage/$name" "$state/applied/$name" && is_live "$name" "$kind" || return 1
    done <"$stage/manifest"
}

# Is file $1 of the generation in $stage in place: bytes, owner, mode, compiled table?
is_live() {
    same "$stage/$1" "$postfix_dir/$1" && right_mode "$1" "$2" && compiled_is_fresh "$1" "$2"
}

right_mode() {
    case $2 in
    secret) expected='0 0 600' ;;
    database) expected="0 $(postfix_group) 640" ;;
    *) expected='0 0 644' ;;
    esac
    [ "$(stat -c '%u %g %a' -- "$postfix_dir/$1")" = "$expected" ]
}

# Is the compiled table there, in today's type, not older than its source, and readable?
compiled_is_fresh() {
    case $2 in indexed | alias | secret) ;; *) return 0 ;; esac
    compiled=$postfix_dir/$1.$(extension)
    # shellcheck disable=SC3013  # every sh of the supported systems has -nt
    [ -s "$compiled" ] && [ ! "$postfix_dir/$1" -nt "$compiled" ] || return 1
    [ "$2" != secret ] || [ "$(stat -c '%u %a' -- "$compiled")" = '0 600' ] || return 1
    [ "$2" = alias ] || reads_back "$postfix_dir" "$postfix_dir/$1" "$database_type:$postfix_dir/$1" 2>/dev/null
}

say_missing() {
    if [ -n "$database" ] && [ "$database_login" = no ]; then
        say "no login for the database yet, so mail is put off; put RELAY_DATABASE_USERNAME and RELAY_DATABASE_PASSWORD into $relay_env"
    fi
    [ -n "$without" ] || return 0
    if [ -z "$relayhost" ]; then
        say "no credentials yet, so mail waits in the queue; put $(wanted_keys) into $relay_env"
    else
        say "no credentials for the smarthost(s) $without, so they are left out"
    fi
}
