# shellcheck shell=sh
# Builds a generation: every file that Postfix should have, computed from the package, the settings (sources.sh) and the system, in a folder of its own.
# Nothing live is touched. The folder holds one file per live file, and 'manifest': "NAME KIND" per line, in the order of installing.
# KIND: main, master, text, regexp, pcre, cidr (used as they are), database (how to ask one, for Postfix alone), indexed (compiled by postmap), alias (by postalias), secret (indexed and
# root-only).

# Builds into the empty folder $1. Return code 2: the input is wrong; 1: something failed. Either way it has been said.
build() {
    load_facts
    have postconf || { warn "Postfix is not installed (no postconf found); mend: install the package 'postfix'"; return 1; }
    loopback_up
    ask_postfix "$1" || return 1
    relay_host='' relay_port=''
    find_password_hosts || return
    take_sources "$1" || return
    load_env || return
    choose_name
    find_password_hosts && fetch_tokens || return
    plan_smarthosts "$1" || return
    build_host_layer "$1/host.cf" || return
    build_main "$1" || return
    build_master "$1" || return
    build_tables "$1" || return
    find_host_tables "$1"
    digests_of_own_files >"$1/own" || return
    rm -rf "$taken" "$1/host.cf" "$1/hold.cf"
    write_manifest "$1" || { warn "cannot write into $1: is the disk full?"; return 1; }
}

# rpm 6 runs scriptlets in an empty network namespace, and without any interface no program of Postfix starts. That namespace is
# ours alone; on a system with interfaces nothing is done. systemd's own is up before anything else.
loopback_up() {
    [ "${mode:-}" != boot ] && have ip && [ -z "$(ip -o link show up 2>/dev/null)" ] || return 0
    ip link set lo up 2>/dev/null
    return 0
}

# Sets mail_version, and database_type to the compiled-in one.
ask_version() {
    # shellcheck disable=SC2046  # two words on purpose
    set -- $(postconf -dh mail_version default_database_type)
    [ $# = 2 ] || { warn "postconf -d failed; is the postfix package whole?"; return 1; }
    mail_version=$1 database_type=$2
}

# The same, but a Postfix whose map package is missing falls back to a type that is there.
# Asked with a main.cf of its own in folder $1: the live one may not exist yet, as on Debian with "No configuration", and Postfix may
# refuse the name of this host.
ask_postfix() {
    ask_version || return 1
    mkdir "$1/types" && echo 'myhostname = localhost.localdomain' >"$1/types/main.cf" && settle "$1/types/main.cf" || { warn "cannot write into $1: is the disk full?"; return 1; }
    types=$(postconf -c "$1/types" -m)
    set -- "$1" $?
    rm -rf "$1/types"
    [ "$2" = 0 ] || { warn "postconf -m failed; is the postfix package whole?"; return 1; }
    for database_type in "$database_type" lmdb cdb hash; do
        if has_line "$types" "$database_type"; then return 0; fi
    done
    warn "this Postfix has none of the table types lmdb, cdb and hash"
    return 1
}

# --- main.cf ---

# What only the host can know. main.cf of the package refers to these by name; where the administrator's layer takes that away, they
# are left out, because Postfix warns of a parameter that nothing uses.
host_parameters='relay_smarthosts relay_fallback relay_ca_file relay_from relay_return relay_root_mail_to relay_root_address relay_host_domain relay_system_name relay_system_domain'

build_host_layer() {
    ca_file=$(find_ca_file) || return 1
    find_what_is_missing
    level=$(compatibility) && find_host_domains || { warn "uname does not work here; mend: reinstall coreutils"; return 1; }
    choose_from && choose_root && own_name_is_own || return 2
    {
        echo "compatibility_level = $level"
        echo "default_database_type = $database_type"
        if sends_directly; then echo "relay_fallback = $relayhost"; else echo "relay_smarthosts = $relayhost"; fi
        rows_of_ways
        echo "relay_ca_file = $ca_file"
        if [ -n "$relay_from" ]; then
            echo "relay_from = $relay_from"
            # Where bounces of root's mail are sent.
            case $relay_from in @*) echo "relay_return = root$relay_from" ;; *) echo "relay_return = $relay_from" ;; esac
        fi
        if [ -n "$relay_root_mail_to" ]; then
            echo "relay_root_mail_to = $relay_root_mail_to"
            echo "relay_root_address = ${relay_root_mail_to%%,*}"
        fi
        [ -z "$chosen_name" ] || echo "myhostname = $chosen_name"
        echo "relay_host_domain = $host_domain"
        echo "relay_system_name = $system"
        echo "relay_system_domain = $system_domain"
        echo "smtp_tls_wrappermode = $wrapper"
        set_where_known
        if [ -e "$container" ] && grep -q '^postlog[[:space:]]' "$(find_master)" 2>/dev/null; then echo "maillog_file = $container_log"; fi
        [ -z "$held" ] || echo "default_transport = retry:$held"
        # A client that is offered STARTTLS and cannot have it gives up.
        [ -z "$no_certificate" ] || [ "$(postconf -c "$share" -h smtpd_tls_security_level 2>/dev/null)" != may ] || echo "smtpd_tls_security_level = none"
    } >"$1" && hold_all "${1%/*}"
}

