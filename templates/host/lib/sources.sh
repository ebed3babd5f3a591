# shellcheck shell=sh
# Where settings and credentials come from, the weaker source first: relay.env, the command that it names, /run/secrets, systemd's
# credentials. For each key the strongest source that has it counts. Values go from file to file; no shell variable holds one.
#
# A folder of secrets holds relay.env (KEY=value lines), or a file for each key, named like it in small letters: relay_password.

secrets=/run/secrets
# Bytes that one source may have.
source_bytes=65536
# Where systemd looks for what its units load, see systemd.exec(5). The last holds what came with the machine: SMBIOS, kernel command
# line, nspawn; before systemd 251 that stays in the one before it.
credential_folders='/usr/lib/credstore /run/credstore /etc/credstore /run/host/credentials /run/credentials/@system'
encrypted_folders='/usr/lib/credstore.encrypted /run/credstore.encrypted /etc/credstore.encrypted /run/credentials/@encrypted'
# What a drop-in of this unit loads is for nobody but the unit; it leaves a copy here.
credentials_unit=mail-relay-credentials.service
handed_over=/run/mail-relay/credentials

# Where doctor builds.
doctor_folder=/run/mail-relay-doctor

# A verb that was killed leaves a folder, mostly with credentials. Each verb that makes one deletes those of earlier ones, because in a
# container only a start applies.
drop_leftovers() {
    # The names of mktemp(1), and not those of files that stay.
    drop_stale "$state"/status.*
    drop_stale "$state"/credentials.??????
    drop_stale "$state"/metrics.??????
    drop_stale "$doctor_folder".*
    drop_stale "$handed_over"
}

drop_stale() { [ ! -e "$1" ] || find "$@" -maxdepth 0 -mmin +10 -exec rm -rf {} + 2>/dev/null; }

# Takes a private copy of every source into a folder in $1.
take_sources() {
    taken=$1/taken copies=0
    mkdir -m 0700 "$taken" && : >"$taken/list" || { warn "cannot write into $1: is the disk full?"; return 1; }
    take_relay_env && take_command && take_folder "$secrets" && take_credentials
}

# Sets copy, the name of the next one.
next_copy() {
    copies=$((copies + 1))
    copy=$taken/$copies
}

# Copies file $1; $2 is the key that all of it is the value of, or - for KEY=value lines; $3 is what messages call it.
take_file() {
    check_source "$1" || return
    next_copy
    # What was checked: nobody but root can put anything else there.
    cp -- "$real" "$copy" || { warn "cannot write into $taken: is the disk full?"; return 1; }
    enter "$copy" "$2" "$3"
}

