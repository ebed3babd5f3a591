# shellcheck shell=sh
# A lock-step dialogue with one server: a line there, a reply back, with a time limit for each. The program in between (bash for plain
# TCP, openssl for TLS) reads and writes FIFOs in a folder of our own, so nothing that is said passes a command line, an environment or
# a disk.

# Seconds that one step may take, and the whole dialogue.
step_seconds=10
dialogue_seconds=60

# Starts the program $@ between the FIFOs. Its own words go to $probe_folder/said.
open_dialogue() {
    rm -f "$probe_folder/there" "$probe_folder/back" "$probe_folder/all"
    mkfifo -m 0600 "$probe_folder/there" "$probe_folder/back" "$probe_folder/all" || return 1
    # No more of it than 2 MiB: a server may talk without end. (dd passes on what is there at once; head would wait.)
    dd bs=4096 count=512 <"$probe_folder/all" >"$probe_folder/back" 2>/dev/null 9>&- &
    # Not the lock of apply: the program may outlive us.
    timeout "$dialogue_seconds" "$@" <"$probe_folder/there" >"$probe_folder/all" 2>"$probe_folder/said" 9>&- &
    dialogue=$!
    # Open for reading as well: a program that has ended must not kill us by SIGPIPE.
    exec 3<>"$probe_folder/there" 4<"$probe_folder/back"
}

# Plain TCP to address $1, port $2: bash is on every distribution we know, and the only shell among what all of them have that can.
open_tcp() {
    # shellcheck disable=SC2016  # a program for bash
    open_dialogue bash -c 'exec 5<>"/dev/tcp/$0/$1" || exit; exec 6<&0; echo connected; cat <&6 >&5 & exec cat <&5' "$1" "$2" || return
    read_reply && [ "$reply" = connected ]
}

# Why the last open_tcp failed. bash says it twice; the first line is the one that names no file.
why_not_connected() {
    why=$(sed -n 's/.*connect: //p' "$probe_folder/said" | head -n 1 | printable)
    echo "${why:-timed out}"
}

close_dialogue() {
    [ -n "${dialogue:-}" ] || return 0
    exec 3>&- 4<&-
    kill "$dialogue" 2>/dev/null
    { wait "$dialogue"; } 2>/dev/null
    dialogue=
}

# Reads a reply of one or more lines into $reply. Return code 124: nothing came in time; 1: the other side has gone.
read_reply() {
    # shellcheck disable=SC2016  # a program for another sh
    reply=$(timeout "$step_seconds" sh -c '
        count=0
        while IFS= read -r line; do
            count=$((count + 1))
            [ "$count" -gt 100 ] || printf "%s\n" "$line"
            case $line in [0-9][0-9][0-9]-*) ;; *) exit 0 ;; esac
        done
        exit 1' <&4 3>&- 4<&- 9>&-)
    set -- $?
    reply=$(printf '%s\n' "$reply" | printable 2000)
    return "$1"
}

# Sends the command $1 and reads the reply.
ask() {
    printf '%s\r\n' "$1" >&3
    read_reply
}

# Does the reply begin with $1 (a code, or its first digit)?
is_reply() { case $reply in "$1"*) ;; *) return 1 ;; esac; }
