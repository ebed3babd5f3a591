# Reads relay.env the way systemd reads an EnvironmentFile, and files like it; checks them, and gives what was asked for by -v out="WORD ...":
#   settings   the settings that are no secret, one "KEY value" per line
#   names      the names of the smarthosts that have credentials
#   sasl       sasl_passwd: "[host]:port user:password" per smarthost
#   database   the login at the database, as the files that say how to ask it have it
#   login      nothing: into files of the folder -v into=FOLDER goes what -v name=NAME fetches access tokens with
#   sources    which source each key comes from, "KEY<tab>SOURCE" per line
# WORD=FILE writes it there, which must be possible; else it is printed.
# Where several files have a key, the last one counts. Before a file, source=WORDS is what messages call it, and whole=KEY says that
# all of it is the value of this key.
# -v hosts="NAME [host]:port ..." names the smarthosts that want a login, NAME as it stands in RELAY_<NAME>_USERNAME. For those of
# -v tokens="NAME ..." the password is the path of a token, once there is one: FOLDER/NAME/access_token, with -v folder=FOLDER.
# The plain RELAY_USERNAME and RELAY_PASSWORD are the account at the first smarthost, and at others of the same host: a password goes to
# no other host than the one it was given for. A smarthost for single senders, WAY/[host]:port, has a separate account.
# With -v database=KIND there is a database, whose login is RELAY_DATABASE_USERNAME and RELAY_DATABASE_PASSWORD.
# Every fault is reported with its source and line, never with its value; then the exit code is 2 and nothing is printed.
# Run with LC_ALL=C: a value is bytes.

BEGIN {
    login_parts = split("USERNAME PASSWORD" (tokens == "" ? "" : " CLIENT_ID CLIENT_SECRET REFRESH_TOKEN"), login, " ")
    for (i in login) known["RELAY_" login[i]] = 1
    if (database != "") known["RELAY_DATABASE_USERNAME"] = known["RELAY_DATABASE_PASSWORD"] = 1
    split("HOST PORT FROM ROOT_MAIL_TO HOSTNAME VERIFY COMMAND", list, " ")
    for (i in list) known["RELAY_" list[i]] = 1
    split(tokens, field, " ")
    for (i in field) by_token[field[i]]
    count = split(hosts, field, " ")
    for (i = 1; i < count; i += 2) {
        order[++smarthosts] = field[i]
        destination[field[i]] = field[i + 1]
        for (j = 1; j <= login_parts; j++) known["RELAY_" field[i] "_" login[j]] = 1
    }
    source = "relay.env"
}

FNR == 1 { end_of_file(); begin_file() }

FNR == 1 && substr($0, 1, 3) == "\357\273\277" { $0 = substr($0, 4) }    # a byte order mark is no part of a key

whole != "" { value = FNR == 1 ? $0 : value "\n" $0; next }

{
    line = $0 "\n"
    length_of_line = length(line)
    for (at = 1; at <= length_of_line; at++) step(substr(line, at, 1))
}

END {
    end_of_file()
    for (key in value_of) check(key, value_of[key])
    if (faults) {
        for (file = 1; file <= files; file++)
            for (n = 0; n <= lines[file] + 1; n++) if ((file, n) in message) complain(message[file, n])
        exit 2
    }
    count = split(out, word, " ")
    for (i = 1; i <= count; i++) give(word[i])
}

function give(wanted,    equals, file, text) {
    equals = index(wanted, "=")
    file = equals ? substr(wanted, equals + 1) : ""
    if (equals) wanted = substr(wanted, 1, equals - 1)
    if (wanted == "settings") text = settings()
    else if (wanted == "sources") text = sources()
    else if (wanted == "login") write_login(name)
    else if (wanted == "database") text = database_login()
    else text = credentials(wanted)
    if (file == "") { printf "%s", text; return }
    printf "%s", text >file
    if (close(file)) { complain("mail-relay: cannot write " file "\n"); exit 2 }
}

