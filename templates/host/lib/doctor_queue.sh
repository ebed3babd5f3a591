# shellcheck shell=sh
# doctor: what waits in the queue though nothing else is wrong.

# Reasons of which a way to the smarthost that is open says nothing.
lasting='sasl-plugin ca-bundle tlsproxy quota login-limit dead-transport table basic-auth-off'

look_at_queue() {
    read_queue
    sed -n 's/^reason //p' "$probe_folder/queue" >"$probe_folder/reasons"
    past=0 last=
    while read -r times words; do
        find_reason "$words"
        name=${known%%	*}
        # shellcheck disable=SC2086  # words on purpose
        if is_one_of "${name:-none}" $lasting; then queue_finding queue-stuck
        elif [ "$(echo "$known" | cut -f 2)" = relay ] || [ "$name" = later ]; then past=$((past + times)) last=$words
        else queue_finding queue-message; fi
    done <"$probe_folder/reasons"
    [ "$past" = 0 ] || finding queue-waits "$past" "$last"
}

# A program of Postfix that ends while it handles a message gives no reason in the queue: only the log has one. Without a message that
# waits, the cause may have ended since.
look_at_deaths() {
    [ "$stays" = no ] || return 0
    look_back_once
    [ -n "$dead_words" ] || return 0
    read_queue
    ! grep -qx 'count 0' "$probe_folder/queue" || return 0
    find_reason "$dead_words"
    finding program-dies "$dead_words" "${why:-no mail leaves until this program can run}" "${fix:-see 'journalctl -t postfix/smtp', remove the cause, then 'systemctl restart postfix'}"
}

# Messages of the last day that a smarthost refused, and whose bounces were refused as well: they are in no queue.
look_at_lost_mail() {
    look_back_once
    [ "$lost_count" != 0 ] || return 0
    if [ "$told" = "$lost_count" ]; then finding bounces-refused "$lost_count" "$lost_words" 'the postmaster was told, but not the sender'
    else finding bounces-refused "$lost_count" "$lost_words" 'neither the sender nor the postmaster heard of it'; fi
}

# The log and the queue are read once: both parts above need them, and so does status.
look_back_once() { [ -n "${lost_count:-}" ] || look_back "$probe_folder/ways"; }

read_queue() { [ -e "$probe_folder/queue" ] || queue >"$probe_folder/queue"; }

queue_finding() {
    finding "$1" "$times" "$words" "${why:-the smarthost or Postfix says so}" "${fix:-see the words above, and 'mailq'}"
}
