# Reads postqueue -j after reasons.tsv (see reasons.awk, json.awk), and prints samples for Prometheus. -v now=SECONDS

{
    queue = word_of($0, "queue_name")
    if (queue == "") next
    messages[queue]++
    arrival = number_of($0, "arrival_time")
    if (arrival != "" && now - arrival > oldest[queue]) oldest[queue] = now - arrival
    bytes[queue] += number_of($0, "message_size")
    # A message counts by the reason of its first recipient that waits.
    if ((rest = next_reason($0)) != "") {
        i = reason_of(text_of(rest))
        waiting[i ? name[i] : "other"]++
    }
}

END {
    count = split("incoming active deferred hold", queues, " ")
    series("queue_messages", "Messages in the mail queue.")
    for (i = 1; i <= count; i++) print "mail_relay_queue_messages{queue=\"" queues[i] "\"} " messages[queues[i]] + 0
    series("queue_bytes", "Size of the messages in the mail queue.")
    for (i = 1; i <= count; i++) print "mail_relay_queue_bytes{queue=\"" queues[i] "\"} " bytes[queues[i]] + 0
    series("queue_oldest_seconds", "Age of the oldest message in the mail queue, 0 where there is none.")
    for (i = 1; i <= count; i++) print "mail_relay_queue_oldest_seconds{queue=\"" queues[i] "\"} " oldest[queues[i]] + 0
    series("waiting_messages", "Messages that wait, by the reason; the names are those of mail-relay status --format json.")
    # Every reason, always: what was never seen cannot be compared with what is there now.
    for (i = 1; i <= reasons; i++) print "mail_relay_waiting_messages{reason=\"" name[i] "\"} " waiting[name[i]] + 0
    print "mail_relay_waiting_messages{reason=\"other\"} " waiting["other"] + 0
}

function series(name_of, help) {
    print "# HELP mail_relay_" name_of " " help
    print "# TYPE mail_relay_" name_of " gauge"
}
