# shellcheck shell=sh
# What every verb needs: the paths, the facts of the package, messages, the lock, comparing files.
# shellcheck disable=SC2034  # the variables are read by the other parts

share=/usr/share/mail-relay
settings=/etc/mail-relay
relay_env=$settings/relay.env
postfix_dir=/etc/postfix
state=/var/lib/mail-relay
# Exists in a container that 'mail-relay run' has started. There postlogd writes a log that status, test and doctor can read.
container=/run/mail-relay.container
container_log=/var/log/mail-relay.log
# The files and services from before the first apply. They belong to /etc and stay with it: image systems may empty /var.
before=$settings/before

# The variables that /usr/share/mail-relay/facts may leave out.
load_facts() {
    package='' version='' profile='' provider='' smarthosts='' tls_level='' ca_files=''
    from='' root_mail_to='' hostname='' tables='' database='' inbound_domains='' where_known='' companions='' stated='' preset=''
    own_ca_file='' ways='' all_mail_to='' direct='' direct_addresses='' direct_lists='' implicit_tls_ports='' login_advice='' watched_files='' certificate_files='' next_hops='' known_servers=''
    # shellcheck disable=SC1091  # part of the package, written by postpack
    . "$share/facts" || fail "$share/facts is missing: reinstall the package"
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

# A destination as relayhost and sasl_passwd have it.
destination_of() { case $1 in *:*) echo "[ipv6:$1]:$2" ;; *) echo "[$1]:$2" ;; esac; }

# Sets host and port of a destination as Postfix has it: [host]:port, [ipv6:address]:port, without a port 25. Sets of_way to the name of the
# way, if it is one of single senders: WAY/[host]:port.
split_destination() {
    of_way='' asked=$1
    case $1 in */\[*) of_way=${1%%/*} asked=${1#*/} ;; esac
    case $asked in
    \[*)
        host=${asked#\[}
        port=${host##*\]}
        host=${host%\]*}
        ;;
    *:*) host=${asked%:*} port=:${asked##*:} ;;
    *) host=$asked port='' ;;
    esac
    host=${host#ipv6:} port=${port#:}
    port=${port:-25}
}

# The value of the parameter $1 in the lines "name = value" of $2: in the last one that has it. By the shell alone, because dozens are
# asked for, and each program that is started costs more than all of them.
value_of() {
    set -- "$1 = " "$2"
    value='' found=1
    set -f
    IFS='
'
    for line in $2; do
        case $line in "$1"*) value=${line#"$1"} found=0 ;; esac
    done
    unset IFS
    set +f
    [ "$found" = 1 ] || printf '%s\n' "$value"
    return "$found"
}

# Does mail go to MX hosts? Smarthosts that take it for all senders are then a fallback.
sends_directly() { [ -n "$direct" ] || [ -z "$smarthosts" ]; }

has_fallback() { sends_directly && [ -n "$smarthosts" ]; }

# What is printed is data: echo(1) of some shells reads backslashes, and words of strangers hold them.
echo() { printf '%s\n' "$*"; }

# Words of strangers (a server, a token endpoint, DNS, the log, the queue, names of files) as they may be shown and kept: see words.awk.
# $1 is how many bytes of a line are enough.
printable() { tr -d '\000' | awk -v limit="${1:-400}" -f "$lib/words.awk"; }

say() { printf '%s\n' "mail-relay: $*"; }
warn() { printf '%s\n' "mail-relay: $*" >&2; }
fail() { warn "$*"; exit 1; }
wrong() { warn "$*"; exit 2; }

need_root() {
    [ "$(id -u)" = 0 ] || fail "only root can do this: try 'sudo mail-relay $verb'"
}

have() { command -v "$1" >/dev/null 2>&1; }

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

digest() {
    sum=$(sha256sum <"$1") && [ -n "$sum" ] || return 1
    echo "${sum%% *}"
}

# The digests of files $2... of folder $1, "DIGEST  NAME" on a line each.
sums() {
    (cd -- "$1" && shift && sha256sum -- "$@")
}

# In the shell alone: a grep that dies would say no.
is_one_of() {
    sought=$1
    shift
    for word in "$@"; do [ "$word" != "$sought" ] || return 0; done
    return 1
}

# Is $2 a line of the text $1?
has_line() {
    case "
$1
" in *"
$2
"*) return 0 ;; esac
    return 1
}

# Do two files hold the same bytes? (cmp(1) is the faster way, and not on every minimal system.)
same() {
    [ -f "$1" ] && [ -f "$2" ] || return 1
    if have cmp; then cmp -s -- "$1" "$2"; return; fi
    one=$(digest "$1") && two=$(digest "$2") && [ "$one" = "$two" ]
}

# One at a time. With flock(1) the kernel frees the lock however we end; without it a link names our process.
lock() {
    if have flock; then
        until take_lock; do :; done
        return
    fi
    [ -d "$state" ] || mkdir -p "$state" || fail "cannot make $state: is the disk full, or mounted read-only?"
    tries=0
    # The link appears with its holder in it, or not at all.
    until ln -s "$$" "$state/lock.pid" 2>/dev/null; do
        holder=$(readlink "$state/lock.pid")
        # Whoever was killed left it behind; the same number may be another program by now.
        if [ -n "$holder" ] && ! is_mail_relay "$holder"; then
            rm -f "$state/lock.pid"
            continue
        fi
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || fail "another mail-relay (process ${holder:-unknown}) has been at work for two minutes"
        sleep 1
    done
    trap 'rm -f "$state/lock.pid"' EXIT
    trap 'exit 1' HUP INT TERM
}

# A removal deletes the lock: who waited for that one must take the next.
take_lock() {
    [ -d "$state" ] || mkdir -p "$state" || fail "cannot make $state: is the disk full, or mounted read-only?"
    # In a shell of its own first: where it fails, exec would end this one without a word.
    (: >>"$state/lock") 2>/dev/null || fail "cannot write $state/lock: is the disk full, or mounted read-only?"
    exec 9>>"$state/lock"
    flock -w 120 9 || fail "another mail-relay has been at work for two minutes; 'ps -ef | grep mail-relay' shows it"
    # shellcheck disable=SC3013  # every sh of the supported systems has -ef
    [ ! -e /proc/self/fd/9 ] || [ "$state/lock" -ef /proc/self/fd/9 ]
}

is_mail_relay() { kill -0 "$1" 2>/dev/null && { [ ! -d /proc/self ] || grep -qs mail-relay "/proc/$1/cmdline"; }; }

# A string as JSON. Input on standard input, so that no value becomes an argument.
json_string() {
    awk 'BEGIN { ORS = ""; print "\"" }
        { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); gsub(/[\001-\037]/, "?")
          if (NR > 1) print "\\n"; print }
        END { print "\"" }'
}

json() { printf '%s\n' "$1" | json_string; }
