# shellcheck shell=sh
# The Postfix service. In an image under construction there is none, and nothing is done.

# Our sandbox for Postfix. There is one of the same name for postfix@.service.
drop_in_name=50-mail-relay.conf
drop_in=/usr/lib/systemd/system/postfix.service.d/$drop_in_name

# Property $1 of unit $2, as systemd has it in force.
property() { systemctl show -p "$1" --value "$2" 2>/dev/null; }

# The unit that runs the daemon: Debian up to 12 has a postfix.service that only runs /bin/true, beside postfix@-.service.
daemon_unit() {
    case $(property ExecStart postfix.service) in
    *path=/bin/true* | *path=/usr/bin/true*) echo postfix@-.service ;;
    *) echo postfix.service ;;
    esac
}

# Debian 13 runs the daemon in postfix.service, Debian 12 did in postfix@-.service. After the upgrade it is still in the old one,
# a reload would end it (systemd finds nothing in the new one and takes it for stopped), and a restart, Debian's own as well, is
# refused: the new postfix@.service both follows postfix.service and conflicts with it. Stopping both and starting one is not.
leave_old_unit() {
    [ "$(daemon_unit)" = postfix.service ] && systemctl -q is-active postfix@-.service || return 1
    control stop
    # It is on its way down and will fail: its new text names a path that does not exist.
    while systemctl is-active postfix@-.service | grep -q deactivating; do sleep 0.2; done
    systemctl reset-failed postfix@-.service 2>/dev/null
}

# What the unit $1 has come to: active, inactive, failed. While it starts, stops or reloads, for ten seconds at most, that is awaited;
# and one that is started again and again (Arch's unit is) has failed, though each try looks like a start.
settled_state() {
    tries=50
    while :; do
        states=$(systemctl show -p ActiveState -p SubState "$1" 2>/dev/null)
        case $states in
        *SubState=auto-restart*) echo failed; return ;;
        *State=activating* | *State=deactivating* | *State=reloading* | *State=refreshing*) ;;
        *) break ;;
        esac
        tries=$((tries - 1))
        [ $tries -gt 0 ] || break
        sleep 0.2
    done
    printf '%s\n' "$states" | sed -n 's/^ActiveState=//p' | grep . || echo unknown
}

is_running() {
    if in_system; then
        systemctl -q is-active "$(daemon_unit)" && return
        # 3 and 4 say that it does not run; anything else, that systemctl could not tell.
        case $? in 3 | 4) return 1 ;; esac
    fi
    postfix status >/dev/null 2>&1
}

# Sets unit_text, the digest of our drop-in: when its text changes, only a restart brings it into force.
read_unit() {
    file=$drop_in
    [ -f "$file" ] || file=/dev/null
    # Everything trusts it to tell files apart.
    unit_text=$(digest "$file") || fail "sha256sum does not work here; mend: reinstall coreutils"
}

# Our drop-in is still there while the package is being removed, and a Postfix that delivers to mailboxes again must not run in the
# sandbox of one that does not: a link of the same name in /run hides it until the next boot or the next apply.
sandbox_off() {
    [ -f "$drop_in" ] || return 0
    for hidden in postfix.service.d postfix@.service.d $(of_companions); do
        mkdir -p "/run/systemd/system/$hidden" && chmod 0755 "/run/systemd/system/$hidden" &&
            ln -sf /dev/null "/run/systemd/system/$hidden/$drop_in_name"
    done
    systemctl daemon-reload
    for unit in $(of_companions); do systemctl try-restart "${unit%.d}"; done
}

sandbox_on() {
    in_system && [ -L "/run/systemd/system/postfix.service.d/$drop_in_name" ] || return 0
    for hidden in postfix.service.d postfix@.service.d $(of_companions); do
        rm -f "/run/systemd/system/$hidden/$drop_in_name"
        rmdir "/run/systemd/system/$hidden" 2>/dev/null
    done
    systemctl daemon-reload
}

# The folders of our drop-ins for the services that Postfix asks. (A removal has not read the facts.)
of_companions() { sed -n "s/^companions=//p" "$share/facts" 2>/dev/null | tr -d "'" | tr ' ' '\n' | sed -n 's/.$/&.d/p'; }

# Those that run with other settings than ours begin anew; at boot they have not begun.
serve_companions() {
    for unit in $companions; do
        now=$(digest "/usr/lib/systemd/system/$unit.d/$drop_in_name") || continue
        [ "$now" != "$(cat "$state/companion.$unit" 2>/dev/null)" ] || continue
        [ "$mode" = boot ] || systemctl try-restart "$unit" && echo "$now" >"$state/companion.$unit"
    done
}

