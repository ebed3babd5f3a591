# shellcheck shell=sh
# The smarthosts of the package: which have credentials, where mail goes by them, and the keys of relay.env that the others wait for.

# Calls $1 for each smarthost, with key (its name in keys of relay.env), name, host, port, tls, auth and of_way (the way of single senders
# that it is part of, or empty) set; RELAY_HOST and RELAY_PORT replace those of the first.
each_smarthost() {
    first=yes
    for key in $smarthosts; do
        eval "words=\$smarthost_$key"
        # shellcheck disable=SC2154,SC2086  # set by eval; five words on purpose
        read_smarthost $words
        "$1" || return
        first=no
    done
}

read_smarthost() {
    name=$1 host=$2 port=$3 tls=$4 auth=$5 of_way=${6:-}
    [ "$first" = yes ] || return 0
    host=${relay_host:-$host}
    if [ -n "$relay_port" ] && [ "$relay_port" != "$port" ]; then
        port=$relay_port
        tls=$(tls_of_port "$port" "$tls")
    fi
}

# How TLS starts on port $1, where the package has $2 for its own port: implicit TLS on the ports of the facts, and nowhere else.
tls_of_port() {
    case " $implicit_tls_ports " in
    *" $1 "*) [ "$2" = none ] && echo none || echo wrapper ;;
    *) [ "$2" = wrapper ] && echo starttls || echo "$2" ;;
    esac
}

# Sets password_hosts for env.awk: the smarthosts that want a login, by the names of their keys, and the keys of sasl_passwd. Those in
# token_hosts want a token for a password.
find_password_hosts() {
    password_hosts='' token_hosts=''
    each_smarthost add_password_host
}

add_password_host() {
    [ "$auth" != none ] || return 0
    [ "$auth" != xoauth2 ] || token_hosts="${token_hosts:+$token_hosts }$key"
    password_hosts="$password_hosts $key $(endpoint)"
}

# The smarthost of each_smarthost as sasl_passwd and messages name it: its destination, after the name of its way if it is part of one.
endpoint() { echo "${of_way:+$of_way/}$(destination_of "$host" "$port")"; }

# Sets relayhost and way_hops (the smarthosts that can be used: for all senders, and for single ones), without (the names that lack
# credentials), waiting (the same as endpoints), blocked (the ways without any smarthost) and wrapper; writes into folder $1 what
# the sources say: sasl_passwd, where somebody wants a password, sources, "KEY SOURCE" of every key that counts, and login, for a database,
# where there is one (database_login).
plan_smarthosts() {
    relayhost='' way_hops='' without='' waiting='' blocked='' wrapper='' database_login=no
    with=$(read_env "names sources=$1/sources${password_hosts:+ sasl=$1/sasl_passwd}${database:+ database=$1/login}") || return 2
    [ ! -s "$1/login" ] || database_login=yes
    if sends_directly && [ -n "$relay_host$relay_port" ]; then
        warn "RELAY_HOST and RELAY_PORT have no effect: this package sends straight to MX hosts; mend: take the lines out of $relay_env, or build the package without provider = \"direct\""
        return 2
    fi
    each_smarthost plan_smarthost || return
    wrapper=${wrapper:-no}
    for way in $ways; do [ -n "$(hops_of_way "$way" "$way_hops")" ] || blocked="${blocked:+$blocked }$way"; done
    find_left_out
}

# Sets left_out and left_waiting: the names and endpoints of smarthosts without credentials that another one replaces.
find_left_out() {
    left_out='' left_waiting=''
    # shellcheck disable=SC2086  # words on purpose
    set -- $without
    for one in $waiting; do
        # shellcheck disable=SC2086  # words on purpose
        case $one in
        */\[*) if ! is_one_of "${one%%/*}" $blocked; then leave_out "$1" "$one"; fi ;;
        *) if [ -n "$relayhost" ] || sends_directly; then leave_out "$1" "$one"; fi ;;
        esac
        shift
    done
}

leave_out() { left_out="${left_out:+$left_out }$1" left_waiting="${left_waiting:+$left_waiting }$2"; }

