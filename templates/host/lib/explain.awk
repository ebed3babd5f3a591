# Reads words after reasons.tsv (see reasons.awk), and prints what is known of the reason in them. {login} in a fix stands for the
# variable advice of the environment.

{ text = text "\n" $0 }

END { if (i = reason_of(text)) print name[i] "\t" scope[i] "\t" what[i] "\t" filled(mend[i]) }

# Without sub(), for which & in the advice would be a sign.
function filled(text) {
    if (match(text, /[{]login[}]/)) text = substr(text, 1, RSTART - 1) ENVIRON["advice"] substr(text, RSTART + RLENGTH)
    return text
}
