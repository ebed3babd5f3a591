# shellcheck shell=sh
# Explains the words of Postfix and of smarthosts, by the table reasons.tsv.

# Reads a text; writes "NAME<tab>SCOPE<tab>WHAT<tab>MEND" of the first reason that fits, or nothing.
explain() { advice=$(login_advice) awk -f "$lib/reasons.awk" -f "$lib/explain.awk" "$lib/reasons.tsv" -; }

# Looks up the message $1. Sets known to the line of explain, and why and fix to its parts; all are empty without a reason.
find_reason() {
    known=$(printf '%s\n' "$1" | explain)
    why=$(echo "$known" | cut -f 3) fix=$(echo "$known" | cut -f 4)
}

# The login that the provider expects, from its preset; a general hint for other smarthosts.
login_advice() { echo "${login_advice:-some providers want an app password or an API key}"; }
