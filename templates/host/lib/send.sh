# shellcheck shell=sh
# test: sends a message, follows it through the log, and says how it ended. Exit 0 when the smarthost took it.

send_main() {
    address=root subject='' timeout=60 format=text color=auto
    while [ $# -gt 0 ]; do
        if look_option "$@"; then shift "$words"; continue; fi
        case $1 in
        --recipient | --subject | --timeout)
            [ $# -ge 2 ] || wrong "$1 needs a value"
            option "$1" "$2"
            shift
            ;;
        --recipient=* | --subject=* | --timeout=*) option "${1%%=*}" "${1#*=}" ;;
        -*) wrong "test has no option '$1'" ;;
        *) address=$1 ;;
        esac
        shift
    done
    check_words
    have postconf || fail "Postfix is not installed; mend: install the package 'postfix'"
    scratch=$(mktemp -d) || fail "cannot make a temporary folder: is the disk full?"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    mark_log
    submit || fail "Postfix did not take the message; 'mail-relay status' says more"
    follow
    judge
    if [ "$format" = json ]; then report_json; else report_text; fi
    [ "$result" = delivered ]
}

option() {
    case $1 in
    --recipient) address=$2 ;;
    --subject) subject=$2 ;;
    --timeout) timeout=$2 ;;
    esac
}

# An address or a subject must not add a header or an option.
check_words() {
    choose_look
    case $timeout in '' | *[!0-9]*) wrong "--timeout is a number of seconds" ;; esac
    case $address in
    '' | -* | *[!A-Za-z0-9._+=~%\&/!*?^@\'-]*) wrong "'$address' is not an address" ;;
    esac
    case $subject in *'
'*) wrong "a subject is one line" ;; esac
}

submit() {
    host=$(postconf -xh myhostname)
    # Nobody else can guess it: the log is searched for it.
    id="mail-relay-test.$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')@$host"
    "$(postconf -xh sendmail_path)" -i -- "$address" <<END
To: $address
Subject: ${subject:-Test of the mail relay on $host}
Message-ID: <$id>
Auto-Submitted: auto-generated

This message was sent by 'mail-relay test' on $host.
Its arrival proves that the relay works.
END
}

# Waits until the log has the last word on every recipient.
follow() {
    end=$(($(date +%s) + timeout))
    while :; do
        read_log | printable 2000 | awk -v id="$id" -f "$lib/delivery.awk" -f "$lib/follow.awk" >"$scratch/trace"
        wanted=$(value recipients | tail -n 1)
        known=$(grep -c '^to	' "$scratch/trace")
        if grep -q '^removed$' "$scratch/trace" || [ "$known" -ge "${wanted:-1}" ]; then return; fi
        [ "$(date +%s)" -lt "$end" ] || return
        [ "$log_file" != none ] || return
        sleep 0.2 2>/dev/null || sleep 1
    done
}

value() { sed -n "s/^$1	//p" "$scratch/trace"; }

# The worst status counts.
judge() {
    queue_id=$(value queue)
    statuses=$(value to | cut -f 3)
    reason='' what='' mend=''
    case " $(echo "$statuses" | tr '\n' ' ')" in
    *' bounced '*) result=bounced ;;
    *' deferred '*) result=deferred ;;
    *' sent '*) result=delivered ;;
    *) result=unknown ;;
    esac
    case $result in
    delivered) ;;
    unknown) explain_silence ;;
    *) explain_failure ;;
    esac
}

explain_failure() {
    { value to | awk -F '\t' '$3 != "sent" { print $5 }'; value detail; } >"$scratch/words"
    found=$(explain <"$scratch/words")
    # A server's own words about one message outrank what was logged around it, unless they only say that TLS failed.
    own=$(value to | awk -F '\t' '$3 != "sent" { print $5 }' | explain)
    case $own in
    '' | certificate'	'*) ;;
    *) found=$own ;;
    esac
    # Postfix before 3.6 does not say it: the authority is known, so what is wrong is the name.
    case $found in
    certificate'	'*) if value tls | grep -q '	Trusted$'; then found=$(echo 'peer name verification failed' | explain); fi ;;
    esac
    reason=$(echo "$found" | cut -f 1)
    what=$(echo "$found" | cut -f 3)
    mend=$(echo "$found" | cut -f 4)
    if [ -z "$found" ]; then
        reason=other what='the message did not leave' mend="see the words of Postfix above, and 'mailq'"
    fi
}

explain_silence() {
    if [ "$log_file" = none ]; then
        reason=no-log what='no mail log can be read here, so nobody knows what became of the message'
        mend="look into 'mailq'; run this as root"
    elif [ -z "$queue_id" ]; then
        reason=not-running what='Postfix took the message into its spool but has not picked it up'
        mend="see 'systemctl status postfix', then 'systemctl restart postfix'"
        [ "$(id -u)" = 0 ] || mend="run this as root: others may not see the log"
    else
        reason=slow what="nothing was decided within $timeout seconds"
        mend="the message is in the queue (mailq); try --timeout 300"
    fi
}

# What TLS was on the connection to relay $1. At these levels a message is sent only when the certificate was verified.
tls_of() {
    seen=$(value tls | awk -F '\t' -v relay="$1" '$1 == relay { print tolower($2) }')
    case $(postconf -xh smtp_tls_security_level) in
    secure | verify | fingerprint | dane-only) echo verified ;;
    *) echo "${seen:-unknown}" ;;
    esac
}

report_text() {
    [ "$result" = delivered ] && good=yes || good=no
    echo "message to $address: $(tint "$good" "$result")${queue_id:+ (queue id $queue_id)}"
    value to | while IFS='	' read -r recipient relay status dsn words; do
        case $status in
        sent) echo "  $recipient: taken by $relay, TLS $(tls_of "$relay"); it said: $words" ;;
        *) echo "  $recipient: $status by $relay ($dsn): $words" ;;
        esac
    done
    [ -z "$what" ] || echo "  why:  $what"
    [ -z "$mend" ] || echo "  mend: $mend"
}

report_json() {
    printf '{"result":%s,"address":%s,"queue_id":%s,"recipients":[' "$(json "$result")" "$(json "$address")" "$(json "$queue_id")"
    separator=
    value to >"$scratch/to"
    while IFS='	' read -r recipient relay status dsn words; do
        tls=null
        [ "$status" != sent ] || tls=$(json "$(tls_of "$relay")")
        printf '%s{"address":%s,"relay":%s,"status":%s,"dsn":%s,"reply":%s,"tls":%s}' "$separator" "$(json "$recipient")" \
            "$(json "$relay")" "$(json "$status")" "$(json "$dsn")" "$(json "$words")" "$tls"
        separator=,
    done <"$scratch/to"
    printf '],"reason":'
    if [ -n "$reason" ]; then
        printf '{"name":%s,"what":%s,"mend":%s}}\n' "$(json "$reason")" "$(json "$what")" "$(json "$mend")"
    else
        echo 'null}'
    fi
}
