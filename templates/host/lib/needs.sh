# shellcheck shell=sh
# What Postfix needs besides the package: files that the administrator of the host brings. While one is missing, mail waits.

# Prints TYPE:PATH of each lookup table that the configuration in folder $1 refers to, in main.cf and in options of master.cf.
# Postfix itself writes its caches.
referred_tables() {
    # What is built beside the live files will be where they are.
    { postconf -c "$1" -nx; postconf -c "$1" -Px; } 2>/dev/null | awk -v folder="$1/" -v live="$postfix_dir/" '
        { name = $1; sub(/.*\//, "", name) }
        name ~ /_cache_(database|map)$/ || name == "address_verify_map" { next }
        {
            text = $0
            while (match(text, /[^A-Za-z0-9_](btree|cdb|cidr|dbm|hash|ldap|lmdb|memcache|mongodb|mysql|pcre|pgsql|regexp|sdbm|sqlite|texthash):\/[^ \t,;{}"]+/)) {
                table = substr(text, RSTART + 1, RLENGTH - 1)
                at = index(table, folder)
                if (at) table = substr(table, 1, at - 1) live substr(table, at + length(folder))
                if (!seen[table]++) print table
                text = substr(text, RSTART + RLENGTH)
            }
        }'
}

# The same without the tables that this package brings.
own_tables() {
    referred_tables "$1" | while read -r table; do
        name=${table#*:"$postfix_dir"/}
        case " $tables sasl_passwd:secret " in *" $name:"*) ;; *) printf '%s\n' "$table" ;; esac
    done
}

# Sets host_tables to these, of the configuration in folder $1: Postfix is asked once.
find_host_tables() { host_tables=$(own_tables "$1"); }

# The compiled file of table $1, where its type has one.
compiled_file() {
    case $1 in
    hash:* | btree:*) echo "${1#*:}.db" ;;
    cdb:* | lmdb:*) echo "${1#*:}.${1%%:*}" ;;
    esac
}

# Compiles each of host_tables whose source is newer than its compiled file, and sets recompiled (no, reload or restart):
# programs that could not open the old one would not try the new one. A removal deletes what was not there before.
compile_own_tables() {
    recompiled=no
    for table in $host_tables; do
        source=${table#*:} compiled=$(compiled_file "$table")
        [ -n "$compiled" ] && [ -f "$source" ] || continue
        reason=$(why_closed "$table")
        # shellcheck disable=SC3013  # every sh of the supported systems has -nt
        if [ -s "$compiled" ] && [ ! "$source" -nt "$compiled" ] && [ -z "$reason" ]; then continue; fi
        # postmap follows a link in the place of what it writes.
        only_roots "${source%/*}" || { warn "$source is not compiled: $(say_open)"; continue; }
        [ -e "$compiled" ] || echo "$compiled" >>"$state/compiled" || return 1
        how=reload
        if [ -n "$reason" ] && [ -e "$compiled" ]; then
            # A program of Postfix ends where a CDB file is damaged, and after a few times only a restart starts it at once. postmap
            # writes into an LMDB file that is there, and refuses one that is damaged.
            how=restart
            rm -f -- "$compiled"
        fi
        if postmap -c "$1" "$table"; then [ "$recompiled" = restart ] || recompiled=$how; else warn "postmap could not compile $source; mail that needs it waits"; fi
    done
}

# Deletes what compile_own_tables made.
drop_own_compiled() {
    [ -f "$state/compiled" ] || return 0
    while read -r compiled; do if only_roots "${compiled%/*}"; then rm -f -- "$compiled"; fi; done <"$state/compiled"
    rm -f "$state/compiled"
}

# Prints why Postfix cannot open table $1, or nothing.
why_closed() {
    source=${1#*:} compiled=$(compiled_file "$1")
    if [ ! -e "$source" ] && { [ -z "$compiled" ] || [ ! -e "$compiled" ]; }; then echo 'the file does not exist'; return; fi
    said=$(timeout 10 postmap -q nobody@domain.invalid "$1" 2>&1 >/dev/null) && return
    [ $? != 124 ] || said='postmap: fatal: no answer within 10 seconds'
    printf '%s\n' "$said" | sed -n -e 's/^postmap: fatal: //p' -e 's/^postmap: error: //p' | head -n 1
}

# --- certificates ---

# Prints why file $1 is no bundle of certificate authorities, or nothing.
why_no_authorities() {
    if [ ! -e "$1" ]; then echo 'it does not exist'
    elif ! in_time grep -qs -e '-----BEGIN .*CERTIFICATE-----' "$1"; then echo 'it contains no certificate'
    elif have openssl && ! in_time openssl x509 -noout -in "$1" >/dev/null 2>&1; then echo 'its first certificate is damaged'; fi
}

# Prints why Postfix cannot use certificate $1 with key $2 for its clients, or nothing.
why_no_certificate() {
    for file in "$1" "$2"; do
        if [ ! -s "$file" ]; then echo "$file does not exist, or is empty"; return; fi
    done
    if ! in_time grep -qs -e '-----BEGIN .*CERTIFICATE-----' "$1"; then echo "$1 contains no certificate"
    elif ! in_time grep -qs -e '-----BEGIN .*PRIVATE KEY-----' "$2"; then echo "$2 contains no private key"
    elif have openssl; then
        of_certificate=$(in_time openssl x509 -noout -pubkey -in "$1" 2>/dev/null) || { echo "$1 is damaged"; return; }
        of_key=$(in_time openssl pkey -pubout -passin pass: -in "$2" 2>/dev/null) || { echo "$2 is damaged, or has a passphrase"; return; }
        [ "$of_certificate" = "$of_key" ] || echo "the key $2 does not belong to the certificate $1"
    fi
}

# The same for the certificate of this relay, where it has one.
why_no_server_certificate() {
    # shellcheck disable=SC2086  # words on purpose
    set -- $certificate_files
    [ $# = 0 ] || why_no_certificate "$1" "${2:-$1}"
}

# --- changes ---

# Prints a digest of each file of the administrator that the configuration refers to, host_tables among them. Running programs of Postfix do
# not read it again: when a digest changes, they are reloaded.
digests_of_own_files() {
    for file in $watched_files $certificate_files $(printf '%s\n' "$host_tables" | sed 's/^[a-z]*://'); do
        if [ -f "$file" ]; then echo "$file $(in_time sha256sum -- "$file" 2>/dev/null | cut -d ' ' -f 1)"; else echo "$file -"; fi
    done | sort -u
}

own_path=/run/systemd/system/mail-relay-apply.path.d
# The path unit of the package watches the files that the spec names; those that only main.cf.d names are added on the host.
watch_own_tables() {
    in_system || return 0
    more=$(printf '%s\n' "$host_tables" | sed 's/^[a-z]*://' | while read -r file; do
        # shellcheck disable=SC2086  # words on purpose
        [ -z "$file" ] || is_one_of "$file" $watched_files || printf 'PathChanged=%s\n' "$(printf %s "$file" | sed 's/%/%%/g')"
    done | sort -u)
    [ "$more" != "$(sed 1d "$own_path/tables.conf" 2>/dev/null)" ] || return 0
    if [ -n "$more" ]; then
        mkdir -p "$own_path" && printf '[Path]\n%s\n' "$more" >"$own_path/tables.conf" && chmod -R go+rX "$own_path"
    else
        rm -rf "$own_path"
    fi
    systemctl daemon-reload
    systemctl --no-block try-restart mail-relay-apply.path
}
