# shellcheck shell=sh
# Asks the resolver of this host for MX records. No program that every host has can do that, so bash sends the query (RFC 1035).

dns_port=53

# The resolvers of this host, one a line.
nameservers() { awk '$1 == "nameserver" && $2 != "" { print $2 }' /etc/resolv.conf 2>/dev/null; }

# Prints the MX hosts of the domain $1 in order, one a line; "." is a domain that accepts no mail (RFC 7505).
# Return code 0: the domain exists. 1: it does not. 2: no answer.
mx_of() {
    server=$(nameservers | head -n 1)
    [ -n "$server" ] && have bash || return 2
    # shellcheck disable=SC2016  # a program for bash
    answer=$(dns_query "$1" | timeout 2 bash -c 'exec 5<>"/dev/udp/$0/$1" && cat >&5 && dd bs=4096 count=1 <&5 2>/dev/null | od -An -v -tu1' "$server" "$dns_port" 2>/dev/null) || :
    [ -n "$answer" ] || return 2
    printf '%s\n' "$answer" | awk -f "$lib/dns_mx.awk" >"$probe_folder/mx"
    set -- $?
    sort -n "$probe_folder/mx" | cut -d ' ' -f 2
    return "$1"
}

# The query: an identifier, one question with recursion, type MX, class IN. printf writes what awk says in octal, because awks
# differ in how they print a zero byte.
dns_query() {
    printf %b "$(printf '%s\n' "$1" | awk -F . '{
        printf "\\0160\\0160\\0001\\0000\\0000\\0001\\0000\\0000\\0000\\0000\\0000\\0000"
        for (i = 1; i <= NF; i++) if ($i != "") printf "\\0%03o%s", length($i), $i
        printf "\\0000\\0000\\0017\\0000\\0001"
    }')"
}
