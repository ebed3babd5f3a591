# shellcheck shell=sh
# doctor: is Postfix here, can it write, is the clock right? Return code 1: nothing else can be said before that is mended.

look_at_postfix() {
    if ! have postconf; then finding postfix-missing; return 1; fi
    if ! postconf -d mail_version >/dev/null 2>"$probe_folder/said"; then
        finding package-damaged "$(head -n 1 "$probe_folder/said")"
        return 1
    fi
    if ! name_is_usable; then finding host-name-refused "$(printable_name)"; return 1; fi
    look_at_name
}

look_at_name() {
    name=$(live myhostname)
    case $name in
    *.localdomain | localhost.*)
        if is_usable_name "$(uname -n)"; then finding host-name "$name" 'which is not a full name'
        else finding host-name "$name" "because Postfix cannot use the system's own name, '$(printable_name)'"; fi
        ;;
    *[!A-Za-z0-9.-]*) finding host-name "$name" 'which has characters that do not belong in a host name' ;;
    *.*[A-Za-z]*) case ${name##*.} in *[!0-9]*) ;; *) finding host-name "$name" 'which ends in a number, as no host name does' ;; esac ;;
    *) finding host-name "$name" 'which is not a full name' ;;
    esac
}

printable_name() { uname -n | printable; }

look_at_disks() {
    spool=$(live queue_directory)
    spool=${spool:-/var/spool/postfix}
    for folder in "$postfix_dir" "$settings" "$state" "$spool"; do
        [ -d "$folder" ] || continue
        if ! has_room "$folder" 2>"$probe_folder/said"; then
            words=$(sed -n 's/.*: //p' "$probe_folder/said" | tail -n 1)
            mounted=$(df -P "$folder" | awk 'NR == 2 { print $6 }')
            case $words in
            Read-only*) finding read-only "$folder" "$(remount) $mounted" ;;
            *) finding disk-full "$folder" "$words" "$mounted" ;;
            esac
            return 1
        fi
    done
    # smtpd(8) wants one and a half times the largest message free; message_size_limit = 0 is none.
    free=$(df -Pk "$spool" | awk 'NR == 2 { print $4 }')
    limit=$(live message_size_limit)
    wanted=$((${limit:-0} * 3 / 2048))
    if [ -n "$free" ] && [ "$free" -lt "$wanted" ]; then
        finding queue-space "$free" "$spool" "$wanted kB" "message_size_limit = $limit"
        return 1
    fi
    return 0
}

# Either the mount is read-only, or the file system itself, as after a fault of the disk.
remount() {
    case $(awk -v at="$mounted" '$5 == at { options = $6 } END { print options }' /proc/self/mountinfo) in
    ro | ro,*) echo remount,bind,rw ;;
    *) echo remount,rw ;;
    esac
}

# Files of ours that are from tomorrow or later.
look_at_clock() {
    for file in "$share/facts" "$relay_env" "$state/applied/info" "$postfix_dir/main.cf"; do
        [ -f "$file" ] || continue
        written=$(stat -c %Y -- "$file")
        if [ "$written" -gt $(($(date +%s) + 86400)) ]; then
            finding clock-behind "$(date -u)" "$file" "$(date -u -d "@$written")"
            return 0
        fi
    done
}
