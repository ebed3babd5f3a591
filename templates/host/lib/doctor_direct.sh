# shellcheck shell=sh
# doctor: what other servers expect of a host that sends mail to them itself: a way to port 25, a name of its address, SPF, and no entry in a
# block list. The sources are RFC 5321 (4.1.4), RFC 7208 and RFC 5782.

look_at_direct() {
    [ "$direct" = stated ] && [ -n "$(nameservers)" ] && have bash || return 0
    look_at_port_25
    seen=$(public_addresses)
    [ -n "$seen" ] || [ -z "$reached_25" ] || finding direct-address-unknown
    for own in $seen; do
        look_at_name_of_address
        look_at_block_lists
        look_at_spf
    done
}

# --- port 25 ---

# Servers that mail goes to: the MX hosts of root's person and of the sender.
look_at_port_25() {
    words='' reached_25='' nearest=''
    for address in "$(live relay_root_address)" "$(sender)"; do
        case $address in *@*) ;; *) continue ;; esac
        for mx in $(mx_of "${address##*@}" | head -n 2); do
            [ "$mx" != . ] && ! is_this_host "$mx" || continue
            nearest=${nearest:-$mx}
            greeting_of "$mx" && { reached_25=$mx; break 2; }
        done
    done
    [ -n "$nearest" ] || return 0
    if [ -z "$reached_25" ]; then finding port-25-closed "$nearest" "${words:-no answer within 10 seconds}"; return; fi
    case $words in [45]*) finding direct-rejected "$reached_25" "$words" ;; esac
}

# Sets words to the first line of the server $1, or to what went wrong.
greeting_of() {
    # shellcheck disable=SC2016  # a program for bash
    words=$(timeout 10 bash -c 'exec 5<>"/dev/tcp/$0/25" && IFS= read -r -t 8 line <&5 && printf %s "$line"' "$1" 2>"$probe_folder/said" | tr -d '\r') && [ -n "$words" ] && return
    words=$(sed -n 's/.*: \(.*\)$/\1/p' "$probe_folder/said" | head -n 1)
    return 1
}

# --- the address ---

# The addresses that other servers see: those of the spec, else the ones that packets to them have, unless these are private.
public_addresses() {
    if [ -n "$direct_addresses" ]; then printf '%s\n' "$direct_addresses" | tr ' ' '\n'; return; fi
    have ip && [ -n "${reached_25:-}" ] || return 0
    timeout 2 getent -s dns ahosts "$reached_25" 2>/dev/null | awk '{ print $1 }' | sort -u | while read -r to; do
        ip -o route get "$to" 2>/dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p'
    done | sort -u | grep -Ev '^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|::1$|f[cd]|fe[89ab])'
}

addresses_of() { timeout 2 getent -s dns ahosts "$1" 2>/dev/null | awk '{ print $1 }' | sort -u; }

look_at_name_of_address() {
    pointer=$(timeout 2 getent -s dns hosts "$own" 2>/dev/null | awk 'NR == 1 { print $2 }')
    helo=$(live smtp_helo_name)
    if [ -z "$pointer" ]; then finding direct-no-ptr "$own" "$helo"
    elif ! addresses_of "$pointer" | grep -qxF -e "$own"; then finding direct-ptr-differs "$own" "$pointer"
    elif ! addresses_of "$helo" | grep -qxF -e "$own"; then finding direct-helo "$helo" "$own" "$pointer"; fi
}

# --- block lists ---

look_at_block_lists() {
    for list in $direct_lists; do
        answer=$(addresses_of "$(reversed "$own").$list" | grep '^127\.' | grep -v '^127\.255\.' | head -n 1)
        [ -z "$answer" ] || finding direct-listed "$own" "$list" "$answer"
    done
}

# The address $1 as a block list has it: 192.0.2.1 is 1.2.0.192, and each hexadecimal digit of IPv6 is a label.
reversed() {
    case $1 in
    *:*) spelled "$1" | awk '{ for (i = length($0); i > 0; i--) printf "%s%s", substr($0, i, 1), (i > 1 ? "." : "\n") }' ;;
    *) printf '%s\n' "$1" | awk -F . '{ print $4 "." $3 "." $2 "." $1 }' ;;
    esac
}

