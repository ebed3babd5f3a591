# shellcheck shell=sh
# What this host did with mail before the first apply, and does no longer: aliases, domains and parameters whose mail goes elsewhere
# now, services that listened, and an account at the smarthost that nobody uses. apply says so once; status and doctor do until it is
# settled or acknowledged.
#
# /etc/mail-relay/before/.reported       the digest of the list that apply has printed last
# /etc/mail-relay/before/.acknowledged   the digest of the list that an administrator has acknowledged

# Parameters that decide who gets mail, or where it goes. Those of other purposes, and what distributions set themselves, say nothing.
deciding='relayhost smtp_fallback_relay smtp_bind_address smtp_bind_address6 virtual_alias_maps virtual_alias_domains
virtual_mailbox_domains virtual_mailbox_maps virtual_transport transport_maps relay_domains relay_recipient_maps relay_transport
local_transport fallback_transport fallback_transport_maps mailbox_transport_maps mailbox_command_maps canonical_maps
sender_canonical_maps recipient_canonical_maps smtp_generic_maps masquerade_domains
sender_dependent_relayhost_maps sender_dependent_default_transport_maps default_transport mailbox_transport home_mailbox luser_relay
always_bcc sender_bcc_maps recipient_bcc_maps content_filter smtpd_milters non_smtpd_milters header_checks body_checks smtp_header_checks
smtp_tls_policy_maps smtpd_sasl_auth_enable mynetworks'

# Prints the list, "KIND<tab>NAME<tab>WORDS" on a line each; KIND is alias, domain, parameter, service or account. Wants what build sets.
find_losses() {
    [ -d "$before" ] || return 0
    read_old
    lost_aliases
    lost_domains
    lost_parameters
    lost_services
    lost_account
}

read_old() {
    old_settings=
    [ ! -f "$before/main.cf" ] || old_settings=$(unnamed_postconf -c "$before" -xn 2>/dev/null)
}

# A parameter of before, as main.cf had it.
old() { value_of "$1" "$old_settings"; }

# Bytes of a file of aliases that are read. It may belong to a program for mailing lists, whose account could put a link to a file of root there.
alias_bytes=1048576

lost_aliases() {
    # Without local delivery no alias was asked for.
    if destinations=$(old mydestination) && [ -z "$destinations" ]; then return 0; fi
    files=
    maps=$(old alias_maps)
    for map in $(printf '%s' "${maps:-hash:/etc/aliases}" | tr ',' ' '); do
        case $map in
        hash:/* | btree:/* | lmdb:/* | cdb:/* | dbm:/* | texthash:/*) file=$(kept_file "${map#*:}") && files="$files $file" ;;
        esac
    done
    { forwards; for alias_file in $files; do read_from "$alias_file" 0 | head -c "$alias_bytes"; echo; done; } |
        timeout 10 awk -v root="$(printf '%s' "$relay_root_mail_to" | tr ',' ' ')" -f "$lib/old_aliases.awk" "$share/tables/aliases" - |
        printable | awk -F '\t' -v OFS='\t' '{ print "alias", $1, "went to " $2 }'
}

# root's .forward as aliases(5) has it; an alias of root counts more. Homes of users may be on a server that does not answer.
forwards() {
    file=~root/.forward
    [ -f "$file" ] && [ ! -L "$file" ] && [ -z "$(find "$file" -newer "$before/.first" 2>/dev/null)" ] || return 0
    printf 'root: '
    read_from "$file" 0 | head -c 2000 | grep -v '^#' | tr -s '\n' ',' | sed 's/,*$//'
    echo
}

# Domains that were local, except the names of the host itself: also Debian writes those into mydestination.
lost_domains() {
    set -f
    for name in $(old mydestination | tr ',[:upper:]' ' [:lower:]'); do
        case $name in
        *:* | /*) ;;
        localhost | localhost.* | "$(lower "$(old myhostname)")" | "$(lower "$(uname -n)")") continue ;;
        *.*)
            # shellcheck disable=SC2086  # words on purpose
            ! is_private "$name" && ! is_one_of "$name" $inbound_domains || continue
            ! is_technical "$name" || [ "$name" != "$(lower "$(cat /etc/mailname 2>/dev/null)")" ] || continue
            ;;
        *) continue ;;
        esac
        printf 'domain\t%s\twas delivered on this host\n' "$name" | printable 300
    done
    set +f
}

# Port 25 is that of mynetworks, and of the domains.
lost_services() {
    ! is_loopback "$(old inet_interfaces)" || return 0
    listening=
    is_loopback "$(unnamed_postconf -xh inet_interfaces 2>/dev/null)" || listening=$(inet_services)
    inet_services -c "$before" | grep -vxF -e "$listening" | while read -r name; do
        printf 'service\t%s\tlistened for mail of users or programs\n' "$name" | printable 300
    done
}

is_loopback() { case $1 in loopback-only | localhost | 127.0.0.1) ;; *) return 1 ;; esac; }

# The names of the inet services of a master.cf that others than this host reach, except port 25.
inet_services() {
    unnamed_postconf "$@" -M 2>/dev/null | awk '
        $2 != "inet" || $1 ~ /^(127\.|\[::1\]|localhost:)/ { next }
        { sub(/.*:/, "", $1) }
        $1 == "smtps" || $1 == "465" { $1 = "submissions" }
        $1 == "587" { $1 = "submission" }
        $1 != "smtp" && $1 != "25" { print $1 }' | sort -u
}

# Where the file $1 of before is: kept, because it was replaced, or in its place.
kept_file() {
    for file in "$before/${1##*/}" "$1"; do
        case $file in "$before/"*) [ "$1" = "$postfix_dir/${1##*/}" ] || continue ;; esac
        if [ -f "$file" ]; then echo "$file"; return 0; fi
    done
    return 1
}

