# shellcheck shell=sh
# What the mail log says of the last day: does mail leave, by which smarthosts, and was any lost?

# A relay of a whole network writes many lines; more than these, and more of a file, are not looked at.
recent_lines=50000
recent_bytes=16777216

# Sets delivered, returned, lost_count, told, lost_words and dead_words (see recent.awk), last_delivery (seconds since 1970, or empty), and leaves the lines
# "way ..." in file $1.
look_back() {
    delivered=0 returned=0 lost_count=0 told=0 lost_words='' dead_words='' last_delivery=''
    recent_log | printable 2000 | awk -f "$lib/delivery.awk" -f "$lib/recent.awk" >"$1.all"
    while read -r word number rest; do
        case $word in
        delivered)
            delivered=$number
            [ -z "$rest" ] || last_delivery=$(seconds_of "$rest")
            ;;
        returned) returned=$number ;;
        dead) dead_words="$number${rest:+ $rest}" ;;
        lost) lost_count=$number told=${rest%% *} lost_words=$(printf '%s' "${rest#* }" | printable) ;;
        esac
    done <"$1.all"
    sed -n 's/^way //p' "$1.all" | printable >"$1"
    rm -f "$1.all"
}

recent_log() {
    log_file=$(unnamed_postconf -xh maillog_file 2>/dev/null)
    if [ -z "$log_file" ] && [ -d /run/systemd/journal ] && have journalctl; then
        journal_of_postfix -o short-unix --since=-24h -n "$recent_lines"
        return
    fi
    for log_file in "$log_file" /var/log/mail.log /var/log/maillog /var/log/mail /var/log/messages /var/log/syslog; do
        [ -f "$log_file" ] || continue
        from=$(($(size_of "$log_file") - recent_bytes))
        read_from "$log_file" "$((from > 0 ? from : 0))" | tail -n "$recent_lines"
        return
    done
}

# A time stamp of a log: of the journal, RFC 3339, or as syslog has always written it.
seconds_of() {
    case $1 in
    *[!0-9.]*) date -d "$1" +%s 2>/dev/null ;;
    *) echo "${1%%.*}" ;;
    esac
}

# Prints what the log says of destination $1 (as relayhost has it): "sent" or "failed WORDS", or nothing. Lines of look_back are in $2.
way_result() {
    split_destination "$1"
    awk -v way="${of_way:+$of_way/}$host:$port" -v host="${of_way:+$of_way/}$host" '$1 == way || $1 == host { $1 = ""; print substr($0, 2) }' "$2" | tail -n 1
}
