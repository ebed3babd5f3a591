# Merges the layers of main.cf, given as files from the lowest to the highest: -v titles="name|name|..." labels them.
# Postfix warns when a parameter is set twice, so each stays in the highest layer that sets it, and the lower ones say who took over.
# A line that Postfix would not understand ends the merge with its file and number (exit 2).

# -v optional="name ..." are own parameters, left out when no value refers to them.
# -v refused=FILE says what the layers above the second must not do, "NAME RULE WORDS WHY" with tabs between: plan/verdicts.rs writes it,
# and judges [main-cf] of a spec by the same rules.

BEGIN {
    split(titles, title, "|")
    count = split(optional, word, " ")
    for (i = 1; i <= count; i++) is_optional[word[i]]
    while (refused != "" && (getline row < refused) > 0) {
        if (split(row, field, "\t") != 4 || row ~ /^#/) continue
        rule[field[1]] = field[2]
        words[field[1]] = field[3]
        why[field[1]] = field[4]
    }
}

FNR == 1 { check_statement(); layer++; statement = ""; first_of[layer] = lines + 1; file[layer] = FILENAME }

{
    sub(/\r$/, "")
    lines++
    text[lines] = $0
    last_of[layer] = lines
    if ($0 ~ /^[ \t]*$/ || $0 ~ /^[ \t]*#/) next                # may stand between a line and its continuation
    if ($0 ~ /^[ \t]/) {
        if (statement == "") stop("this line continues nothing")
        part_of[lines] = statement
        value = value " " $0
        next
    }
    check_statement()
    equals = index($0, "=")
    name = substr($0, 1, equals ? equals - 1 : length($0))
    sub(/[ \t]+$/, "", name)
    if (!equals || name !~ /^[A-Za-z0-9_.-]+$/) stop("this is not 'parameter = value'")
    statement = lines
    value = substr($0, equals + 1)
    place = FILENAME ", line " FNR
    part_of[lines] = statement
    name_of[statement] = name
    winner[name] = statement
    layer_of[statement] = layer
}

END {
    check_statement()
    if (stopped) exit 2
    print "# Written by 'mail-relay apply', which replaces it: own parameters belong into /etc/mail-relay/main.cf.d/*.cf."
    find_used()
    for (l = 1; l <= layer; l++) {
        print ""
        print "# === " title[l] " ==="
        for (n = first_of[l]; n <= last_of[l]; n++) print_line(n)
    }
}

function print_line(n,    s, name) {
    if (!(n in part_of)) { print text[n]; return }
    s = part_of[n]
    name = name_of[s]
    if (winner[name] == s && name in is_optional && !(name in used)) { if (n == s) print "# " name ": nothing refers to it" }
    else if (winner[name] == s) print text[n]
    else if (n == s) print "# " name ": set by " (layer_of[winner[name]] == layer_of[s] ? "a later line" : title[layer_of[winner[name]]])
}

# A name counts as used when any line that stays has $name, ${name} or ${name?...}.
function find_used(    n, name) {
    for (n = 1; n <= lines; n++) {
        if (!(n in part_of) || winner[name_of[part_of[n]]] != part_of[n]) continue
        for (name in is_optional)
            if (text[n] ~ ("[$][{(]?" name "([^A-Za-z0-9_]|$)")) used[name]
    }
}

# The statement that ends here, of a layer above the second.
function check_statement() {
    if (stopped || statement == "" || layer < 3 || !(name in rule) || !is_refused(name, plain(value))) return
    place_of_fault = place
    stop("'" name "' would undo this relay: " why[name])
}

function is_refused(name, value,    wanted) {
    wanted = words[name]
    if (rule[name] == "never") return 1
    if (rule[name] == "only") return index("|" wanted "|", "|" value "|") == 0
    if (rule[name] == "not") return has_one_of(value, wanted)
    if (rule[name] == "clients") return trusts_everybody(value)
    if (rule[name] == "closed") return !refuses_strangers(value)
    if (value ~ /[$]/) return 0
    if (rule[name] == "has") return !has_one_of(value, wanted)
    return value != "" && index(value, wanted) != 1             # under
}

function has_one_of(value, list,    count, one, i) {
    count = split(tolower(list), one, " ")
    for (i = 1; i <= count; i++) if (index(" " value " ", " " one[i] " ")) return 1
    return 0
}

# A list of clients: src/postfix/check/trust.rs knows the rule. Tables in braces are not read here.
function trusts_everybody(value,    count, one, i, part, four, six) {
    # The value of a reference is not known here. The other words are.
    gsub(/[$]([{(][a-z0-9_]+[)}]|[a-z0-9_]+)/, " ", value)
    if (value ~ /[$]/) return 0
    if (value ~ /[{]|static:/) return 1
    count = split(value, one, " ")
    for (i = 1; i <= count; i++) {
        sub(/^!+/, "", one[i])
        if (one[i] ~ /^[.]?(com|net|org|edu|gov|mil|int|info|biz|[a-z][a-z])$/) return 1
        if (one[i] !~ /^[0-9a-f.:[]+[]]?(\/[0-9]+)?$/ || one[i] !~ /\/|[.:]/) continue
        if (one[i] ~ /^(10|127)[.]|^192[.]168[.]|^169[.]254[.]|^172[.](1[6-9]|2[0-9]|3[01])[.]|^100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.]|^[[]?(f[cd]|fe[89ab])/ &&
            one[i] !~ /\/[0-7]$/) continue
        part = one[i] ~ /\// ? half(substr(one[i], index(one[i], "/") + 1) + 0) : 0
        if (one[i] ~ /:/) six += part
        else four += part
    }
    return four > half(8) || six > half(16)
}

# 1, halved so many times. (Some busybox has no powers.)
function half(times,    part) {
    for (part = 1; times > 0; times--) part /= 2
    return part
}

# A list of restrictions: as far as can be seen, nothing permits a stranger before everybody is refused.
function refuses_strangers(value,    count, one, i) {
    count = split(value, one, " ")
    for (i = 1; i <= count; i++) {
        if (one[i] == "reject" || one[i] == "defer") return one[i - 1] != "warn_if_reject"
        if (one[i] == "permit" || one[i] ~ /^static:/) return 0
        if (one[i] ~ /[$]/) return 1
    }
    return 0
}

# As values are compared: words with one blank between them, in lower case.
function plain(value) {
    gsub(/[, \t]+/, " ", value)
    gsub(/^ | $/, "", value)
    return tolower(value)
}

function stop(reason) {
    printf "mail-relay: %s: %s\n", place_of_fault ? place_of_fault : FILENAME ", line " FNR, reason | "cat >&2"
    stopped = 1
    exit 2
}
