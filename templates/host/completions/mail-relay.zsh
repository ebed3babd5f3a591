#compdef mail-relay
# Completion of mail-relay(8) for zsh. The program knows its commands and options.
compadd -- ${(f)"$(/usr/sbin/mail-relay complete ${words[2,CURRENT-1]} 2>/dev/null)"} || _files
