# shellcheck shell=sh
# What Postfix calls this host. By default it takes the system's own name, and none of its programs starts with a name that is no host
# name to it. Then main.cf names the host: RELAY_HOSTNAME, the spec, or what of the system's name can be used.

# Can Postfix take $1 as myhostname, and what follows its first label as mydomain? (valid_hostname.c; measured on 3.5 and 3.7)
is_usable_name() {
    is_hostname "$1" || return 1
    case $1 in *.*) is_hostname "${1#*.}" ;; esac
}

is_hostname() {
    case $1 in
    '' | *[!A-Za-z0-9._-]* | .* | *. | *..* | -* | *- | *.-* | *-.*) return 1 ;;
    *[!0-9.]*) ;;
    *) return 1 ;;
    esac
    [ "${#1}" -le 255 ] || return 1
    rest=$1.
    while [ -n "$rest" ]; do
        label=${rest%%.*}
        [ "${#label}" -le 63 ] || return 1
        rest=${rest#*.}
    done
}

# Sets chosen_name: what main.cf must call the host, or nothing where Postfix can use the system's own name.
choose_name() {
    chosen_name=${relay_hostname:-$hostname}
    [ -z "$chosen_name" ] || return 0
    named=$(uname -n) || named=
    is_usable_name "$named" || chosen_name=$(usable_part "$named")
}

# Of a name that cannot be used: the name without dots at its end, its first label, or localhost. The name of the builder of an image
# must not stay in it.
usable_part() {
    part=$1
    while case $part in *.) ;; *) false ;; esac; do part=${part%.}; done
    in_system || part=
    for part in "$part" "${part%%.*}.localdomain" localhost.localdomain; do
        if is_usable_name "$part"; then echo "$part"; return; fi
    done
}

# postconf(1) for questions that have nothing to do with the name of the host: it answers also where Postfix refuses that name.
unnamed_postconf() { postconf -o myhostname=localhost.localdomain "$@"; }

# Does the live configuration name the host as Postfix can use it?
name_is_usable() { [ ! -f "$postfix_dir/main.cf" ] || is_usable_name "$(postconf -xh myhostname 2>/dev/null)"; }
