# shellcheck shell=sh
# doctor: the way to each smarthost that is in force, as far as a recipient.

# Ports where smarthosts serve, those that most networks let through first.
usual_ports='587 465 2525 25 2465 2587'

look_at_network() {
    find_relays live
    [ -n "$relays" ] || sends_directly || return 0
    if [ -z "$(nameservers)" ]; then resolver_missing; return; fi
    look_at_direct
    [ -n "$relays" ] || return 0
    policy_of "$postfix_dir" || { finding package-damaged 'postconf cannot read the live configuration'; return; }
    probe_sender=$(sender) probe_recipient=$(live relay_root_address)
    look_back "$probe_folder/ways"
    look_at_smarthosts "$usual"
    usual_reached=$reached
    for way in $ways; do look_at_way "$way"; done
    reached=$usual_reached
}

# Sets reached. Where mail leaves by one of these, what is wrong with the rest can wait.
look_at_smarthosts() {
    was_broken=$broken stayed=$stays found=$(wc -l <"$probe_folder/findings") reached=no
    for relay in $1; do look_at_smarthost "$relay"; done
    if [ "$reached" = yes ]; then soften warning 'mail leaves by another smarthost meanwhile; this way out is closed' "$was_broken"
    elif has_fallback && [ "$1" = "$usual" ]; then soften warning 'mail that MX hosts do not accept now waits; all other mail leaves' "$was_broken"; fi
}

# What is wrong with the smarthosts of single senders keeps no other mail here.
look_at_way() {
    # An address of a domain may be refused for what it is.
    probe_sender=$(awk -v way="$1" '$2 == way && $1 !~ /^@/ { print $1; exit }' "$postfix_dir/sender_ways" 2>/dev/null)
    [ -n "$probe_sender" ] || probe_sender=$(sender)
    of_this_way=
    for relay in $relays; do
        case $relay in "$1/"*) of_this_way="$of_this_way $relay" ;; esac
    done
    look_at_smarthosts "$of_this_way"
    [ "$reached" = yes ] || soften broken "mail for the smarthost $1 waits" "$broken"
}

# Gives what was found since the last list the severity $1 and the reason $2: mail leaves nevertheless. $3 is whether anything is broken now.
soften() {
    awk -F '\t' -v OFS='\t' -v from="$found" -v severity="$1" -v why="$2" 'NR > from && $2 == "broken" { $2 = severity; $3 = "leaves"; $5 = why } { print }' "$probe_folder/findings" >"$probe_folder/softer" &&
        mv "$probe_folder/softer" "$probe_folder/findings"
    broken=$3 stays=$stayed
}

resolver_missing() {
    if systemctl -q is-active systemd-resolved.service 2>/dev/null; then
        finding resolver-missing 'ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf && systemctl restart postfix'
    else
        finding resolver-missing 'echo nameserver ADDRESS >/etc/resolv.conf && systemctl restart postfix'
    fi
}

# An address as mail of root leaves with.
sender() {
    address=$(live relay_from)
    case $address in
    '') echo "root@$(live myorigin)" ;;
    @*) echo "root$address" ;;
    *) echo "$address" ;;
    esac
}

look_at_smarthost() {
    split_destination "$1"
    probe_login=
    if wants_login "$1" && [ -f "$postfix_dir/sasl_passwd" ]; then probe_login=$postfix_dir/sasl_passwd; fi
    if probe "$host" "$port"; then
        reached=yes
        [ "$probe_auth" != unknown ] || finding login-untried "$host" "Postfix logs in by one of ${probe_mechanisms% }, which the doctor cannot"
        soon=$(((${probe_expires:-9999999999} - $(date +%s)) / 86400))
        [ "$soon" -ge 14 ] || finding certificate-expires "$host" "$soon"
        return
    fi
    case $probe_step:$probe_words in
    openssl:*) finding openssl-missing ;;
    policy:*) finding login-untried "$host" "only Postfix itself can verify it: $probe_words" ;;
    lookup:*) finding dns "$host" ;;
    connect:*) unreachable ;;
    greeting:[45][0-9][0-9]*) finding turned-away "$host" "$port" "$probe_words" ;;
    greeting:* | tls:* | starttls:*) no_tls ;;
    certificate:*) bad_certificate ;;
    name:*) finding certificate-name "$host" "$probe_words" ;;
    auth-offered:*) finding auth-not-offered "$host" "$port" "$probe_words" ;;
    *) refused_by_smarthost ;;
    esac
}

