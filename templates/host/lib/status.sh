# shellcheck shell=sh
# status: how the relay is, for a person or (--format json) for a program. Exit 0 when mail can leave.

status_main() {
    format=text color=auto
    while [ $# -gt 0 ]; do
        look_option "$@" || wrong "status has no option '$1'"
        shift "$words"
    done
    choose_look
    need_root
    load_facts
    # In the state folder, because what is built there holds credentials.
    [ -d "$state" ] || mkdir -p "$state"
    drop_leftovers
    scratch=$(mktemp -d "$state/status.XXXXXX") || fail "cannot write into $state: is the disk full?"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    find_service
    find_configuration
    find_smarthosts
    find_queue
    look_back "$scratch/ways"
    count_losses "$scratch/losses"
    find_obstacles
    decide
    if [ "$format" = json ]; then show_json; else show_text; fi
    [ "$can_send" = yes ]
}

find_service() {
    unit=none unit_state=unknown enabled=unknown
    postfix_version=$(postconf -dh mail_version 2>/dev/null)
    if [ -z "$postfix_version" ]; then
        unit_state='not installed'
    elif in_system; then
        unit=$(daemon_unit)
        unit_state=$(settled_state "$unit")
        enabled=$(systemctl is-enabled postfix.service 2>/dev/null)
    elif is_running; then unit_state=active
    else unit_state=inactive; fi
}

# Sets applied (time), applied_package, in_step (yes, or what is different).
find_configuration() {
    applied='' applied_package='' in_step=no
    if [ ! -f "$state/applied/info" ]; then
        why='nothing was applied yet; mend: mail-relay apply'
        return
    fi
    applied=$(info "$state/applied" time)
    applied_package=$(info "$state/applied" package)
    why=$(out_of_step)
    [ -n "$why" ] || in_step=yes
}

out_of_step() {
    if ! name_is_usable; then
        echo "Postfix refuses the name of this host ($(uname -n | printable)), so no program of it starts; mend: mail-relay apply"
    elif [ -e "$state/applied/held" ]; then
        echo "held since the rollback of $(cat "$state/applied/held"); mend: mail-relay apply"
    elif [ -d "$state/next" ]; then
        echo 'an apply is at work, or was interrupted; mend: mail-relay apply'
    elif [ -e "$state/owed" ]; then
        echo 'Postfix was not restarted after the last change; mend: mail-relay apply'
    elif ! build "$scratch" 2>"$scratch.said"; then
        sed 's/^mail-relay: //' "$scratch.said" | head -n 1
    elif echo "$waiting" >"$scratch/waiting" && find_losses >"$scratch/losses" && were_refused "$scratch"; then
        read_refusal
        echo "the credentials that were saved last are not in use, because $refused_by refused them ($refused_words); mend: put the right $refused_keys into $relay_env"
    else
        while read -r name _; do
            if ! same "$state/applied/$name" "$postfix_dir/$name"; then
                echo "$postfix_dir/$name was changed by hand; own parameters belong into $settings/main.cf.d; mend: mail-relay apply (keeps a copy)"
                break
            elif ! same "$scratch/$name" "$state/applied/$name"; then
                echo "the package, $settings or the system changed since ($name would differ); mend: mail-relay apply"
                break
            fi
        done <"$state/applied/manifest"
    fi
    rm -f "$scratch.said"
}

# From what is in force, not from what should be. Postfix logs in only where sasl_passwd has exactly the words of relayhost,
# and says nothing where it has not.
find_smarthosts() {
    relay_host=${relay_host:-} relay_port=${relay_port:-}
    find_password_hosts
    find_relays in_force
    level=$(unnamed_postconf -xh smtp_tls_security_level 2>/dev/null)
    credentials=present
    if [ "$(unnamed_postconf -xh smtp_sasl_auth_enable 2>/dev/null)" != yes ]; then
        credentials='not needed'
    elif [ -z "$usual" ]; then
        credentials=missing
    fi
    missing_for=$idle usual_credentials=$credentials
    for relay in $relays; do
        logs_in || continue
        [ "$credentials" != 'not needed' ] || credentials=present
        awk -v key="$relay" '$1 == key { found = 1 } END { exit !found }' "$postfix_dir/sasl_passwd" 2>/dev/null ||
            missing_for="${missing_for:+$missing_for }$relay"
    done
    [ -z "$missing_for" ] || credentials=missing
    # Those that wait for a login; where that cannot be told, those of the package.
    waiting=$(cat "${scratch:-}/waiting" 2>/dev/null)
    if [ -z "$waiting" ] && [ -z "$usual" ]; then each_smarthost add_waiting; fi
}

in_force() { unnamed_postconf -xh "$1" 2>/dev/null; }

# Does Postfix log in at $relay?
logs_in() {
    # shellcheck disable=SC2086  # words on purpose
    case $relay in */\[*) is_one_of "$relay" $password_hosts ;; *) [ "$usual_credentials" != 'not needed' ] ;; esac
}

add_waiting() {
    # shellcheck disable=SC2086  # words on purpose
    is_one_of "$(endpoint)" $relays || waiting="${waiting:+$waiting }$(endpoint)"
}

