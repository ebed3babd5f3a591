# shellcheck shell=sh
# Talks to a smarthost as Postfix would, up to a recipient, and sends nothing. The caller names a folder that only root can read
# ($probe_folder), fills it with policy_of, and calls
#
#   probe HOST PORT
#
# with, if wanted, $probe_login (a file as sasl_passwd: "[host]:port user:password"), $probe_sender and $probe_recipient.
# Return code 0: everything asked for was accepted. Else $probe_step says what was not:
#
#   openssl       there is no openssl command here          tls           the handshake failed
#   lookup        no address was found                      certificate   the chain does not lead to an authority we know
#   connect       no address could be reached               name          the certificate is for another name
#   greeting      no greeting, or no answer to EHLO         auth-offered  no way to log in that may be used here is offered
#   starttls      TLS is needed, and not offered            auth, sender, recipient   refused
#   policy        the credentials were kept back: only Postfix can verify this server as its TLS policy says
#
# $of_way, which split_destination sets, names the way of single senders that the server is part of: it has a separate policy and separate logins.
#
# $probe_words holds the server's reply, or the words of the program that failed. Besides: $probe_address, $probe_protocol (of TLS),
# $probe_verify (the number of openssl-verification-options(1), 0 is fine), $probe_begins and $probe_expires (of the certificate,
# seconds since 1970), $probe_mechanisms (those offered that Postfix may use), and $probe_auth: accepted, none (not asked for) or unknown
# (Postfix would use a mechanism that cannot be tried here).

# The policy of the configuration in folder $1, by Postfix's own reading of it.
policy_of() {
    postconf -c "$1" -x smtp_tls_security_level smtp_tls_wrappermode smtp_tls_CAfile smtp_tls_secure_cert_match smtp_tls_verify_cert_match \
        smtp_tls_mandatory_protocols smtp_tls_servername smtp_tls_cert_file smtp_tls_key_file smtp_sasl_security_options smtp_sasl_mechanism_filter \
        smtp_tls_policy_maps smtp_tls_per_site smtp_enforce_tls smtp_tls_CApath smtp_tls_trust_anchor_file \
        smtp_host_lookup inet_protocols smtp_helo_name >"$probe_folder/policy" 2>/dev/null || return
    policy_text=
    policy_folder=$1
    for of_way in ${ways:-}; do
        { cat -- "$probe_folder/policy" && options_of "$1" "smarthost-$of_way/unix"; } >"$probe_folder/policy.$of_way" || return
    done
    of_way=
    options_of "$1" smtp/unix >>"$probe_folder/policy"
}

# What the options of service $2 say, which counts more.
options_of() { postconf -c "$1" -xP "$2" 2>/dev/null | sed 's|^[^ ]*/||'; }

policy() { value_of "$1" "${policy_text:=$(cat -- "$probe_folder/policy")}"; }

probe() {
    probe_host=$1 probe_port=$2
    [ -n "${asked:-}" ] || asked=$(destination_of "$1" "$2")
    probe_step='' probe_words='' probe_address='' probe_protocol='' probe_verify='' probe_begins='' probe_expires=''
    probe_mechanisms='' probe_auth=none
    policy_text=$(cat -- "$probe_folder/policy${of_way:+.$of_way}")
    probe_level=$(policy smtp_tls_security_level)
    own_policy=$(destination_policy)
    # A level alone, with the names of main.cf: such a server is verified here as Postfix does it.
    case $own_policy in secure | verify) probe_level=$own_policy own_policy='' ;; esac
    go_through
    set -- $?
    close_dialogue
    return "$1"
}

go_through() {
    [ "$(policy smtp_tls_wrappermode)" = yes ] && wrapped=yes || wrapped=no
    find_addresses && reach_one || return
    if [ "$wrapped" = yes ]; then
        close_dialogue
        begin_tls || return
        greet || return
    else
        greet && choose_tls || return
        if [ "$starttls" = yes ]; then begin_tls -starttls smtp -name "$(policy smtp_helo_name)" || return; fi
    fi
    say_hello && log_in && try_envelope || return
    ask QUIT
    return 0
}

