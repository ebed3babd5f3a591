# Writes the parameters in force, each under the layer it comes from. The first input is 'postconf -n', the second the merged main.cf
# with its headings. What could be a secret is not shown.

FILENAME == ARGV[1] {
    name = $0
    sub(/ =.*/, "", name)
    line_of[name] = $0
    next
}

/^# === .* ===$/ { layer = $0; gsub(/^# === | ===$/, "", layer); next }

/^[A-Za-z0-9_]+[ \t]*=/ {
    name = $0
    sub(/[ \t]*=.*/, "", name)
    if (!(name in line_of)) next
    if (layer != shown) { print (shown == "" ? "" : "\n") "# " layer; shown = layer }
    print secret(name, line_of[name]) ? name " = (hidden)" : line_of[name]
}

# A password may stand in a table written in place, or in a parameter of somebody's own lookup table.
function secret(name, line) {
    if (name ~ /(^|_)(pw|passwd|password|secret)$/) return 1
    return name ~ /password_maps$/ && line ~ /(inline|static|pipemap|randmap):/
}