# Sets held, why no mail may leave yet, in the words of a deferral, and no_certificate, why clients cannot have TLS.
find_what_is_missing() {
    held='' no_authorities='' no_certificate=$(why_no_server_certificate)
    if [ -n "$own_ca_file" ] && [ "$tls_level" != none ]; then no_authorities=$(why_no_authorities "$ca_file"); fi
    if [ -n "$no_authorities" ]; then
        held="4.7.5 no certificate authorities: $ca_file: $no_authorities"
    elif ! sends_directly && [ -z "$relayhost" ]; then
        held="4.7.8 no credentials yet: put $(wanted_keys) into $relay_env"
    fi
}

# The layer above all others, in folder $1. A transport that depends on the sender would lead past default_transport, and a smarthost
# refuses mail without a login for good: whatever smtp(8) reports then is temporary. The ways of the spec wait each for their own login.
hold_all() {
    [ -n "$held" ] || return 0
    own_ways=
    if [ -n "$ways" ] && [ -z "$no_authorities" ]; then own_ways=" $(postconf -c "$share" -h sender_dependent_default_transport_maps 2>/dev/null)"; fi
    {
        echo "sender_dependent_default_transport_maps =$own_ways"
        echo "sender_dependent_relayhost_maps ="
        echo "smtp_delivery_status_filter = static:{$held}"
    } >"$1/hold.cf"
}

# Mail to the host's own name goes to root. An image under construction has the name of its builder.
own_name_is_own() {
    in_system || return 0
    own_name=$(lower "${chosen_name:-$(uname -n)}")
    # shellcheck disable=SC2086  # words on purpose
    if is_one_of "$own_name" $inbound_domains; then
        warn "this host is called $own_name, as a domain whose mail it takes: all of it would go to root; mend: put RELAY_HOSTNAME=<host.$own_name> into $relay_env"
        return 2
    fi
}

# What only some releases of a series have, and others would warn of.
set_where_known() {
    for setting in $where_known; do
        [ -z "$(postconf -d "${setting%%=*}" 2>/dev/null)" ] || echo "${setting%%=*} = ${setting#*=}"
    done
}

# Sets host_domain, system and system_domain: the domains of this host's local names, and the system's own name where another one is
# set. root is local at each name, else root@that-name would leave; all other addresses only at a technical name: people have
# mailboxes at shop.example, also where a host is called so. An image under construction has the name of its builder, which must not
# stay in it, and a technical name stays a reference to what Postfix takes it for.
find_host_domains() {
    host_domain=\$myhostname system=\$myhostname system_domain=\$relay_host_domain
    in_system || return 0
    own=$(lower "$(uname -n)") || return 1
    while case $own in *.) ;; *) false ;; esac; do own=${own%.}; done
    is_technical "${chosen_name:-$own}" || host_domain=localhost.localdomain
    case $own in '' | *[!A-Za-z0-9._-]*) return 0 ;; esac
    [ -n "$chosen_name" ] || return 0
    system=$own
    case $own in *.*) ;; *) system="$own.\$mydomain" ;; esac
    system_domain=\$relay_system_name
    # RELAY_HOSTNAME is the way out for a host whose technical-looking name is a mail domain.
    if ! is_technical "$own" || [ -n "$relay_hostname" ] && ! is_private "$own"; then system_domain=localhost.localdomain; fi
}

# The name of a machine, and not what people register as a domain: with a label in front of one, or in no public domain at all.
is_technical() {
    is_private "$1" && return
    case $1 in
    *.*.*.*) return 0 ;;
    *.co.?? | *.com.?? | *.net.?? | *.org.?? | *.ac.?? | *.edu.?? | *.gov.?? | *.gob.?? | *.gv.?? | *.ne.?? | *.or.?? | *.go.??) return 1 ;;
    *.*.*) return 0 ;;
    *) return 1 ;;
    esac
}

