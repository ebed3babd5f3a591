# shellcheck shell=sh
# doctor: does Postfix run, alone, in its sandbox, and does what changes apply itself? In an image under construction nothing runs.

look_at_service() {
    in_system || return 0
    unit=$(daemon_unit)
    look_at_rivals
    # Whoever serves in the place of Postfix is why it does not run.
    has_finding other-server || look_at_port
    has_finding other-server port-taken || look_at_unit
    look_at_sandbox
    look_at_apply_units
}

# --- the daemon ---

look_at_unit() {
    running=$(settled_state "$unit")
    enabled=$(systemctl is-enabled postfix.service 2>/dev/null)
    if [ "$running" != active ]; then why_stopped; return; fi
    case $enabled in enabled | enabled-runtime | static | indirect | generated | alias) ;; *) finding postfix-disabled "$enabled" ;; esac
    case $(property NeedDaemonReload "$unit") in yes) finding unit-changed "$unit" ;; esac
    has_finding host-name || look_at_old_name
}

# ProtectHostname= hides from Postfix that the host was renamed. It does not matter where main.cf has the name.
look_at_old_name() {
    [ -z "$(postconf -nh myhostname 2>/dev/null)" ] && have nsenter || return 0
    old=$(nsenter --uts --target "$(master_pid)" uname -n 2>/dev/null) || return 0
    new=$(uname -n)
    [ "$old" = "$new" ] || finding host-renamed "$old" "$new" "$unit"
}

why_stopped() {
    case $enabled:$(property LoadState "$unit") in masked* | *:masked) finding postfix-masked "$unit"; return ;; esac
    if [ "$running" != failed ] && ! systemctl -q is-failed postfix.service; then finding postfix-stopped "$unit" "$running"; return; fi
    # Drop-ins of others change what we have tested.
    for file in $(property DropInPaths "$unit"); do
        case $file in
        */"$drop_in_name" | /usr/lib/* | /run/*) ;;
        *) finding unit-drop-in "$unit" "$file"; return ;;
        esac
    done
    finding postfix-failed "$unit" "$(last_words)"
}

# What the journal has of the failure.
last_words() {
    words=$(journalctl -q --no-pager -o cat -u "$unit" -n 30 2>/dev/null | grep -E 'fatal|error|rror:|Failed at step' | tail -n 1)
    echo "${words:-$(property Result "$unit")}"
}

# --- port 25 ---

# Who listens there on an address that Postfix wants: of proxy_interfaces, too, where master.cf listens on those.
look_at_port() {
    postconf -M smtp/inet 2>/dev/null | grep -q . || return 0
    cat /proc/self/net/tcp /proc/self/net/tcp6 2>/dev/null | awk -v interfaces="$(live inet_interfaces)$(live proxy_interfaces)" '
        $4 == "0A" && $2 ~ /:0019$/ && (interfaces != "loopback-only" || $2 ~ /^(0+|......7F|0+1000000):/) { print $10 }' >"$probe_folder/inodes"
    while read -r inode; do
        holders=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | cut -d / -f 3 | sort -un)
        # What Postfix's master listens on, its smtpd hold as well.
        for holder in $holders; do [ "$(cat "/proc/$holder/comm" 2>/dev/null)" != master ] || continue 2; done
        for holder in $holders; do
            program=$(cat "/proc/$holder/comm" 2>/dev/null)
            [ -n "$program" ] || continue
            taken_by "$program" "$holder"
            return
        done
    done <"$probe_folder/inodes"
}

taken_by() {
    again="systemctl reset-failed postfix.service $unit 2>/dev/null"
    owner=$(unit_in "/proc/$2/cgroup")
    # systemd listens itself where a socket unit says so.
    [ "$1" != systemd ] || owner=$(systemctl list-sockets --no-legend --plain 2>/dev/null | awk '$1 ~ /:25$/ { print $2; exit }')
    case $owner in
    '') finding port-taken "$1" "$2" "kill $2; $again" ;;
    *) finding port-taken "$1 of $owner" "$2" "systemctl stop $owner; systemctl disable $owner; $again" ;;
    esac
}

# The service of this host in a list of control groups. Those below it (a container, Delegate=yes) have any name that their owner likes, and so
# have the units of a user's own manager.
unit_in() {
    sed -n -e '/user\.slice/d' -e 's|^[0-9]*:[^:]*:\(/[^/]*\.slice\)*/\([A-Za-z0-9:_.@-]*\.service\)\(/.*\)\{0,1\}$|\2|p' "$1" 2>/dev/null | tail -n 1
}

look_at_rivals() {
    for other in $rivals; do
        if systemctl -q is-active "$other" 2>/dev/null; then finding other-server "$other"; fi
    done
    shown=$(show_alternative) || return 0
    current=$(current_alternative) own=$(own_alternative)
    [ -n "$own" ] || return 0
    case $current in '' | "$own") ;; *) finding sendmail-command "$current" "$own" ;; esac
}

# --- the sandbox ---

# Our drop-in, or somebody's of the same name, must be among those of the unit, and the process must be younger than it.
look_at_sandbox() {
    [ -f "$drop_in" ] && systemctl -q is-active "$unit" || return 0
    masks=
    for folder in /etc/systemd/system /run/systemd/system; do
        for mask in "$folder/postfix.service.d/$drop_in_name" "$folder/postfix@.service.d/$drop_in_name"; do
            [ "$(readlink "$mask")" != /dev/null ] || masks="$masks $mask"
        done
    done
    pid=$(master_pid)
    if [ -n "$masks" ]; then finding hardening-off "rm -f$masks && "
    # A process that ended meanwhile says nothing.
    elif [ "$(sed -n 's/^NoNewPrivileges=//p' "$drop_in" | tail -n 1)" = yes ] && grep -qs '^NoNewPrivs:[^0-9]*0$' "/proc/${pid:-none}/status"; then finding hardening-off ''; fi
}

# --- our own units ---

look_at_apply_units() {
    for own in mail-relay-apply.service mail-relay-reapply.service; do
        # Where the settings are wrong, that is why.
        if systemctl -q is-failed "$own" 2>/dev/null && [ "$explained" = no ]; then finding apply-failed "$own"; fi
    done
    systemctl -q is-active mail-relay-apply.path 2>/dev/null || finding apply-path-off
    systemctl -q is-active mail-relay-retry.path 2>/dev/null || finding retry-path-off
    case $(systemctl is-enabled mail-relay-apply.service 2>/dev/null) in enabled | enabled-runtime) ;; *) finding apply-boot-off ;; esac
    look_at_refresh
}

# It runs where something must be asked for again: a command, or access tokens, which have findings of their own.
look_at_refresh() {
    [ -e "$state/timer" ] || return 0
    systemctl -q is-active mail-relay-refresh.timer 2>/dev/null || finding refresh-timer-off
    ! has_finding token-missing token-fault && systemctl -q is-failed mail-relay-refresh.service 2>/dev/null || return 0
    words=$(journalctl -q --no-pager -o cat -u mail-relay-refresh.service -n 30 2>/dev/null | sed -n 's/^mail-relay: //p' | tail -n 1)
    words=${words:-$(property Result mail-relay-refresh.service)}
    finding refresh-failed "${words%%; mend:*}"
}
