# shellcheck shell=sh
# metrics: figures for Prometheus, in its text format. With --textfile FILE they go there, for node_exporter to find, and what was
# counted is remembered; without it they are only shown.
#
# /var/lib/mail-relay/metrics             "KEY VALUE": what was counted, and how far the log was read
# /var/lib/mail-relay/metrics.smarthosts  "[HOST]:PORT REACHED EXPIRES" of each smarthost, as it was last asked

metrics_main() {
    textfile=
    while [ $# -gt 0 ]; do
        case $1 in
        --textfile) textfile=${2:-} && shift ;;
        --textfile=*) textfile=${1#*=} ;;
        *) wrong "metrics has no option '$1'" ;;
        esac
        [ $# -gt 0 ] && shift
    done
    case $textfile in '' | /*.prom) ;; *) wrong "--textfile is an absolute path that ends in .prom" ;; esac
    need_root
    load_facts
    [ -d "$state" ] || mkdir -p "$state"
    drop_leftovers
    scratch=$(mktemp -d "$state/metrics.XXXXXX") || fail "cannot write into $state: is the disk full?"
    # shellcheck disable=SC2034  # read by probe.sh
    probe_folder=$scratch
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    moment=$(date +%s)
    find_service
    find_smarthosts
    count_deliveries
    ask_smarthosts
    figures >"$scratch/figures" || fail "cannot write into $state: is the disk full?"
    if [ -z "$textfile" ]; then
        cat "$scratch/figures"
        return
    fi
    # The account of node_exporter reads it.
    { chmod 0644 "$scratch/figures" && put_file "$scratch/figures" "$textfile"; } ||
        fail "cannot write $textfile: does the folder of the textfile collector exist?"
    remember_counts || fail "cannot write into $state: is the disk full?"
}

# --- what was delivered ---

# Sets delivered, deferred, bounced, lost and last_delivery, by what was logged since the last time.
count_deliveries() {
    log_file='' log_cursor='' log_inode='' log_size=0 delivered=0 deferred=0 bounced=0 lost=0 last_delivery=''
    [ ! -f "$state/metrics" ] || while read -r key value; do
        case $key in
        log_file) log_file=$value ;;
        log_cursor) log_cursor=$value ;;
        log_inode) log_inode=$value ;;
        log_size) log_size=$value ;;
        delivered) delivered=$value ;;
        deferred) deferred=$value ;;
        bounced) bounced=$value ;;
        lost) lost=$value ;;
        last_delivery) last_delivery=$value ;;
        esac
    done <"$state/metrics"
    # Not by way of a file: who owns the log could fill the disk with it, and without NUL bytes even a file of holes is read as nothing.
    new_lines | tr -d '\000' | awk -f "$lib/delivery.awk" -f "$lib/metrics_log.awk" >"$scratch/counts"
    while read -r result times; do
        case $result in
        delivered)
            delivered=$((delivered + times))
            [ "$times" = 0 ] || last_delivery=$moment
            ;;
        deferred) deferred=$((deferred + times)) ;;
        bounced) bounced=$((bounced + times)) ;;
        lost) lost=$((lost + times)) ;;
        esac
    done <"$scratch/counts"
}

# The lines of the log since the last time; the first time none. Where it stopped reading stands in $scratch/mark.
new_lines() {
    read_before=$log_file cursor=$log_cursor inode=$log_inode size=$log_size
    mark_log
    if [ "$log_file" != "$read_before" ]; then
        log_inode=$(stat -c %i -- "$log_file" 2>/dev/null)
        note_mark "$log_cursor" "$log_size"
    elif [ "$log_file" = journal ]; then
        journal_of_postfix -o short --show-cursor --after-cursor="$cursor" >"$scratch/journal"
        now_at=$(sed -n 's/^-- cursor: //p' "$scratch/journal" | tail -n 1)
        note_mark "${now_at:-$cursor}" 0
        cat "$scratch/journal"
    elif [ ! -f "$log_file" ]; then
        # It is being rotated: next time.
        log_inode=$inode
        note_mark '' "$size"
    else
        log_inode=$(stat -c %i -- "$log_file")
        note_mark '' "$log_size"
        if [ "$log_inode" != "$inode" ]; then
            # It was rotated; the rest of the old one counts, too.
            [ ! -f "$log_file.1" ] || [ "$(stat -c %i -- "$log_file.1")" != "$inode" ] || read_from "$log_file.1" "$size"
            size=0
        elif [ "$log_size" -lt "$size" ]; then
            size=0
        fi
        read_from "$log_file" "$size" | head -c "$((log_size - size))"
    fi
}

note_mark() {
    {
        echo "log_file $log_file"
        echo "log_cursor $1"
        echo "log_inode $log_inode"
        echo "log_size $2"
    } >"$scratch/mark"
}

remember_counts() {
    {
        cat "$scratch/mark"
        echo "delivered $delivered"
        echo "deferred $deferred"
        echo "bounced $bounced"
        echo "lost $lost"
        echo "last_delivery $last_delivery"
    } >"$state/metrics.new" && mv -f "$state/metrics.new" "$state/metrics"
}

# --- smarthosts ---

# Asks each smarthost for its certificate: four times a day, and every ten minutes while one does not answer. The answers of the last
# time stand in $scratch/smarthosts.
ask_smarthosts() {
    known=$state/metrics.smarthosts
    minutes=360
    ! grep -q ' 0 ' "$known" 2>/dev/null || minutes=10
    : >"$scratch/smarthosts"
    if [ -n "$(find "$known" -mmin "-$minutes" 2>/dev/null)" ] && [ "$(cut -d ' ' -f 1 "$known" | tr '\n' ' ')" = "$relays " ]; then
        cp "$known" "$scratch/smarthosts"
        return
    fi
    # Without openssl nothing can be said of them.
    [ -n "$relays" ] && have openssl && policy_of "$postfix_dir" || return 0
    for relay in $relays; do
        split_destination "$relay"
        reached=1
        probe "$host" "$port" || reached=0
        echo "$relay $reached ${probe_expires:-0}" >>"$scratch/smarthosts"
    done
    [ -z "$textfile" ] || { cp "$scratch/smarthosts" "$known.new" && mv -f "$known.new" "$known"; }
}

# --- the text ---

figures() {
    series info gauge 'What is installed; always 1.'
    echo "mail_relay_info{package=\"$(label "$package")\",version=\"$(label "$version")\",postfix=\"$(label "$postfix_version")\"} 1"
    series up gauge 'Whether Postfix runs.'
    echo "mail_relay_up $(figure "$unit_state" active)"
    series apply_success gauge 'Whether the last attempt to put the configuration into force succeeded.'
    echo "mail_relay_apply_success $(applied_well)"
    series applied_timestamp_seconds gauge 'When the configuration in force was put there.'
    [ ! -f "$state/applied/info" ] || echo "mail_relay_applied_timestamp_seconds $(stat -c %Y -- "$state/applied/info")"
    series credentials_present gauge 'Whether there are credentials for every smarthost that wants some.'
    if [ "$credentials" = missing ]; then echo "mail_relay_credentials_present 0"; else echo "mail_relay_credentials_present 1"; fi
    series credentials_timestamp_seconds gauge 'When the credentials in force were put there.'
    [ ! -f "$postfix_dir/sasl_passwd" ] || echo "mail_relay_credentials_timestamp_seconds $(stat -c %Y -- "$postfix_dir/sasl_passwd")"
    series deliveries_total counter 'Attempts to deliver to a recipient, by how they ended, since the metrics were first written.'
    echo "mail_relay_deliveries_total{result=\"delivered\"} $delivered"
    echo "mail_relay_deliveries_total{result=\"deferred\"} $deferred"
    echo "mail_relay_deliveries_total{result=\"bounced\"} $bounced"
    series bounces_refused_total counter 'Bounces that a smarthost refused, so that no sender heard of the message, since the metrics were first written.'
    echo "mail_relay_bounces_refused_total $lost"
    series last_delivery_timestamp_seconds gauge 'When it was last seen that a message had left.'
    [ -z "$last_delivery" ] || echo "mail_relay_last_delivery_timestamp_seconds $last_delivery"
    series smarthost_reachable gauge 'Whether the smarthost answered, with TLS as the policy wants it, when it was last asked.'
    while read -r relay reached _; do
        echo "mail_relay_smarthost_reachable{smarthost=\"$(label "$relay")\"} $reached"
    done <"$scratch/smarthosts"
    series smarthost_certificate_expiry_timestamp_seconds gauge 'When the certificate of the smarthost ends.'
    while read -r relay _ expires; do
        [ "$expires" = 0 ] || echo "mail_relay_smarthost_certificate_expiry_timestamp_seconds{smarthost=\"$(label "$relay")\"} $expires"
    done <"$scratch/smarthosts"
    list_queue | awk -v now="$moment" -f "$lib/reasons.awk" -f "$lib/json.awk" -f "$lib/metrics_queue.awk" "$lib/reasons.tsv" -
    series written_timestamp_seconds gauge 'When these figures were written.'
    echo "mail_relay_written_timestamp_seconds $moment"
}

# As 'postqueue -j' has it. Where Postfix does not run, postqueue would become the mail owner, which the unit does not let us: the
# files of the queue say all but the reasons.
list_queue() {
    if [ "$unit_state" = active ]; then
        postqueue -j 2>/dev/null
    elif cd -- "$(unnamed_postconf -xh queue_directory)" 2>/dev/null; then
        find incoming active deferred hold -type f -printf '{"queue_name": "%H", "arrival_time": %T@, "message_size": %s}\n' 2>/dev/null
    fi
}

series() {
    echo "# HELP mail_relay_$1 $3"
    echo "# TYPE mail_relay_$1 $2"
}

# The value of a label.
label() { printf '%s' "$1" | tr -d '\n' | sed 's/[\\"]/\\&/g'; }

figure() { if [ "$1" = "$2" ]; then echo 1; else echo 0; fi; }

applied_well() {
    if [ ! -f "$state/applied/info" ] || [ -e "$state/owed" ] || [ -d "$state/next" ]; then
        echo 0
    elif in_system && { systemctl -q is-failed mail-relay-apply.service || systemctl -q is-failed mail-relay-reapply.service; }; then
        echo 0
    else
        echo 1
    fi
}
