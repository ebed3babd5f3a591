# Wants delivery.awk. Follows one message through the mail log by its message-id (-v id=...). Prints, tab-separated:
#   queue ID, recipients N, removed, to ADDRESS RELAY STATUS DSN TEXT (the last word on each recipient),
#   tls RELAY LEVEL (Verified, Trusted, Untrusted, Anonymous), detail TEXT (what TLS, SASL and connections had to say)

BEGIN { OFS = "\t" }

{
    at = match($0, /postfix[^ ]*\[[0-9]+\]: /)
    if (!at) { if (!(at = match($0, /\[[0-9]+\]: /))) next }
    text = substr($0, at + RLENGTH)
}

queue == "" && index(text, "message-id=<" id ">") { queue = text; sub(/:.*/, "", queue); print "queue", queue; next }

match(text, /^[A-Za-z]+ TLS connection (established|reused) to /) {
    relay = substr(text, RLENGTH + 1)
    sub(/: .*/, "", relay)
    level = text
    sub(/ .*/, "", level)
    tls[relay] = level
    next
}

queue != "" && index(text, queue ": ") == 1 { own(substr(text, length(queue) + 3)); next }

# Other lines that no message has, or that say why a connection failed.
text ~ /certificate|SASL|SSL_|TLS|tlsproxy|onnect to |fatal: |warning: / && text !~ /: (to|from)=</ { detail[++details] = text }

END {
    for (i = 1; i <= recipients; i++) print line[order[i]]
    for (relay in tls) print "tls", relay, tls[relay]
    for (i = 1; i <= details; i++) print "detail", detail[i]
}

function own(text,    address, status, relay, dsn, rest) {
    if (text == "removed") { print "removed"; return }
    if (match(text, /nrcpt=[0-9]+/)) { print "recipients", substr(text, RSTART + 6, RLENGTH - 6); return }
    rest = after_addresses(text)
    status = status_of(rest)
    if (status == "") { detail[++details] = text; return }
    address = substr(text, 1, length(text) - length(rest))
    sub(/^to=</, "", address)
    sub(/>(, orig_to=<.*)?$/, "", address)
    relay = field(rest, "relay")
    dsn = field(rest, "dsn")
    gsub(/\t/, " ", words)
    if (!(address in line)) order[++recipients] = address
    line[address] = "to" OFS address OFS relay OFS status OFS dsn OFS words
}

function field(text, name) {
    if (!match(text, ", " name "=[^,]*")) return ""
    return substr(text, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
}
