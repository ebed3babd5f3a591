# Mails root what this run of a unit has printed, if anything, or that it failed. Called by its ExecStopPost=.
set -u
unit=$1

# What it printed last may still be on the way to the journal.
journalctl --sync
# dnf 4 says how old its metadata are even where it has nothing to say.
printed=$(journalctl --quiet --no-pager --output=cat "_SYSTEMD_INVOCATION_ID=$INVOCATION_ID" |
    grep -v '^Last metadata expiration check')
[ -n "$printed" ] || [ "$SERVICE_RESULT" != success ] || exit 0

printf '%s\n' \
    "To: root" \
    "From: root" \
    "Subject: ${unit%.service} on $(uname -n): $SERVICE_RESULT" \
    "Auto-Submitted: auto-generated" \
    "MIME-Version: 1.0" \
    "Content-Type: text/plain; charset=UTF-8" \
    "Content-Transfer-Encoding: 8bit" \
    "" \
    "$printed" | /usr/sbin/sendmail -i -t
