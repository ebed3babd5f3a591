# shellcheck shell=sh
# A boot at which nothing has changed need not build again what is in force. All that decides what an apply builds is told apart by one
# digest of it, and Postfix says for itself which version it is; what is live is compared byte for byte with what was applied.
#
# /var/lib/mail-relay/applied/inputs   the digest of what this generation was built from

# Prints that digest: of the host command and the package's files, of the settings and of every source of them (sources.sh) with owner and
# mode, of the names by which the host and its certificates are known. Nothing, where it cannot be told.
inputs() {
    # shellcheck disable=SC2086  # words on purpose
    set -- "$lib"/* "$share"/* "$share"/tables/* "$relay_env" "$settings"/main.cf.d/*.cf "$state/command" $watched_files $certificate_files
    folders=
    for folder in "$secrets" $credential_folders $encrypted_folders; do
        [ ! -d "$folder" ] || folders="$folders $folder"
        set -- "$@" "$folder"/relay*
    done
    # What is no file is named all the same: apply refuses it.
    names=
    for name in "$@"; do
        shift
        exists "$name" || continue
        names="$names $name"
        [ ! -L "$name" ] || names="$names@"
        [ ! -f "$name" ] || set -- "$@" "$name"
    done
    # A source can be closed to others by its folder.
    # shellcheck disable=SC2086  # words on purpose
    contents=$(in_time sha256sum -- "$@") && owners=$(stat -L -c '%n %u %a' -- "$@" $folders) && host_name=$(uname -n) || return 0
    in_system && running=yes || running=no
    sum=$(printf '%s\n' "$names" "$contents" "$owners" "$host_name" "$running" "$(find_ca_file 2>&1)" | sha256sum) && echo "${sum%% *}"
}

# Is what is in force that which a build would make now? $built_from is what inputs() says. Where credentials are fetched or handed
# over, they are asked for; and what an earlier apply has left to do, this one has to do.
nothing_changed() {
    [ ! -e "$state/timer" ] && [ ! -e "$state/owed" ] && [ ! -d "$state/next" ] && [ ! -e "$state/applied/held" ] && ! has_drop_in || return 1
    was_built_from && [ "$(info "$state/applied" unit)" = "$unit_text" ] || return 1
    # That a table of this type can be read is seen from those that are live.
    have postconf && ask_version && [ "$(info "$state/applied" postfix)" = "$mail_version $database_type" ] || return 1
    stage=$state/applied
    changes=$(list_changes) && [ -z "$changes" ]
}

was_built_from() {
    [ -n "$built_from" ] && [ -f "$state/applied/inputs" ] && read -r earlier <"$state/applied/inputs" && [ "$earlier" = "$built_from" ]
}

# After an apply that has nothing more to say.
keep_inputs() {
    if [ -n "$without$held$no_certificate" ] || [ -n "$database" ] && [ "$database_login" = no ] || was_built_from; then return 0; fi
    echo "$built_from" 2>/dev/null >"$state/applied/inputs" || rm -f "$state/applied/inputs"
}
