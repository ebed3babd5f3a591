# shellcheck shell=sh
# Puts the login at a smarthost into relay.env: asked for on a terminal without echo, or read from standard input. A password is in
# no argument, environment or message, so no process list shows it.

credentials_main() {
    wanted_name='' login_user=''
    while [ $# -gt 0 ]; do
        case $1 in
        --username) [ $# -gt 1 ] || wrong "--username needs a value"; login_user=$2; shift 2 ;;
        --username=*) login_user=${1#*=}; shift ;;
        -*) wrong "credentials has no option '$1'" ;;
        *) [ -z "$wanted_name" ] || wrong "credentials takes the name of one smarthost"; wanted_name=$1; shift ;;
        esac
    done
    need_root
    load_facts
    [ -d "$settings" ] || mkdir -p "$settings" || fail "cannot make $settings: is it on a read-only disk?"
    [ ! -L "$relay_env" ] || fail "$relay_env is a link; replace it with a file"
    [ -d "$state" ] || mkdir -p "$state"
    drop_leftovers
    taken=$(mktemp -d "$state/credentials.XXXXXX") || fail "cannot write into $state: is the disk full?"
    trap 'rm -rf "$taken"' EXIT
    trap 'exit 130' HUP INT TERM
    : >"$taken/list"
    if [ -f "$relay_env" ]; then
        cp -- "$relay_env" "$taken/old" || fail "cannot read $relay_env"
        printf '%s\t-\trelay.env\n' "$taken/old" >"$taken/list"
    else
        : >"$taken/old"
    fi
    load_env || exit 2
    relay_destination=''
    find_password_hosts
    each_smarthost choose_smarthost
    [ -n "$relay_destination" ] || no_smarthost
    ask_login
    replace_login "$taken/old" >"$taken/new" && check_login || exit
    cat -- "$taken/new" >"$relay_env.new" && chmod 0600 "$relay_env.new" && sync_file "$relay_env.new" &&
        mv -f -- "$relay_env.new" "$relay_env" || fail "cannot write $relay_env: is the disk full?"
    say "${login_keys_begin}USERNAME and ${login_keys_begin}PASSWORD are in $relay_env"
    if in_system; then say "they apply within seconds; 'mail-relay test' sends a message"; else say "apply them with 'mail-relay apply'"; fi
}

# Sets relay_destination, login_keys_begin and chosen_auth: of the named smarthost, without a name of the first that needs a login.
choose_smarthost() {
    if [ "$auth" = none ] || [ -n "$relay_destination" ]; then return 0; fi
    if [ -n "$wanted_name" ] && [ "$wanted_name" != "$name" ]; then return 0; fi
    relay_destination=$(endpoint) chosen_auth=$auth chosen_key=$key
    login_keys_begin=$(login_keys "$key" /dev/null)
    login_keys_begin=${login_keys_begin%%USERNAME*}
}

no_smarthost() {
    [ -z "$wanted_name" ] || wrong "no smarthost called '$wanted_name' needs a login; 'mail-relay status' lists them"
    wrong "no smarthost of this package needs a login"
}

# Sets login_user and login_password.
ask_login() {
    [ "$chosen_auth" != xoauth2 ] || wrong "$relay_destination needs OAuth2: put $(login_keys "$chosen_key" /dev/null) into $relay_env"
    if [ -t 0 ]; then
        if [ -z "$login_user" ]; then
            printf 'User name at %s: ' "$relay_destination" >&2
            IFS= read -r login_user || exit 1
        fi
        terminal=$(stty -g) || fail "cannot switch off the echo of this terminal"
        trap 'stty "$terminal"; rm -rf "$taken"' EXIT
        # Before the prompt: the answer to it may come at once.
        stty -echo || fail "cannot switch off the echo of this terminal"
        printf 'Password (not shown): ' >&2
        IFS= read -r login_password || login_password=''
        stty "$terminal"
        trap 'rm -rf "$taken"' EXIT
        printf '\n' >&2
    else
        if [ -z "$login_user" ]; then IFS= read -r login_user || :; fi
        # The last line may lack its end.
        IFS= read -r login_password || :
    fi
    [ -n "$login_user" ] || wrong "the user name is empty; relay.env is unchanged"
    [ -n "$login_password" ] || wrong "the password is empty; relay.env is unchanged"
}

# relay.env $1 with this login: earlier lines of its keys go, with the lines that a backslash continues them on.
replace_login() {
    awk -v own="$login_keys_begin" '
        continued { continued = /\\$/; next }
        {
            line = $0
            sub(/^\357\273\277/, "", line)
            sub(/^[ \t]*#?[ \t]*/, "", line)
            key = line
            sub(/[ \t]*=.*/, "", key)
            if (key == own "USERNAME" || key == own "PASSWORD") {
                # A comment with words in it is not the empty line of the template.
                if ($0 !~ /^[ \t]*#/) { continued = /\\$/; next }
                if (line ~ /=[ \t\r]*$/) next
            }
            print
        }' "$1" || return
    printf '%sUSERNAME=%s\n%sPASSWORD=%s\n' "$login_keys_begin" "$(quoted "$login_user")" "$login_keys_begin" "$(quoted "$login_password")"
}

# A value in single quotes as systemd.exec(5) has it. printf is part of the shell: no other program receives the value as an argument.
quoted() { printf '%s' "$1" | sed "s/'/'\"'\"'/g; 1s/^/'/; \$s/\$/'/"; }

# Refuses what apply would refuse, and names the fault.
check_login() {
    printf '%s\t-\trelay.env\n' "$taken/new" >"$taken/list"
    read_env names >/dev/null || { warn "$relay_env is unchanged"; return 2; }
}
