# Reads the bytes of a DNS answer, as od -tu1 prints them, and prints "PREFERENCE NAME" for each MX record, or with -v want=16 the text
# of each TXT record (RFC 1035, section 4). Exit code: 0 the name exists, 1 it does not, 2 the server cannot tell, 3 the answer is cut off.

{ for (i = 1; i <= NF; i++) byte[bytes++] = $i + 0 }

END {
    if (bytes < 12) exit 2
    code = byte[3] % 16
    if (code == 3) exit 1
    if (code != 0) exit 2
    if (want == "") want = 15
    if (want == 16 && int(byte[2] / 2) % 2) exit 3
    at = 12
    for (i = number(4); i > 0; i--) { name(); at += 4 }
    for (i = number(6); i > 0 && at < bytes; i--) {
        name()
        type = number(at); size = number(at + 8); at += 10; end = at + size
        if (type == 15 && want == 15) { preference = number(at); at += 2; print preference " " name() }
        if (type == 16 && want == 16) print strings(at, end)
        at = end
    }
}

function number(place) { return byte[place] * 256 + byte[place + 1] }

# The strings of a TXT record as one, without what no SPF record has.
function strings(place, end,    all, last) {
    while (place < end) {
        for (last = place + byte[place]; place < last && place < end - 1; ) {
            place++
            all = all (byte[place] >= 32 && byte[place] < 127 ? sprintf("%c", byte[place]) : "_")
        }
        place++
    }
    return all
}

# A character of a host name. Whoever runs a DNS server can write anything.
function character(code) {
    return code == 45 || code >= 48 && code <= 57 || code >= 65 && code <= 90 || code >= 97 && code <= 122 ? sprintf("%c", code) : "_"
}

# The name at `at`, which then is behind it; a pointer ends a name.
function name(    text, place, jumped, hops, i, label) {
    place = at
    # No name has more than 255 bytes, and pointers could lead through the same labels again and again.
    while (place < bytes && byte[place] > 0 && hops < 64 && length(text) < 256) {
        if (byte[place] >= 192) {
            if (!jumped) at = place + 2
            jumped = 1; hops++
            place = (byte[place] - 192) * 256 + byte[place + 1]
            continue
        }
        label = ""
        for (i = 1; i <= byte[place]; i++) label = label character(byte[place + i])
        text = text (text == "" ? "" : ".") label
        place += byte[place] + 1
    }
    if (!jumped) at = place + 1
    return text == "" ? "." : text
}