# The step that failed, and the words about it; without words, the reply.
failed() {
    probe_step=$1
    probe_words=$(printf '%s' "${2:-$reply}" | tr '\n\t' '  ' | printable 500)
    return 1
}

# What smtp_tls_policy_maps say of the destination: Postfix looks up the next hop as relayhost has it, and above a plain name the domains
# (postconf(5)). A table that cannot be read is a policy that nobody knows.
destination_policy() {
    maps=$(policy smtp_tls_policy_maps)
    [ -n "$maps" ] || return 0
    hop=$(destination_of "$probe_host" "$probe_port")
    [ "$asked" = "$hop" ] || hop="$hop $asked"
    case $asked in
    *[!A-Za-z0-9._-]*) ;;
    *.*)
        domain=$asked
        while case $domain in *.*) ;; *) false ;; esac; do
            domain=${domain#*.}
            hop="$hop .$domain"
        done
        ;;
    esac
    split_maps "$maps" >"$probe_folder/maps"
    while IFS= read -r map; do
        for form in $hop; do
            if answer=$(timeout "$step_seconds" postmap -c "$policy_folder" -q "$form" "$map" 2>"$probe_folder/said" 9>&- </dev/null); then
                echo "$answer"
                return
            elif grep -q -e 'fatal: ' -e 'error: ' "$probe_folder/said"; then
                echo "$map cannot be read"
                return
            fi
        done
    done <"$probe_folder/maps"
}

# The tables of a list, one on each line: separated by commas and blanks, but not inside braces.
split_maps() {
    printf '%s\n' "$1" | awk '{
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (c == "{") depth++
            if (c == "}") depth--
            if (!depth && c ~ /[ ,\t]/) { if (word != "") print word; word = "" } else word = word c
        }
        if (word != "") print word
    }'
}

# Does Postfix verify the server exactly as the probe does? Only then may the probe give it the credentials. Sets why_not.
verified_as_postfix() {
    why_not=
    case $probe_level:$(policy smtp_enforce_tls) in
    none:* | may:* | encrypt:* | :no | :) ;;
    verify:* | secure:*)
        for parameter in smtp_tls_CApath smtp_tls_trust_anchor_file; do [ -z "$(policy "$parameter")" ] || why_not=$parameter; done
        ;;
    :*) why_not='smtp_enforce_tls' ;;
    *) why_not="the level $probe_level" ;;
    esac
    [ -z "$(policy smtp_tls_per_site)" ] || why_not=smtp_tls_per_site
    [ -z "$own_policy" ] || why_not="smtp_tls_policy_maps ($own_policy)"
    [ -z "$why_not" ]
}

# --- where ---

# As smtp_host_lookup and inet_protocols have it.
find_addresses() {
    addresses=
    case $probe_host in
    *:*) addresses=$probe_host ;;
    *[!0-9.]*) ;;
    *) addresses=$probe_host ;;
    esac
    [ -z "$addresses" ] || return 0
    for service in $(policy smtp_host_lookup | tr ',' ' '); do
        set -- ahosts "$probe_host"
        [ "$service" = native ] || set -- -s hosts:dns "$@"
        addresses=$(timeout "$step_seconds" getent "$@" 2>/dev/null | awk -v protocols=" $(policy inet_protocols | tr ',' ' ') " '
            $2 != "STREAM" { next }
            protocols !~ / all / && !($1 ~ /:/ ? protocols ~ / ipv6 / : protocols ~ / ipv4 /) { next }
            { print $1 }')
        [ -z "$addresses" ] || return 0
    done
    failed lookup "no address was found for $probe_host"
}

# The dialogue stays open with the first address that answers.
reach_one() {
    tried=
    # As many as Postfix tries (smtp_mx_address_limit), so that a name with many takes no longer.
    left=5
    for probe_address in $addresses; do
        [ "$left" -gt 0 ] || break
        left=$((left - 1))
        if open_tcp "$probe_address" "$probe_port"; then return 0; fi
        tried="${tried:+$tried; }$probe_address: $(why_not_connected)"
        close_dialogue
    done
    probe_address=
    failed connect "$tried"
}

# --- hello ---

