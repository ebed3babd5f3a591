//! What a table that is written out in main.cf says of a key: static(5), inline tables, regexp_table(5), pcre_table(5).

use regex::RegexBuilder;

use super::super::list::items;

/// Whether a table has a result for a whole address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// The table is a file or a server, or its expression is beyond us.
    Unknown,
}

/// Looks a key up as Postfix would: the whole of it, not its parts.
pub(super) fn lookup(table: &str, key: &str) -> Answer {
    let Some((kind, name)) = table.split_once(':') else { return Answer::Unknown };
    match kind {
        "static" => Answer::Yes,
        "proxy" | "debug" | "maps" => lookup(name, key),
        "inline" | "randmap" | "regexp" | "pcre" | "unionmap" | "pipemap" => {
            let Some(inner) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
                return Answer::Unknown;
            };
            let entries = items(inner).into_iter().map(|item| item.text);
            match kind {
                "inline" => inline(entries, key),
                "randmap" => Answer::Yes,
                "unionmap" => first(entries.map(|table| lookup(table, key))),
                // The first of them gets the key, the others get results.
                "pipemap" => entries.take(1).map(|table| lookup(table, key)).next().unwrap_or(Answer::No),
                _ => patterns(entries, key),
            }
        }
        _ => Answer::Unknown,
    }
}

fn first(mut answers: impl Iterator<Item = Answer>) -> Answer {
    answers.find(|answer| *answer != Answer::No).unwrap_or(Answer::No)
}

fn inline<'a>(mut entries: impl Iterator<Item = &'a str>, key: &str) -> Answer {
    let holds = |entry: &str| {
        let entry = entry.strip_prefix('{').and_then(|entry| entry.strip_suffix('}')).unwrap_or(entry);
        entry.split_once('=').is_some_and(|(own, _)| own.trim().eq_ignore_ascii_case(key))
    };
    if entries.any(holds) { Answer::Yes } else { Answer::No }
}

/// Rules in their order. Within `if` that does not hold, nothing is looked at.
fn patterns<'a>(rules: impl Iterator<Item = &'a str>, key: &str) -> Answer {
    let mut skipped = 0;
    for rule in rules {
        let rule = rule.strip_prefix('{').and_then(|rule| rule.strip_suffix('}')).unwrap_or(rule).trim();
        let condition = rule.strip_prefix("if").filter(|rest| rest.starts_with([' ', '/', '!', '\t']));
        if rule.eq_ignore_ascii_case("endif") {
            skipped -= i32::from(skipped > 0);
        } else if skipped > 0 {
            skipped += i32::from(condition.is_some());
        } else {
            match (matches(condition.unwrap_or(rule).trim_start(), key), condition) {
                (None, _) => return Answer::Unknown,
                (Some(true), None) => return Answer::Yes,
                (Some(false), Some(_)) => skipped = 1,
                (Some(true), Some(_)) | (Some(false), None) => {}
            }
        }
    }
    Answer::No
}

/// `/pattern/flags`, or `!/pattern/flags`, with anything behind it. Case makes no difference without the flag `i`.
fn matches(rule: &str, key: &str) -> Option<bool> {
    let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest.trim_start()));
    let delimiter = rule.chars().next()?;
    let mut escaped = false;
    let end = rule[delimiter.len_utf8()..].find(|c| {
        let ends = c == delimiter && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (pattern, rest) = rule[delimiter.len_utf8()..].split_at(end);
    let flags = rest[delimiter.len_utf8()..].split_whitespace().next();
    let flags = flags.filter(|_| !rest[delimiter.len_utf8()..].starts_with([' ', '\t'])).unwrap_or_default();
    // main.cf doubles a `$` that stands for itself.
    let pattern = pattern.replace("$$", "$").replace("\\/", "/");
    let expression = RegexBuilder::new(&pattern)
        .case_insensitive(!flags.contains('i'))
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .ok()?;
    Some(expression.is_match(key) != negated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_judged_by_what_they_match() {
        use Answer::{No, Unknown, Yes};
        let null = r#""""#;
        for (table, key, answer) in [
            ("static:a@b.example", null, Yes),
            ("inline:{ {@a.example = b@c.example} }", null, No),
            ("inline:{ {\"\" = b@c.example} }", null, Yes),
            ("regexp:{ {/.+/ a@b.example} }", null, Yes),
            ("regexp:{ {/.*/ a@b.example} }", null, Yes),
            ("regexp:{ {/^/ a@b.example} }", null, Yes),
            ("regexp:{ {/^[^@]*$$/ a@b.example} }", null, Yes),
            ("regexp:{ {!/@acme\\.example$$/ a@b.example} }", null, Yes),
            ("regexp:{ {/^(|.*)$$/ a@b.example} }", null, Yes),
            ("regexp:{ {/@/ a@b.example} }", null, No),
            ("regexp:{ {/^(.+)@(.+)$$/ a@b.example} }", null, No),
            ("regexp:{ {/^.+@.*\\.lan$$/ a@b.example} }", "x@y.LAN", Yes),
            ("regexp:{ {/LAN/i a@b.example} }", "x@y.lan", No),
            ("regexp:{ {if /@/} {/./ a@b.example} {endif} }", null, No),
            ("regexp:{ {if !/@/} {/./ a@b.example} {endif} }", null, Yes),
            ("pcre:{ {/^(?!x)/ a@b.example} }", null, Unknown),
            ("proxy:unionmap:{inline:{ {a = b} }, static:x}", null, Yes),
            ("regexp:/etc/postfix/x", null, Unknown),
        ] {
            assert_eq!(lookup(table, key), answer, "{table} {key}");
        }
    }
}
