# shellcheck shell=sh
# doctor and status: what Postfix needs besides the package (needs.sh), the resolver, and the servers that the spec names as next hops.

look_at_needs() {
    look_at_own_tables
    look_at_own_authorities
    look_at_own_certificate
    look_at_own_programs
    in_system || return 0
    look_at_resolver && look_at_next_hops
}

look_at_own_tables() {
    for table in $(own_tables "$postfix_dir"); do
        why=$(why_closed "$table")
        [ -z "$why" ] || finding table-closed "$table" "$why" "${table#*:}"
    done
}

# As the daemon sees it, whose sandbox may hide it.
look_at_own_authorities() {
    [ -n "$own_ca_file" ] && [ "$tls_level" != none ] || return 0
    why=$(why_no_authorities "$ca_files") pid=$(master_pid)
    if [ -z "$why" ] && [ -n "$pid" ] && [ -d "/proc/$pid/root/" ] && [ ! -s "/proc/$pid/root$ca_files" ]; then why='the sandbox of Postfix hides it'; fi
    [ -z "$why" ] || finding ca-file-missing "$ca_files" "$why"
}

look_at_own_certificate() {
    why=$(why_no_server_certificate)
    [ -z "$why" ] || finding server-certificate "$why"
}

# A program that pipe(8) runs, and that submits by sendmail(1): without privileges postdrop(1) cannot write, and tries for ever.
look_at_own_programs() {
    in_system || return 0
    journalctl -q --no-pager -o cat -n 400 -t postfix/postdrop 2>/dev/null | tail -n 20 | grep -q 'create file maildrop/.*Permission denied' || return 0
    pid=$(master_pid)
    ! grep -qs '^NoNewPrivs:[^0-9]*1$' "/proc/${pid:-none}/status" || finding sandbox-sendmail
}

# --- the network ---

# A question for the root, by UDP: any answer will do. One server that answers is enough.
look_at_resolver() {
    servers=$(sed -n 's/^[ 	]*nameserver[ 	]*\([^ 	]*\).*/\1/p' /etc/resolv.conf 2>/dev/null)
    have bash && [ -n "$servers" ] || return 0
    for server in $servers; do
        # shellcheck disable=SC2016  # a program for bash
        if timeout 3 bash -c 'exec 5<>"/dev/udp/$0/53" && printf "\12\64\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1" >&5 && head -c 2 <&5 | grep -q .' "$server" 2>/dev/null; then return 0; fi
    done
    finding resolver-silent "$(echo "$servers" | tr '\n' ' ' | sed 's/ $//')"
    return 1
}

look_at_next_hops() {
    [ -n "$next_hops" ] && policy_of "$postfix_dir" || return 0
    for next_hop in $next_hops; do
        split_destination "$next_hop"
        probe_host=$host
        if ! find_addresses; then
            finding next-hop-dns "$host"
            continue
        fi
        reached=no words=
        for address in $addresses; do
            open_tcp "$address" "$port" && reached=yes
            words="${words:+$words; }$address: $(why_not_connected)"
            close_dialogue
            [ "$reached" = no ] || break
        done
        [ "$reached" = yes ] || finding next-hop-away "$host" "$port" "$words"
    done
}
