//! Sources of lookup tables as a person writes them: the lines for postmap(1), regexp_table(5), pcre_table(5) and cidr_table(5).
//!
//! Postfix logs a warning about a line that it cannot read, and skips it.

use std::ops::Range;

/// A line that Postfix would skip or read differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place in the text.
    pub range: Range<usize>,
    /// What is wrong.
    pub why: String,
    /// The fix; may be empty.
    pub hint: String,
}

impl Fault {
    fn new(range: Range<usize>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { range, why: why.into(), hint: hint.into() }
    }
}

/// A rule of regexp_table(5) or pcre_table(5), with its places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<'a> {
    /// Whether `!` negates the pattern.
    pub negated: bool,
    /// Whether it is an `if`, which has no result.
    pub condition: bool,
    /// The pattern between the delimiters.
    pub pattern: &'a str,
    /// Its place.
    pub at: usize,
    /// Letters after the second delimiter.
    pub flags: &'a str,
    /// The result; empty if there is none.
    pub result: &'a str,
}

/// Logical lines, each with its place: continuation lines begin with a blank; comments and blank lines are left out.
pub fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let written = line.trim_start();
        if written.is_empty() || written.starts_with('#') {
            // Postfix also ignores them between the lines of an entry.
        } else if line.starts_with([' ', '\t']) && !found.is_empty() {
            if let Some((_, last)) = found.last_mut() {
                *last = end;
            }
        } else {
            found.push((start + line.len() - written.len(), end));
        }
        start += line.len();
    }
    found.into_iter().map(|(start, end)| (start, &text[start..end])).collect()
}

/// Writes each entry in one line, because the host compares an indexed table with its source line by line. Keeps comments.
pub fn joined(text: &str) -> String {
    let mut joined: Vec<String> = Vec::new();
    let mut entry = None;
    for line in text.lines() {
        let written = line.trim();
        let is_entry = !(written.is_empty() || written.starts_with('#'));
        match entry {
            Some(at) if is_entry && line.starts_with([' ', '\t']) => {
                let started: &mut String = &mut joined[at];
                started.push(' ');
                started.push_str(written);
            }
            _ => {
                if is_entry {
                    entry = Some(joined.len());
                }
                joined.push(written.to_owned());
            }
        }
    }
    joined.join("\n") + "\n"
}

/// A line of an indexed table: key and value.
///
/// # Errors
/// The line has no value, or postmap(1) would warn of it.
pub fn entry(at: usize, line: &str) -> Result<(String, &str), Fault> {
    let range = at..at + line.len();
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_ascii_whitespace()
    });
    let Some(end) = end else {
        let hint = "write a key, a blank and a result: `info@acme.example OK`";
        return Err(Fault::new(range, "it has no result", hint));
    };
    let key = line[..end].replace('"', "");
    if key.ends_with(':') {
        let hint = "remove the colon; aliases belong in [aliases]";
        return Err(Fault::new(at..at + end, "it looks like the name of an alias", hint));
    }
    Ok((key.to_lowercase(), line[end..].trim_start()))
}

/// The rule in a line; `None` for `endif`.
///
/// # Errors
/// The line has no pattern, or no second delimiter.
pub fn rule(at: usize, line: &str) -> Result<Option<Rule<'_>>, Fault> {
    if line.eq_ignore_ascii_case("endif") {
        return Ok(None);
    }
    let is_word = |rest: &str| rest.starts_with(|c: char| !c.is_ascii_alphanumeric());
    let condition = line.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("if")) && is_word(&line[2..]);
    let mut rest = if condition { line[2..].trim_start() } else { line };
    let negated = rest.starts_with('!');
    if negated {
        rest = rest[1..].trim_start();
    }
    let start = at + line.len() - rest.len();
    let delimiter = rest.chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace() && *c != '\\');
    let Some(delimiter) = delimiter else {
        let hint = "write a pattern between slashes, and a result: `/^mx[0-9]+\\./ REJECT`";
        return Err(Fault::new(at..at + line.len(), "it does not begin with a pattern", hint));
    };
    let inner = &rest[delimiter.len_utf8()..];
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == delimiter && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let Some(end) = end else {
        let why = format!("the pattern has no second `{delimiter}`");
        return Err(Fault::new(start..at + line.len(), why, ""));
    };
    let after = &inner[end + delimiter.len_utf8()..];
    let (flags, result) = after.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((after, ""));
    Ok(Some(Rule {
        negated,
        condition,
        pattern: &inner[..end],
        at: start + delimiter.len_utf8(),
        flags,
        result: result.trim(),
    }))
}

