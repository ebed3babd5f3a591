# Reads lines of the mail log; prints "delivered N", "deferred N" and "bounced N": recipients whose delivery ended so; and "lost N": bounces
# that were refused themselves.
# (Mail between the parts of Postfix is no delivery: only smtp(8), and what speaks in its place.)

match($0, /postfix[^ ]*\/qmgr\[[0-9]+\]: [0-9A-Za-z]+: from=<>, size=/) {
    id = substr($0, RSTART, RLENGTH)
    sub(/.*\]: /, "", id)
    sub(/:.*/, "", id)
    null[id]
}

/postfix[^ ]*\/(smtp|error|retry|discard)\[[0-9]+\]: [0-9A-Za-z]+: to=</ && match($0, /, dsn=[0-9]+\.[0-9]+\.[0-9]+, status=[a-z]+ /) {
    status = substr($0, RSTART, RLENGTH - 1)
    sub(/.*=/, "", status)
    times[status]++
    id = $0
    sub(/: to=<.*/, "", id)
    sub(/.* /, "", id)
    if ((status == "bounced" || status == "expired") && id in null) { lost++; delete null[id] }
}

END {
    print "delivered " times["sent"] + 0
    print "deferred " times["deferred"] + 0
    print "bounced " times["bounced"] + times["expired"] + 0
    print "lost " lost + 0
}