# Names that are in no public domain: RFC 6761, RFC 6762, RFC 8375, and what networks use.
is_private() {
    case $1 in
    *.localdomain | *.localhost | *.local | *.lan | *.internal | *.intranet | *.intern | *.home | *.home.arpa | *.corp | *.private) return 0 ;;
    *.*) return 1 ;;
    esac
}

find_ca_file() {
    # The administrator's own may come later.
    if [ -n "$own_ca_file" ]; then echo "$ca_files"; return; fi
    for file in $ca_files; do
        if [ -s "$file" ]; then
            echo "$file"
            return 0
        fi
    done
    # Without TLS to the smarthost nothing reads it.
    [ "$tls_level" = none ] && return 0
    warn "no bundle of certificate authorities is here (looked for: $ca_files); mend: install the package 'ca-certificates'"
    return 1
}

# 2 before 3.6 (a number there), else the running version: a lower level makes newer versions speak of old defaults.
compatibility() {
    case $mail_version in
    [0-2].* | 3.[0-5] | 3.[0-5].*) echo 2 ;;
    *.*.*) echo "${mail_version%."${mail_version#*.*.}"}" ;;
    *) echo "${mail_version%%[!0-9.]*}" ;;
    esac
}

choose_from() {
    if [ -n "$relay_from" ] && [ -z "$from" ]; then
        warn "RELAY_FROM has no effect: this package was built without 'from', so it rewrites no sender; mend: take the line out of $relay_env, or build the package with 'from'"
        return 2
    fi
    relay_from=${relay_from:-$from}
}

choose_root() {
    if [ -n "$relay_root_mail_to" ] && [ -z "$root_mail_to" ]; then
        warn "RELAY_ROOT_MAIL_TO has no effect: this package was built without 'root-mail-to'; mend: take the line out of $relay_env, or build the package with it"
        return 2
    fi
    receivers=${relay_root_mail_to:-$root_mail_to}
    IFS=', 	'
    set -f
    # shellcheck disable=SC2086  # words on purpose
    join_receivers $receivers
    set +f
    unset IFS
}

join_receivers() {
    relay_root_mail_to=
    for receiver in "$@"; do [ -z "$receiver" ] || relay_root_mail_to="${relay_root_mail_to:+$relay_root_mail_to, }$receiver"; done
}