greet() {
    read_reply
    case $? in
    124) failed greeting "nothing was said within $step_seconds seconds"; return ;;
    esac
    is_reply 220 || failed greeting "${reply:-the connection was closed}"
}

say_hello() {
    ask "EHLO $(policy smtp_helo_name)"
    is_reply 250 || { failed greeting; return; }
    # A mechanism has no other characters (RFC 4422), and the shell would replace "/*" with the names of files.
    offered_mechanisms=$(printf '%s\n' "$reply" | sed -n 's/^250[- ][Aa][Uu][Tt][Hh][ =]//p' | tr 'a-z ' 'A-Z\n' | grep -x '[A-Z0-9_-]\{1,\}' | tr '\n' ' ')
    filter=$(policy smtp_sasl_mechanism_filter)
    probe_mechanisms=$(usable_mechanisms)
    return 0
}

# --- TLS ---

# Sets starttls: does TLS begin now? Refused before it is needed, and asked for on this connection only to see the answer: openssl
# begins one of its own.
choose_tls() {
    starttls=no
    [ "$probe_level" != none ] || return 0
    say_hello || return
    offered=$(printf '%s\n' "$reply" | grep -ci '^250[- ]starttls *$')
    if [ "$offered" != 0 ]; then
        ask STARTTLS
        if is_reply 220; then
            starttls=yes
            close_dialogue
            return 0
        fi
    fi
    case $probe_level in may | dane | '') return 0 ;; esac
    failed starttls
}

# First a handshake for its own sake, which shows the certificate whatever is wrong with it. Then the dialogue, in a connection that
# ends at once where the certificate is not what it should be.
begin_tls() {
    have openssl || { failed openssl 'there is no openssl command here'; return; }
    with_tls run_handshake "$@"
    look_at_certificate || return
    case $probe_level in
    secure | verify)
        find_name || return
        set -- "$@" -verify_return_error -verify_hostname "$matched"
        ;;
    esac
    with_tls open_dialogue -quiet "$@"
}

# Runs the command $1 with a command line of openssl that follows the policy.
with_tls() {
    run=$1
    shift
    case $probe_address in
    *:*) set -- -connect "[$probe_address]:$probe_port" "$@" ;;
    *) set -- -connect "$probe_address:$probe_port" "$@" ;;
    esac
    authorities=$(policy smtp_tls_CAfile)
    # Without one Postfix trusts nobody, and openssl would trust its own bundle.
    if [ -n "$authorities" ]; then set -- -CAfile "$authorities" "$@"; else set -- -no-CAfile -no-CApath "$@"; fi
    case $(policy smtp_tls_servername) in
    '') set -- -noservername "$@" ;;
    hostname | nexthop) set -- -servername "$probe_host" "$@" ;;
    *) set -- -servername "$(policy smtp_tls_servername)" "$@" ;;
    esac
    case $(policy smtp_tls_mandatory_protocols) in *!TLSv1.2*) set -- -no_tls1_2 "$@" ;; esac
    case $(policy smtp_tls_mandatory_protocols) in *!TLSv1.1* | *'>=TLSv1.2'*) set -- -no_tls1 -no_tls1_1 "$@" ;; esac
    certificate=$(policy smtp_tls_cert_file)
    [ -z "$certificate" ] || set -- -cert "$certificate" -key "$(policy smtp_tls_key_file)" "$@"
    "$run" openssl s_client "$@"
}

run_handshake() { timeout "$step_seconds" "$@" </dev/null 2>"$probe_folder/said" 9>&- | head -c 262144 >"$probe_folder/handshake"; }

look_at_certificate() {
    handshake=$probe_folder/handshake
    probe_protocol=$(sed -n 's/^New, \([^,]*\), Cipher is .*/\1/p' "$handshake" | head -n 1)
    if ! grep -q '^-----BEGIN CERTIFICATE-----$' "$handshake" || [ "$probe_protocol" = '(NONE)' ]; then
        words=$(sed -n 's/.*error:[^:]*:[^:]*:[^:]*:\([^:]*\).*/\1/p' "$probe_folder/said" | head -n 1)
        failed tls "${words:-$(tail -n 1 "$probe_folder/said")}"
        return
    fi
    probe_begins=$(certificate_date -startdate)
    probe_expires=$(certificate_date -enddate)
    probe_verify=$(sed -n 's/.*Verify return code: \([0-9]*\) .*/\1/p' "$handshake" | head -n 1)
    probe_words=$(sed -n 's/.*Verify return code: [0-9]* (\(.*\))$/\1/p' "$handshake" | head -n 1 | printable)
    case $probe_level in
    secure | verify) [ "$probe_verify" = 0 ] || { failed certificate "$probe_words"; return; } ;;
    esac
    probe_words=
}

