//! `[tables]`: lookup tables of the user, and the values that refer to them.

use std::ops::Range;

use super::judge::Judge;
use super::values::{self, Fault};
use super::{pattern, server};
use crate::diag::{Diagnostic, Span, nearest};
use crate::keys::spot::{Entries, Scalar, Spot};
use crate::keys::{TableSection, TableType};
use crate::postfix::source::{self, Rule};
use crate::postfix::{Parameter, Value};
use crate::relay::{OwnTable, Restriction, Rows, Server, ServiceOverride, TableKind, table_references};

/// The tables in the order of the spec. Also returns all names, even of wrong tables.
pub(super) fn check(
    judge: &mut Judge,
    tables: Option<&Entries<TableSection>>,
) -> (Vec<OwnTable>, Vec<Spot<String>>) {
    let entries = tables.map(|tables| tables.0.as_slice()).unwrap_or_default();
    let mut found = Vec::new();
    let mut names = Vec::new();
    for (key, section) in entries {
        let Some(name) = judge.read("table", "tables", "names of tables", key, name) else { continue };
        names.push(Spot::new(name.clone(), key.span.clone()));
        found.extend(one(judge, name, key, &section.value));
    }
    (found, names)
}

/// It becomes part of a file name.
fn name(text: &str) -> Result<String, Fault> {
    let odd =
        text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-')));
    match odd {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", values::character(odd)))
            .hint("use lower-case letters, digits, `_` and `-`")),
        None if !text.starts_with(|c: char| c.is_ascii_lowercase()) => {
            Err(Fault::new("it must begin with a letter"))
        }
        None if text.len() > 64 => Err(Fault::new("it has more than 64 characters")),
        None => Ok(text.to_owned()),
    }
}

fn one(judge: &mut Judge, name: String, key: &Spot<String>, section: &TableSection) -> Option<OwnTable> {
    let path = format!("tables.{name}");
    let given: Vec<Span> = [
        section.rows.as_ref().map(|rows| rows.0.first().map_or(&key.span, |(key, _)| &key.span)),
        section.text.as_ref().map(|spot| &spot.span),
        section.file.as_ref().map(|spot| &spot.span),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    let report = |judge: &mut Judge, span: &Span, message: String, hint: &str| {
        judge.report(Diagnostic::error("table", span.clone(), message).hint(hint));
    };
    let kind = match section.r#type.as_ref().map_or(TableType::Indexed, |spot| spot.value) {
        TableType::Indexed => TableKind::Indexed,
        TableType::Regexp => TableKind::Regexp,
        TableType::Pcre => TableKind::Pcre,
        TableType::Cidr => TableKind::Cidr,
        TableType::Inline => TableKind::Inline,
    };
    match given.as_slice() {
        [] if judge.removed.iter().any(|key| key.starts_with(&format!("{path}."))) => return None,
        [] => {
            let hint = "add `rows` with keys and results, or `file` with the name of a file";
            report(judge, &key.span, format!("the table `{name}` has no rows"), hint);
            return None;
        }
        [_] => {}
        [_, second, ..] => {
            let message = format!("the table `{name}` has more than one of `rows`, `file` and `text`");
            report(judge, second, message, "keep one of them");
            return None;
        }
    }
    let rows = match (&section.rows, &section.text) {
        (Some(rows), _) => entries(judge, &path, kind, rows, key)?,
        (None, Some(spot)) if kind == TableKind::Inline => {
            report(judge, &spot.span, "an inline table has `rows` only".to_owned(), "use type = \"indexed\"");
            return None;
        }
        (None, Some(spot)) => Rows::Text(text(judge, kind, spot)?),
        (None, None) => {
            // Where files can be read, `fleet` has replaced it.
            let message = "the file of a table cannot be read here".to_owned();
            report(judge, given.first()?, message, "use `rows` or `text`");
            return None;
        }
    };
    Some(OwnTable { name, kind, rows })
}

