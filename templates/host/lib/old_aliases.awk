# Reads aliases(5) files of before, after the aliases of this package (the first file); prints "NAME<tab>WHERE" for each name whose mail went
# where it does not go now. -v root="ADDRESS ..." is who gets root's mail now.

FNR == 1 { finish(); files++ }

FILENAME == ARGV[1] { if (match($0, /^[^#: \t]+:/)) here[tolower(substr($0, 1, RLENGTH - 1))]; next }

/^[ \t]*(#|$)/ { next }
/^[ \t]/ { entry = entry " " $0; next }
{ finish(); entry = $0 }

END {
    finish()
    count = split(root, word, " ")
    for (i = 1; i <= count; i++) now[tolower(word[i])]
    for (i = 1; i <= names; i++) {
        name = order[i]
        # Of root the spec names the addresses, which the targets are compared with.
        if (name in here && name != "root") continue
        split("", seen)
        where = ""
        changed = 0
        follow(name)
        if (changed) print name "\t" where
    }
}

function finish(    name, text) {
    text = entry
    entry = ""
    if (!match(text, /^[ \t]*("[^"]*"|[^:"]+)[ \t]*:/)) return
    name = substr(text, 1, RLENGTH - 1)
    text = substr(text, RLENGTH + 1)
    gsub(/["\t ]/, "", name)
    name = tolower(name)
    if (!(name in value)) order[++names] = name
    value[name] = text
}

# Goes through the targets of a name, and of the names in them. Commas in quotes are part of a target.
function follow(name,    text, target, i, c, quoted) {
    if (name in seen) return
    seen[name]
    text = value[name] ","
    target = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\"") quoted = !quoted
        else if (c == "," && !quoted) { take(target, name); target = "" }
        else target = target c
    }
}

# A name among its own targets is the user.
function take(target, name) {
    sub(/^[ \t]+/, "", target)
    sub(/[ \t\r]+$/, "", target)
    sub(/^\\/, "", target)
    if (target == "") return
    if (target ~ /^\|/) {
        sub(/^\|[ \t]*/, "", target)
        sub(/[ \t].*/, "", target)    # its arguments may be secret
        went("the program " target)
    } else if (target ~ /^:include:/) went("the list " substr(target, 10))
    else if (target ~ /^\//) went("the file " target)
    else if (target ~ /@/) { if (!(tolower(target) in now)) went(target) }
    else if (tolower(target) in value && tolower(target) != name) follow(tolower(target))
    else if (tolower(target) != "root") went("the local user " target)
}

function went(whom) {
    changed = 1
    where = where (where == "" ? "" : ", ") whom
}