certificate_date() {
    text=$(openssl x509 -noout "$1" <"$handshake" 2>/dev/null)
    date -d "${text#*=}" +%s
}

# Sets matched: the name of the policy that the certificate bears. The relay's destinations stand in [], so nexthop and hostname are one.
find_name() {
    for pattern in $(policy "smtp_tls_${probe_level}_cert_match" | tr ',:' '  '); do
        case $pattern in
        nexthop | hostname) matched=$probe_host ;;
        dot-nexthop) matched=.$probe_host ;;
        *) matched=$pattern ;;
        esac
        case $(openssl x509 -noout -checkhost "$matched" <"$handshake" 2>/dev/null) in
        *' does match '*) return 0 ;;
        esac
    done
    names=$(openssl x509 -noout -ext subjectAltName <"$handshake" 2>/dev/null | sed -n 's/^ *DNS:/DNS:/p')
    failed name "the certificate is for ${names:-$(openssl x509 -noout -subject <"$handshake")}"
}

# --- log-in ---

log_in() {
    [ -n "${probe_login:-}" ] || return 0
    key=${of_way:+$of_way/}$(destination_of "$probe_host" "$probe_port")
    awk -v key="$key" '$1 == key { found = 1 } END { exit !found }' "$probe_login" || { failed auth "no credentials for $key"; return; }
    # A credential leaves only towards a server that was verified as Postfix would have done it.
    verified_as_postfix || { failed policy "$why_not"; return; }
    if [ -z "$probe_protocol" ]; then
        # Postfix does not send a password in clear, nor does the probe.
        case $(policy smtp_sasl_security_options) in *noplaintext*) failed auth-offered 'no password may be sent without TLS'; return ;; esac
    fi
    mechanism=$(mechanism_of_postfix)
    case $mechanism in
    XOAUTH2)
        # In a line of its own: a token is too long for the line of a command.
        ask 'AUTH XOAUTH2'
        ! is_reply 334 || { { printf 'user='; login user; printf '\001auth=Bearer '; bearer; printf '\001\001'; } | encoded >&3; read_reply; }
        # Why not, as JSON in base64; the refusal itself comes after an empty line.
        if is_reply 334; then
            why=$(printf '%s' "${reply#334 }" | base64 -d 2>/dev/null | tr -d '\000-\037\177' | head -c 300)
            ask ''
            reply="$reply${why:+ ($why)}"
        fi
        ;;
    PLAIN)
        { printf 'AUTH PLAIN '; { printf '\0'; login user; printf '\0'; login password; } | encoded; } >&3
        read_reply
        ;;
    LOGIN)
        ask 'AUTH LOGIN'
        ! is_reply 334 || { login user | encoded >&3; read_reply; }
        ! is_reply 334 || { login password | encoded >&3; read_reply; }
        ;;
    '')
        if [ -z "$offered_mechanisms" ]; then failed auth-offered 'the smarthost offers no log-in'
        elif [ -n "$probe_mechanisms" ]; then failed auth-offered "the smarthost offers ${offered_mechanisms% }, and the SASL library here has no plugin for ${probe_mechanisms% }"
        else failed auth-offered "the smarthost offers ${offered_mechanisms% }, and Postfix uses only $filter"; fi
        return
        ;;
    *)
        probe_auth=unknown
        return 0
        ;;
    esac
    is_reply 235 || { hide_login; failed auth; return; }
    probe_auth=accepted
}

