# shellcheck shell=sh
# New credentials are tried at the smarthosts before the old ones go: --verify, or RELAY_VERIFY=yes.
#
# /var/lib/mail-relay/refused   the digest of the credentials that were refused last, then "DESTINATION<tab>KEYS<tab>WORDS" of each smarthost

# Shall those of the generation in $stage be tried? At boot the network may not be there yet, and mail should not wait for an answer.
wants_trial() {
    [ -f "$stage/sasl_passwd" ] || return 1
    [ "$try" = no ] || return 0
    [ "$relay_verify" = yes ] && [ "$mode" != boot ] && in_system && ! same "$stage/sasl_passwd" "$postfix_dir/sasl_passwd"
}

# Return code 1: a smarthost refuses its credentials. One that cannot be asked does not stand in the way: it may be the new
# credentials that its owner waits for, and mail is deferred at worst.
try_credentials() {
    probe_folder=$stage/probe
    mkdir -m 0700 "$probe_folder" && policy_of "$stage" || { warn "cannot write into $stage: is the disk full?"; return 1; }
    probe_login=$stage/sasl_passwd probe_sender='' probe_recipient=''
    : >"$probe_folder/refused"
    # shellcheck disable=SC2013  # a destination is one word
    for destination in $(awk '{ print $1 }' "$probe_login"); do
        split_destination "$destination"
        try_at "$destination" "$host" "$port"
    done
    if [ -s "$probe_folder/refused" ]; then
        { digest "$probe_login"; cat "$probe_folder/refused"; } >"$state/refused.new" && mv -f "$state/refused.new" "$state/refused"
        warn "the credentials are refused, so they are not taken; mend: correct $(cut -f 2 "$probe_folder/refused" | sort -u | tr '\n' ' ')at their source"
        rm -rf "$probe_folder"
        return 1
    fi
    rm -rf "$probe_folder"
    rm -f "$state/refused"
}

try_at() {
    probe "$2" "$3"
    case $probe_step:$probe_auth:$probe_words in
    :accepted:*) say "$1 accepts the credentials" ;;
    :*) say "$1: Postfix will log in by a mechanism that cannot be tried here ($probe_mechanisms); the credentials are taken untried" ;;
    policy:*) say "$1: only Postfix itself can verify this server ($probe_words); the credentials are taken untried" ;;
    auth:*:5*)
        warn "$1 refuses the credentials: $probe_words"
        printf '%s\t%s\t%s\n' "$1" "$(login_keys "$(key_of_destination "$1")" "$stage/sources")" "$(printf '%s' "$probe_words" | tr '\t\n' '  ')" >>"$probe_folder/refused"
        ;;
    *) warn "$1 cannot be asked ($probe_step: $probe_words); the credentials are taken untried" ;;
    esac
}
