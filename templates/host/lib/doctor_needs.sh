# shellcheck shell=sh
# doctor and status: what Postfix needs besides the package (needs.sh), the resolver, and the servers that the spec names as next hops.

look_at_needs() {
    look_at_own_tables
    look_at_own_authorities
    look_at_own_certificate
    look_at_own_programs
    in_system || return 0
    look_at_policies
    look_at_resolver && look_at_next_hops
}

look_at_own_tables() {
    for table in $(own_tables "$postfix_dir"); do
        reason=$(why_closed "$table")
        [ -z "$reason" ] || finding table-closed "$table" "$reason" "${table#*:}"
    done
}

# As the daemon sees it, whose sandbox may hide it.
look_at_own_authorities() {
    [ -n "$own_ca_file" ] && [ "$tls_level" != none ] || return 0
    reason=$(why_no_authorities "$ca_files") pid=$(master_pid)
    if [ -z "$reason" ] && [ -n "$pid" ] && [ -d "/proc/$pid/root/" ] && [ ! -s "/proc/$pid/root$ca_files" ]; then reason='the sandbox of Postfix hides it'; fi
    [ -z "$reason" ] || finding ca-file-missing "$ca_files" "$reason"
}

look_at_own_certificate() {
    reason=$(why_no_server_certificate)
    [ -z "$reason" ] || finding server-certificate "$reason"
}

# A program that pipe(8) runs, and that submits by sendmail(1): without privileges postdrop(1) cannot write, and tries for ever.
look_at_own_programs() {
    in_system || return 0
    # Only what runs below Postfix: any user can write such a line elsewhere.
    journalctl -q --no-pager -o cat --since=-15min -t postfix/postdrop "_SYSTEMD_UNIT=$(daemon_unit)" 2>/dev/null | tail -n 20 | grep -q 'create file maildrop/.*Permission denied' || return 0
    pid=$(master_pid)
    ! grep -qs '^NoNewPrivs:[^0-9]*1$' "/proc/${pid:-none}/status" || finding sandbox-sendmail
}

# Without an answer of a policy service Postfix defers, unless default_action says that mail passes.
look_at_policies() {
    postconf -nx 2>/dev/null | awk '
        {
            text = $0
            while (at = index(text, "check_policy_service ")) {
                text = substr(text, at + 21)
                asked = substr(text, 1, match(text, /^ *[{]/) ? index(text, "}") : match(text, /[, \t]|$/) - 1)
                if (asked !~ /default_action *= *(DUNNO|dunno|OK|ok|permit)/ && match(asked, /(inet|unix):[^ ,}]+/) && !seen[asked]++) print substr(asked, RSTART, RLENGTH)
            }
        }' >"$probe_folder/policies"
    while read -r service; do
        listens "$service" || finding policy-away "$service" "$words"
    done <"$probe_folder/policies"
}

# --- the network ---

# A question for the root, by UDP: any answer will do. One server that answers is enough.
look_at_resolver() {
    servers=$(nameservers)
    have bash && [ -n "$servers" ] || return 0
    for server in $servers; do
        # shellcheck disable=SC2016  # a program for bash
        if timeout 3 bash -c 'exec 5<>"/dev/udp/$0/53" && printf "\52\64\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1" >&5 && head -c 2 <&5 | grep -q .' "$server" 2>/dev/null; then return 0; fi
    done
    finding resolver-silent "$(echo "$servers" | tr '\n' ' ' | sed 's/ $//')"
    return 1
}

look_at_next_hops() {
    [ -n "$next_hops" ] && policy_of "$postfix_dir" || return 0
    for list in $next_hops; do look_at_list "$(printf '%s' "$list" | tr ',' ' ')"; done
}

# The servers of one domain in order of failover. If one of them takes mail, the others are no obstacle.
look_at_list() {
    reachable=no
    : >"$probe_folder/closed"
    for next_hop in $1; do look_at_next_hop >>"$probe_folder/closed" && reachable=yes; done
    while IFS='	' read -r id host port words; do
        [ "$reachable" = no ] || id=next-hop-partly
        finding "$id" "$host" "$port" "$words"
    done <"$probe_folder/closed"
}

# Prints what is wrong with $next_hop: a finding, the host, the port, and the reason.
look_at_next_hop() {
    split_destination "$next_hop"
    probe_host=$host
    if ! find_addresses; then
        printf 'next-hop-dns\t%s\t%s\tthe name cannot be looked up\n' "$host" "$port"
        return 1
    fi
    words=
    for address in $addresses; do
        if ! open_tcp "$address" "$port"; then words="${words:+$words; }$address: $(why_not_connected)"
        elif is_welcome; then
            close_dialogue
            return 0
        else words="${words:+$words; }$address: ${reply:-the connection was closed}"; fi
        close_dialogue
    done
    printf 'next-hop-away\t%s\t%s\t%s\n' "$host" "$port" "$(printf '%s' "$words" | tr '\t\n' '  ')"
    return 1
}

# Does the server greet us? One that lets its clients wait for the greeting is no fault.
is_welcome() {
    read_reply
    case $? in 124) return 0 ;; esac
    is_reply 220 && { ask QUIT || :; }
}
