# shellcheck shell=sh
# The mail log, wherever it is: Postfix's own file, the journal (facility mail, whatever the unit is called), or a syslog file.

# The journal's lines of Postfix: its user and root write them, which the journal itself knows. (Any user can write a line of facility mail,
# and name himself postfix/smtp.)
journal_of_postfix() {
    owner=$(postconf -xh mail_owner 2>/dev/null)
    owner=$(id -u "${owner:-postfix}" 2>/dev/null)
    journalctl -q --no-pager "$@" SYSLOG_FACILITY=2 _UID=0 ${owner:+"_UID=$owner"} 2>/dev/null
}

# Remembers where the log ends now.
mark_log() {
    log_file=$(postconf -xh maillog_file 2>/dev/null)
    log_cursor=
    if [ -z "$log_file" ] && [ -d /run/systemd/journal ] && have journalctl; then
        log_file=journal
        log_cursor=$(journalctl -q -n 0 --show-cursor 2>/dev/null | sed -n 's/^-- cursor: //p')
        log_since=$(date +%s)
    elif [ -z "$log_file" ]; then
        for log_file in /var/log/mail.log /var/log/maillog /var/log/mail /var/log/messages /var/log/syslog none; do
            [ -f "$log_file" ] && break
        done
    fi
    [ -f "$log_file" ] && log_size=$(size_of "$log_file") || log_size=0
}

# What was logged since then.
read_log() {
    case $log_file in
    none) return 1 ;;
    journal)
        if [ -n "$log_cursor" ]; then
            journal_of_postfix -o short --after-cursor="$log_cursor"
        else
            journal_of_postfix -o short --since="@$log_since"
        fi
        ;;
    *)
        [ -f "$log_file" ] || return 1
        # A log that is shorter now was rotated.
        [ "$(size_of "$log_file")" -ge "$log_size" ] || log_size=0
        read_from "$log_file" "$log_size"
        ;;
    esac 2>/dev/null
}
