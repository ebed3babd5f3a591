# shellcheck shell=sh
# Queries the resolver of this host for MX and TXT records. No program that every host has can do that, so bash sends the query (RFC 1035).

dns_port=53

# The resolvers of this host, one a line.
nameservers() { awk '$1 == "nameserver" && $2 != "" { print $2 }' /etc/resolv.conf 2>/dev/null; }

# Prints the MX hosts of the domain $1 in order, one a line; "." is a domain that accepts no mail (RFC 7505).
# Return code 0: the domain exists. 1: it does not. 2: no answer.
mx_of() {
    records_of "$1" 15 mx
    set -- $?
    sort -n "$probe_folder/mx" | cut -d ' ' -f 2
    return "$1"
}

# The same for the TXT records of $1, in the order of the answer.
txt_of() {
    records_of "$1" 16 txt
    set -- $?
    cat "$probe_folder/txt"
    return "$1"
}

# Writes the records of the name $1 with the type number $2 into $probe_folder/$3. An answer that is too long for UDP comes by TCP.
records_of() {
    : >"$probe_folder/$3"
    server=$(nameservers | head -n 1)
    [ -n "$server" ] && have bash || return 2
    for way in udp tcp; do
        # One packet of UDP, or a stream of TCP after its length.
        if [ "$way" = udp ]; then size='bs=4096 count=1'; else size='bs=1 skip=2 count=8192'; fi
        # shellcheck disable=SC2016  # a program for bash
        answer=$(dns_query "$1" "$2" "$way" |
            timeout 2 bash -c 'exec 5<>"/dev/$2/$0/$1" && cat >&5 && dd $3 <&5 2>/dev/null | od -An -v -tu1' "$server" "$dns_port" "$way" "$size" 2>/dev/null) || :
        [ -n "$answer" ] || return 2
        printf '%s\n' "$answer" | awk -v want="$2" -f "$lib/dns_mx.awk" >"$probe_folder/$3"
        code=$?
        [ "$code" = 3 ] || return "$code"
    done
    return 2
}

# The query: an identifier, one question with recursion, type $2, class IN; after its length for TCP. printf writes what awk says in octal,
# because awks differ in how they print a zero byte.
dns_query() {
    printf %b "$(printf '%s\n' "$1" | awk -F . -v type="${2:-15}" -v way="${3:-udp}" '{
        size = 17
        for (i = 1; i <= NF; i++) if ($i != "") size += length($i) + 1
        if (way == "tcp") printf "\\0000\\0%03o", size
        printf "\\0160\\0160\\0001\\0000\\0000\\0001\\0000\\0000\\0000\\0000\\0000\\0000"
        for (i = 1; i <= NF; i++) if ($i != "") printf "\\0%03o%s", length($i), $i
        printf "\\0000\\0000\\0%03o\\0000\\0001", type
    }')"
}
