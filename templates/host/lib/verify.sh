# shellcheck shell=sh
# Asks Postfix itself whether a built generation is sound, before anything live changes.

# Checks the generation in folder $1. $2 = strict: a warning is a fault; else (nobody is watching) it is only passed on.
verify() {
    said=$1/said
    # postmap reads main.cf as the daemons do, and says aloud what 'postfix check' would only log.
    postconf -c "$1" -n >/dev/null 2>"$said" && postconf -c "$1" -M >/dev/null 2>>"$said" &&
        postmap -c "$1" -q probe 'inline:{probe=ok}' >/dev/null 2>>"$said" || {
        sed "s|$1/||g" "$said" >&2
        warn "Postfix cannot read the configuration; nothing was changed"
        return 2
    }
    drop_what_is_to_come "$1"
    if [ -s "$said" ]; then
        sed "s|$1/||g" "$said" >&2
        if [ "$2" = strict ]; then
            warn "Postfix warns of the configuration (above); look into $settings/main.cf.d; nothing was changed"
            return 2
        fi
    fi
    log_can_be_written "$1" || return 2
    if changes_configuration "$1"; then check "$1" || return; fi
    rm -f "$said"
    verify_tables "$1"
}

# Does the generation in folder $1 change more than tables, or the Postfix that reads it?
changes_configuration() {
    [ -f "$1/changes" ] && [ "$(info "$state/applied" postfix)" = "$mail_version $database_type" ] || return 0
    grep -qE '^(main|master)\.cf ' "$1/changes"
}

check() {
    # The check makes folders that the queue lacks and looks at owners; what it says matters when it fails.
    note_chroot_copies "$1"
    built=$(digest "$1/main.cf")
    postfix -c "$1" check >"$said" 2>&1 || {
        cat "$said" >&2
        warn "'postfix check' refuses the configuration; nothing was changed"
        return 2
    }
    # Where one of its own programs fails, it takes the configuration for one to be completed.
    if [ "$(digest "$1/main.cf")" != "$built" ]; then
        warn "'postfix check' did not work as it should, and edited the configuration; nothing was changed; run 'mail-relay apply' again"
        return 1
    fi
    drop_chroot_copies
}

# How to ask a database is read where it will be: what the generation in folder $1 brings for the first time is not there yet.
drop_what_is_to_come() {
    while read -r name kind; do
        if [ "$kind" != database ] || [ -e "$postfix_dir/$name" ]; then continue; fi
        grep -vF "configuration \"$postfix_dir/$name\"" "$1/said" >"$1/said.rest"
        mv -f "$1/said.rest" "$1/said"
    done <"$1/manifest"
}

# Postfix does not start where it cannot write its own log, and the sandbox lets it write in few places.
log_can_be_written() {
    log=$(postconf -c "$1" -xh maillog_file 2>/dev/null)
    case $log in '' | /dev/*) return 0 ;; esac
    in_system || return 0
    unit=$(daemon_unit)
    [ "$(property ProtectSystem "$unit")" = strict ] || return 0
    for writable in $(property ReadWritePaths "$unit"); do
        case $log in "${writable#-}"/*) return 0 ;; esac
    done
    warn "maillog_file = $log: the sandbox lets Postfix write nothing there, and it would not start; mend: put it below /var/lib/postfix, or 'systemctl edit $unit' with [Service] ReadWritePaths=${log%/*}; nothing was changed"
    return 1
}

# Debian's check also copies files of /etc into the queue folder, for services in a chroot, as each start of Postfix does again.
# In an image under construction they would carry the builder's names along.
note_chroot_copies() {
    chroot_copies=
    if in_system || [ -e "$container" ]; then return 0; fi
    chroot=$(postconf -c "$1" -xh queue_directory)/etc
    # A folder that is not there yet will be root's.
    [ ! -e "$chroot" ] || only_roots "$chroot" || return 0
    for copy in "$chroot/hosts" "$chroot/resolv.conf"; do
        [ -e "$copy" ] || chroot_copies="$chroot_copies $copy"
    done
}

drop_chroot_copies() {
    for copy in $chroot_copies; do rm -f -- "$copy"; done
}

verify_tables() {
    while read -r name kind; do
        case $kind in regexp | pcre | cidr) ;; *) continue ;; esac
        # A pattern that does not compile is skipped by Postfix, with nothing but a warning.
        postmap -c "$1" -q probe@example.com "$kind:$1/$name" >/dev/null 2>"$1/said"
        if [ -s "$1/said" ]; then
            cat "$1/said" >&2
            warn "the table $name has a fault; reinstall the package; nothing was changed"
            return 1
        fi
    done <"$1/manifest"
    rm -f "$1/said"
}

# Compiles table $2 (kind $3) of the generation in folder $1 and reads it back.
compile() {
    program=postmap
    [ "$3" != alias ] || program=postalias
    $program -c "$1" "$database_type:$1/$2" || { warn "$program could not compile the table $2; nothing was changed"; return 1; }
    [ "$3" = alias ] || reads_back "$1" "$1/$2" "$database_type:$1/$2"
}

# Does every entry of source $2 stand in table $3, byte for byte? (Values, which may be secret, go through pipes.)
reads_back() {
    lost=$(keys_of "$2" | postmap -c "$1" -q - "$3" | awk "$lost_entry" "$2" -) || lost=
    if [ "$lost" != 'none is lost' ]; then
        warn "the entry for ${lost:-a key} in ${2##*/} cannot be read back from the $database_type table; nothing was changed"
        return 1
    fi
}

keys_of() {
    while read -r key _; do
        case $key in '' | '#'*) ;; *) printf '%s\n' "$key" ;; esac
    done <"$1"
}

# Of a source and the "KEY<tab>VALUE" lines that postmap found of it: a key that is not among them, or has another value.
# shellcheck disable=SC2016  # an awk program
lost_entry='
    NR == FNR {
        if ($1 == "" || $1 ~ /^#/) next
        key = $1
        sub(/^[^ \t]+[ \t]+/, "")
        value[key] = $0
        next
    }
    { tab = index($0, "\t"); key = substr($0, 1, tab - 1) }
    (key in value) && value[key] == substr($0, tab + 1) { delete value[key] }
    END {
        for (key in value) { print key; exit }
        print "none is lost"
    }'