# The 32 hexadecimal digits of an IPv6 address.
spelled() {
    printf '%s\n' "$1" | awk '{
        sides = split(tolower($0), side, "::")
        left = split(side[1], before, ":")
        right = sides > 1 && side[2] != "" ? split(side[2], after, ":") : 0
        for (i = 1; i <= left; i++) text = text substr("0000" before[i], length(before[i]) + 1)
        for (i = left + right; i < 8; i++) text = text "0000"
        for (i = 1; i <= right; i++) text = text substr("0000" after[i], length(after[i]) + 1)
        print text
    }'
}

# --- SPF ---

look_at_spf() {
    from=$(sender)
    domain=${from##*@}
    case $domain in *.*) ;; *) return ;; esac
    looked_up=0
    spf "$domain"
    case $? in
    1) finding spf-missing "$domain" "$own" ;;
    2) finding spf-refuses "$domain" "$own" "$spf_record" ;;
    esac
}

# Does the SPF record of the domain $1 let $own send? Return code 0: yes, or that cannot be told. 1: there is no record. 2: no. Sets spf_record.
spf() {
    found=$(txt_of "$1") || return 0
    found=$(printf '%s\n' "$found" | grep -i '^v=spf1\( \|$\)' | head -n 1)
    [ -n "$found" ] || return 1
    spf_record=$found
    for term in $(printf '%s\n' "$found" | tr '[:upper:]' '[:lower:]' | tr -d '*' | tr '?' '~'); do
        case $term in v=spf1) continue ;; esac
        sign=+ word=$term
        case $term in [+~-]*) word=${term#?} sign=${term%"$word"} ;; esac
        case $word in *%*) return 0 ;; esac
        if spf_term "$1"; then
            [ "$sign" != + ] || return 0
            spf_record=$found
            return 2
        fi
        [ "$unknown" = no ] || return 0
    done
    case $found in
    *redirect=*)
        to=${found##*redirect=}
        looked_up=$((looked_up + 1))
        [ "$looked_up" -le 10 ] || return 0
        spf "${to%% *}"
        return
        ;;
    esac
    return 2
}

# Does the mechanism $word of the domain $1 have $own? Sets unknown to yes, where it cannot be told.
spf_term() {
    unknown=no
    part=${word#*:} prefix=
    case $word in ip4:* | ip6:*) is_within "$own" "$part"; return ;; all) return 0 ;; *=*) return 1 ;; esac
    case $part in */*) prefix=/${part#*/} part=${part%%/*} ;; esac
    case $word in *:*) ;; *) part=$1 ;; esac
    looked_up=$((looked_up + 1))
    [ "$looked_up" -le 10 ] || { unknown=yes; return 1; }
    case $word in
    include:*)
        # The rest of this record stays as it is.
        (spf "$part"; inner=$?; echo "$looked_up" >"$probe_folder/looked-up"; exit "$inner")
        inner=$?
        looked_up=$(cat "$probe_folder/looked-up")
        [ "$inner" = 0 ]
        ;;
    a | a:* | a/*) has_address "$part" ;;
    mx | mx:* | mx/*)
        for mx in $(mx_of "$part"); do has_address "$mx" && return; done
        return 1
        ;;
    *) unknown=yes; return 1 ;;
    esac
}

has_address() {
    for address in $(addresses_of "$1"); do is_within "$own" "$address$prefix" && return; done
    return 1
}

# Is the address $1 in the network $2?
is_within() {
    case $1:$2 in
    *:*:*.*.*.*) case $1 in *:*) return 1 ;; esac ;;
    *.*.*.*:*:*) return 1 ;;
    esac
    bits=
    case $2 in */*) bits=${2##*/} ;; esac
    case $1 in
    *:*) printf '%s %s %s\n' "$(spelled "$1")" "$(spelled "${2%%/*}")" "${bits:-128}" ;;
    *)
        printf '%s %s %s\n' "$1" "${2%%/*}" "${bits:-32}" | awk '{
            split($1, a, "."); split($2, b, ".")
            print sprintf("%02x%02x%02x%02x", a[1], a[2], a[3], a[4]), sprintf("%02x%02x%02x%02x", b[1], b[2], b[3], b[4]), $3
        }'
        ;;
    esac | awk '{
        digits = int($3 / 4); rest = $3 % 4
        if (substr($1, 1, digits) != substr($2, 1, digits)) exit 1
        shift = 2 ^ (4 - rest)
        one = index("0123456789abcdef", substr($1, digits + 1, 1)) - 1
        other = index("0123456789abcdef", substr($2, digits + 1, 1)) - 1
        exit rest > 0 && int(one / shift) != int(other / shift)
    }'
}