/// `rows` with valid keys and results.
fn entries(
    judge: &mut Judge,
    path: &str,
    kind: TableKind,
    rows: &Entries<Scalar>,
    section: &Spot<String>,
) -> Option<Rows> {
    if rows.0.is_empty() {
        let message = format!("`{path}.rows` is empty");
        judge
            .report(Diagnostic::error("table", section.span.clone(), message).hint("add a key and a result"));
        return None;
    }
    let mut found: Vec<(String, String)> = Vec::new();
    let mut whole = true;
    for (key, result) in &rows.0 {
        let what = match kind {
            TableKind::Indexed | TableKind::Inline => "keys",
            TableKind::Regexp | TableKind::Pcre => "patterns",
            TableKind::Cidr => "networks or addresses",
        };
        let groups = judge.read("table", &format!("{path}.rows"), what, key, |text| row_key(kind, text));
        let of_key = format!("{path}.rows.{}", values::shown(key.as_str()));
        let spot = Spot::new(result.value.0.clone(), result.span.clone());
        let result = judge.read("table", &of_key, "a result", &spot, |text| row_result(kind, text, groups));
        let (Some(_), Some(result)) = (groups, result) else {
            whole = false;
            continue;
        };
        // As the package writes it. An inline table has no file.
        let row = [(key.as_str(), result.as_str())];
        if let Some(Err(error)) = (kind != TableKind::Inline).then(|| kind.source("", row)) {
            let message = format!("`{of_key}` does not fit into a table");
            judge.report(Diagnostic::error("table", spot.span.clone(), message).labelled(error.to_string()));
            whole = false;
        }
        let own = match kind {
            TableKind::Indexed | TableKind::Inline => key.value.to_lowercase(),
            // In the usual form: a prefix length may have zeros before it.
            TableKind::Cidr => server::network(key.as_str())
                .map_or_else(|_| key.value.clone(), |network| network.to_string()),
            TableKind::Regexp | TableKind::Pcre => key.value.clone(),
        };
        if found.iter().any(|(known, _)| *known == own) {
            let message = format!("`{}` is a duplicate", values::shown(key.as_str()));
            judge.report(
                Diagnostic::error("duplicate-name", key.span.clone(), message).hint("case is ignored"),
            );
            whole = false;
        }
        found.push((own, result));
    }
    whole.then_some(Rows::Entries(found))
}

/// Checks a key of `rows`. Returns the number of groups of a pattern.
fn row_key(kind: TableKind, text: &str) -> Result<u32, Fault> {
    values::line(text)?;
    match kind {
        TableKind::Indexed => {
            if text.starts_with('#') {
                return Err(Fault::new("it looks like a comment of the table"));
            }
            let odd = text.chars().find(|c| c.is_whitespace() || matches!(c, '"' | '\\'));
            match odd {
                Some(odd) => Err(Fault::new(format!("{} is not allowed in a key", values::character(odd)))),
                None if text.ends_with(':') => Err(Fault::new("it looks like the name of an alias")),
                None => Ok(0),
            }
        }
        TableKind::Inline => match text.chars().find(|c| c.is_whitespace() || "=\"\\{}".contains(*c)) {
            Some(odd) => Err(Fault::new(format!("{} is not allowed in a key", values::character(odd)))),
            None => Ok(0),
        },
        TableKind::Regexp | TableKind::Pcre => groups(kind, text, "").map_err(|(_, fault)| fault),
        TableKind::Cidr => server::network(text).map(|_| 0),
    }
}

fn row_result(kind: TableKind, text: &str, groups: Option<u32>) -> Result<String, Fault> {
    values::line(text)?;
    match kind {
        TableKind::Inline => {
            Value::expression(&format!("{{key = {text}}}")).map_err(|error| Fault::new(error.to_string()))?;
        }
        TableKind::Regexp | TableKind::Pcre => {
            if let Some(why) = groups.and_then(|groups| source::wrong_reference(text, groups)) {
                return Err(Fault::new(why).hint("write `$$` for a dollar sign"));
            }
        }
        TableKind::Indexed | TableKind::Cidr => {}
    }
    Ok(text.to_owned())
}