function begin_file() {
    files++
    name_of[files] = source
    only = whole
    state = "start"
}

# The variables of the command line speak of the next file already.
function end_of_file() {
    if (!files) return
    if (only != "") {
        sub(/\r$/, "", value)
        key = only
        started = 0
        store(value)
    } else if (state == "single" || state == "double") fault(files, opened, "the quote that opens on this line is never closed")
}

# One byte through the state machine. A carriage return ends a line as well, so a file from Windows works.
function step(c) {
    newline = (c == "\n" || c == "\r")
    blank = (c == " " || c == "\t")
    if (state == "start") {
        if (newline || blank) return
        if (c == "#" || c == ";") { state = "comment"; return }
        state = "key"; key = c; started = FNR
    } else if (state == "comment") {
        if (newline) state = "start"
    } else if (state == "key") {
        if (newline) { fault(files, started, "this is not KEY=value"); state = "start" }
        else if (c == "=") { state = "before"; value = ""; sub(/[ \t]+$/, "", key) }
        else key = key c
    } else if (state == "before") {
        if (newline) store(value)
        else if (c == "'") { state = "single"; opened = FNR }
        else if (c == "\"") { state = "double"; opened = FNR }
        else if (c == "\\") state = "escape"
        else if (!blank) { value = value c; kept = length(value); state = "plain" }
    } else if (state == "plain") {
        if (newline) store(substr(value, 1, kept))
        else if (c == "\\") state = "escape"
        else { value = value c; if (!blank) kept = length(value) }
    } else if (state == "escape") {
        if (!newline) value = value c
        kept = length(value)
        state = "plain"
    } else if (state == "single") {
        if (c == "'") state = "before"
        else value = value c
    } else if (state == "double") {
        if (c == "\"") state = "before"
        else if (c == "\\") state = "double escape"
        else value = value c
    } else if (state == "double escape") {
        if (index("\"\\`$", c)) value = value c
        else if (c != "\n") value = value "\\" c
        state = "double"
    }
}

function store(text) {
    value_of[key] = text
    line_of[key] = started
    file_of[key] = files
    state = "start"
}

# Line 0 is no line: the file is the value.
function fault(file, n, text) {
    faults++
    message[file, n] = message[file, n] "mail-relay: " name_of[file] (n ? ", line " n : "") ": " text "\n"
    if (n > lines[file]) lines[file] = n
}

# By way of cat, because in a unit standard error is a socket, which cannot be opened by name.
function complain(text) { printf "%s", text | "cat >&2" }

function refuse(key, text) { fault(file_of[key], line_of[key], text) }

