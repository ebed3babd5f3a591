# The JSON string that begins a text, up to its closing quote.
function text_of(text,    i, c, out) {
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