/// Compiles a pattern as Postfix does. Returns the number of its groups; on errors, the place in the pattern.
fn groups(kind: TableKind, text: &str, flags: &str) -> Result<u32, (usize, Fault)> {
    if kind == TableKind::Regexp {
        if flags.contains('x') {
            let hint = "remove `x`, and write an extended expression";
            return Err((0, Fault::new("the flag `x` makes it a basic expression").hint(hint)));
        }
        return pattern::compile(text).map_err(|fault| (0, fault));
    }
    // pcre_table(5): each flag toggles an option. Case is ignored without `i`, and a dot matches a line break without `s`.
    let has = |flag: char| flags.chars().filter(|c| *c == flag).count() % 2 == 1;
    let compiled = pcre2::bytes::RegexBuilder::new()
        .caseless(!has('i'))
        .dotall(!has('s'))
        .multi_line(has('m'))
        .extended(has('x'))
        .build(text);
    match compiled {
        Ok(regex) => Ok(u32::try_from(regex.captures_len().saturating_sub(1)).unwrap_or(u32::MAX)),
        Err(error) => {
            let at = error.offset().unwrap_or(0).min(text.len());
            let why = format!("the pattern does not compile: {}", error_message(&error));
            Err((at, Fault::new(why)))
        }
    }
}

/// The message of PCRE without the prefix of the crate.
fn error_message(error: &pcre2::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(": ").map_or(text.clone(), |(_, message)| message.to_owned())
}

/// Lines in the format of Postfix. Findings point into the file, or into the text of the spec.
fn text(judge: &mut Judge, kind: TableKind, spot: &Spot<String>) -> Option<String> {
    let text = &spot.value;
    let mut faults: Vec<source::Fault> = Vec::new();
    let odd = text.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\t' | '\r'));
    if let Some((at, c)) = odd {
        let why = format!("{} is not allowed in a table", values::character(c));
        faults.push(source::Fault { range: at..at + c.len_utf8(), why, hint: String::new() });
    } else if source::lines(text).is_empty() {
        faults.push(source::Fault { range: 0..0, why: "it has no rows".to_owned(), hint: String::new() });
    } else {
        faults = match kind {
            TableKind::Indexed | TableKind::Inline => indexed(text),
            TableKind::Regexp | TableKind::Pcre => source::patterns(text, |rule| compile(kind, rule)),
            TableKind::Cidr => source::networks(text),
        };
    }
    let start = start_of(spot);
    let good = faults.is_empty();
    for fault in faults {
        let span =
            start.map_or(spot.span.clone(), |start| start + fault.range.start..start + fault.range.end);
        let finding =
            Diagnostic::error("table", span, format!("invalid line in a table of type `{}`", word(kind)));
        let finding = finding.labelled(fault.why);
        judge.report(if fault.hint.is_empty() { finding } else { finding.hint(fault.hint) });
    }
    if !good {
        return None;
    }
    if kind == TableKind::Indexed {
        return Some(source::joined(text));
    }
    // A line break at the end, and none of Windows.
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    Some(lines.join("\n") + "\n")
}

fn word(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Indexed => "indexed",
        TableKind::Regexp => "regexp",
        TableKind::Pcre => "pcre",
        TableKind::Cidr => "cidr",
        TableKind::Inline => "inline",
    }
}

/// Where the value begins in the text of the spec; `None` if escapes move the places in it.
fn start_of(spot: &Spot<String>) -> Option<usize> {
    let quotes = spot.span.len().checked_sub(spot.value.len())?;
    match quotes {
        // A file.
        0 => Some(spot.span.start),
        2 => Some(spot.span.start + 1),
        // `'''`, and the line break after it.
        6..=8 => Some(spot.span.end - 3 - spot.value.len()),
        _ => None,
    }
}