function check(key, text) {
    if (!(key in known)) {
        if (tolower(key) ~ /relay_/) refuse(key, unknown(key))
        return
    }
    if (text == "") refuse(key, key " is empty; put a value there, or # before the line")
    else if (text ~ /[\n\r]/) refuse(key, key " holds a line break, which Postfix cannot store")
    else if (key ~ /^RELAY_DATABASE_/) {
        if (text ~ /^[ \t\013\014]|[ \t\013\014]$/) refuse(key, key " has white space at its start or end, which Postfix cannot store; was it copied with it?")
    }
    else if (key ~ /_USERNAME$/) check_user(key, text)
    else if (key ~ /_PASSWORD$/) {
        if (text ~ /[ \t\013\014]$/) refuse(key, key " ends in white space, which Postfix cannot store; was it copied with the password?")
    }
    else if (key == "RELAY_HOST" && !is_host(text)) refuse(key, key " is not a host name or an address")
    else if (key == "RELAY_PORT" && !is_port(text)) refuse(key, key " is not a port (1 to 65535)")
    else if (key == "RELAY_HOSTNAME" && !is_full_name(text)) refuse(key, key " is not a full host name such as web1.example.com")
    else if (key == "RELAY_FROM" && !is_address(text) && !is_domain_of(text)) refuse(key, key " is not an address (user@example.com) or a domain (@example.com)")
    else if (key == "RELAY_VERIFY" && text != "yes" && text != "no") refuse(key, key " is yes or no")
    else if (key == "RELAY_COMMAND" && name_of[file_of[key]] != "relay.env") refuse(key, key " belongs into relay.env, and nowhere else")
    else if (key == "RELAY_COMMAND" && text !~ /^\//) refuse(key, key " is not the absolute path of a program")
    else if (key == "RELAY_ROOT_MAIL_TO") {
        parts = split(text, part, /[ ,\t]+/)
        for (p = 1; p <= parts; p++) if (!is_address(part[p])) { refuse(key, key " is not a list of addresses such as ops@example.com"); return }
    }
}

function check_user(key, text) {
    if (index(text, ":")) refuse(key, key " holds a colon, which Postfix cannot store in a user name")
    else if (text ~ /^[ \t\013\014]/) refuse(key, key " begins with white space, which Postfix cannot store")
    # Cyrus SASL (lib/canonusr.c) cuts such an end off in silence, and has no room for more than that.
    else if (text ~ /[ \t\013\014]$/) refuse(key, key " ends in white space, which Postfix cannot send; was it copied with the name?")
    else if (length(text) > 1024) refuse(key, key " is longer than 1024 bytes, which Postfix cannot send")
}

function unknown(key,    word) {
    # A line for a shell, which systemd and we would not see as the key.
    if (match(key, /^(export|set|declare|setenv|local|readonly|typeset)[ \t]+(-[a-z]+[ \t]+)?/)) {
        word = substr(key, 1, RLENGTH)
        sub(/[ \t].*/, "", word)
        key = substr(key, RLENGTH + 1)
        if (key in known) return "a line is KEY=value, without \"" word "\": write " key "=..."
    }
    # A key can hold anything that a person typed on that line, so only a clean one is shown.
    if (key !~ /^[A-Za-z0-9_]+$/) return "this is not a key of relay.env"
    if (toupper(key) in known) return key " is not a key of relay.env; write " toupper(key)
    return key " is not a key of relay.env; 'man mail-relay' names the keys"
}

function is_port(text) { return text ~ /^[0-9]+$/ && text + 0 >= 1 && text + 0 <= 65535 }
function is_domain(text) { return text ~ /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/ && text !~ /\.\./ }
# As RFC 1123 has it; the last label of no name is a number.
function is_full_name(text,    label, labels, n) {
    labels = split(text, label, ".")
    if (!is_domain(text) || labels < 2 || length(text) > 253 || label[labels] !~ /[A-Za-z]/) return 0
    for (n = 1; n <= labels; n++) if (length(label[n]) > 63 || label[n] ~ /^-|-$/) return 0
    return 1
}
function is_host(text) { return is_domain(text) || (text ~ /^[0-9A-Fa-f:.]+$/ && index(text, ":")) }
function is_domain_of(text) { return substr(text, 1, 1) == "@" && is_domain(substr(text, 2)) }
function is_address(text,    at_sign) {
    # Narrower than RFC 5322: the value is written into main.cf and into an inline: table.
    at_sign = index(text, "@")
    return at_sign > 1 && substr(text, 1, at_sign - 1) ~ /^[A-Za-z0-9._+=~%&\/!*?^'-]+$/ && is_domain(substr(text, at_sign + 1))
}

function settings(    i, text) {
    for (i = 1; i in list; i++) if (("RELAY_" list[i]) in value_of) text = text "RELAY_" list[i] " " value_of["RELAY_" list[i]] "\n"
    return text
}

function sources(    i, j, text) {
    for (j = 1; j <= login_parts; j++) text = text source_of("RELAY_" login[j])
    for (i = 1; i in list; i++) text = text source_of("RELAY_" list[i])
    if (database != "") text = text source_of("RELAY_DATABASE_USERNAME") source_of("RELAY_DATABASE_PASSWORD")
    for (i = 1; i <= smarthosts; i++)
        for (j = 1; j <= login_parts; j++) text = text source_of("RELAY_" order[i] "_" login[j])
    return text
}

function source_of(key) { return key in value_of ? key "\t" name_of[file_of[key]] "\n" : "" }

function credentials(wanted,    i, host, prefix, secret, text) {
    for (i = 1; i <= smarthosts; i++) {
        host = order[i]
        prefix = login_of(host)
        if (prefix == "") continue
        if (!(host in by_token)) secret = password_for(host, value_of[prefix "PASSWORD"])
        else if (has_token(host)) secret = "mail-relay/" host
        else continue
        text = text (wanted == "names" ? host : destination[host] " " value_of[prefix "USERNAME"] ":" secret) "\n"
    }
    return text
}

# Google shows an app password as four groups of four letters, and takes it without the blanks between them; a browser may copy them as
# no-break spaces (UTF-8: 302 240).
function password_for(host, secret,    text, group, groups, i) {
    if (host_of(host) !~ /^([^\/]*\/)?\[(smtp|smtp-relay)\.gmail\.com\]$/) return secret
    text = secret
    gsub(/\302\240/, " ", text)
    groups = split(text, group, " ")
    if (groups != 4) return secret
    for (i = 1; i <= 4; i++) if (length(group[i]) != 4 || group[i] !~ /^[a-z]+$/) return secret
    return group[1] group[2] group[3] group[4]
}

# Nothing where there is no login yet.
function database_login(    user, secret) {
    if ("RELAY_DATABASE_PASSWORD" in value_of) want("RELAY_DATABASE_USERNAME", "RELAY_DATABASE_PASSWORD")
    if (!("RELAY_DATABASE_USERNAME" in value_of)) return ""
    want("RELAY_DATABASE_PASSWORD", "RELAY_DATABASE_USERNAME")
    user = database == "ldap" ? "bind_dn" : "user"
    secret = database == "ldap" ? "bind_pw" : "password"
    return user " = " value_of["RELAY_DATABASE_USERNAME"] "\n" secret " = " value_of["RELAY_DATABASE_PASSWORD"] "\n"
}

# Without a line feed at their end: curl sends a file as it is.
function write_login(host,    prefix, j) {
    prefix = login_of(host)
    if (prefix == "") return
    for (j = 1; j <= login_parts; j++)
        if (login[j] != "PASSWORD" && (prefix login[j]) in value_of) printf "%s", value_of[prefix login[j]] >(into "/" tolower(login[j]))
}

function has_token(host,    file, text) {
    file = folder "/" host "/access_token"
    if ((getline text <file) <= 0) text = ""
    close(file)    # who asks again begins at its first line
    return text != ""
}

# The beginning of the keys that hold a smarthost's login: its own, else the plain ones where they may go there, else none; never a part
# of each.
function login_of(host,    prefix, j, present) {
    prefix = host_of(host) == host_of(order[1]) && destination[host] !~ /\// ? "RELAY_" : "RELAY_" host "_"
    for (j = 1; j <= login_parts; j++) if (("RELAY_" host "_" login[j]) in value_of) prefix = "RELAY_" host "_"
    for (j = 1; j <= login_parts; j++) if (belongs(host, login[j]) && (prefix login[j]) in value_of) present = prefix login[j]
    if (present == "") return ""
    want(prefix "USERNAME", present)
    if (!(host in by_token)) want(prefix "PASSWORD", present)
    else {
        want(prefix "CLIENT_ID", present)
        if (!((prefix "CLIENT_SECRET") in value_of)) want(prefix "REFRESH_TOKEN", present)
    }
    return prefix
}

# Without the port.
function host_of(key,    text) { text = tolower(destination[key]); sub(/:[0-9]*$/, "", text); return text }

function belongs(host, part) { return part == "USERNAME" || (part == "PASSWORD") == !(host in by_token) }

function want(key, present,    line) {
    if (key in value_of) return
    line = line_of[present]
    complain("mail-relay: " name_of[file_of[present]] (line ? ", line " line : "") ": there is " present " but no " key "\n")
    exit 2
}