wants_login() {
    # shellcheck disable=SC2086  # words on purpose
    if [ -n "$of_way" ]; then is_one_of "$1" $password_hosts; else [ "$(live smtp_sasl_auth_enable)" = yes ]; fi
}

unreachable() {
    case $probe_words in
    *'etwork is unreachable'* | *'No route to host'* | *'Cannot assign requested address'*) finding no-route "$host" "$port" "$probe_words"; return ;;
    esac
    others=$(other_ports)
    if [ -n "$others" ]; then
        finding port-closed "$host" "$port" "$probe_words" "$(echo "$others" | tr '\n' ' ' | sed 's/ $//')" "$(echo "$others" | head -n 1)"
    else
        case $probe_words in *refused*) finding refused "$host" "$port" "$probe_words" ;; *) finding timeout "$host" "$port" "$probe_words" ;; esac
    fi
}

# Those of the usual ports that answer, asked all at once.
other_ports() {
    address=$(echo "$addresses" | head -n 1)
    for other in $usual_ports; do
        [ "$other" != "$port" ] || continue
        # shellcheck disable=SC2016  # a program for bash
        (! timeout 3 bash -c 'exec 5<>"/dev/tcp/$0/$1"' "$address" "$other" 2>/dev/null || : >"$probe_folder/port.$other") &
    done
    wait
    for other in $usual_ports; do [ ! -e "$probe_folder/port.$other" ] || echo "$other"; done
    rm -f "$probe_folder"/port.*
}

# A port that begins in the other way than ours looks dead: so the other way is tried, too.
no_tls() {
    step=$probe_step words=$probe_words
    wrapper=$(policy smtp_tls_wrappermode)
    if [ "$wrapper" = yes ] && [ "$step" = tls ] && speaks_first; then
        finding tls-mode "$host" "$port" 'in clear (STARTTLS)' 'with TLS' 465
    elif [ "$wrapper" != yes ] && [ "$step" = greeting ] && have openssl && begins_with_tls; then
        finding tls-mode "$host" "$port" 'with TLS' 'in clear (STARTTLS)' 587
    else
        case $step in
        greeting) finding greeting "$host" "$port" "$words" ;;
        starttls) finding tls-not-offered "$host" "$port" "$words" ;;
        *) finding tls-handshake "$host" "$port" "$words" ;;
        esac
    fi
}

speaks_first() {
    open_tcp "$probe_address" "$port" && read_reply && is_reply 220
    set -- $?
    close_dialogue
    return "$1"
}

begins_with_tls() { with_tls run_handshake && grep -q '^-----BEGIN CERTIFICATE-----$' "$probe_folder/handshake"; }

bad_certificate() {
    today=$(date -u)
    if [ "$(date +%s)" -lt "${probe_begins:-0}" ]; then finding clock "$host" "$(date -u -d "@$probe_begins")" "$today"
    elif [ "$(date +%s)" -gt "${probe_expires:-9999999999}" ]; then finding certificate-expired "$host" "$(date -u -d "@$probe_expires")" "$today"
    else finding unknown-ca "$host" "$probe_words" "$(tool anchor)"; fi
}

# The table of reasons knows the words of many providers.
refused_by_smarthost() {
    find_reason "$probe_words"
    case ${known%%	*} in
    password-refused | '')
        case $probe_step in
        auth)
            case $probe_words:$(policy smtp_sasl_mechanism_filter) in
            'no credentials for '*) finding no-credentials-for "${probe_words#no credentials for }" ;;
            *:xoauth2) finding token-refused "$host" "$probe_words" "$(login_keys "$(key_of_destination "$relay")" "$state/applied/sources")" ;;
            *) finding password-refused "$host" "$probe_words" "$(login_keys "$(key_of_destination "$relay")" "$state/applied/sources")" "$(login_advice)" ;;
            esac
            ;;
        sender) finding sender-refused "$host" "$probe_sender" "$probe_words" ;;
        *) finding recipient-refused "$host" "$probe_recipient" "$probe_words" ;;
        esac
        ;;
    relay-denied | auth-required) finding relay-denied "$host" "$probe_words" ;;
    sender-refused) finding sender-refused "$host" "$probe_sender" "$probe_words" ;;
    recipient-refused | recipients) finding recipient-refused "$host" "$probe_recipient" "$probe_words" ;;
    *) finding smarthost-says "$host" "$probe_words" "$why" "$fix" ;;
    esac
}
