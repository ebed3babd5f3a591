# shellcheck shell=sh
# New credentials are tried at the smarthosts before the old ones go: --verify, or RELAY_VERIFY=yes.

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
    refused=no
    # shellcheck disable=SC2013  # a destination is one word
    for destination in $(awk '{ print $1 }' "$probe_login"); do
        split_destination "$destination"
        try_at "$destination" "$host" "$port"
    done
    rm -rf "$probe_folder"
    [ "$refused" = no ] || warn "the credentials are refused, so they are not taken; mend: correct them at their source"
    [ "$refused" = no ]
}

try_at() {
    probe "$2" "$3"
    case $probe_step:$probe_auth:$probe_words in
    :accepted:*) say "$1 accepts the credentials" ;;
    :*) say "$1 offers only log-ins that cannot be tried here ($probe_mechanisms); the credentials are taken untried" ;;
    auth:*:5*)
        warn "$1 refuses the credentials: $probe_words"
        refused=yes
        ;;
    *) warn "$1 cannot be asked ($probe_step: $probe_words); the credentials are taken untried" ;;
    esac
}
