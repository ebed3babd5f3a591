//! Lookup tables of a source: indexed ones by their text, patterns, networks, and the settings of databases without their
//! passwords.

use std::collections::BTreeMap;

use super::files::unreadable;
use super::reading::{Place, Reading};
use crate::postfix::main_cf;

/// A table that a parameter names.
#[derive(Debug)]
pub(super) enum Table {
    /// Keys with what they stand for, in the order of the file.
    Rows(Shape, Vec<Row>),
    /// The same answer for every key.
    Static(String),
    /// A database or directory, with its settings. Passwords are left out.
    Database {
        /// `mysql`, `pgsql`, `ldap`, `sqlite`.
        kind: String,
        settings: BTreeMap<String, String>,
    },
    /// The source does not have the file.
    Missing,
    /// The file is encrypted.
    Unreadable,
    /// Of another type.
    Other,
}

/// How the keys of a table are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Texts.
    Lookup,
    /// POSIX regular expressions.
    Regexp,
    /// Perl's regular expressions.
    Pcre,
    /// Networks.
    Cidr,
}

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// In lower case for texts; a pattern without its delimiters.
    pub(super) key: String,
    pub(super) value: String,
    /// `!` or a flag of a pattern that changes what it means.
    pub(super) flags: String,
    pub(super) place: Place,
}

/// Splits a list at blanks and commas outside of braces.
pub(super) fn items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut depth = 0usize;
    let mut item = String::new();
    for c in text.chars() {
        if depth == 0 && matches!(c, ',' | ' ' | '\t' | '\r' | '\n') {
            if !item.is_empty() {
                items.push(std::mem::take(&mut item));
            }
            continue;
        }
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        item.push(c);
    }
    if !item.is_empty() {
        items.push(item);
    }
    items
}

/// The tables with a file that a value names.
pub(super) fn named(value: &str) -> Vec<String> {
    items(value).into_iter().filter(|item| file_of(item).is_some()).collect()
}

/// The type and the name of a table, without `proxy:`.
pub(super) fn parts(spec: &str) -> Option<(&str, &str)> {
    let spec = spec.strip_prefix("proxy:").unwrap_or(spec);
    spec.split_once(':')
}

