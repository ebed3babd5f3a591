# shellcheck shell=sh
# doctor: the settings of this host, the parameters of the administrator, and what is in force of them.

# Builds what should be in force, as apply would; what it refuses is the finding.
look_at_settings() {
    built=$probe_folder/built
    mkdir -m 0700 "$built"
    if ! build "$built" 2>"$probe_folder/refused"; then
        words=$(sed -n 's/^mail-relay: //p' "$probe_folder/refused" | head -n 1)
        refusal "${words:-$(tail -n 1 "$probe_folder/refused")}"
        return
    fi
    look_at_tokens
    look_at_losses
    if [ -n "$without" ] && ! has_finding token-missing; then
        if ! sends_directly && [ -z "$relayhost" ]; then finding credentials-missing "$(wanted_keys)"; fi
        for way in $blocked; do finding account-missing "$way" "$(keys_of_way "$way")"; done
        [ -z "$left_out" ] || finding credentials-partly "$left_out" "$(waiting_keys "$left_waiting")"
    fi
}

# What the host did with mail before, and does no longer.
look_at_losses() {
    find_losses >"$probe_folder/losses"
    count_losses "$probe_folder/losses"
    [ "$open_losses" != 0 ] || return 0
    account=$(sed -n 's/^account\t//p' "$probe_folder/losses" | head -n 1)
    [ -z "$account" ] || finding account-unused "${account%%	*}" "${account#*	}"
    others=$(grep -v '^account' "$probe_folder/losses" | cut -f 1,2 | sed 's/^parameter	//' | tr '\t\n' ' ,' | sed -e 's/,$//' -e 's/,/, /g')
    [ -z "$others" ] || finding settings-of-before "$(printf %s "$others" | cut -c 1-300)"
}

# Of each smarthost that wants them: an access token that holds, and no fault about the next.
look_at_tokens() {
    for key in $token_hosts; do
        of=$token_state/$key
        [ -d "$of" ] || continue
        fault=$(cat "$of/fault" 2>/dev/null)
        why=$fault
        left=$(($(number "$of/expires") - $(date +%s)))
        if [ "$left" -le 0 ] || [ ! -s "$of/access_token" ]; then
            why=${why:-the last one has ended}
            finding token-missing "$key" "${why#no access token: }" "$(mend_of_token)"
        elif [ -n "$fault" ]; then finding token-fault "$key" "$(age "$left")" "${why#no access token: }" "$(mend_of_token)"; fi
    done
}

mend_of_token() {
    case $fault in
    '') echo '$ systemctl start mail-relay-refresh.service' ;;
    *) if [ -s "$of/fault_mend" ]; then cat "$of/fault_mend"; else echo "see that this host reaches the endpoint, then 'systemctl start mail-relay-refresh.service'"; fi ;;
    esac
}

# The finding for the words of build. The way to mend it stands in the table.
refusal() {
    what=${1%%; mend:*}
    case $1 in
    *'can be read by others'*) finding source-mode "$what" "${1#*; mend: }" ;;
    *'does not belong to root'*) finding source-owner "$what" "${1#*; mend: }" ;;
    "$relay_env is not a regular file"*) finding source-kind "$what" ;;
    *'bundle of certificate authorities'*) finding ca-bundle "$what" ;;
    *"$settings/main.cf.d/"*) finding own-parameters "$what" ;;
    *relay.env*) finding source-text "$what" ;;
    'postconf'*'failed'* | *'is missing'*) finding package-damaged "$what" ;;
    *) finding settings-refused "$what" ;;
    esac
}

