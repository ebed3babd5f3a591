# Completion of mail-relay(8) for bash. The program knows its commands and options.
_mail_relay() {
    # shellcheck disable=SC2207  # none of the words has a blank
    COMPREPLY=($(compgen -W "$(/usr/sbin/mail-relay complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _mail_relay mail-relay
