# shellcheck shell=sh
# seal: prepares a machine to be captured as a golden image. It restores the original files of Postfix, as in an image in which nothing was
# applied, and deletes credentials, tokens, waiting mail and the names of this host. Units stay enabled, and main.cf.d stays: a clone
# applies when it boots, and waits for its own credentials.

seal_main() {
    discard=no
    case ${1:-} in
    '') ;;
    --discard-queue) discard=yes ;;
    *) wrong "seal has no option '$1'" ;;
    esac
    [ $# -le 1 ] || wrong "seal takes one option"
    need_root
    lock
    load_facts
    mode=seal
    move_before || fail "cannot write into $settings: is the disk full, or mounted read-only?"
    refuse_foreign_credentials
    spool=$(unnamed_postconf -xh queue_directory 2>/dev/null)
    spool=${spool:-/var/spool/postfix}
    refuse_waiting_mail
    stop_for_seal
    # A message may have come since.
    refuse_waiting_mail
    [ "$waiting_mail" = 0 ] || postsuper -d ALL >/dev/null 2>&1
    [ "$(count_mail)" = 0 ] || fail "cannot delete the mail in $spool; fix: postsuper -d ALL"
    seal_postfix
    seal_sources
    seal_state
    # The captured disk must not contain the deleted files.
    sync
    say "sealed: shut this machine down and capture it; a clone applies when it boots, and waits for its own credentials"
    say "left as they are: logs, SSH keys, the machine-id, and user data with credentials in /var/lib/cloud ('cloud-init clean --logs --machine-id --seed')"
}

# A drop-in can have systemd load credentials from anywhere.
refuse_foreign_credentials() {
    ! find_drop_in || fail "a drop-in of $credentials_unit loads credentials that seal does not know; fix: delete the drop-in and the credentials, then seal again; nothing was changed"
}

# Messages in every queue, also those that have just come in.
count_mail() {
    set --
    for queue in maildrop incoming active deferred hold corrupt; do [ ! -d "$spool/$queue" ] || set -- "$@" "$spool/$queue"; done
    [ $# -gt 0 ] || { echo 0; return; }
    find "$@" -type f | wc -l
}

refuse_waiting_mail() {
    waiting_mail=$(count_mail)
    [ "$waiting_mail" != 0 ] && [ "$discard" = no ] || return 0
    ! in_system || start_again
    fail "$waiting_mail message(s) wait in the queue; fix: wait, or delete them with 'mail-relay seal --discard-queue'; nothing was changed"
}

# No unit may restore a file that seal deletes.
stop_for_seal() {
    if ! in_system; then
        ! is_running || fail "Postfix runs; fix: stop it first; nothing was changed"
        return 0
    fi
    # First those that start others; then what they have started, and what waits for our lock and would apply as soon as seal ends.
    # One by one: systemd 262 stops none of several if one does not exist.
    for unit in apply.path retry.path refresh.timer metrics.timer certificate.path \
        reapply.service recheck.service retry.service refresh.service metrics.service certificate.service; do
        systemctl stop "mail-relay-$unit" 2>/dev/null
    done
    ! systemctl -q is-active mail-relay-apply.path || { start_again; fail "mail-relay-apply.path did not stop; nothing was changed"; }
    systemctl stop postfix.service "$(daemon_unit)" 2>/dev/null
    ! is_running || { start_again; fail "Postfix did not stop; fix: see 'systemctl status $(daemon_unit)'; nothing was changed"; }
}

start_again() {
    for unit in mail-relay-apply.path mail-relay-retry.path mail-relay-metrics.timer mail-relay-certificate.path postfix.service; do
        ! systemctl -q is-enabled "$unit" 2>/dev/null || systemctl start "$unit"
    done
}

# Restores the original files. Deletes the files that Postfix creates: random seeds, TLS sessions, the names of the host in the chroot.
seal_postfix() {
    secrets_here=$(secret_names)
    if has_before; then
        save_edits
        drop_ready
        restore_each is_any
        drop_ready
    fi
    for copy in $(saved_copies "$secrets_here"); do rm -f -- "$copy"; done
    # The records of services stay: a removal on a clone needs them.
    [ ! -d "$before" ] || find "$before" -mindepth 1 -maxdepth 1 ! -name .services ! -name .alternative ! -name .enabled -exec rm -rf {} +
    [ ! -e "$postfix_dir/sasl_passwd" ] || warn "$postfix_dir/sasl_passwd was there before this package, and stays; delete it if clones must not use its account"
    data=$(unnamed_postconf -xh data_directory 2>/dev/null)
    for left in "${data:-/var/lib/postfix}"/prng_exch "${data:-/var/lib/postfix}"/*_scache.*; do
        # Postfix can write to the folder: delete only the name in it, and follow no link.
        rm -f -- "$left"
    done
    if only_roots "$spool/etc"; then rm -f -- "$spool/etc/hosts" "$spool/etc/resolv.conf"; fi
}

is_any() { :; }

# Every source of credentials (sources.sh). The machine provides the read-only folders, and no clone has them.
seal_sources() {
    # With the copies that editors and a removal leave.
    for file in "$settings"/*relay.env* "$settings"/.*relay.env* "$settings"/*.saved-*; do
        if exists "$file"; then rm -f -- "$file" || fail "cannot delete $file"; fi
    done
    mode=package
    first_settings
    mode=seal
    for folder in "$secrets" $credential_folders $encrypted_folders; do
        for file in "$folder/relay.env" "$folder"/relay_*; do
            exists "$file" || continue
            case $folder in
            /run/*) rm -f -- "$file" 2>/dev/null ;;
            *) rm -f -- "$file" || fail "cannot delete $file: a clone would have this credential" ;;
            esac
        done
    done
}

seal_state() {
    drop_own_compiled
    metrics_file=$(sed -n 's/^metrics_file=//p' "$share/facts" 2>/dev/null)
    [ -z "$metrics_file" ] || rm -f "$metrics_file"
    rm -rf "$own_path" "$(token_folder)" "${handed_over%/*}" "$seen_file" "$failed_file" "$doctor_folder".*
    # The folder belongs to the package.
    find "$state" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
}
