# Mails root which packages a transaction of pacman has upgraded. Called by a hook: their names come line by line.
set -u

# Each host that is made from an image would mail what its builder did.
[ -d /run/systemd/system ] || exit 0

names=$(cat)
{
    printf '%s\n' \
        "To: root" \
        "From: root" \
        "Subject: Packages upgraded on $(uname -n)" \
        "Auto-Submitted: auto-generated" \
        "" \
        "pacman has upgraded these packages to:" \
        ""
    # shellcheck disable=SC2086 # a package's name is one word
    pacman -Q $names
} | /usr/sbin/sendmail -i -t
