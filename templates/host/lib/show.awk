# Says where each parameter in force comes from. The files: origins.tsv; what was applied (or /dev/null); the live main.cf with the
# headings of merge.awk; 'postconf -n', or 'postconf' for those of the distribution as well. The facts of the package stand in
# -v stated="KEY ..." (keys of the spec), preset="KEY ..." (of the provider), provider and profile. -v format=text or json.
# What could be a secret is not shown.

BEGIN {
    count = split(stated, word, " ")
    for (i = 1; i <= count; i++) is_stated[word[i]]
    count = split(preset, word, " ")
    for (i = 1; i <= count; i++) is_preset[word[i]]
    titles = split("spec provider profile host administrator hand distribution", order, " ")
    title["spec"] = "the spec"
    title["provider"] = "the provider " provider
    title["profile"] = "the profile " profile
    title["host"] = "this host"
    title["administrator"] = "the administrator"
    title["hand"] = "edited by hand, and gone with the next apply"
    title["distribution"] = "the distribution, or Postfix itself"
}

FILENAME == ARGV[1] { if ($0 !~ /^#/) { tab = index($0, "\t"); keys_of[substr($0, 1, tab - 1)] = substr($0, tab + 1) } next }

FILENAME == ARGV[2] { applied = 1; if (is_setting($0)) was[$0]; next }

FILENAME == ARGV[3] && /^# === .* ===$/ { layer = $0; gsub(/^# === | ===$/, "", layer); next }

FILENAME == ARGV[3] {
    if (!is_setting($0)) next
    name = name_of($0)
    if (applied && !($0 in was)) { origin[name] = "hand"; detail[name] = "main.cf" }
    else find_origin(name)
    next
}

{
    name = name_of($0)
    if (name in line) next
    names[++lines] = name
    line[name] = $0
    if (!(name in origin)) { origin[name] = "distribution"; detail[name] = "" }
}

END { if (format == "json") as_json(); else as_text() }

function is_setting(text) { return text ~ /^[A-Za-z0-9_.-]+[ \t]*=/ }

function name_of(text) {
    sub(/[ \t]*=.*/, "", text)
    return text
}

function find_origin(name,    keys, i, key, presets) {
    if (layer == "this host") { origin[name] = "host"; detail[name] = "" }
    else if (layer != "the package") { origin[name] = "administrator"; detail[name] = layer }
    else if (("main-cf." name) in is_stated) { origin[name] = "spec"; detail[name] = "main-cf." name }
    else {
        origin[name] = "profile"
        detail[name] = profile
        keys = split(keys_of[name], key, " ")
        for (i = 1; i <= keys; i++) {
            # The preset of a provider decides these wherever the spec is silent; "custom" has none.
            presets = key[i] in is_preset || (provider != "custom" && key[i] ~ /^(smarthost\.|relay\.provider$)/)
            if (key[i] in is_stated && key[i] != "relay.provider") { origin[name] = "spec"; detail[name] = key[i]; return }
            if (presets) { origin[name] = "provider"; detail[name] = provider }
        }
    }
}

function as_text(    t, n, first) {
    for (t = 1; t <= titles; t++) {
        first = 1
        for (n = 1; n <= lines; n++) {
            if (origin[names[n]] != order[t]) continue
            if (first) { print (shown++ ? "\n" : "") bold "# " title[order[t]] plain; first = 0 }
            if (order[t] == "administrator" && detail[names[n]] != last) { last = detail[names[n]]; print "# " last }
            print secret(names[n], line[names[n]]) ? names[n] " = (hidden)" : line[names[n]]
        }
    }
}

function as_json(    n, value) {
    printf "["
    for (n = 1; n <= lines; n++) {
        value = line[names[n]]
        sub(/^[^=]*=[ \t]*/, "", value)
        printf "%s{\"name\":%s,\"value\":%s,\"origin\":%s,\"detail\":%s}", (n > 1 ? ",\n" : ""), string(names[n]),
            (secret(names[n], line[names[n]]) ? "null" : string(value)), string(origin[names[n]]),
            (detail[names[n]] == "" ? "null" : string(detail[names[n]]))
    }
    print "]"
}

# A password may stand in a table written in place, or in a parameter of somebody's own lookup table.
function secret(name, line) {
    if (name ~ /(^|_)(pw|passwd|password|secret)$/) return 1
    return name ~ /password_maps$/ && line ~ /(inline|static|pipemap|randmap):/
}
