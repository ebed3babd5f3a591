# shellcheck shell=sh
# doctor: looks for what keeps mail from leaving, in the order of cause and effect. What is found stands in findings.tsv; the parts
# doctor_*.sh look. Exit 0 when nothing is broken.

doctor_main() {
    read_doctor_options "$@"
    need_root
    load_facts
    drop_leftovers
    # It holds credentials for a moment: in memory where that can be.
    probe_folder=$(mktemp -d "$doctor_folder.XXXXXX" 2>/dev/null || mktemp -d) || fail "cannot make a temporary folder: is the disk full?"
    trap 'rm -rf "$probe_folder"' EXIT
    trap 'exit 1' HUP INT TERM
    : >"$probe_folder/findings"
    broken=no stays=no leaves=no
    examine
    alone=no
    in_system || alone=yes
    awk -v format="$format" -v quiet="$quiet" -v leaves="$leaves" -v alone="$alone" -v package="$package" -v version="$version" \
        -v bold="$bold" -v red="$red" -v yellow="$yellow" -v green="$green" -v plain="$plain" -f "$lib/json_string.awk" -f "$lib/doctor.awk" "$probe_folder/findings" || exit 1
    [ "$broken" = no ]
}

read_doctor_options() {
    format=text quiet=no color=auto
    while [ $# -gt 0 ]; do
        if look_option "$@"; then shift "$words"; continue; fi
        case $1 in
        --quiet | -q) quiet=yes ;;
        *) wrong "doctor has no option '$1'" ;;
        esac
        shift
    done
    choose_look
}

# Where one part has found a cause, the parts that would only show its effects are left out.
examine() {
    look_at_postfix && look_at_disks || return 0
    look_at_clock
    look_at_settings
    [ "$broken" = yes ] || look_at_configuration
    # Settings that are refused leave the old ones in force: does mail leave by these?
    explained=$broken broken=no
    look_at_needs
    look_at_service
    [ "$explained" = yes ] || look_at_partners
    # These show themselves as faults of the smarthost; a relay.env that is refused, or a Postfix that does not run, does not.
    has_finding package-damaged credentials-missing token-missing ca-bundle not-applied apply-unfinished edited-by-hand out-of-date map-stale \
        ca-unreadable ca-file-missing resolver-silent sasl-plugin chroot-stale || look_at_network
    look_at_deaths
    if [ "$stays" = no ] && { [ "${reached:-no}" = yes ] || sends_directly; }; then leaves=yes; fi
    [ "$explained" = no ] || broken=yes
    [ "$broken" = yes ] || look_at_queue
    look_at_lost_mail
    [ "$broken" = yes ] || look_at_domains
}

# Writes down the finding $1; the other arguments are what {1}, {2}, ... stand for.
finding() {
    id=$1
    shift
    for value in "$@"; do printf '%s' "$value" | tr '\n\t' '  '; echo; done | printable 1000 >"$probe_folder/values"
    awk -F '\t' -v id="$id" -v install="$(tool install)" -v reinstall="$(tool reinstall)" -v update="$(tool update-ca)" '
        BEGIN { value["install"] = install; value["reinstall"] = reinstall; value["update-ca"] = update }
        FILENAME == ARGV[1] { value[++values] = $0; sub(/ +$/, "", value[values]); next }
        $1 == id { print fill($0); exit }
        # From left to right: what a value holds is no sign, and sub() would find some in it.
        function fill(text,    done, sign) {
            while (match(text, /[{][a-z0-9-]+[}]/)) {
                sign = substr(text, RSTART + 1, RLENGTH - 2)
                done = done substr(text, 1, RSTART - 1) (sign in value ? value[sign] : "{" sign "}")
                text = substr(text, RSTART + RLENGTH)
            }
            return done text
        }' "$probe_folder/values" "$lib/findings.tsv" >>"$probe_folder/findings"
    case $(tail -n 1 "$probe_folder/findings") in
    *'	broken	stays	'*) broken=yes stays=yes ;;
    *'	broken	'*) broken=yes ;;
    esac
}

has_finding() {
    for id in "$@"; do
        if grep -q "^$id	" "$probe_folder/findings"; then return 0; fi
    done
    return 1
}

# The distribution's own commands.
tool() {
    case $1 in
    install) if have apt-get; then echo 'apt-get install -y'; elif have dnf; then echo 'dnf install -y'; elif have zypper; then echo 'zypper install -y'; else echo 'pacman -S --noconfirm'; fi ;;
    reinstall) if have apt-get; then echo 'apt-get install -y --reinstall'; elif have dnf; then echo 'dnf reinstall -y'; elif have zypper; then echo 'zypper install -y -f'; else echo 'pacman -S --noconfirm'; fi ;;
    update-ca) if have update-ca-certificates; then echo 'update-ca-certificates --fresh'; else echo 'update-ca-trust'; fi ;;
    anchor) if have update-ca-certificates; then echo 'a file NAME.crt in /usr/local/share/ca-certificates, then update-ca-certificates'; elif have pacman; then echo 'trust anchor FILE'; else echo 'a file in /etc/pki/ca-trust/source/anchors, then update-ca-trust'; fi ;;
    sasl) if have apt-get; then echo libsasl2-modules; elif have pacman; then echo libsasl; else echo cyrus-sasl-plain; fi ;;
    esac
}

# What Postfix has in force for the parameter $1. All are asked for at once, because each start of postconf costs as much as several of awk;
# a parameter of our own that nothing refers to is not among all.
live() {
    [ -e "$probe_folder/live" ] || postconf -x >"$probe_folder/live" 2>/dev/null
    awk -v name="$1" 'index($0, name " =") == 1 { sub(/^[^=]*= */, ""); print; found = 1; exit } END { exit !found }' "$probe_folder/live" ||
        postconf -xh "$1" 2>/dev/null
}
