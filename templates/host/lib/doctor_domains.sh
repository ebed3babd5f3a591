# shellcheck shell=sh
# doctor: mail domains. Does the name of this host, or the domain of its senders, mean something else in DNS?

look_at_domains() {
    for own in $(printf '%s\n' "$(live relay_host_domain)" "$(live relay_system_domain)" | sort -u); do
        case $own in localhost.localdomain) ;; *.*) is_private "$own" || look_at_own_domain ;; esac
    done
    from=$(live relay_from)
    case $from in *@*) look_at_sender_domain "${from##*@}" ;; esac
}

# Addresses at the name of this host are local names: root-mail-to gets their mail.
look_at_own_domain() {
    mx=$(mx_of "$own") || return 0
    mx=$(echo "$mx" | head -n 1)
    case $mx in '' | .) return ;; esac
    is_this_host "$mx" || kept_domains | grep -qxF -e "$own" || finding host-name-mail "$own" "$mx"
}

# Domains whose addresses the spec leaves alone, as the tables of local names have them.
kept_domains() { live virtual_alias_maps | tr -s '{},' '\n' | sed -n 's/^ *@\([^ ]*\) *= *@\1 *$/\1/p'; }

look_at_sender_domain() {
    mx=$(mx_of "$1")
    case $?:$mx in
    1:*) finding sender-domain "$1" 'does not exist in DNS' ;;
    0:.) finding sender-domain "$1" 'accepts no mail (its MX record is ".")' ;;
    0:) timeout 2 getent -s dns ahosts "$1" >/dev/null 2>&1 || no_address "$?" "$1" ;;
    0:*) if ! receives_mail && only_this_host "$mx"; then finding sender-domain-here "$1" "$(echo "$mx" | head -n 1)"; fi ;;
    esac
}

# getent ends with 2 where there is no such name.
no_address() { [ "$1" -ne 2 ] || finding sender-domain "$2" 'has neither an MX record nor an address'; }

receives_mail() { [ -n "$(live relay_domains)$(live virtual_mailbox_domains)$(live virtual_alias_domains)" ]; }

only_this_host() {
    for host in $1; do is_this_host "$host" || return 1; done
}

# Whether $1 is a name of this host, or has one of its addresses.
is_this_host() {
    case $(lower "$1") in "$(live myhostname)" | "$(uname -n)" | localhost) return 0 ;; esac
    case $1 in -*) return 1 ;; esac
    have ip || return 1
    ip -o address 2>/dev/null | awk '{ sub("/.*", "", $4); print $4 }' >"$probe_folder/own"
    timeout 2 getent -s dns ahosts "$1" 2>/dev/null | awk '{ print $1 }' | grep -qxFf "$probe_folder/own"
}
