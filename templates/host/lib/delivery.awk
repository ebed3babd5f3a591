# What Postfix logs of a delivery: "to=<ADDRESS>, orig_to=<ADDRESS>, relay=..., dsn=..., status=... (WORDS)". An address is a client's words, and
# may hold all of that between its quotes; a server's words come last.

# The text from ", relay=" on, which the addresses have no part in; empty where this is no delivery.
function after_addresses(text,    quoted) {
    if (text !~ /^to=</) return ""
    while (match(text, /^(, )?(to|orig_to)=</)) {
        text = substr(text, RLENGTH + 1)
        # The quoted local part: no quote in it without a backslash.
        if (match(text, /^"([^"\\]|\\.)*"/)) text = substr(text, RLENGTH + 1)
        if (!(quoted = index(text, ">, "))) return ""
        text = substr(text, quoted + 1)
    }
    return text
}

# The status in such a text, or nothing. Sets words to what stands behind it, without the parentheses.
function status_of(text,    status) {
    if (!match(text, /, dsn=[0-9]+\.[0-9]+\.[0-9]+, status=[a-z]+ \(/)) return ""
    words = substr(text, RSTART + RLENGTH)
    sub(/\)$/, "", words)
    status = substr(text, RSTART, RLENGTH - 2)
    sub(/.*=/, "", status)
    return status
}
