# What Postfix logs of a delivery: "to=<ADDRESS>, orig_to=<ADDRESS>, relay=..., dsn=..., status=... (WORDS)". An address is a client's words, and
# may hold all of that between its quotes; a server's words come last.

# Splits a line of the log into stamp, program and text. The first name of a program is the writer's own; a client's words, which come
# later, may look like one. Returns 0 where no program of Postfix wrote it.
function split_line(line) {
    if (!match(line, /postfix[^ ]*\/[a-z-]+\[[0-9]+\]: /)) return 0
    stamp = substr(line, 1, RSTART - 1)
    program = substr(line, RSTART, RLENGTH)
    text = substr(line, RSTART + RLENGTH)
    return 1
}

# The queue ID that begins a text.
function id_of(text) { sub(/:.*/, "", text); return text }

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
