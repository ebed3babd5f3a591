# Reads a JSON object in one line, of at most 64 KiB, and writes the strings and numbers of its own fields -v names="a b" into files
# of these names in folder -v into. Escapes other than \" \\ \/ \u0026 become blanks or `?`.

{ text = text $0 }

END {
    count = split(names, name, " ")
    for (i = 1; i <= count; i++) wanted[name[i]]
    # Even parts are within quotes; those that end with an odd number of backslashes go on.
    parts = split(text, part, "\"")
    depth = 0
    key = ""
    for (i = 1; i <= parts; i++) {
        outside = part[i]
        if (key != "" && match(outside, /^ *: *-?[0-9]+/)) keep(key, number_in(outside))
        is_value = key != "" && outside ~ /^ *: *$/
        depth += gsub(/[{[]/, "", outside)
        depth -= gsub(/[]}]/, "", outside)
        if (++i > parts) break
        inside = part[i]
        while (is_open(part[i]) && i < parts) { i++; if (length(inside) < 20000) inside = inside "\"" part[i] }
        if (is_value) { keep(key, inside); key = "" }
        else key = depth == 1 && (inside in wanted) ? inside : ""
    }
    for (i = 1; i <= count; i++) { printf "%s", plain(value[name[i]]) >(into "/" name[i]); close(into "/" name[i]) }
}

# The first of two counts.
function keep(key, text) { if (!(key in value)) value[key] = text }

function number_in(text) { sub(/^ *: */, "", text); match(text, /^-?[0-9]+/); return substr(text, 1, RLENGTH) }

# To gawk and mawk, the character before the first is the first: a text of backslashes alone has no end without the limit.
function is_open(text,    n) { while (n < length(text) && substr(text, length(text) - n, 1) == "\\") n++; return n % 2 }

function plain(text,    pieces, piece, i, out) {
    if (index(text, "\\") == 0) return text
    pieces = split(text, piece, "\\")
    out = piece[1]
    for (i = 2; i <= pieces; i++) {
        c = substr(piece[i], 1, 1)
        if (c == "") { out = out "\\" piece[++i]; continue }
        if (c ~ /[bfnrt]/) out = out " " substr(piece[i], 2)
        else if (c == "u") out = out (substr(piece[i], 2, 4) == "0026" ? "&" : "?") substr(piece[i], 6)
        else out = out piece[i]
    }
    return out
}
