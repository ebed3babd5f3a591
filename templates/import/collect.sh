#!/bin/sh
# Packs the configuration of the Postfix on this host into a tar archive on standard output, for `postpack import -`.
# Passwords are masked before they are packed; `--with-secrets` keeps them. It changes nothing and needs no network.
#
#     ssh HOST sudo sh -s < collect.sh > host.tar
set -eu
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin

mask=yes
[ "${1-}" = --with-secrets ] && mask=no

command -v postconf >/dev/null || { echo "collect: postconf(1) is not on this host" >&2; exit 2; }
config=$(postconf -h config_directory 2>/dev/null)
umask 077
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
etc=$stage/etc/postfix
mkdir -p "$etc"

# masked KIND < text: `user:password` of a password table, `password = ...` of a database, `static:user:password`.
masked() {
    if [ "$mask" = no ]; then
        cat
        return
    fi
    awk -v kind="$1" '
        /^[ \t]*#/ || /^[ \t]*$/ { if (kind != "passwords") print; next }
        kind == "passwords" {
            # Only the first line of an entry has its key.
            if ($0 ~ /^[ \t]/) next
            value = $0; sub(/^[^ \t]+[ \t]+/, "", value)
            user = value; sub(/:.*/, "", user)
            print $1, user ":***"
            next
        }
        kind == "database" {
            if ($0 ~ /^[ \t]/ && hidden) next
            hidden = 0
            if (tolower($0) ~ /^[ \t]*(password|bind_pw)[ \t]*=/) { sub(/=.*/, "= ***"); hidden = 1 }
            print
            next
        }
        { print }
    ' | sed 's/static:\({\{0,1\}\)\([^:,[:space:]/]*\):[^][:space:],}]*/static:\1\2:***/g; s,://\([^:/@[:space:]]*\):[^@[:space:]]*@,://\1:***@,g'
}

# put PATH KIND: a file of the host at its own place in the archive; those of the folder of Postfix at etc/postfix.
put() {
    case $1 in
    "$config"/*) to=$etc/${1#"$config"/} ;;
    *) to=$stage$1 ;;
    esac
    [ -e "$to" ] && return
    case $1 in *..*) return ;; esac
    if [ -f "$1" ] && [ -r "$1" ]; then
        mkdir -p "${to%/*}"
        masked "$2" <"$1" >"$to"
    elif [ "$2" = table ] && [ -n "${3-}" ]; then
        mkdir -p "${to%/*}"
        postmap -s "$3:$1" 2>/dev/null >"$to" || rm -f "$to"
    elif [ "$2" = passwords ] && [ -n "${3-}" ]; then
        mkdir -p "${to%/*}"
        postmap -s "$3:$1" 2>/dev/null | masked passwords >"$to" || rm -f "$to"
    fi
}

put "$config/main.cf" main
put "$config/master.cf" main

# Every `type:/path` and `/path` of main.cf and master.cf, as Postfix expands them.
words() {
    tr ' ,\t{}=' '[\n*]' | sed 's/^proxy://' | grep -E '^([a-z]+:)?/' | sort -u || true
}
passwords=$( (postconf -hx smtp_sasl_password_maps lmtp_sasl_password_maps 2>/dev/null || postconf -h smtp_sasl_password_maps lmtp_sasl_password_maps 2>/dev/null) | words)
all=$( (postconf -nx 2>/dev/null || postconf -n 2>/dev/null; postconf -M 2>/dev/null || true) | words)
for word in $passwords; do
    put "${word#*:}" passwords "${word%%:*}"
done
for word in $all; do
    kind=${word%%:*} path=${word#*:}
    case $kind in
    hash | btree | lmdb | cdb | dbm | sdbm) put "$path" table "$kind" ;;
    mysql | pgsql | ldap | sqlite) put "$path" database ;;
    regexp | pcre | cidr | texthash) put "$path" table ;;
    "$word")
        # Lists of networks and domains, and names; no certificates, keys or folders.
        case $path in
        "$config"/* | /etc/mailname | /etc/aliases)
            case $path in *.pem | *.key | *.crt | *.sock) continue ;; esac
            if [ -f "$path" ] && ! grep -q -e '-----BEGIN' "$path"; then put "$path" table; fi
            ;;
        esac
        ;;
    esac
done
put /etc/mailname table
put /etc/aliases table

os=
if [ -r /etc/os-release ]; then
    # shellcheck source=/dev/null
    os=$(. /etc/os-release && echo "${ID-}-${VERSION_ID-}")
fi
{
    echo "mail_version=$(postconf -hd mail_version 2>/dev/null)"
    echo "hostname=$(postconf -hx myhostname 2>/dev/null || hostname -f)"
    echo "mynetworks=$(postconf -hx mynetworks 2>/dev/null || postconf -h mynetworks 2>/dev/null)"
    echo "os=$os"
} >"$etc/postpack.facts"
tar -cf - -C "$stage" etc