# Debian's way of asking whether a package may start services (policy-rc.d); elsewhere systemctl itself.
# At boot Postfix waits for us to end, so we must not wait for it.
control() {
    # systemd counts every start, and lets a unit lie after five in ten seconds: several changes in a row are no fault.
    [ "$1" = reload ] || systemctl reset-failed postfix.service "$(daemon_unit)" 2>/dev/null
    action=$1
    set -- postfix.service
    # Debian's old postfix.service stops without waiting for the daemon's unit.
    [ "$action" != stop ] || set -- "$@" "$(daemon_unit)"
    if [ "$mode" = boot ]; then
        systemctl --no-block "$action" "$@"
    elif have deb-systemd-invoke && [ "$action" != reload ]; then
        deb-systemd-invoke "$action" "$@"
    else
        systemctl "$action" "$@"
    fi
}

# Brings the configuration into force: $1 is restart or reload, or none when nothing changed.
serve() {
    in_system || { serve_alone "$1"; return; }
    [ "$(property NeedDaemonReload postfix.service)" != yes ] || systemctl daemon-reload
    serve_companions
    if ! is_running; then
        start_if_wanted
        return
    fi
    case $1 in
    none) return 0 ;;
    # postfix.service is right on every distribution: the old template follows it.
    *)
        if leave_old_unit; then set -- start; fi
        old=
        [ "$1" != reload ] || old=$(senders)
        control "$1" || { warn "Postfix did not $1; mend: see 'systemctl status $(daemon_unit)', then 'systemctl restart postfix'"; return 1; }
        wait_for_end_of "$old"
        # What waited for this change need not wait for its next turn.
        [ "$mode" = boot ] || postqueue -f 2>/dev/null
        return 0
        ;;
    esac
}

# The same where no systemd manages Postfix. One in the foreground must not be stopped: its container would end.
serve_alone() {
    [ "$1" != none ] && is_running || return 0
    if [ "$1" = restart ] && is_daemon; then
        postfix stop 2>/dev/null && postfix start 2>/dev/null || { warn "Postfix did not restart; fix: postfix start"; return 1; }
        return
    fi
    old=$(senders)
    postfix reload 2>/dev/null || { warn "Postfix did not reload; fix: see its log"; return 1; }
    wait_for_end_of "$old"
    postqueue -f 2>/dev/null
    [ "${new_addresses:-no}" = no ] || { warn "Postfix listens on its old addresses; fix: restart the container"; return 1; }
}

# Has 'postfix start' put it into the background?
is_daemon() { tr '\000' ' ' <"/proc/$(master_pid)/cmdline" | grep -q ' -w '; } 2>/dev/null

# The process id of Postfix's master, if it runs.
master_pid() {
    pid=$(tr -d ' \n' <"$(postconf -o myhostname=localhost.localdomain -h queue_directory)/pid/master.pid")
    if kill -0 "${pid:-none}"; then echo "$pid"; fi
} 2>/dev/null

# Those of its processes that know today's password: the clients, and the queue manager that asks them.
senders() {
    master=$(master_pid) && children=$(cat "/proc/$master/task/$master/children") || return 0
    for child in $children; do
        if read -r program <"/proc/$child/comm"; then case $program in qmgr | smtp | lmtp) echo "$child" ;; esac; fi
    done
} 2>/dev/null

# After a reload the old processes $1 end what they are at, and may take one more message: what is refused for the old password would
# wait for its next turn, so it must be in the queue before that is flushed. Who is at a long message is not awaited.
wait_for_end_of() {
    turns=100
    for process in $1; do
        while [ -d "/proc/$process" ] && [ "$turns" -gt 0 ]; do
            sleep 0.1
            turns=$((turns - 1))
        done
    done
}

start_if_wanted() {
    case $mode in boot) return 0 ;; esac
    case $(systemctl is-enabled postfix.service 2>/dev/null) in
    masked* | disabled) return 0 ;;
    esac
    control start || { warn "Postfix did not start; mend: see 'systemctl status $(daemon_unit)'"; return 1; }
}

# What no path unit can watch is asked for again by a timer. It runs where there is something to ask for; a file says that it does.
mind_timer() {
    in_system || return 0
    if [ -n "${relay_command:-}${token_hosts:-}" ]; then
        systemctl --no-block start mail-relay-refresh.timer && : >"$state/timer"
        case $mode in boot | package) systemctl --no-block start mail-relay-refresh.service ;; esac
    else
        stop_timer
    fi
}

stop_timer() {
    in_system && [ -e "$state/timer" ] || return 0
    systemctl stop mail-relay-refresh.timer 2>/dev/null
    rm -f "$state/timer"
}
