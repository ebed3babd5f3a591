//! Lookups in tables that are written in main.cf: static(5), inline tables, regexp_table(5), pcre_table(5), cidr_table(5).

use std::net::IpAddr;

use regex::RegexBuilder;

use super::super::list::items;
use super::super::network::Network;

/// Whether a table has a result for a whole address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// The table is a file or a server, or its expression is beyond us.
    Unknown,
}

/// Result of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Result(&'a str),
    Nothing,
    /// As [`Answer::Unknown`].
    Unknown,
}

/// Looks a key up as Postfix would: the whole of it, not its parts.
pub(super) fn lookup(table: &str, key: &str) -> Answer {
    match find(table, key) {
        Found::Result(_) => Answer::Yes,
        Found::Nothing => Answer::No,
        Found::Unknown => Answer::Unknown,
    }
}

/// The result for a key, looked up as Postfix would: the whole of it, not its parts.
pub(super) fn find<'a>(table: &'a str, key: &str) -> Found<'a> {
    let Some((kind, name)) = table.split_once(':') else { return Found::Unknown };
    if matches!(kind, "proxy" | "debug" | "maps") {
        return find(name, key);
    }
    if kind == "static" {
        return Found::Result(inside(name));
    }
    let Some(rows) = rows(table) else { return Found::Unknown };
    let mut rows = rows.into_iter();
    match kind {
        "inline" => rows
            .filter_map(|row| row.split_once('='))
            .find_map(|(own, result)| own.trim().eq_ignore_ascii_case(key).then(|| result.trim()))
            .map_or(Found::Nothing, Found::Result),
        "randmap" => rows.next().map_or(Found::Nothing, Found::Result),
        "unionmap" => rows
            .map(|table| find(table, key))
            .find(|found| *found != Found::Nothing)
            .unwrap_or(Found::Nothing),
        // The first of them gets the key, the others get results.
        "pipemap" => rows.next().map_or(Found::Nothing, |table| find(table, key)),
        "cidr" => rows.find_map(|row| network(row, key)).map_or(Found::Nothing, Found::Result),
        _ => patterns(rows, key),
    }
}

/// All results that a table which is written out can have; `None` for any other.
pub(super) fn results(table: &str) -> Option<Vec<&str>> {
    let (kind, name) = table.split_once(':')?;
    match kind {
        "proxy" | "debug" | "maps" => results(name),
        "static" => Some(vec![inside(name)]),
        "unionmap" | "pipemap" => {
            let tables = rows(table)?.into_iter().map(results).collect::<Option<Vec<_>>>()?;
            Some(tables.concat())
        }
        "inline" => {
            Some(rows(table)?.into_iter().filter_map(|row| Some(row.split_once('=')?.1.trim())).collect())
        }
        "randmap" => rows(table),
        "cidr" => Some(
            rows(table)?.into_iter().filter_map(|row| Some(row.split_once([' ', '\t'])?.1.trim())).collect(),
        ),
        _ => rows(table)?
            .into_iter()
            .filter(|rule| !(rule.starts_with("if") || rule.eq_ignore_ascii_case("endif")))
            .map(|rule| Some(split(rule)?.result))
            .collect(),
    }
}

/// The rows of a table in braces.
fn rows(table: &str) -> Option<Vec<&str>> {
    let (kind, name) = table.split_once(':')?;
    if !["inline", "randmap", "regexp", "pcre", "cidr", "unionmap", "pipemap"].contains(&kind) {
        return None;
    }
    let inner = name.strip_prefix('{')?.strip_suffix('}')?;
    Some(items(inner).into_iter().map(|item| inside(item.text)).collect())
}

/// A text without the braces around it.
fn inside(text: &str) -> &str {
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim()
}

/// The result of a row of cidr_table(5), if it matches. (`if` and `endif` are not read: what is within counts.)
fn network<'a>(row: &'a str, key: &str) -> Option<&'a str> {
    let (pattern, result) = row.split_once([' ', '\t'])?;
    let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
    let bare = |text: &str| match text.split_once('/') {
        Some((address, prefix)) => Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?)),
        None => text.parse::<IpAddr>().ok().map(|address| (address, 128)),
    };
    let (address, prefix) = bare(&pattern.replace(['[', ']'], ""))?;
    let key = Network::containing(key.parse().ok()?, 128);
    (Network::containing(address, prefix).contains(&key) != negated).then(|| result.trim())
}

/// Rules in their order. Within `if` that does not hold, nothing is looked at.
fn patterns<'a>(rules: impl Iterator<Item = &'a str>, key: &str) -> Found<'a> {
    let mut skipped = 0;
    for rule in rules {
        let condition = rule.strip_prefix("if").filter(|rest| rest.starts_with([' ', '/', '!', '\t']));
        if rule.eq_ignore_ascii_case("endif") {
            skipped -= i32::from(skipped > 0);
        } else if skipped > 0 {
            skipped += i32::from(condition.is_some());
        } else {
            match (matches(condition.unwrap_or(rule).trim_start(), key), condition) {
                (None, _) => return Found::Unknown,
                (Some((true, result)), None) => return Found::Result(result),
                (Some((false, _)), Some(_)) => skipped = 1,
                (Some((true, _)), Some(_)) | (Some((false, _)), None) => {}
            }
        }
    }
    Found::Nothing
}

/// A rule of regexp_table(5): `/pattern/flags result`, or `!/pattern/flags result`.
struct Rule<'a> {
    negated: bool,
    pattern: &'a str,
    flags: &'a str,
    result: &'a str,
}

fn split(rule: &str) -> Option<Rule<'_>> {
    let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest.trim_start()));
    let delimiter = rule.chars().next()?;
    let mut escaped = false;
    let end = rule[delimiter.len_utf8()..].find(|c| {
        let ends = c == delimiter && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (pattern, rest) = rule[delimiter.len_utf8()..].split_at(end);
    let rest = &rest[delimiter.len_utf8()..];
    let (flags, result) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some(Rule { negated, pattern, flags, result: result.trim() })
}

/// Whether a rule matches, and its result. Case makes no difference without the flag `i`.
fn matches<'a>(rule: &'a str, key: &str) -> Option<(bool, &'a str)> {
    let Rule { negated, pattern, flags, result } = split(rule)?;
    // main.cf doubles a `$` that stands for itself.
    let pattern = pattern.replace("$$", "$").replace("\\/", "/");
    let expression = RegexBuilder::new(&pattern)
        .case_insensitive(!flags.contains('i'))
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .ok()?;
    Some((expression.is_match(key) != negated, result))
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