lost_parameters() {
    for name in $deciding; do
        was=$(old "$name")
        case $name:$was in
        *:) continue ;;
        mynetworks:*) was=$(other_networks "$was") ;;
        relayhost:*) ! is_still_smarthost "$was" || continue ;;
        # Debian's "Local only" refuses what is not local: nobody got it.
        smtpd_sasl_auth_enable:no | default_transport:smtp | virtual_transport:virtual | relay_transport:relay | local_transport:local*) continue ;;
        default_transport:error* | relay_transport:error*) continue ;;
        esac
        [ -n "$was" ] && [ "$was" != "$(unnamed_postconf -xh "$name" 2>/dev/null)" ] || continue
        printf 'parameter\t%s\twas %s\n' "$name" "$was" | printable 300
    done
}

# The networks of a list that are neither the loopback nor trusted now.
other_networks() {
    now_trusted=" $(unnamed_postconf -xh mynetworks 2>/dev/null | tr ',' ' ') "
    others=
    set -f
    for network in $(printf '%s' "$1" | tr ',' ' '); do
        case $network in 127.* | '[::1]'* | '[::ffff:127.'*) continue ;; esac
        case $now_trusted in *" $network "*) ;; *) others="${others:+$others }$network" ;; esac
    done
    set +f
    echo "$others"
}

# Is relayhost $1 of before a smarthost of this package, however it is written?
is_still_smarthost() {
    split_destination "$1"
    sought_host=$host
    each_smarthost differs_from_sought || return 0
    return 1
}

# Is the host of destination $1 the one that split_destination has set?
is_same_host() {
    sought_host=$host
    split_destination "$1"
    [ "$host" = "$sought_host" ]
}

differs_from_sought() { [ "$host" != "$sought_host" ]; }

# --- the account ---

# Of the first smarthost that wants a login and has none: is there one in the passwords of before?
lost_account() {
    find_account || return 0
    printf 'account\t%s\tis in %s, and is not used\n' "$account_at" "$account_file"
}