fn indexed(text: &str) -> Vec<source::Fault> {
    let mut keys: Vec<String> = Vec::new();
    let mut faults = Vec::new();
    for (at, line) in source::lines(text) {
        match source::entry(at, line) {
            Ok(_) if line.trim_start().split([' ', '\t']).next().is_some_and(|key| key.contains('"')) => {
                let why = "`\"` is not allowed in a key".to_owned();
                let hint = "Postfix looks up addresses without quotation marks".to_owned();
                faults.push(source::Fault { range: at..at + line.len(), why, hint });
            }
            Ok((key, _)) if keys.contains(&key) => {
                let why = "this key is a duplicate".to_owned();
                let hint = "postmap(1) keeps one of them".to_owned();
                faults.push(source::Fault { range: at..at + line.len(), why, hint });
            }
            Ok((key, _)) => keys.push(key),
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

fn compile(kind: TableKind, rule: &Rule<'_>) -> Result<u32, source::Fault> {
    groups(kind, rule.pattern, rule.flags).map_err(|(offset, fault)| source::Fault {
        range: rule.at + offset..rule.at + rule.pattern.len().max(offset + 1),
        why: fault.why,
        hint: fault.hint.unwrap_or_default(),
    })
}

/// Reports values that refer to tables which the spec does not have, and tables to which no value refers.
pub(super) fn used(
    judge: &mut Judge,
    names: &[Spot<String>],
    parameters: &[Parameter],
    services: &[ServiceOverride],
    server: Option<&Server>,
) {
    let options = services.iter().flat_map(|service| &service.options);
    let values = parameters.iter().chain(options).map(|own| (own.value.as_str(), &own.value_span));
    let lists = server.iter().flat_map(|server| {
        let own = &server.restrictions;
        [&own.client, &own.helo, &own.sender, &own.recipient].into_iter().flatten()
    });
    let values = values.chain(lists.map(|own: &Restriction| (own.text.as_str(), &own.span)));
    let mut seen: Vec<&str> = Vec::new();
    for (value, span) in values {
        for (range, name) in table_references(value) {
            seen.push(name);
            if names.iter().any(|known| known.value == name) {
                continue;
            }
            let message = format!("there is no table `{}`", values::shown(name));
            let finding = Diagnostic::error("unknown-table", part(value, span, range), message);
            let near = nearest(name, names.iter().map(|known| known.value.as_str()));
            judge.report(match near {
                Some(near) => finding.hint(format!("did you mean `table:{near}`?")),
                None => {
                    finding.hint(format!("add it: [tables.{}]", if name.is_empty() { "NAME" } else { name }))
                }
            });
        }
    }
    for own in names.iter().filter(|own| !seen.contains(&own.value.as_str())) {
        let message = format!("nothing refers to the table `{}`", own.value);
        judge.report(Diagnostic::warning("unused-table", own.span.clone(), message).hint(format!(
            "name it where Postfix should read it: \"check_client_access table:{}\"",
            own.value
        )));
    }
}

/// The place of a part of a value, if the spec has the value between two quotes.
fn part(value: &str, span: &Span, range: Range<usize>) -> Span {
    if span.len() == value.len() + 2 {
        span.start + 1 + range.start..span.start + 1 + range.end
    } else {
        span.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile_as_in_postfix() {
        for (kind, text, count) in [
            (TableKind::Pcre, r"^(?!mx)(\w+)\.(\d+)$", Some(2)),
            (TableKind::Pcre, r"(?:a|b)", Some(0)),
            (TableKind::Pcre, "a(b", None),
            (TableKind::Pcre, "[z-a]", None),
            (TableKind::Regexp, "^(a|b)[0-9]+$", Some(1)),
            (TableKind::Regexp, r"\d", None),
            (TableKind::Regexp, ".*", Some(0)),
        ] {
            assert_eq!(groups(kind, text, "").ok(), count, "{text}");
        }
    }

    #[test]
    fn messages_of_pcre_have_no_prefix() {
        let error = pcre2::bytes::Regex::new("a(b").unwrap_err();
        assert_eq!(error_message(&error), "missing closing parenthesis");
    }
}
