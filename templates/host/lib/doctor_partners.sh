# shellcheck shell=sh
# doctor: the programs that Postfix asks where it serves others: a database, Dovecot, milters, a resolver that validates. In an image
# under construction none of them runs.

look_at_partners() {
    in_system || return 0
    look_at_database
    look_at_dovecot
    look_at_milters
    look_at_dnssec
}

# --- the database ---

# Each live file is asked for what nobody has. No answer of a client holds a password.
look_at_database() {
    [ -n "$database" ] || return 0
    # Then nobody asks a directory (build.sh).
    if [ "$database:$database_login" = ldap:no ]; then finding database-refuses 'there is no login yet'; return; fi
    for table in $tables; do
        name=${table%%:*}
        [ "${table##*:}" = database ] && [ -f "$postfix_dir/$name" ] || continue
        timeout "$step_seconds" postmap -q nobody@domain.invalid "$database:$postfix_dir/$name" >/dev/null 2>"$probe_folder/said"
        case $? in
        124) words="connect to $database server: nothing was said within $step_seconds seconds" ;;
        *) words=$(sed -n 's/^postmap: [a-z]*: //p' "$probe_folder/said" | head -n 1) ;;
        esac
        [ -z "$words" ] || { database_says; return; }
    done
}

database_says() {
    case $words in
    'unsupported dictionary type'*) finding package-damaged "$words" ;;
    *'ccess denied'* | *'command denied'* | *'permission denied'* | *'authentication failed'* | *' role '*'not exist'* | \
        *'not permitted to log in'* | *'no password supplied'* | *'no pg_hba.conf entry'* | *'Invalid credentials'*) finding database-refuses "$words" ;;
    *'nknown database'* | *' database '*'not exist'*) finding database-query "$name" "$words" ;;
    'connect to '* | *"Can't contact LDAP server"*) finding database-away "$words" "$(mend_of_database)" ;;
    *) finding database-query "$name" "$words" ;;
    esac
}

mend_of_database() {
    case $database in mysql) units='mariadb mysql' ;; ldap) units=slapd ;; *) units=postgresql ;; esac
    for own in $units; do
        if is_stopped "$own"; then echo "\$ systemctl start $own && systemctl reload postfix"; return; fi
    done
    echo "see why it does not answer; then 'systemctl reload postfix', or wait a minute"
}

# Is there a unit of this name that does not run?
is_stopped() { [ "$(property LoadState "$1.service")" = loaded ] && ! systemctl -q is-active "$1.service"; }

# --- Dovecot ---

# One finding for both of its sockets: it is one program.
look_at_dovecot() {
    missing='' harm=''
    if [ "$(live smtpd_sasl_type)" = dovecot ]; then
        place=$(live smtpd_sasl_path)
        case $place in *:*) ;; *) place=unix:$place ;; esac
        answers "$place" || lacks "${place#unix:}" 'nobody can log in (587 and 465 hang up)'
    fi
    transport=$(live virtual_transport)
    case $transport in
    lmtp:unix:* | lmtp:inet:*) answers "${transport#lmtp:}" || lacks "${transport#lmtp:*:}" 'mail for mailboxes waits in the queue' ;;
    esac
    [ -n "$missing" ] || return 0
    # The networks of a LAN relay are trusted by their addresses.
    if [ "$profile" = lan-relay ]; then finding dovecot-login "$missing" "$harm" "$(mend_of_dovecot)"
    else finding dovecot-socket "$missing" "$harm" "$(mend_of_dovecot)"; fi
}

# Where Dovecot is stopped, its sockets stay behind.
answers() { listens "$1" && { ! is_stopped dovecot || grep -q "/${1##*/}\$" /proc/net/unix; }; }

lacks() { missing="${missing:+$missing and }$1" harm="${harm:+$harm, }$2"; }

mend_of_dovecot() {
    for place in $missing; do
        case $place in
        and | *:[0-9]*) ;;
        *) doveconf -n 2>/dev/null | grep -q "${place##*/}" || {
            echo "let Dovecot listen on it: 'unix_listener $spool/$place' in its configuration, then 'systemctl restart dovecot'"
            return
        } ;;
        esac
    done
    echo '$ systemctl restart dovecot'
}

# Does anybody listen at inet:HOST:PORT or unix:PATH? Where nobody does, $words says how one sees it.
listens() {
    place=${1#*:}
    case $1 in
    inet:*)
        split_destination "$place"
        open_tcp "$host" "$port"
        set -- $?
        words=$(why_not_connected)
        close_dialogue
        return "$1"
        ;;
    esac
    words='there is no such socket'
    # A service in a chroot has the queue's folder for its root.
    [ -S "$spool/${place#/}" ] || case $place in /*) [ -S "$place" ] ;; *) return 1 ;; esac
}

# --- milters ---

look_at_milters() {
    (live smtpd_milters; live non_smtpd_milters) | awk -F '[ ,{}]+' '
        { for (n = 1; n <= NF; n++) if ($n ~ /^(inet|unix|local):/ && !seen[$n]++) print $n }' >"$probe_folder/milters"
    while read -r milter; do
        listens "$milter" || finding milter-away "$milter" "$words" "$(live milter_default_action)"
    done <"$probe_folder/milters"
}

# --- the resolver ---

# Postfix asks a resolver once whether it validates, when an answer is not signed (dnssec_probe in postconf(5)), and says so.
look_at_dnssec() {
    [ "$(live smtp_dns_support_level)" = dnssec ] || return 0
    words=$(journalctl -q --no-pager -o cat "_SYSTEMD_INVOCATION_ID=$(property InvocationID "$unit")" 2>/dev/null | sed -n "s/^warning: reason: \(dnssec_probe\)/\1/p" | tail -n 1)
    [ -z "$words" ] || finding dnssec "$words"
}
