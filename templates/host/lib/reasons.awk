# The first file is reasons.tsv: why mail does not leave.

BEGIN { FS = "\t" }

FILENAME == ARGV[1] {
    if ($0 !~ /^#/) { reasons++; name[reasons] = $1; scope[reasons] = $2; pattern[reasons] = $3; what[reasons] = $4; mend[reasons] = $5; retried[reasons] = $6 }
    next
}

# The number of the first reason that fits the words, or 0.
function reason_of(words,    i) {
    words = tolower(words)
    for (i = 1; i <= reasons; i++) if (words ~ pattern[i]) return i
    return 0
}