# Puts the copy on the list for env.awk.
enter() {
    # shellcheck disable=SC2046,SC2094  # "SIZE copy SIZE - SUM total"; both only read
    set -- "$@" $(tr -d '\000' <"$1" | wc -c "$1" -)
    if [ $# -lt 6 ] || [ "$4" -ne "$6" ]; then
        warn "$3 holds NUL bytes; it must be a text"
        return 2
    fi
    if [ ! -s "$1" ] && [ "$2" != - ]; then
        warn "$3 is empty; put a value there, or delete it"
        return 2
    fi
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$taken/list"
}

check_source() {
    if [ ! -f "$1" ]; then
        warn "$1 is not a regular file; mend: put a file with KEY=value lines there"
        return 2
    fi
    # First, because a fix below names this path: where another account can put a link, chmod(1) and chown(1) would follow it. Only the
    # file itself may be open.
    only_roots "$1" && safe=yes || safe=no
    [ "$safe" = yes ] || { [ -f "$open_part" ] && [ ! -L "$open_part" ]; } || { warn "$1: $(say_open)"; return 2; }
    # shellcheck disable=SC2046  # three words on purpose
    set -- "$1" $(stat -L -c '%u %a %s' -- "$1")
    if [ "$2" != 0 ]; then
        warn "$1 does not belong to root; mend: chown root:root $1"
        return 2
    fi
    if ! is_closed "$3" "$1"; then
        warn "$1 can be read by others (mode $3); mend: $(how_to_close "$1")"
        return 2
    fi
    if [ "$4" -gt "$source_bytes" ]; then
        warn "$1 is $4 bytes long; settings never need more than $source_bytes"
        return 2
    fi
    # Last, because the messages above are more exact where the file alone is wrong. Until here nothing was read.
    [ "$safe" = yes ] || { warn "$1: $(say_open)"; return 2; }
    # shellcheck disable=SC2046  # two words on purpose
    set -- "$1" $(stat -c '%u %a' -- "$real")
    [ -f "$real" ] && [ "$2" = 0 ] && is_closed "$3" "$real" || { warn "$1 changed while it was read"; return 2; }
}

# The mode of a file that docker, podman or kubernetes has mounted cannot be changed from inside the container.
how_to_close() {
    case $1 in
    "$secrets"/*) in_system || { echo "mount it with mode 0400 (docker and podman: mode=0400; kubernetes: defaultMode: 0400; compose: chmod 400 on the host), or name it in $(printf %s "${1##*/}" | tr '[:lower:]' '[:upper:]')_FILE"; return; } ;;
    esac
    echo "chmod 600 $1"
}

# Is a file of mode $1 at $2 closed to all but root, by itself or by its folder?
is_closed() {
    case $1 in *00) return 0 ;; esac
    closed=$(readlink -f -- "$2") || return 1
    case $(stat -c '%u %a' -- "${closed%/*}/") in '0 '*00) return 0 ;; esac
    return 1
}

take_relay_env() {
    if [ -L "$relay_env" ]; then
        warn "$relay_env is not a regular file; mend: put a file with KEY=value lines there"
        return 2
    fi
    [ ! -e "$relay_env" ] || take_file "$relay_env" - relay.env
}

# --- folders ---

take_folder() {
    for file in "$1/relay.env" "$1"/relay_*; do
        [ -e "$file" ] || [ -L "$file" ] || continue
        key=$(key_of "$file") || continue
        take_file "$file" "$key" "${2:-}$file" || return
    done
}

# The key that a file is for, by its name; editors and agents write under other names before they rename.
key_of() {
    case ${1##*/} in
    relay.env) echo - ;;
    *[!a-z0-9_]*) return 1 ;;
    *) printf %s "${1##*/}" | tr a-z_ A-Z_ ;;
    esac
}

# --- a command ---

# RELAY_COMMAND is an absolute path and words for it, without quotes. Only an apply runs it: whoever looks takes what it said last.
take_command() {
    relay_command=
    if grep -qs RELAY_COMMAND "$taken/1"; then load_env || return; fi
    if [ "${asking:-no}" = yes ]; then
        if [ -n "$relay_command" ]; then run_command || return; else rm -f "$state/command"; fi
    fi
    [ -z "$relay_command" ] || [ ! -e "$state/command" ] || take_file "$state/command" - RELAY_COMMAND
}

run_command() {
    set -f
    # shellcheck disable=SC2086  # words on purpose
    set -- $relay_command
    set +f
    check_program "$1" || return
    # What was checked, and not what a link leads to by now.
    named=$1
    shift
    set -- "$program" "$@"
    rm -f "$state/command.new" "$state/command.code"
    # Without our lock. What it says on standard error may be a secret. It may pass on what a server says without end.
    {
        env -i PATH="$PATH" HOME=/root LC_ALL=C timeout -k 5 30 "$@" </dev/null 2>/dev/null 9>&-
        echo "$?" >"$state/command.code"
    } | timeout -k 5 40 head -c "$((source_bytes + 1))" >"$state/command.new" 9>&-
    code=$(cat "$state/command.code") && rm -f "$state/command.code"
    size=$(size_of "$state/command.new")
    if [ "$code" = 0 ] && [ "$size" -le "$source_bytes" ]; then mv -f "$state/command.new" "$state/command"; return; fi
    rm -f "$state/command.new"
    [ "$size" -le "$source_bytes" ] || code=long
    case $code in
    long) why="printed more than $source_bytes bytes" ;;
    124 | 137) why='did not end within 30 seconds' ;;
    1[3-5]? | 12[89] | 16?) why="was killed by signal $((code - 128)), perhaps by the sandbox of the unit ('systemctl cat mail-relay-reapply')" ;;
    *) why="failed with exit code $code" ;;
    esac
    warn "RELAY_COMMAND ($named) $why; mend: run it by hand"
    return 1
}

