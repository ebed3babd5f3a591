# Words of strangers: printable UTF-8 and tabs, each line at most -v limit bytes. What is no UTF-8 becomes `?`; controls and characters
# that are not seen, or turn the direction of a text, are left out. The sign by which our own words name a fix is broken.

BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }

{
    line = substr($0, 1, limit)
    if (line ~ /[^\t -~]/) line = shown(line)
    while ((at = index(line, "mend:")) > 0) line = substr(line, 1, at + 3) " " substr(line, at + 5)
    print line
}

function shown(line,    at, c, first, more, point, i, out) {
    for (at = 1; at <= length(line); at++) {
        c = substr(line, at, 1)
        first = code[c] + 0
        if (first < 128) { if (first == 9 || (first > 31 && first < 127)) out = out c; continue }
        more = first < 194 || first > 244 ? 0 : first < 224 ? 1 : first < 240 ? 2 : 3
        point = more == 1 ? first - 192 : more == 2 ? first - 224 : first - 240
        for (i = 1; i <= more; i++) {
            c = code[substr(line, at + i, 1)] + 0
            if (c < 128 || c > 191) { more = 0; break }
            point = point * 64 + c - 128
        }
        if (!more || (more == 2 && point < 2048) || (more == 3 && point < 65536) || (point > 55295 && point < 57344) || point > 1114111) {
            out = out "?"
            continue
        }
        if (!is_hidden(point)) out = out substr(line, at, more + 1)
        at += more
    }
    return out
}

# C1 controls, soft hyphen, marks of direction, zero width, line and paragraph separators, tags.
function is_hidden(point) {
    return point < 160 || point == 173 || point == 1564 || point == 6158 || (point > 8202 && point < 8208) || (point > 8231 && point < 8239) ||
        (point > 8287 && point < 8304) || point == 65279 || (point > 65528 && point < 65532) || (point > 78895 && point < 78912) ||
        (point > 113823 && point < 113828) || (point > 119154 && point < 119163) || (point > 917503 && point < 917632)
}
