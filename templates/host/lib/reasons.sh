# shellcheck shell=sh
# Explains the words of Postfix and of smarthosts, by the table reasons.tsv.

# Reads a text; writes "NAME<tab>SCOPE<tab>WHAT<tab>MEND" of the first reason that fits, or nothing.
explain() { awk -f "$lib/reasons.awk" -f "$lib/explain.awk" "$lib/reasons.tsv" -; }