build_main() {
    titles='the package|this host'
    set -- "$1" "$share/main.cf" "$1/host.cf"
    for own in "$settings"/main.cf.d/*.cf; do
        if [ -s "$own" ]; then
            titles="$titles|$own"
            set -- "$@" "$own"
        fi
    done
    stage=$1
    if [ -s "$stage/hold.cf" ]; then
        titles="$titles|until this host has what it needs"
        set -- "$@" "$stage/hold.cf"
    fi
    shift
    optional=$host_parameters
    for way in $ways; do optional="$optional $(parameter_of_way "$way")"; done
    awk -v titles="$titles" -v optional="$optional" -v refused="$(rules_file)" -f "$lib/merge.awk" "$@" >"$stage/main.cf" || return
    settle "$stage/main.cf"
}

# The rules of main.cf.d: those in the package, or those of its profile if the program is a separate package.
rules_file() { [ -e "$share/refused" ] && echo "$share/refused" || echo "$lib/refused.${profile:-}"; }

# Every Postfix program waits while main.cf is younger than two seconds, in case it is still being written (dict_load_file_xt in dict.c).
settle() { touch -d "@$(($(date +%s) - 10))" "$1"; }

# --- master.cf ---

# The base is what Postfix had before our edits. A live file that is not what we applied has been changed since: then it is the new base,
# without our edits.
build_master() {
    base=
    for generation in "$state/applied" "$state/next" "$before/.master"; do
        if same "$postfix_dir/master.cf" "$generation/master.cf"; then base=$generation/master.base; fi
    done
    if [ -z "$base" ]; then
        base=$(find_master) || { warn "$postfix_dir/master.cf is missing and the postfix package has no copy; mend: reinstall postfix"; return 1; }
        cat -- "$base" >"$1/master.cf" && undo_edits "$1"
    else
        cat -- "$base" >"$1/master.cf"
    fi || return 1
    cat -- "$1/master.cf" >"$1/master.base" || return 1
    [ -f "$share/master.edits" ] || return 0
    while read -r option edit; do
        case $option in
        M | P | F | MX | X) ;;
        '' | '#'*) continue ;;
        *) warn "$share/master.edits: '$option' is not an edit; reinstall the package"; return 1 ;;
        esac
        [ "$option" = X ] && option=MX
        said=$(postconf -c "$1" "-$option" "$edit" 2>&1) || { warn "postconf could not edit master.cf: $edit${said:+: $said}"; return 1; }
        case $said in
        '') ;;
        # A service that somebody has taken out of this host's Postfix. Mail is not to wait for it.
        *unmatched*) service=${edit%%=*} && warn "master.cf of this host has no service ${service%/*}: not in force: $edit" ;;
        *) warn "$said" ;;
        esac
    done <"$share/master.edits"
}

# Services that are as we made them become again what they were: else an edit that the next package does not have would stay for ever.
undo_edits() {
    last=$state/applied
    [ -f "$last/master.base" ] || last=$before/.master
    [ -f "$last/master.base" ] || return 0
    mkdir "$1/base" "$1/edited" && cp -- "$last/master.base" "$1/base/master.cf" && cp -- "$last/master.cf" "$1/edited/master.cf" || return 1
    for folder in "$1/base" "$1/edited"; do cp -p -- "$1/main.cf" "$folder/" || return 1; done
    for folder in "$1/base" "$1/edited" "$1"; do
        unnamed_postconf -c "$folder" -M 2>/dev/null || return 1
        echo
    done >"$1/base/services"
    awk '
        !NF { part++; next }
        { id = $1 "/" $2; $1 = $1; line[part + 0, id] = $0; ids[id] }
        END {
            for (id in ids)
                if (line[0, id] != line[1, id] && line[1, id] == line[2, id])
                    print line[0, id] == "" ? "MX " id : "M " id "=" line[0, id]
        }
    ' "$1/base/services" >"$1/base/undo" || return 1
    while read -r option edit; do
        postconf -c "$1" "-$option" "$edit" 2>/dev/null || { warn "postconf could not edit master.cf: $edit"; return 1; }
    done <"$1/base/undo"
    rm -rf "$1/base" "$1/edited"
}

find_master() {
    for file in "$postfix_dir/master.cf" /usr/share/postfix/master.cf.dist "$postfix_dir/master.cf.proto" \
        "$(postconf -dh meta_directory 2>/dev/null)/master.cf.proto" "$(postconf -dh daemon_directory)/master.cf"; do
        if [ -s "$file" ]; then
            echo "$file"
            return 0
        fi
    done
    return 1
}

# --- tables ---

build_tables() {
    [ -n "$tables" ] || return 0
    into=$1
    set --
    for table in $tables; do
        table=$share/tables/${table%%:*}
        [ -f "$table" ] || { warn "$table is missing: reinstall the package"; return 1; }
        set -- "$@" "$table"
    done
    cp -- "$@" "$into/" && add_login || { warn "cannot write into $into: is the disk full?"; return 1; }
}

# How to ask a database is told with its login, where there is one; and to connect soon to one that was away, where Postfix can (3.9).
add_login() {
    case $database:$mail_version in ldap:* | *:[0-2].* | *:3.[0-8] | *:3.[0-8][!0-9]*) soon='' ;; *) soon='retry_interval = 5' ;; esac
    for table in $tables; do
        case $table in
        *:database)
            name=${table%%:*}
            [ -z "$soon" ] || echo "$soon" >>"$into/$name" || return 1
            if [ "$database_login" = yes ]; then
                cat "$into/login" >>"$into/$name" || return 1
            elif [ "$database" = ldap ]; then
                # Who does not log in is nobody to a directory, and finds nobody: mail would be refused, and not put off.
                sed 's|^server_host = .*|server_host = ldapi://%2Fno%20login%20yet|' "$share/tables/$name" >"$into/$name" || return 1
            fi
            ;;
        esac
    done
    rm -f "$into/login"
}

write_manifest() {
    {
        for table in $tables; do
            case $table in
            *:indexed | *:alias | *:regexp | *:pcre | *:cidr | *:database) echo "${table%%:*} ${table##*:}" ;;
            *) echo "${table%%:*} text" ;;
            esac
        done
        [ ! -f "$1/sasl_passwd" ] || echo "sasl_passwd secret"
        echo "master.cf master"
        echo "main.cf main"
    } >"$1/manifest" || return 1
    # Everything else stays closed, as it was made; what is secret is so at every moment.
    folder=$1
    set --
    while read -r name kind; do
        case $kind in
        secret) ;;
        database) chmod 0640 "$folder/$name" || return 1 ;;
        *) set -- "$@" "$folder/$name" ;;
        esac
    done <"$folder/manifest"
    chmod 0644 "$@"
}
