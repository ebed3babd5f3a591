# Reads lines of the mail log; prints "delivered N", "deferred N" and "bounced N": recipients whose delivery ended so; and "lost N": bounces
# that were refused themselves.
# Wants delivery.awk.
# (Mail between the parts of Postfix is no delivery: only smtp(8), and what speaks in its place.)

match($0, /postfix[^ ]*\/qmgr\[[0-9]+\]: [0-9A-Za-z]+: from=<>, size=/) {
    id = substr($0, RSTART, RLENGTH)
    sub(/.*\]: /, "", id)
    sub(/:.*/, "", id)
    null[id]
}

match($0, /postfix[^ ]*\/(smtp|error|retry|discard)\[[0-9]+\]: [0-9A-Za-z]+: to=</) {
    id = substr($0, RSTART, RLENGTH - 6)
    sub(/.* /, "", id)
    status = status_of(after_addresses(substr($0, RSTART + RLENGTH - 4)))
    if (status == "") next
    times[status]++
    if ((status == "bounced" || status == "expired") && id in null) { lost++; delete null[id] }
}

END {
    print "delivered " times["sent"] + 0
    print "deferred " times["deferred"] + 0
    print "bounced " times["bounced"] + times["expired"] + 0
    print "lost " lost + 0
}