plan_smarthost() {
    # shellcheck disable=SC2086  # words on purpose
    if [ "$auth" != none ] && ! is_one_of "$key" $with; then
        without="${without:+$without }$name"
        waiting="${waiting:+$waiting }$(endpoint)"
        return 0
    fi
    # How TLS starts there is an option of its service.
    if [ -n "$of_way" ]; then
        way_hops="${way_hops:+$way_hops }$(endpoint)"
        return 0
    fi
    wrapped=no
    [ "$tls" = wrapper ] && wrapped=yes
    if [ -n "$wrapper" ] && [ "$wrapper" != "$wrapped" ]; then
        warn "smarthost $name (port $port) and the ones before it start TLS in different ways, which one Postfix transport cannot do; choose ports of one kind (587 or 465)"
        return 2
    fi
    wrapper=$wrapped
    relayhost="${relayhost:+$relayhost, }$(destination_of "$host" "$port")"
}

wanted_keys() {
    # shellcheck disable=SC2086  # words on purpose
    set -- $password_hosts
    login_keys "${1:-}" /dev/null
}

# The keys of relay.env with the login at the smarthost with key $1: its own where the file $2 ("KEY SOURCE" lines) has them, or where
# the plain ones are for another host (see env.awk).
login_keys() {
    own=RELAY_$1_ plain_host='' its_host=''
    # shellcheck disable=SC2086  # words on purpose
    set -- "$1" "$2" $password_hosts
    key=$1 known=$2
    shift 2
    plain_host=${2:-}
    while [ $# -ge 2 ]; do
        [ "$1" != "$key" ] || its_host=$2
        shift 2
    done
    # An account for single senders is never that of all.
    case $its_host in */*) plain_host='' ;; esac
    if [ "${its_host%:*}" = "${plain_host%:*}" ] && ! grep -q "^$own" "$known" 2>/dev/null; then own=RELAY_; fi
    # shellcheck disable=SC2086  # words on purpose
    if is_one_of "$key" $token_hosts; then echo "${own}USERNAME, ${own}CLIENT_ID and ${own}REFRESH_TOKEN"; else echo "${own}USERNAME and ${own}PASSWORD"; fi
}

# The keys of relay.env with the logins that the endpoints $1 wait for.
waiting_keys() {
    all=
    for one in $1; do all="${all:+$all; }$(login_keys "$(key_of_destination "$one")" /dev/null)"; done
    echo "$all"
}

# The key of the smarthost at destination $1.
key_of_destination() {
    # shellcheck disable=SC2086  # words on purpose
    set -- "$1" $password_hosts
    sought=$1
    shift
    while [ $# -ge 2 ]; do
        if [ "$2" = "$sought" ]; then echo "$1"; return; fi
        shift 2
    done
}

# --- the ways of single senders ---

# The parameter of main.cf that says where mail goes by way $1.
parameter_of_way() { echo "relay_way_$(printf '%s' "$1" | tr - _)"; }

# Those of the endpoints $2 that are part of way $1, as a list of Postfix.
hops_of_way() {
    hops=
    for hop in $2; do
        case $hop in "$1/"*) hops="${hops:+$hops, }${hop#*/}" ;; esac
    done
    echo "$hops"
}

# Sets usual (the active smarthosts for all senders, or the fallback for MX hosts), relays (these, and the endpoints of all ways) and idle (the ways without any). $1 is
# a command that prints the active value of a parameter.
find_relays() {
    if has_fallback; then usual=smtp_fallback_relay; else usual=relayhost; fi
    usual=$("$1" "$usual" | tr -s ', ' ' ')
    relays=$usual idle=''
    for way in $ways; do
        hops=$("$1" "$(parameter_of_way "$way")")
        case $hops in
        smarthost-*:*) for hop in $(printf '%s' "${hops#*:}" | tr ',' ' '); do relays="${relays:+$relays }$way/$hop"; done ;;
        *) idle="${idle:+$idle }$way" ;;
        esac
    done
}

# The lines of main.cf that say where mail of single senders goes. Where a way has no smarthost with credentials, mail waits.
rows_of_ways() {
    for way in $ways; do
        hops=$(hops_of_way "$way" "$way_hops")
        if [ -n "$hops" ]; then hops="smarthost-$way:$hops"; else hops="retry:4.7.8 no credentials yet: put $(keys_of_way "$way") into $relay_env"; fi
        echo "$(parameter_of_way "$way") = $hops"
    done
}

# The keys of relay.env that way $1 waits for: of its first smarthost.
keys_of_way() {
    for one in $waiting; do
        case $one in "$1/"*) waiting_keys "$one"; return ;; esac
    done
}
