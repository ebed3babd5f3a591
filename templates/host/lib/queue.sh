# shellcheck shell=sh
# The mail queue.

queue() {
    postqueue -j 2>/dev/null | awk -f "$lib/json.awk" -f "$lib/queue.awk" | printable 500
}

# Seconds as a person says them.
age() {
    if [ "$1" -ge 172800 ]; then echo "$(($1 / 86400)) days"
    elif [ "$1" -ge 7200 ]; then echo "$(($1 / 3600)) hours"
    elif [ "$1" -ge 120 ]; then echo "$(($1 / 60)) minutes"
    else echo "$1 seconds"; fi
}
