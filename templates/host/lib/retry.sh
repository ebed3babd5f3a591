# shellcheck shell=sh
# retry: mail that waits for a server or a name leaves soon after that is back. Postfix doubles each wait, so after an outage of hours
# a message would wait for up to a quarter of an hour. A unit runs this while mail waits: for each cause it tries one or two messages,
# and all that wait for the same cause once one of them has left. What a server wants to have later (a rate limit, a greylist) and
# a login that was refused are no such causes.

retry_main() {
    repeat=no
    case $#:${1:-} in
    0:) ;;
    1:--repeat) repeat=yes ;;
    *) wrong "retry takes --repeat, and no other argument" ;;
    esac
    need_root
    load_facts
    scratch=$(mktemp -d /run/mail-relay-retry.XXXXXX) || fail 'cannot write into /run'
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    if [ "$repeat" = no ]; then retry_once; return; fi
    # Stopped while mail waits, as by a removal: nothing has failed.
    trap 'exit 0' TERM
    # What was deferred just now is not tried at once, and hosts that wait for the same server try at different seconds.
    while mail_is_deferred; do
        sleep $((15 + $$ % 10))
        retry_once
    done
}

# As mail-relay-retry.path sees it.
mail_is_deferred() {
    for message in /var/spool/postfix/deferred/*/*; do [ ! -e "$message" ] || return 0; done
    return 1
}

retry_once() {
    is_running && spool=$(postconf -h queue_directory) || return 0
    postqueue -j 2>/dev/null | awk -v now="$(date +%s)" -v known="$known_servers" -v direct="$(sends_directly && echo yes)" \
        -f "$lib/reasons.awk" -f "$lib/json.awk" -f "$lib/retry.awk" "$lib/reasons.tsv" - >"$scratch/tried"
    while read -r message _; do postqueue -i "$message" 2>/dev/null; done <"$scratch/tried"
    turns=15
    while [ -s "$scratch/tried" ] && [ "$turns" -gt 0 ]; do
        sleep 1
        turns=$((turns - 1))
        see_what_left
    done
}

# Reads "MESSAGE OTHERS..." lines of $scratch/tried. Leaves those of messages that Postfix still tries.
see_what_left() {
    while read -r message others; do
        case $(cd "$spool" && find incoming active deferred -type f -name "$message") in
        '') release "$others" ;;
        deferred/*) ;;
        *) echo "$message $others" ;;
        esac
    done <"$scratch/tried" >"$scratch/rest"
    mv -f "$scratch/rest" "$scratch/tried"
}

# Has Postfix try these messages now, or all that wait.
release() {
    if [ "$1" = all ]; then postqueue -f; return; fi
    for message in $1; do postqueue -i "$message" 2>/dev/null; done
}