# Sets program, the path without links. An account that can change any part of it could become root.
check_program() {
    if [ ! -f "$1" ] || [ ! -x "$1" ]; then
        warn "RELAY_COMMAND: there is no program $1"
        return 2
    fi
    only_roots "$1" || { warn "RELAY_COMMAND: $(say_open)"; return 2; }
    program=$real
}

# --- systemd's credentials ---

take_credentials() {
    for folder in $credential_folders; do take_folder "$folder" || return; done
    for folder in $encrypted_folders; do take_encrypted "$folder" || return; done
    has_drop_in || return 0
    # In a shell of its own: status and apply may be at it at once.
    (
        if have flock; then exec 8>>"$state/credentials.lock" && flock -w 60 8; fi
        hand_over && take_folder "$handed_over" "$credentials_unit: "
        code=$?
        rm -rf "$handed_over"
        exit "$code"
    )
}

take_encrypted() {
    for file in "$1/relay.env" "$1"/relay_*; do
        [ -f "$file" ] && key=$(key_of "$file") || continue
        have systemd-creds || { warn "$file: there is no systemd-creds here to decrypt it (it came with systemd 250)"; return 2; }
        only_roots "$file" || { warn "$file: $(say_open)"; return 2; }
        next_copy
        systemd-creds decrypt --name="${file##*/}" "$real" "$copy" || {
            warn "systemd-creds cannot decrypt $file (above); mend: encrypt it on this host, with --name=${file##*/}"
            return 2
        }
        enter "$copy" "$key" "$file" || return
    done
}

has_drop_in() { in_system && find_drop_in; }

find_drop_in() {
    for folder in /etc /run /usr/local/lib; do
        for file in "$folder/systemd/system/$credentials_unit" "$folder/systemd/system/$credentials_unit.d"; do
            if [ -e "$file" ]; then return 0; fi
        done
    done
    return 1
}

hand_over() {
    rm -rf "$handed_over"
    systemctl start "$credentials_unit" && return
    warn "systemd does not load the credentials of $credentials_unit; mend: see 'systemctl status $credentials_unit'"
    return 2
}

# What that unit runs.
hand_over_main() {
    [ $# = 0 ] || wrong "hand-over takes no argument"
    need_root
    rm -rf "$handed_over"
    mkdir -p "$handed_over" || fail "cannot make $handed_over"
    for file in "${CREDENTIALS_DIRECTORY:-$handed_over}"/relay*; do
        [ ! -f "$file" ] || cp -- "$file" "$handed_over/" || fail "cannot write into $handed_over"
    done
}

# --- what was found ---

# The values may be the same when they come from elsewhere.
keep_sources() { same "$1/sources" "$state/applied/sources" || mv -f "$1/sources" "$state/applied/sources"; }

# Where the values in force come from; never a value.
show_sources() {
    each_source 2>/dev/null | while IFS='	' read -r key source; do echo "                 $key from $source"; done
}

show_sources_json() {
    separator=
    each_source 2>/dev/null | while IFS='	' read -r key source; do
        printf '%s{"key":%s,"source":%s}' "$separator" "$(json "$key")" "$(json "$source")"
        separator=,
    done
}

each_source() { sed "s|	relay\.env\$|	$relay_env|" "$state/applied/sources"; }
