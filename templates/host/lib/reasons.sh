# shellcheck shell=sh
# Explains the words of Postfix and of smarthosts, by the table reasons.tsv.

# Reads a text; writes "NAME<tab>SCOPE<tab>WHAT<tab>MEND" of the first reason that fits, or nothing.
explain() {
    awk -F '\t' '
        FILENAME == ARGV[1] { if ($0 !~ /^#/) { n++; name[n] = $1; scope[n] = $2; pattern[n] = $3; what[n] = $4; mend[n] = $5 } next }
        { text = text "\n" tolower($0) }
        END { for (i = 1; i <= n; i++) if (text ~ pattern[i]) { print name[i] "\t" scope[i] "\t" what[i] "\t" mend[i]; exit } }
    ' "$lib/reasons.tsv" -
}