find_queue() {
    queued=0 deferred=0 oldest='' stuck=''
    [ -n "$postfix_version" ] || return
    queue >"$scratch/queue"
    : >"$scratch/reasons"
    while read -r key value; do
        case $key in
        count) queued=$value ;;
        deferred) deferred=$value ;;
        oldest) oldest=$(($(date +%s) - value)) ;;
        reason)
            found=$(printf '%s\n' "${value#* }" | explain)
            [ -n "$found" ] || found="other	message	${value#* }	see 'mailq' and the mail log"
            case $found in
            # The mail of single senders: that there is no login for them is said of the smarthosts.
            'no-credentials	'*) [ -n "$idle" ] || stuck=yes ;;
            # With a fallback, mail waits for one server and for the fallback, and all other mail leaves.
            *'	relay	'*) has_fallback || stuck=yes ;;
            esac
            printf '%s\t%s\t%s\n' "${value%% *}" "$found" "${value#* }" >>"$scratch/reasons"
            ;;
        esac
    done <"$scratch/queue"
}

# What keeps mail here, as far as the doctor finds it without a dialogue with the smarthost. A subshell, because the parts of the
# doctor have variables with the same names.
find_obstacles() (
    : >"$scratch/obstacles"
    [ -n "$postfix_version" ] && [ -n "$applied" ] && name_is_usable || return 0
    # shellcheck disable=SC2034  # read by the parts of the doctor
    probe_folder=$scratch step_seconds=3 broken=no stays=no spool=$(postconf -xh queue_directory 2>/dev/null)
    : >"$scratch/findings"
    # A directory without a login is asked nothing (build.sh).
    database_login=yes
    ! grep -qs 'no%20login%20yet' "$postfix_dir"/ldap_*.cf || database_login=no
    look_at_needs
    look_at_partners
    look_at_deaths
    awk -F '\t' -v OFS='\t' '$3 == "stays" { print $1, $4, $6 }' "$scratch/findings" >"$scratch/obstacles"
)

decide() {
    can_send=no partly=no tried=no
    # To the second, because the log has no more.
    if [ -n "$last_delivery" ] && [ "$last_delivery" -ge "$(changed_at)" ]; then tried=yes; fi
    name_is_usable || return 0
    [ "$unit_state" = active ] && [ -n "$applied" ] && has_way_out && [ -z "$stuck" ] && [ ! -s "$scratch/obstacles" ] || return 0
    if [ "$credentials" != missing ] || { has_fallback && [ -z "$missing_for" ]; }; then can_send=yes; elif [ -n "$idle" ] && [ "$missing_for" = "$idle" ]; then partly=yes; fi
}

# When the configuration in force was put there, in seconds since 1970.
changed_at() { stat -c %Y -- "$state/applied/info" 2>/dev/null || echo 0; }

has_way_out() { [ -n "$usual" ] || sends_directly; }

tls_words() {
    case $level in
    secure | verify) echo 'certificate and name are verified' ;;
    dane) echo 'verified where DNS has TLSA records' ;;
    dane-only) echo 'verified by TLSA records of DNS' ;;
    encrypt) echo 'encrypted, but nobody is verified' ;;
    may) echo 'encrypted when offered, else in clear' ;;
    *) echo 'mail leaves in clear' ;;
    esac
}

show_text() {
    echo "$bold$package $version$plain ($profile, $provider)"
    [ "$unit_state" = active ] && runs=yes || runs=no
    echo "  Postfix        $(tint "$runs" "$unit_state")${postfix_version:+, version $postfix_version}, $(unit_words)"
    if [ -z "$applied" ]; then
        echo "  configuration  $(tint no "$why")"
    elif [ "$in_step" = yes ]; then
        echo "  configuration  applied $applied, in step with the package and $relay_env"
    else
        echo "  configuration  applied $applied, $(tint no 'out of step'): $why"
    fi
    if has_fallback; then
        echo '  smarthosts     a fallback for mail that MX hosts do not accept now, and for single senders'
        show_smarthosts ''
    elif sends_directly; then
        echo "  smarthosts     none: mail goes to MX hosts"
    else
        show_smarthosts smarthosts
    fi
    [ -z "$all_mail_to" ] || echo "  staging        ${yellow}all mail goes to $all_mail_to$plain"
    [ "$credentials" = missing ] && known=no || known=yes
    echo "  credentials    $(tint "$known" "$credentials")${missing_for:+ for $missing_for}"
    show_sources
    show_tokens
    [ "$open_losses" = 0 ] || echo "  of before      $yellow$open_losses setting(s) are not in the relay$plain: 'mail-relay before' names them"
    echo "  TLS            ${level:-none}: $(tls_words)"
    echo "  queue          $queued message(s)${oldest:+, the oldest waits for $(age "$oldest")}"
    [ "$queued" = 0 ] || while IFS='	' read -r times _ _ what mend _; do
        echo "                 $times: $yellow$what$plain${mend:+; mend: $mend}"
    done <"$scratch/reasons"
    echo "  last day       $delivered delivered, $returned refused by a smarthost$(lost_words)"
    while IFS='	' read -r _ what mend; do echo "  $(tint no obstacle)       $what; mend: ${mend#'$ '}"; done <"$scratch/obstacles"
    if [ "$can_send" = yes ]; then echo "  $(tint yes 'mail can leave')$(delivery_words)"
    elif [ "$partly" = yes ]; then echo "  $(tint no "mail for the smarthost(s) $idle can NOT leave"), all other mail can; 'mail-relay doctor' says why"
    else echo "  $(tint no 'mail can NOT leave'); 'mail-relay doctor' says why"; fi
}