/// The file of a table.
pub(super) fn file_of(spec: &str) -> Option<&str> {
    let (kind, name) = parts(spec)?;
    (name.starts_with('/')
        && !kind.is_empty()
        && !matches!(kind, "inet" | "unix" | "lmtp" | "smtp" | "local"))
    .then_some(name)
    .filter(|_| kind.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Reads a table.
pub(super) fn read(reading: &Reading<'_>, spec: &str) -> Table {
    let Some((kind, name)) = parts(spec) else { return Table::Other };
    match kind {
        "static" => {
            return Table::Static(name.trim_start_matches('{').trim_end_matches('}').trim().to_owned());
        }
        "inline" => return Table::Rows(Shape::Lookup, inline(name)),
        "fail" => return Table::Rows(Shape::Lookup, Vec::new()),
        _ => {}
    }
    let shape = match kind {
        "hash" | "btree" | "lmdb" | "cdb" | "dbm" | "sdbm" | "texthash" => Shape::Lookup,
        "regexp" => Shape::Regexp,
        "pcre" => Shape::Pcre,
        "cidr" => Shape::Cidr,
        "mysql" | "pgsql" | "ldap" | "sqlite" => return database(reading, kind, name),
        _ => return Table::Other,
    };
    let text = match text(reading, name) {
        Ok((file, text)) => (file, text),
        Err(table) => return table,
    };
    let mut rows = rows(shape, &text.0, &text.1);
    if let Some(baseline) = reading.baseline() {
        rows.retain(|row| !baseline.has_row(row));
    }
    Table::Rows(shape, rows)
}

/// The text of a file that a table is in.
fn text(reading: &Reading<'_>, path: &str) -> Result<(String, String), Table> {
    let Some(found) = reading.file(path) else {
        if path.starts_with("/var/lib/") {
            // A cache, which the daemons of Postfix make.
            return Err(Table::Missing);
        }
        reading.remark(
            "missing-file",
            path,
            "main.cf names this table, but the source does not have it: treated as empty",
        );
        return Err(Table::Missing);
    };
    if let Some(what) = unreadable(&found.bytes) {
        reading.remark(
            "unreadable",
            &found.name,
            &format!("the table is {what}: import it as Postfix reads it"),
        );
        return Err(Table::Unreadable);
    }
    Ok((found.name, String::from_utf8_lossy(&found.bytes).into_owned()))
}

/// The rows of a table's text.
pub(super) fn rows(shape: Shape, file: &str, text: &str) -> Vec<Row> {
    let starts = main_cf::LineStarts::new(text);
    let mut rows = Vec::new();
    let mut conditions = 0usize;
    for (at, line) in main_cf::lines(text) {
        let (number, column) = starts.position(at);
        let place = Place { file: file.to_owned(), line: number, column };
        if matches!(shape, Shape::Regexp | Shape::Pcre) {
            if line.starts_with("if ") || line.starts_with("if/") || line.starts_with("if!") {
                conditions += 1;
                continue;
            }
            if line.starts_with("endif") {
                conditions = conditions.saturating_sub(1);
                continue;
            }
            if let Some(mut row) = pattern(&line, place) {
                if conditions > 0 {
                    row.flags.push('?');
                }
                rows.push(row);
            }
            continue;
        }
        let (key, value) = key_and_value(&line);
        if key.is_empty() {
            continue;
        }
        let key = if shape == Shape::Lookup { key.to_lowercase() } else { key };
        rows.push(Row { key, value, flags: String::new(), place });
    }
    rows
}

/// A key ends at the first blank outside of quotes.
fn key_and_value(line: &str) -> (String, String) {
    let mut quoted = false;
    let mut key = String::new();
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return (key, line[at..].trim().to_owned()),
            c => key.push(c),
        }
    }
    (key, String::new())
}

/// `/pattern/flags result`.
fn pattern(line: &str, place: Place) -> Option<Row> {
    let (negated, rest) = match line.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", line),
    };
    let delimiter = rest.chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())?;
    let body = &rest[delimiter.len_utf8()..];
    let mut escaped = false;
    let end = body.char_indices().find_map(|(at, c)| match c {
        _ if escaped => {
            escaped = false;
            None
        }
        '\\' => {
            escaped = true;
            None
        }
        c if c == delimiter => Some(at),
        _ => None,
    })?;
    let after = &body[end + delimiter.len_utf8()..];
    let flags_end = after.find([' ', '\t']).unwrap_or(after.len());
    let key = body[..end].replace(&format!("\\{delimiter}"), &delimiter.to_string());
    Some(Row {
        key,
        value: after[flags_end..].trim().to_owned(),
        flags: format!("{negated}{}", &after[..flags_end]),
        place,
    })
}

/// `{ {key = value}, {key = value} }`, or a single pair without the outer braces.
fn inline(text: &str) -> Vec<Row> {
    let place = Place { file: "main.cf".to_owned(), line: 0, column: 1 };
    let body = text.trim().strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(text);
    items(body)
        .into_iter()
        .filter_map(|item| {
            let pair =
                item.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(&item).to_owned();
            let (key, value) = pair.split_once('=')?;
            Some(Row {
                key: key.trim().to_lowercase(),
                value: value.trim().to_owned(),
                flags: String::new(),
                place: place.clone(),
            })
        })
        .collect()
}

