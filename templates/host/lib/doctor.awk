# Shows findings (lines of findings.tsv with their values) to a person or, -v format=json, to a program.
# A mend that begins with "$ " is a command.

BEGIN { FS = "\t" }

{
    # Without systemd, no path unit watches the settings.
    if (alone == "yes") sub(/saving the files? is enough/, "then run 'mail-relay apply'", $6)
    count++
    if ($2 == "broken") broken++
    id[count] = $1; severity[count] = $2; what[count] = $4; why[count] = $5; mend[count] = $6
}

END {
    if (format == "json") as_json()
    else as_text()
}

function as_text(    n) {
    for (n = 1; n <= count; n++) {
        print (severity[n] == "broken" ? red "broken" : yellow "warning") plain "  " bold what[n] plain " [" id[n] "]"
        print "  why:  " why[n]
        print "  mend: " (substr(mend[n], 1, 2) == "$ " ? substr(mend[n], 3) : mend[n])
    }
    if (quiet == "yes") return
    if (broken && leaves == "yes") print red "not all is as it should be" plain ", but mail leaves: " (broken == 1 ? "one cause" : broken " causes; begin with the first")
    else if (broken) print red "mail does not leave as it should" plain ": " (broken == 1 ? "one cause" : broken " causes; begin with the first")
    else print green "nothing is broken" plain "; 'mail-relay test' sends a message"
}

function as_json(    n, command) {
    printf "{\"package\":%s,\"version\":%s,\"healthy\":%s,\"findings\":[", string(package), string(version), (broken ? "false" : "true")
    for (n = 1; n <= count; n++) {
        command = substr(mend[n], 1, 2) == "$ "
        printf "%s{\"id\":%s,\"severity\":%s,\"what\":%s,\"why\":%s,\"mend\":%s,\"mend_is_command\":%s}", (n > 1 ? "," : ""), string(id[n]),
            string(severity[n]), string(what[n]), string(why[n]), string(command ? substr(mend[n], 3) : mend[n]), (command ? "true" : "false")
    }
    print "]}"
}
