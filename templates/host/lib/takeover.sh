# shellcheck shell=sh
# Which mail server serves the host. dpkg and pacman let only one be installed; rpm lets several, and starts none of them by itself.
# What served before us is written down, switched off when the relay first comes into force, and switched on again by its removal.
#
# /etc/mail-relay/before/.services     "UNIT ENABLED ACTIVE" of Postfix and of the other mail servers, as systemctl said before us
# /etc/mail-relay/before/.alternative  "MODE PATH" of the sendmail command, where several packages share it
# /etc/mail-relay/before/.enabled      is there once Postfix was enabled: whoever disables it later shall be obeyed

# Units of other mail servers that listen on port 25.
rivals='sendmail.service sm-client.service exim.service exim4.service opensmtpd.service smtpd.service'

# --- before us ---

# Once, before anything changes; by the package's own apply, or by the one that rpm's trigger calls before it.
first_service() {
    have systemctl && [ ! -e "$before/.enabled" ] || return 0
    make_before || fail "cannot write into $settings: is the disk full, or mounted read-only?"
    [ -e "$before/.services" ] || remember_services
    case $mode in package | trigger) enable_services ;; esac
    ! is_image_build || rivals_off
    : >"$before/.enabled"
}

remember_services() {
    for unit in postfix.service $rivals; do
        enabled=$(systemctl is-enabled "$unit" 2>/dev/null)
        case $enabled in enabled | disabled) ;; *) enabled=other ;; esac
        echo "$unit $enabled $(activity "$unit" "$enabled")"
    done >"$before/.services.new"
    mv -f "$before/.services.new" "$before/.services"
}

# An image under construction runs nothing, and a boot has not started its mail server yet: what is enabled there would have run.
activity() {
    if [ "$mode" = boot ] || ! in_system; then
        [ "$2" != enabled ] && echo inactive || echo active
    elif [ "$1" = postfix.service ]; then
        is_running && echo active || echo inactive
    else
        systemctl -q is-active "$1" && echo active || echo inactive
    fi
}

recorded() { awk -v unit="$1" -v field="$2" '$1 == unit { print $field }' "$before/.services" 2>/dev/null; }

was_active() { [ "$(recorded postfix.service 3)" != inactive ]; }

# Debian's packages enable their services themselves, and an administrator's `disable` stays; elsewhere Postfix waits to be asked.
# Our own units were enabled, but where rpm puts us into another relay package's place, that one is removed last and disables them.
enable_services() {
    ! have deb-systemd-helper || return 0
    set -- mail-relay-apply.service mail-relay-apply.path mail-relay-retry.path
    [ "$(recorded postfix.service 2)" != disabled ] || set -- postfix.service "$@"
    systemctl --no-reload preset "$@" 2>/dev/null || warn "not all of these could be enabled: $*; mend: systemctl enable $*"
}

# --- while we are there ---

rivals_off() {
    [ -f "$before/.services" ] || return 0
    while read -r unit enabled active; do
        [ "$unit" != postfix.service ] || continue
        [ "$enabled $active" != 'other inactive' ] && [ "$enabled $active" != 'disabled inactive' ] || continue
        # The build of the image may have done it.
        [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = enabled ] || { in_system && systemctl -q is-active "$unit"; } || continue
        say "$unit gives way to Postfix; the removal of this package switches it on again"
        [ "$enabled" != enabled ] || systemctl --no-reload disable "$unit" 2>/dev/null
        ! in_system || systemctl stop "$unit" 2>/dev/null
    done <"$before/.services"
    choose_sendmail
}

# The alternatives of the rpm distributions: 'mta' is the group of /usr/sbin/sendmail.
choose_sendmail() {
    shown=$(show_alternative) || return 0
    current=$(current_alternative) own=$(own_alternative)
    [ -n "$own" ] && [ "$own" != "$current" ] || return 0
    case $shown in *'status is auto'* | *'auto mode'*) kind=auto ;; *) kind=manual ;; esac
    [ -e "$before/.alternative" ] || echo "$kind $current" >"$before/.alternative"
    alternatives --set mta "$own" >/dev/null || warn "$current stays the sendmail command; mend: alternatives --set mta $own"
}

show_alternative() { have alternatives && alternatives --display mta 2>/dev/null; }

# Of what show_alternative said, in $shown.
own_alternative() { printf '%s\n' "$shown" | sed -n 's|^\(/.*sendmail\.postfix\) - priority.*|\1|p' | head -n 1; }

current_alternative() { printf '%s\n' "$shown" | sed -n 's/^ *link currently points to //p'; }

# --- after us ---

services_back() {
    [ -f "$before/.services" ] || return 0
    sendmail_back
    while read -r unit enabled active; do
        if [ "$unit" = postfix.service ]; then
            [ "$enabled" != disabled ] || systemctl --no-reload disable "$unit" 2>/dev/null
            continue
        fi
        [ "$enabled" != enabled ] || systemctl --no-reload enable "$unit" 2>/dev/null
        [ "$active" != active ] || ! in_system || systemctl start "$unit" || warn "$unit did not start; see 'systemctl status $unit'"
    done <"$before/.services"
}

# Unless somebody has chosen again since.
sendmail_back() {
    [ -f "$before/.alternative" ] && shown=$(show_alternative) || return 0
    read -r kind path <"$before/.alternative"
    case $(current_alternative) in
    *sendmail.postfix) if [ "$kind" = auto ]; then alternatives --auto mta; else alternatives --set mta "$path"; fi ;;
    esac
}
