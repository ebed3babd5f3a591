# Reads postqueue -j. Prints "count N", "oldest SECONDS-SINCE-1970", "deferred N", and "reason N TEXT" for each reason of deferral,
# the most frequent first, at most ten. Wants json.awk.

{
    count++
    arrival = number_of($0, "arrival_time")
    if (arrival != "" && (oldest == "" || arrival + 0 < oldest + 0)) oldest = arrival
    if (word_of($0, "queue_name") == "deferred") deferred++
    rest = $0
    split("", seen_here)
    for (seen = 0; seen < most_reasons && (rest = next_reason(rest)) != ""; seen++) {
        reason = text_of(rest)
        if (!(reason in seen_here)) { seen_here[reason]; times[reason]++ }
    }
}

END {
    print "count " count + 0
    if (oldest != "") print "oldest " oldest
    print "deferred " deferred + 0
    for (shown = 0; shown < 10; shown++) {
        best = 0
        for (reason in times) if (times[reason] > best || (times[reason] == best && reason < most)) { best = times[reason]; most = reason }
        if (!best) break
        print "reason " best " " most
        delete times[most]
    }
}