fn database(reading: &Reading<'_>, kind: &str, path: &str) -> Table {
    let (_, text) = match text(reading, path) {
        Ok(read) => read,
        Err(table) => return table,
    };
    let (entries, _) = main_cf::parse(&text);
    let settings = entries
        .into_iter()
        .filter(|entry| !matches!(entry.name.as_str(), "password" | "bind_pw" | "user" | "bind_dn"))
        .map(|entry| (entry.name, entry.value))
        .collect();
    Table::Database { kind: kind.to_owned(), settings }
}

/// A row of an aliases file: a local name, and what its mail goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) name: String,
    pub(super) targets: Vec<String>,
    pub(super) place: Place,
}

/// Reads an aliases file, in the format of sendmail.
pub(super) fn aliases(file: &str, text: &str) -> Vec<Alias> {
    let starts = main_cf::LineStarts::new(text);
    let mut read = Vec::new();
    for (at, line) in main_cf::lines(text) {
        let (number, column) = starts.position(at);
        let Some(colon) = colon(&line) else { continue };
        let name = line[..colon].trim().trim_matches('"').to_lowercase();
        let targets = targets(&line[colon + 1..]);
        if !name.is_empty() && !targets.is_empty() {
            read.push(Alias { name, targets, place: Place { file: file.to_owned(), line: number, column } });
        }
    }
    read
}

fn colon(line: &str) -> Option<usize> {
    let mut quoted = false;
    line.char_indices().find_map(|(at, c)| {
        if c == '"' {
            quoted = !quoted;
        }
        (c == ':' && !quoted).then_some(at)
    })
}

/// The targets of an alias: divided by commas outside of quotes.
pub(super) fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let (mut quoted, mut target) = (false, String::new());
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                target.push(c);
            }
            ',' if !quoted => targets.push(std::mem::take(&mut target)),
            c => target.push(c),
        }
    }
    targets.push(target);
    targets
        .iter()
        .map(|target| target.trim())
        .filter(|target| !target.is_empty())
        // Quotes around a whole command belong to the file, not to the command.
        .map(|target| {
            target
                .strip_prefix("\"|")
                .and_then(|inner| inner.strip_suffix('"'))
                .map_or_else(|| target.to_owned(), |inner| format!("|{inner}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(shape: Shape, text: &str) -> Vec<(String, String, String)> {
        rows(shape, "t", text).into_iter().map(|row| (row.key, row.value, row.flags)).collect()
    }

    #[test]
    fn lookup_rows() {
        let found = keys(Shape::Lookup, "# a\n\nA@b.Example  x,\n  y\n\"john doe\"@b z\nempty\n");
        let row = |key: &str, value: &str| (key.to_owned(), value.to_owned(), String::new());
        assert_eq!(found, [row("a@b.example", "x, y"), row("john doe@b", "z"), row("empty", "")]);
    }

    #[test]
    fn patterns() {
        let found = keys(Shape::Pcre, "/^a\\/b$/i  REJECT no\n!/x/ OK\nif /y/\n/z/ WARN\nendif\nbad\n");
        let row = |key: &str, value: &str, flags: &str| (key.to_owned(), value.to_owned(), flags.to_owned());
        assert_eq!(found, [row("^a/b$", "REJECT no", "i"), row("x", "OK", "!"), row("z", "WARN", "?")]);
    }

    #[test]
    fn alias_files() {
        let found = aliases("aliases", "root: admin,\n  \"|/bin/x, y\"\n\"a b\": c@d\n# x: y\n");
        let read: Vec<_> = found.iter().map(|alias| (alias.name.as_str(), alias.targets.join(";"))).collect();
        assert_eq!(read, [("root", "admin;|/bin/x, y".to_owned()), ("a b", "c@d".to_owned())]);
        assert_eq!(found[1].place.line, 3);
    }

    #[test]
    fn tables_inside_of_main_cf() {
        let found = inline("{ {A = b c}, {@x = @y} }");
        let read: Vec<_> = found.iter().map(|row| (row.key.as_str(), row.value.as_str())).collect();
        assert_eq!(read, [("a", "b c"), ("@x", "@y")]);
    }
}
