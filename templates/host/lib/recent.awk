# Wants delivery.awk. Reads lines of the mail log, oldest first, and prints what became of mail in that time:
#   delivered N MOMENT   how many recipients a smarthost accepted, and the time stamp of the last one, as the log has it
#   returned N           how many it refused for good
#   lost N TOLD WORDS    of these, how many were bounces themselves; of how many the postmaster was told; the last refusal
#   dead WORDS           the last message of a program that ended while it handled mail, unless mail left or Postfix started after that
#   way HOST:PORT RESULT WORDS   for each server that was tried: the last result (sent or failed), and why.
#                                A smarthost of single senders is NAME/HOST:PORT.

!split_line($0) { next }

program ~ /\/qmgr\[/ && match(text, /^[0-9A-Za-z]+: from=<>, size=/) { null[id_of(text)]; next }

program ~ /\/bounce\[/ && text ~ /: postmaster non-delivery notification: / { if (id_of(text) in unreturned) told[id_of(text)]; next }

text ~ /undeliverable postmaster notification discarded/ { discarded++; next }

program ~ /\/master\[/ && text ~ /^(daemon started|reload)/ { dead = ""; next }

program ~ /\/(smtp|lmtp|qmgr|cleanup|pickup|trivial-rewrite)\[/ && sub(/^(fatal|panic): /, "", text) { dead = text; next }

program !~ /\/(smtp|error|retry)\[/ { next }

# The services of single senders bear the name of their smarthost.
{ own = match(program, /\/smarthost-[a-z0-9-]+\//) ? substr(program, RSTART + 11, RLENGTH - 11) : "" }

# Before a delivery status there may be what went wrong with servers that were tried first.
match(text, /^connect to [^ ]+\[[^]]*\]:[0-9]+: /) {
    way = substr(text, 12, RLENGTH - 13)
    failed(way, substr(text, RLENGTH + 1))
    next
}

text !~ /: to=</ && match(text, /SASL authentication failed; (cannot authenticate to )?server [^ ]+\[/) {
    way = substr(text, RSTART, RLENGTH - 1)
    sub(/.* /, "", way)
    way = own way
    failed_host[way] = substr(text, RSTART)
    next
}

match(text, /^[0-9A-Za-z]+: to=</) {
    rest = after_addresses(substr(text, RLENGTH - 3))
    status = status_of(rest)
    if (status == "") next
    way = rest
    sub(/^, relay=/, "", way)
    sub(/,.*/, "", way)
    if (status == "sent") { delivered++; last = stamp; dead = "" }
    else if (status == "bounced" || status == "expired") {
        returned++
        if (id_of(text) in null) { unreturned[id_of(text)]; why_lost = words }
    }
    if (way ~ /\[[^]]*\]:[0-9]+$/) {
        # A message that was refused got through to the server.
        if (status == "deferred" && words ~ /authenticat|certificate|TLS|timed out|lost connection|refused to talk/) failed(way, words)
        else works(way)
    }
}

# HOST[ADDRESS]:PORT without the address.
function name_of(way) { sub(/\[[^]]*\]/, "", way); return own way }

function failed(way, words) { way = name_of(way); result[way] = "failed " words }

function works(way,    host) {
    way = name_of(way)
    result[way] = "sent"
    host = way
    sub(/:[0-9]+$/, "", host)
    delete failed_host[host]
}

END {
    sub(/ [^ ]* *$/, "", last)    # the name of the host
    print "delivered " delivered + 0 " " last
    print "returned " returned + 0
    for (id in unreturned) { lost++; if (id in told) heard++ }
    print "lost " lost + discarded + 0 " " heard + 0 " " why_lost
    if (dead != "") print "dead " dead
    for (way in result) print "way " way " " result[way]
    for (host in failed_host) print "way " host " failed " failed_host[host]
}