# Sets account_at, account_key (its key in relay.env), account_entry (the key in the table) and account_file.
find_account() {
    [ "$(old smtp_sasl_auth_enable)" = yes ] && [ -z "$token_hosts" ] || return 1
    for account_at in $waiting; do
        # That of the host is not that of single senders.
        case $account_at in */\[*) continue ;; esac
        split_destination "$account_at"
        maps=$(old smtp_sasl_password_maps)
        # One login for every server: it was for the smarthost of before.
        case $maps in
        static:*:*)
            is_same_host "$(old relayhost)" || continue
            account_file="$before/main.cf" account_entry=static account_key=$(key_of_destination "$account_at")
            return 0
            ;;
        esac
        for map in $(printf '%s' "$maps" | tr ',' ' '); do
            map=${map#proxy:}
            case $map in hash:/* | btree:/* | lmdb:/* | cdb:/* | dbm:/* | texthash:/*) ;; *) continue ;; esac
            account_file=$(kept_file "${map#*:}") || continue
            for account_entry in "$account_at" "$host:$port" "[$host]" "$host" "[$host]:587" "[$host]:submission" "[$host]:465" "[$host]:25"; do
                if awk -v key="$account_entry" '$1 == key && /:[^:]*$/ { found = 1 } END { exit !found }' "$account_file"; then
                    account_key=$(key_of_destination "$account_at")
                    return 0
                fi
            done
        done
    done
    return 1
}

adopt_main() {
    [ $# = 0 ] || wrong "adopt takes no argument"
    need_root
    prepare_losses
    read_old
    if [ -z "$waiting" ]; then say "every smarthost has its credentials already"; exit 0; fi
    find_account || fail "no account for $waiting is in the passwords of before; mend: put $(waiting_keys "$waiting") into $relay_env"
    own=$(login_keys "$account_key" /dev/null)
    own=${own%%USERNAME*}
    { [ ! -f "$relay_env" ] || cat -- "$relay_env"; } >"$relay_env.new" && account_line | write_account >>"$relay_env.new" && chmod 0600 "$relay_env.new" &&
        sync_file "$relay_env.new" && mv -f "$relay_env.new" "$relay_env" || fail "cannot write $relay_env: is the disk full?"
    say "the account for $account_at is in $relay_env now, as ${own}USERNAME and ${own}PASSWORD"
    rm -rf "$scratch"
    exec mail-relay apply
}

# The line with the account, as in a table of logins.
account_line() {
    if [ "$account_entry" = static ]; then
        maps=$(old smtp_sasl_password_maps)
        maps=${maps#static:}
        # With braces, blanks and commas can be part of it; postconf(5).
        case $maps in '{'*'}') maps=${maps#?} maps=${maps%?} ;; esac
        printf 'static %s\n' "$maps"
    else
        cat -- "$account_file"
    fi
}

# The value goes from file to file; quoted as systemd.exec(5) has it.
write_account() {
    awk -v key="$account_entry" -v own="$own" -v origin="$account_file" '
        function quoted(text) { gsub(/\047/, "\047\"\047\"\047", text); return "\047" text "\047" }
        $1 == key {
            sub(/^[^ \t]+[ \t]+/, "")
            sub(/[ \t\r]+$/, "")
            colon = index($0, ":")
            print ""
            print "# Taken over from " origin
            print own "USERNAME=" quoted(substr($0, 1, colon - 1))
            print own "PASSWORD=" quoted(substr($0, colon + 1))
            exit
        }'
}

# --- the list for a person ---

# Builds what should be in force, as status does, because the list is compared with it.
prepare_losses() {
    load_facts
    [ -d "$state" ] || mkdir -p "$state"
    drop_leftovers
    scratch=$(mktemp -d "$state/status.XXXXXX") || fail "cannot write into $state: is the disk full?"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    build "$scratch" || fail "nothing can be compared before the settings are right"
}

before_main() {
    acknowledge=no
    case ${1:-} in
    '') ;;
    --acknowledge) acknowledge=yes ;;
    *) wrong "before has no option '$1'" ;;
    esac
    need_root
    prepare_losses
    find_losses >"$scratch/losses"
    if [ ! -s "$scratch/losses" ]; then say "nothing of before is missing"; return; fi
    show_losses "$scratch/losses"
    if [ "$acknowledge" = yes ]; then
        digest "$scratch/losses" >"$before/.acknowledged" || fail "cannot write into $before: is the disk full?"
        say "acknowledged: status and doctor say no more of it"
    else
        say "'mail-relay before --acknowledge' ends the reminders; the files of before are in $before"
    fi
}

show_losses() {
    while IFS='	' read -r kind name words; do
        case $kind in
        alias) say "of before: mail to $name $words; it goes to ${relay_root_mail_to:-nobody} now" ;;
        domain) say "of before: mail to the domain $name $words; it leaves now" ;;
        service) say "of before: the service $name $words; it does not listen now" ;;
        account) say "of before: the account for $name $words: 'mail-relay adopt' takes it over" ;;
        *) say "of before: $name $words" ;;
        esac
    done <"$1"
}

# Of the list in file $1: sets open_losses, the number of those that nobody has acknowledged.
count_losses() {
    open_losses=0
    [ -s "$1" ] || return 0
    [ "$(digest "$1")" = "$(cat "$before/.acknowledged" 2>/dev/null)" ] || open_losses=$(wc -l <"$1")
}

# For apply: each list once.
report_losses() {
    find_losses >"$state/losses.new"
    if [ -s "$state/losses.new" ] && [ "$(digest "$state/losses.new")" != "$(cat "$before/.reported" 2>/dev/null)" ]; then
        show_losses "$state/losses.new"
        digest "$state/losses.new" >"$before/.reported"
    fi
    rm -f "$state/losses.new"
}
