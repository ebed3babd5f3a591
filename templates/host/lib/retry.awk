# Reads postqueue -j after reasons.tsv (see reasons.awk, json.awk). Prints "MESSAGE OTHERS..." for the oldest and the newest message of
# each cause that may end without a change of this host; OTHERS is "all" where they are many.
# -v now=SECONDS -v known="servers that the spec names" -v direct=yes, where mail goes to MX hosts

BEGIN {
    split(known, names, " ")
    for (i in names) is_known[names[i]]
}

# A queue of a hundred thousand need not be read as a whole.
FNR > 5000 { exit }

word_of($0, "queue_name") == "deferred" {
    message = word_of($0, "queue_id")
    arrival = number_of($0, "arrival_time")
    if (message == "" || arrival == "") next
    rest = $0
    for (seen = 0; seen < most_reasons && (rest = next_reason(rest)) != ""; seen++) {
        match(rest, /^([^"\\]|\\.)*/)
        cause = cause_of(substr(rest, 1, RLENGTH))
        if (cause != "" && last[cause] != message) note(cause)
    }
}

function note(cause) {
    last[cause] = message
    waiting[cause] = waiting[cause] " " message
    count[cause]++
    if (!(cause in oldest) || arrival + 0 < since[cause] + 0) { oldest[cause] = message; since[cause] = arrival }
    if (!(cause in newest) || arrival + 0 >= until[cause] + 0) { newest[cause] = message; until[cause] = arrival }
}

# The name of a cause and of the server that it concerns, or nothing. A server that only the recipient's domain names is its owner's
# matter, but for words that also a network or a resolver of ours that is away brings about, and for an hour.
function cause_of(text,    i, server) {
    # Most messages wait with the same words.
    if (!(text in reason)) { reason[text] = reason_of(text_of(text)); server_of[text] = server_in(text) }
    if (!(i = reason[text]) || retried[i] == "") return ""
    server = server_of[text]
    if (server == "" || direct != "yes" || server in is_known) return name[i] " " server
    return retried[i] == "network" && now - arrival < 3600 ? name[i] : ""
}

function server_in(words) {
    if (match(words, /(host|to|with) [^ []+\[/)) words = substr(words, RSTART, RLENGTH - 1)
    else if (match(words, /name=[^ ]+/)) words = substr(words, RSTART, RLENGTH)
    else return ""
    sub(/.*[ =]/, "", words)
    return words
}

END {
    for (cause in oldest) {
        others = count[cause] > 100 ? " all" : waiting[cause]
        print oldest[cause] others
        if (newest[cause] != oldest[cause]) print newest[cause] others
    }
}
