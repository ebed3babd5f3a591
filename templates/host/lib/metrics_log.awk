# Reads lines of the mail log; prints "delivered N", "deferred N" and "bounced N": recipients whose delivery ended so.
# (Mail between the parts of Postfix is no delivery: only smtp(8), and what speaks in its place.)

/postfix[^ ]*\/(smtp|error|retry|discard)\[[0-9]+\]: [0-9A-Za-z]+: to=</ && match($0, /, dsn=[0-9]+\.[0-9]+\.[0-9]+, status=[a-z]+ /) {
    status = substr($0, RSTART, RLENGTH - 1)
    sub(/.*=/, "", status)
    times[status]++
}

END {
    print "delivered " times["sent"] + 0
    print "deferred " times["deferred"] + 0
    print "bounced " times["bounced"] + times["expired"] + 0
}