unit_words() { if [ "$unit" = none ]; then echo 'without systemd'; else echo "$unit ($enabled)"; fi; }

# Each way out with what the log says of it; $1 is the label of the first line.
show_smarthosts() {
    label=$1
    for relay in $relays $waiting; do
        words=
        # shellcheck disable=SC2086  # words on purpose
        if is_one_of "$relay" $waiting; then words=" ($(tint no 'waits for credentials'))"
        else
            found=$(way_result "$relay" "$scratch/ways")
            case $found in
            sent) words=' (took mail)' ;;
            failed*) words=" ($(tint no failed) the last time: ${found#failed })" ;;
            esac
        fi
        printf '  %-14s %s\n' "$label" "$relay$words"
        label=
    done
    [ -z "$label" ] || echo "  smarthosts     none"
}

lost_words() {
    [ "$lost_count" != 0 ] || return 0
    printf ', %s' "$(tint no "$lost_count lost")"
    if [ "$told" = "$lost_count" ]; then printf ' (its bounce was refused as well; the postmaster was told)'; else printf ' (the bounce was refused as well, and nobody was told)'; fi
}

delivery_words() {
    if [ "$tried" = yes ]; then echo "; a message left at $(date -u -d "@$last_delivery" +%Y-%m-%dT%H:%M:%SZ)"
    elif [ -n "$last_delivery" ]; then echo '; not tried since the last change: '"'mail-relay test'"' tries it'
    else echo '; not tried in the last day: '"'mail-relay test'"' tries it'; fi
}

show_json() {
    printf '{"package":%s,"version":%s,' "$(json "$package")" "$(json "$version")"
    printf '"postfix":{"version":%s,"unit":%s,"state":%s,"enabled":%s},' \
        "$(json "$postfix_version")" "$(json "$unit")" "$(json "$unit_state")" "$(json "$enabled")"
    printf '"configuration":{"applied":%s,"package":%s,"in_step":%s,"why":%s},' \
        "$(json_or_null "$applied")" "$(json_or_null "$applied_package")" "$(boolean "$in_step")" "$(json_or_null "$why")"
    printf '"smarthosts":['
    separator=
    for relay in $relays; do printf '%s%s' "$separator" "$(json "$relay")"; separator=,; done
    printf '],"waiting_smarthosts":['
    separator=
    for relay in $waiting; do printf '%s%s' "$separator" "$(json "$relay")"; separator=,; done
    printf '],"ways":['
    separator=
    for relay in $relays; do
        found=$(way_result "$relay" "$scratch/ways")
        printf '%s{"smarthost":%s,"last_result":%s,"said":%s}' "$separator" "$(json "$relay")" \
            "$(json_or_null "${found%% *}")" "$(case $found in failed*) json "${found#failed }" ;; *) echo null ;; esac)"
        separator=,
    done
    printf '],"credentials":%s,"sources":[' "$(json "$credentials")"
    show_sources_json
    printf '],"tls_level":%s,' "$(json "${level:-none}")"
    printf '"queue":{"messages":%s,"deferred":%s,"oldest_seconds":%s,"reasons":[' "$queued" "$deferred" "${oldest:-null}"
    separator=
    [ "$queued" = 0 ] || while IFS='	' read -r times reason _ what mend said; do
        printf '%s{"messages":%s,"reason":%s,"what":%s,"mend":%s,"said":%s}' "$separator" "$times" \
            "$(json "$reason")" "$(json "$what")" "$(json_or_null "$mend")" "$(json "$said")"
        separator=,
    done <"$scratch/reasons"
    printf ']},"obstacles":['
    separator=
    while IFS='	' read -r reason what mend; do
        printf '%s{"reason":%s,"what":%s,"mend":%s}' "$separator" "$(json "$reason")" "$(json "$what")" "$(json "${mend#'$ '}")"
        separator=,
    done <"$scratch/obstacles"
    printf '],"not_taken_over":%s,"last_day":{"delivered":%s,"refused":%s,"lost":%s,"postmaster_told":%s},' "$open_losses" "$delivered" "$returned" "$lost_count" "$told"
    printf '"last_delivery":%s,"tried_since_change":%s,"can_send":%s}\n' \
        "$(if [ -n "$last_delivery" ]; then json "$(date -u -d "@$last_delivery" +%Y-%m-%dT%H:%M:%SZ)"; else echo null; fi)" "$(boolean "$tried")" "$(boolean "$can_send")"
}

json_or_null() { if [ -n "$1" ]; then json "$1"; else echo null; fi; }

boolean() { if [ "$1" = yes ]; then echo true; else echo false; fi; }
