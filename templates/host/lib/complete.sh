# shellcheck shell=sh
# The words that may come next on the command line, for the completions of shells. The help lists them.

# The arguments are the words before the one that is being typed.
complete_main() {
    previous=
    for word in "$@"; do previous=$word; done
    usage | awk -v command="${1:-}" -v previous="$previous" -f "$lib/complete.awk"
}
