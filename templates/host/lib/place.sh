# shellcheck shell=sh
# Files in folders that another account may change. Its owner can put a link or a FIFO in place of any name, also between a check and
# an open. So no part of this program opens a name there, or changes its mode or owner; these functions do. ci/foreign-folders finds others.
#
# $textfile   folder of node_exporter: its owner, on Debian, is the account of the exporter
# $published  tokens in the queue folder: Postfix's account may own the folder above
# $spool      the queue folder
# $log_file   /var/log: on Ubuntu its group is that of rsyslog
# $alias_file   aliases from before the first apply, wherever main.cf named them
# $source, $compiled   tables of the administrator, wherever main.cf.d names them

# Puts a copy of $1 at the absolute path $2, with owner and mode of $1. The working folder cannot be exchanged, cp(1) deletes what
# has the name and creates a file (O_EXCL), and mv(1) renames.
put_file() {
    (
        cd -- "${2%/*}/" || exit
        name=./${2##*/}
        cp --preserve=mode,ownership --remove-destination -T -- "$1" "$name.new" && mv -fT -- "$name.new" "$name" && exit
        rm -f -- "$name.new"
        exit 1
    )
}

# The bytes of file $1 after the first $2, or nothing if it is a link. A FIFO is empty.
read_from() { dd if="$1" iflag=nofollow,nonblock,skip_bytes skip="$2" bs=65536 status=none 2>/dev/null; }

# Seconds that a file of the administrator may take: its folder may be another account's, which could put a FIFO or a terabyte in its place.
read_seconds=10

# Runs the command $@, which reads such files.
in_time() { timeout -k 1 "$read_seconds" "$@"; }

# The size of file $1, without opening it.
size_of() { stat -c %s -- "$1" 2>/dev/null || echo 0; }

# Can a file be created in folder $1? What prevents it is on standard error.
has_room() {
    (cd -- "$1" && rm -f -- .room.mail-relay && dd if=/dev/zero of=.room.mail-relay bs=65536 count=1 conv=excl status=none)
    set -- "$1" $?
    (cd -- "$1" && rm -f -- .room.mail-relay) 2>/dev/null
    return "$2"
}

# Can only root change what the absolute path $1 leads to? Follows the path as written, link by link. Sets real, the path without
# links, or open_part, the part that others can change.
only_roots() {
    real='' steps=0
    set -- "$1/"
    while [ -n "$1" ]; do
        part=${1%%/*}
        set -- "${1#*/}"
        [ -n "$part" ] || continue
        open_part=$real/$part
        if [ -L "$open_part" ]; then
            steps=$((steps + 1))
            [ "$steps" -le 40 ] && [ "$(stat -c %u -- "$open_part")" = 0 ] || return 1
            target=$(readlink -- "$open_part")
            case $target in /*) real= ;; esac
            set -- "$target/$1"
            continue
        fi
        case $(stat -c '%u %A' -- "$open_part" 2>/dev/null) in
        '0 '?????-??-?) ;;
        # In a folder like /tmp others can create names, but not rename what is root's.
        '0 d'????????[tT]) ;;
        *) return 1 ;;
        esac
        real=$open_part
    done
    real=${real:-/}
}

# Makes folder $1 unless it is there. Fails if others than root can change it.
make_folder() {
    [ -d "$1" ] || (umask 022 && mkdir -- "$1" 2>/dev/null) || { warn "cannot make $1: is the disk full?"; return 1; }
    only_roots "$1" && return
    warn "$(say_open)"
    return 1
}

# For only_roots.
say_open() {
    # chmod(1) would follow a link, whose own mode does not matter.
    command="chown -h root:root $open_part"
    [ -L "$open_part" ] || command="$command; chmod go-w $open_part"
    echo "others than root can write to $open_part; mend: $command"
}