/// Checks the lines of a regexp or pcre table. `groups` compiles a rule, and returns the number of its groups.
pub fn patterns(text: &str, groups: impl Fn(&Rule<'_>) -> Result<u32, Fault>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut open: Vec<Range<usize>> = Vec::new();
    for (at, line) in lines(text) {
        let range = at..at + line.len();
        let rule = match rule(at, line) {
            Ok(Some(rule)) => rule,
            Ok(None) => {
                if open.pop().is_none() {
                    faults.push(Fault::new(range, "this `endif` ends no `if`", "remove it"));
                }
                continue;
            }
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        if rule.condition {
            open.push(range.clone());
        }
        let known = |c: char| "imxsAEUX".contains(c);
        if let Some(odd) = rule.flags.chars().find(|c| !known(*c)) {
            let from = rule.at + rule.pattern.len() + 1;
            let why = format!("`{odd}` is not a flag of a pattern");
            let hint = "write a blank before the result";
            faults.push(Fault::new(from..from + rule.flags.len(), why, hint));
            continue;
        }
        match (rule.condition, rule.result.is_empty()) {
            (true, false) => {
                let hint = "write the result in the next line, and `endif` after it";
                faults.push(Fault::new(range.clone(), "an `if` has no result", hint));
            }
            (false, true) => faults.push(Fault::new(range.clone(), "it has no result", "")),
            _ => {}
        }
        match groups(&rule) {
            Ok(count) => {
                let highest = if rule.negated { 0 } else { count };
                if let Some(why) = wrong_reference(rule.result, highest) {
                    let from = at + line.len() - rule.result.len();
                    faults.push(Fault::new(from..at + line.len(), why, "write `$$` for a dollar sign"));
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(open.into_iter().map(|range| Fault::new(range, "this `if` has no `endif`", "")));
    faults
}

/// Why `$` in a result means nothing, with this many groups.
pub fn wrong_reference(result: &str, groups: u32) -> Option<String> {
    let mut rest = result;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let digits = rest.trim_start_matches(['{', '(']);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        match digits[..end].parse::<u32>() {
            Ok(number) if (1..=groups).contains(&number) => {}
            Ok(number) => return Some(format!("`${number}` refers to a group that does not exist")),
            Err(_) => return Some("`$` must be followed by the number of a group".to_owned()),
        }
    }
    None
}

/// Checks the lines of a cidr table.
pub fn networks(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut open: Vec<Range<usize>> = Vec::new();
    for (at, line) in lines(text) {
        let range = at..at + line.len();
        if line.eq_ignore_ascii_case("endif") {
            if open.pop().is_none() {
                faults.push(Fault::new(range, "this `endif` ends no `if`", "remove it"));
            }
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let condition = first.eq_ignore_ascii_case("if");
        let pattern = if condition { words.next().unwrap_or_default() } else { first };
        if condition {
            open.push(range.clone());
        }
        if condition == words.next().is_some() {
            let why = if condition { "an `if` has no result" } else { "it has no result" };
            faults.push(Fault::new(
                range.clone(),
                why,
                "write a network, a blank and a result: `192.0.2.0/24 REJECT`",
            ));
        }
        let written = pattern.trim_start_matches('!').trim_start_matches('[').replace(']', "");
        let from = at + line.find(pattern).unwrap_or(0);
        if let Some((why, hint)) = wrong_network(&written) {
            faults.push(Fault::new(from..from + pattern.len(), why, hint));
        }
    }
    faults.extend(open.into_iter().map(|range| Fault::new(range, "this `if` has no `endif`", "")));
    faults
}

fn wrong_network(text: &str) -> Option<(String, String)> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let Ok(network) = text.parse::<ipnet::IpNet>() else {
        let hint = "a cidr table has addresses and networks only; names belong in an indexed table";
        return Some((format!("`{text}` is not a network or an address"), hint.to_owned()));
    };
    let whole = network.trunc();
    (whole != network)
        .then(|| ("bits after the prefix are set".to_owned(), format!("the network is `{whole}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(faults: Vec<Fault>, text: &str) -> Vec<String> {
        faults.into_iter().map(|fault| format!("{}: {}", &text[fault.range], fault.why)).collect()
    }

    #[test]
    fn lines_continue_after_blanks() {
        let text = "# title\n\na b\n  c\n# between\n\td\r\n  \ne f\n";
        let found: Vec<_> = lines(text).into_iter().map(|(at, line)| (at, line.to_owned())).collect();
        assert_eq!(found, [(9, "a b\n  c\n# between\n\td".to_owned()), (text.len() - 4, "e f".to_owned())]);
    }

    #[test]
    fn joined_entries_have_one_line_each() {
        let text = "# title\n\na b\n  c\n# between\n\td\r\n  \ne f\n";
        assert_eq!(joined(text), "# title\n\na b c d\n# between\n\ne f\n");
        assert_eq!(joined(" a b"), "a b\n");
    }

    #[test]
    fn entries_have_a_key_and_a_value() {
        assert_eq!(
            entry(0, "Info@acme.example  REJECT no # text"),
            Ok(("info@acme.example".to_owned(), "REJECT no # text"))
        );
        assert_eq!(entry(0, "\"john doe\"@acme.example OK").unwrap().0, "john doe@acme.example");
        assert!(entry(0, "info@acme.example").is_err());
        assert!(entry(0, "info: joe@acme.example").is_err());
    }

    #[test]
    fn rules_are_read_as_postfix_reads_them() {
        for (line, negated, condition, pattern, flags, result) in [
            ("/^a\\/b/ OK", false, false, "^a\\/b", "", "OK"),
            ("!/x/i REJECT no", true, false, "x", "i", "REJECT no"),
            ("if /x/", false, true, "x", "", ""),
            ("IF !~x~m", true, true, "x", "m", ""),
            ("%a/b%\tDUNNO", false, false, "a/b", "", "DUNNO"),
        ] {
            let rule = rule(0, line).unwrap().unwrap();
            assert_eq!(
                (rule.negated, rule.condition, rule.pattern, rule.flags, rule.result),
                (negated, condition, pattern, flags, result),
                "{line}"
            );
            assert_eq!(&line[rule.at..rule.at + rule.pattern.len()], pattern);
        }
        assert_eq!(rule(0, "endif"), Ok(None));
        for line in ["acme.example OK", "/x OK", "iffy OK"] {
            assert!(rule(0, line).is_err(), "{line}");
        }
    }

    #[test]
    fn faults_have_places() {
        let text = "/(a)b/ $1 $$\n/a/ $1\n!/(a)/ $1\n/a/OK\nif /a/\n/a/\nendif\nendif\nif /b/ OK\n/x/ $x\n";
        let one = |rule: &Rule<'_>| Ok(u32::try_from(rule.pattern.matches('(').count()).unwrap_or_default());
        assert_eq!(
            words(patterns(text, one), text),
            [
                "$1: `$1` refers to a group that does not exist",
                "$1: `$1` refers to a group that does not exist",
                "OK: `O` is not a flag of a pattern",
                "/a/: it has no result",
                "endif: this `endif` ends no `if`",
                "if /b/ OK: an `if` has no result",
                "$x: `$` must be followed by the number of a group",
                "if /b/ OK: this `if` has no `endif`",
            ]
        );
    }

    #[test]
    fn networks_have_no_bits_after_the_prefix() {
        let text = "192.0.2.0/24 OK\n192.0.2.1/24 OK\n2001:db8::1 REJECT no\n!192.0.2.0/24 OK\nmx.acme.example OK\n\
                    if 10.0.0.0/8\n10.1.0.0/16 OK\nendif\n10.0.0.1\n";
        assert_eq!(
            words(networks(text), text),
            [
                "192.0.2.1/24: bits after the prefix are set",
                "mx.acme.example: `mx.acme.example` is not a network or an address",
                "10.0.0.1: it has no result",
            ]
        );
    }
}