# Is what was applied what should be, and what is live? The first difference is enough.
look_at_configuration() {
    if [ ! -f "$state/applied/manifest" ]; then finding not-applied; return; fi
    # With it the rest may well be different.
    if [ -e "$state/applied/held" ]; then finding held "$(cat "$state/applied/held")"; return; fi
    if [ -d "$state/next" ] || [ -e "$state/owed" ]; then finding apply-unfinished; return; fi
    if were_refused "$built"; then
        read_refusal
        finding credentials-refused "$refused_by" "$refused_words" "$refused_keys"
        return
    fi
    while read -r name kind; do
        look_at_file "$name" "$kind" || break
    done <"$state/applied/manifest"
    [ "$broken" = no ] || return
    same "$built/manifest" "$state/applied/manifest" || finding out-of-date manifest
    [ "$broken" = yes ] || look_at_authorities
    [ "$broken" = yes ] || look_at_sasl
    [ "$broken" = yes ] || look_at_chroot
}

look_at_file() {
    if ! same "$state/applied/$1" "$postfix_dir/$1"; then finding edited-by-hand "$postfix_dir/$1"; return 1; fi
    if ! same "$built/$1" "$state/applied/$1"; then finding out-of-date "$1"; return 1; fi
    if [ "$2" = secret ]; then
        # shellcheck disable=SC2046  # names without blanks
        for file in "$postfix_dir/$1" "$postfix_dir/$1.$(extension)" $(saved_copies "$1"); do
            mode=$(stat -c '%u %a' -- "$file" 2>/dev/null)
            case $mode in '0 600' | '') ;; *) finding secret-open "$file" "${mode#* }"; return 1 ;; esac
        done
    fi
    if ! compiled_is_fresh "$1" "$2"; then finding map-stale "$postfix_dir/$1"; return 1; fi
}

# --- what Postfix reads from elsewhere ---

# The bundle as the daemon sees it, whose sandbox may hide it.
look_at_authorities() {
    [ -z "$own_ca_file" ] || return 0
    authorities=$(live smtp_tls_CAfile)
    [ -n "$authorities" ] && [ "$(live smtp_tls_security_level)" != none ] || return 0
    seen=$authorities
    pid=$(master_pid)
    [ -z "$pid" ] || [ ! -d "/proc/$pid/root/" ] || seen=/proc/$pid/root$authorities
    if [ ! -s "$seen" ]; then finding ca-unreadable "$authorities" 'it is not there, or empty'
    elif ! grep -q -e '-----BEGIN CERTIFICATE-----' "$seen"; then finding ca-unreadable "$authorities" 'it holds no certificate'; fi
}

# Cyrus SASL loads its mechanisms from files.
look_at_sasl() {
    [ "$(live smtp_sasl_auth_enable)" = yes ] || return 0
    case $(live smtp_sasl_mechanism_filter) in xoauth2) tokens=yes ;; *) tokens=no ;; esac
    for folder in /usr/lib/sasl2 /usr/lib64/sasl2 /usr/lib/*/sasl2; do
        for file in "$folder"/lib*.so*; do
            case $tokens:${file##*/} in no:libplain.* | yes:*xoauth2.*) return 0 ;; esac
        done
    done
    if [ "$tokens" = yes ]; then finding sasl-plugin sasl-xoauth2 XOAUTH2; else finding sasl-plugin "$(tool sasl)" 'PLAIN and LOGIN'; fi
}

# Debian's services run in a chroot, with copies of some files of /etc. Comments do not count.
look_at_chroot() {
    case $(postconf -M smtp/unix 2>/dev/null | awk '{ print $5 }') in y) ;; *) return 0 ;; esac
    # Where Debian makes copies.
    [ -x /usr/lib/postfix/configure-instance.sh ] || [ -d "$spool/etc" ] || return 0
    for name in resolv.conf hosts nsswitch.conf services; do
        [ -s "/etc/$name" ] || continue
        essence <"/etc/$name" >"$probe_folder/outside"
        read_from "$spool/etc/$name" 0 | essence >"$probe_folder/inside"
        if ! same "$probe_folder/outside" "$probe_folder/inside"; then
            finding chroot-stale "$spool/etc/$name" "$name"
            return
        fi
    done
}

essence() { sed -e 's/[#;].*//' -e 's/[ 	]*$//' -e '/^$/d'; }
