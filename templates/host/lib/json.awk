# Fields of a message in a line of postqueue -j. Within a string, a quote is escaped, so no text of a message looks like a field.

# A message of any user can have thousands of recipients, and a long line is copied for each reason that is looked at.
BEGIN { most_reasons = 50 }

# The number of the field, or "".
function number_of(line, field) {
    if (!match(line, "\"" field "\": *[0-9]+")) return ""
    line = substr(line, RSTART, RLENGTH)
    sub(/.*[^0-9]/, "", line)
    return line
}

# The string of the field, which has no escapes, or "".
function word_of(line, field) {
    if (!match(line, "\"" field "\": *\"[^\"]+\"")) return ""
    line = substr(line, RSTART, RLENGTH)
    gsub(/.*: *"|"/, "", line)
    return line
}

# What follows the quote that begins the next reason of deferral in a line, or "".
function next_reason(line,    at) {
    at = index(line, "\"delay_reason\": \"")
    return at ? substr(line, at + 17) : ""
}

# The JSON string that begins a text, up to its closing quote, or its first bytes.
function text_of(text,    i, c, out) {
    text = substr(text, 1, 4000)
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\"") break
        if (c == "\\") {
            c = substr(text, ++i, 1)
            if (c == "n" || c == "t" || c == "r") c = " "
            else if (c == "u") { i += 4; c = "?" }
        }
        out = out c
    }
    return out
}