# A server may repeat in its refusal what it was sent, or a part of it, and the words end up in the journal. A short password may be a
# word of its own.
hide_login() {
    case $mechanism in XOAUTH2) secret=bearer ;; *) secret='login password' ;; esac
    reply=$(
        {
            { printf '\0'; login user; printf '\0'; $secret; } | encoded
            { printf 'user='; login user; printf '\001auth=Bearer '; $secret; printf '\001\001'; } | encoded
            $secret | encoded
            $secret | tr -d '\r\n\000'
            printf '\n%s\n' "$reply"
        } | tr -d '\r' | awk -f "$lib/hide.awk"
    )
}

# Those of the offered mechanisms that smtp_sasl_mechanism_filter lets through: the first pattern that fits decides, "!" excludes
# (postconf(5)). Tables and files in the list are asked as Postfix would.
usable_mechanisms() {
    for mechanism in $offered_mechanisms; do
        if [ -z "$filter" ] || fits_filter "$mechanism"; then printf '%s ' "$mechanism"; fi
    done
}

fits_filter() {
    for pattern in $(printf '%s' "$filter" | tr ',' ' '); do
        fits=0
        case $pattern in '!'*) fits=1 pattern=${pattern#!} ;; esac
        case $pattern in
        /*) grep -qixF -e "$1" "$pattern" 2>/dev/null && return "$fits" ;;
        *:*) [ -n "$(postmap -c "$policy_folder" -q "$1" "$pattern" 2>/dev/null 9>&-)" ] && return "$fits" ;;
        *) [ "$(printf '%s' "$pattern" | tr '[:lower:]' '[:upper:]')" = "$1" ] && return "$fits" ;;
        esac
    done
    return 1
}

# Where Cyrus SASL has its plugins.
sasl_folders='/usr/lib/sasl2 /usr/lib64/sasl2 /usr/lib/*/sasl2'

has_sasl_plugin() {
    for folder in $sasl_folders; do
        for file in "$folder/lib$1".so*; do
            if [ -e "$file" ]; then return 0; fi
        done
    done
    return 1
}

# The mechanism that Cyrus SASL would take: one that hides the password before PLAIN and LOGIN, where its plugin is here.
mechanism_of_postfix() {
    for mechanism in $probe_mechanisms; do
        case $mechanism in
        PLAIN | LOGIN | EXTERNAL | ANONYMOUS) continue ;;
        XOAUTH2) if [ "$filter" = xoauth2 ]; then echo XOAUTH2; return; fi ;;
        SCRAM-*) plugin=scram ;;
        GSSAPI | GSS-SPNEGO) plugin=gssapiv2 ;;
        GS2-*) plugin=gs2 ;;
        *) plugin=$(printf '%s' "$mechanism" | tr -d '-' | tr '[:upper:]' '[:lower:]') ;;
        esac
        if [ "$mechanism" != XOAUTH2 ] && has_sasl_plugin "$plugin"; then echo "$mechanism"; return; fi
    done
    for mechanism in PLAIN LOGIN; do
        case " $probe_mechanisms" in *" $mechanism "*) echo "$mechanism"; return ;; esac
    done
}

# The user or the password, byte for byte, from the file alone.
login() {
    awk -v key="$key" -v part="$1" '
        $1 == key {
            text = substr($0, length(key) + 1)
            sub(/^[ \t]+/, "", text)
            colon = index(text, ":")
            printf "%s", part == "user" ? substr(text, 1, colon - 1) : substr(text, colon + 1)
            exit
        }' "$probe_login"
}

# sasl_passwd has a path in place of the token.
bearer() {
    path=$(login password)
    cat "$state/oauth2/${path##*/}/access_token"
}

encoded() { base64 | tr -d '\n' && printf '\r\n'; }

# --- envelope ---

# As far as a recipient, and back.
try_envelope() {
    # What cannot be tried decides nothing.
    [ -n "${probe_sender:-}" ] && [ "$probe_auth" != unknown ] || return 0
    ask "MAIL FROM:<$probe_sender>"
    is_reply 2 || { failed sender; return; }
    if [ -n "${probe_recipient:-}" ]; then
        ask "RCPT TO:<$probe_recipient>"
        is_reply 2 || { failed recipient; return; }
    fi
    ask RSET
    return 0
}
