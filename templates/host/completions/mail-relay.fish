# Completion of mail-relay(8) for fish. The program knows its commands and options.
complete -c mail-relay -a '(/usr/sbin/mail-relay complete (commandline -opc)[2..] 2>/dev/null)'
