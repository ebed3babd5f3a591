# Takes secrets out of a server's words: the first four lines are what was sent, in each form. Any eight bytes of them that follow each
# other are taken for a part of them; so is a long run of base64.

NR <= 4 { secret[NR] = $0; next }

{
    while (match($0, /[A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/][A-Za-z0-9+\/=]*/)) hide()
    for (n = 1; n <= 4; n++)
        for (i = 1; i + 7 <= length(secret[n]) && i < 4000; i++)
            while ((RSTART = index($0, substr(secret[n], i, 8))) > 0) {
                for (RLENGTH = 8; substr($0, RSTART + RLENGTH, 1) == substr(secret[n], i + RLENGTH, 1) && i + RLENGTH <= length(secret[n]); RLENGTH++) ;
                hide()
            }
    gsub(/\001/, "(hidden)")
    print
}

# One byte, so that the search ends.
function hide() { $0 = substr($0, 1, RSTART - 1) "\001" substr($0, RSTART + RLENGTH) }
