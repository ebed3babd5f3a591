# Reads lines of the mail log; prints "delivered N", "deferred N" and "bounced N": recipients whose delivery ended so; and "lost N": bounces
# that were refused themselves.
# Wants delivery.awk.
# (Mail between the parts of Postfix is no delivery: only smtp(8), and what speaks in its place.)

!split_line($0) { next }

program ~ /\/qmgr\[/ && match(text, /^[0-9A-Za-z]+: from=<>, size=/) { null[id_of(text)]; next }

program ~ /\/(smtp|error|retry|discard)\[/ && match(text, /^[0-9A-Za-z]+: to=</) {
    status = status_of(after_addresses(substr(text, RLENGTH - 3)))
    if (status == "") next
    times[status]++
    id = id_of(text)
    if ((status == "bounced" || status == "expired") && id in null) { lost++; delete null[id] }
}

END {
    print "delivered " times["sent"] + 0
    print "deferred " times["deferred"] + 0
    print "bounced " times["bounced"] + times["expired"] + 0
    print "lost " lost + 0
}
