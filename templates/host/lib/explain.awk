# Reads words after reasons.tsv (see reasons.awk), and prints what is known of the reason in them.

{ text = text "\n" $0 }

END { if (i = reason_of(text)) print name[i] "\t" scope[i] "\t" what[i] "\t" mend[i] }
