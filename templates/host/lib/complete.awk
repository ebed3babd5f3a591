# Reads the help of mail-relay. Prints the words that may come next: commands, the options of a command, the values of an option.

# Lines that are indented deeper belong to the command above them.
/^[^ ]/ { name = "" }
/^  [^ ]/ { name = $1 }

command == "" && /^  [a-z]/ { found = found $1 "\n" }
command == "" && /^  --/ { options($0) }
command != "" && /^  / && name == command { options($0) }
# "Of status and doctor: --format text|json"
command != "" && /^Of / && (" " $0) ~ ("[ ,]" command "[ ,:]") { options($0) }

END { printf "%s", (values != "" ? values : found) }

function options(line,    parts, count, i) {
    gsub(/[][(),]/, " ", line)
    count = split(line, parts, " ")
    for (i = 1; i <= count; i++) {
        if (parts[i] !~ /^--/) continue
        found = found parts[i] "\n"
        if (parts[i] == previous && parts[i + 1] ~ /[|]/) { values = parts[i + 1] "\n"; gsub(/[|]/, "\n", values) }
    }
}
