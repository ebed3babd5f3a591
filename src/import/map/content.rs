//! `[headers]`, `[content]` and `[milter]`: header and body checks, and the programs that inspect messages.

use super::patterns::{header, posix};
use super::{Code, Map, is_address, list, one_or_list};
use crate::import::tables::{self, Shape, Table};
use std::fmt::Write as _;

pub(super) fn map(map: &mut Map<'_, '_>) {
    outgoing(map);
    for (name, section) in [
        ("header_checks", "content.headers"),
        ("mime_header_checks", "content.mime-headers"),
        ("nested_header_checks", "content.nested-headers"),
        ("body_checks", "content.body"),
        ("milter_header_checks", "content.milter-headers"),
    ] {
        checks(map, name, section);
    }
    milters(map);
}

/// The address that a rule of smtp_header_checks puts into `From`.
pub(super) fn from_of_header(map: &mut Map<'_, '_>) -> Option<String> {
    for (_, table) in map.reading.tables("smtp_header_checks") {
        let Table::Rows(Shape::Regexp | Shape::Pcre, rows) = &*table else { continue };
        for row in rows {
            let Some(line) = row.value.strip_prefix("REPLACE ") else { continue };
            if !row.key.to_lowercase().starts_with("^from:") {
                continue;
            }
            let address = line
                .rsplit_once('<')
                .map_or_else(
                    || line.trim_start_matches("From:").trim(),
                    |(_, rest)| rest.trim_end_matches('>'),
                )
                .trim();
            if is_address(address) {
                return Some(address.to_lowercase());
            }
        }
    }
    None
}

/// smtp_header_checks: what leaves the host.
fn outgoing(map: &mut Map<'_, '_>) {
    let name = "smtp_header_checks";
    if !map.reading.is_set(name) {
        return;
    }
    let mut patterns: Vec<String> = Vec::new();
    let mut strip: Vec<String> = Vec::new();
    let mut any = false;
    for (spec, table) in map.reading.tables(name) {
        let Table::Rows(shape @ (Shape::Regexp | Shape::Pcre), rows) = &*table else {
            if !matches!(&*table, Table::Missing)
                && !matches!(&*table, Table::Rows(_, rows) if rows.is_empty())
            {
                map.other(
                    Code::Lost,
                    &spec,
                    map.reading.setting(name).map(|it| &it.place),
                    "header checks by a table without patterns",
                );
                map.say(name, Code::Lost, &["headers.patterns"], "a table without patterns");
            }
            continue;
        };
        for row in rows {
            any = true;
            let place = row.place.clone();
            if row.value.eq_ignore_ascii_case("IGNORE") && is_received(&row.key) {
                map.other(
                    Code::Implied,
                    name,
                    Some(&place),
                    "the relay removes Received headers of its clients",
                );
            } else if row.value.eq_ignore_ascii_case("IGNORE") {
                match (header(&row.key), posix(row, *shape)) {
                    (Some(header), _) => strip.push(header),
                    (None, Some(pattern)) => patterns.push(pattern),
                    _ => map.other(
                        Code::Lost,
                        name,
                        Some(&place),
                        "a pattern that POSIX regular expressions do not have",
                    ),
                }
            } else if row.key.to_lowercase().starts_with("^from:")
                && row.value.starts_with("REPLACE")
                && from_of_header(map).is_some()
            {
                let display = row
                    .value
                    .rsplit_once('<')
                    .map(|(before, _)| {
                        before
                            .trim_start_matches("REPLACE")
                            .trim()
                            .trim_start_matches("From:")
                            .trim()
                            .trim_matches('"')
                            .to_owned()
                    })
                    .filter(|text| !text.is_empty());
                match (
                    display,
                    map.draft.get("relay", "from").and_then(|entry| entry.value.as_str().map(str::to_owned)),
                ) {
                    (Some(display), Some(from))
                        if from.contains('@') && !from.starts_with('@') && !display.contains(['$', '\\']) =>
                    {
                        map.key("rewrite.senders", "*", format!("{display} <{from}>"), &[name])
                            .comment(place.to_string());
                        map.other(Code::Changed, name, Some(&place), "the sender and its display name are set before the mail is sent, for local senders");
                    }
                    (Some(_), _) => {
                        map.other(Code::Lost, name, Some(&place), "the display name of the sender");
                    }
                    _ => map.key_of_table(name, "relay.from"),
                }
            } else {
                map.other(
                    Code::Lost,
                    name,
                    Some(&place),
                    "headers of outgoing mail can be removed, but not replaced",
                );
                map.say(
                    name,
                    Code::Lost,
                    &["headers.patterns"],
                    "headers of outgoing mail can be removed, but not replaced",
                );
            }
        }
    }
    strip.dedup();
    // `received` is what the spec strips without being told.
    let own: Vec<String> = strip.iter().filter(|header| *header != "received").cloned().collect();
    if !own.is_empty() {
        let mut all = vec!["received".to_owned()];
        all.extend(own);
        map.key("headers", "strip", list(all), &[name]);
    }
    if !patterns.is_empty() {
        map.key("headers", "patterns", one_or_list(patterns), &[name]);
    }
    if any {
        map.say_if_open(name, Code::Implied, &["headers.strip"], "the default of the spec");
    } else {
        map.say_if_open(name, Code::Dropped, &["headers.strip"], "the table is empty");
    }
}

/// Whether a pattern is for Received headers of some kind.
fn is_received(pattern: &str) -> bool {
    let start = pattern.trim_start_matches(['^', '(']);
    let start = ["\\s*", "[[:space:]]*"].iter().find_map(|blank| start.strip_prefix(blank)).unwrap_or(start);
    start.trim_start_matches('(').to_lowercase().starts_with("received:")
}

/// Checks of mail that comes in.
fn checks(map: &mut Map<'_, '_>, name: &'static str, section: &'static str) {
    if !map.reading.is_set(name) {
        return;
    }
    // By default the two others ask header_checks.
    let mut any = false;
    for (spec, table) in map.reading.tables(name) {
        let Table::Rows(shape @ (Shape::Regexp | Shape::Pcre), rows) = &*table else {
            match &*table {
                Table::Missing => {}
                Table::Rows(_, rows) if rows.is_empty() => {}
                _ => {
                    map.other(
                        Code::Lost,
                        &spec,
                        map.reading.setting(name).map(|it| &it.place),
                        "checks by a table without patterns",
                    );
                    map.say(name, Code::Lost, &[section], "a table without patterns");
                }
            }
            continue;
        };
        for row in rows {
            any = true;
            let place = row.place.clone();
            match (posix(row, *shape), action(&row.value)) {
                (Some(pattern), Some(action)) => {
                    if map.draft.get(section, &pattern).is_none() {
                        map.key(section, &pattern, action, &[name]);
                    }
                }
                (None, _) => {
                    let pattern = crate::diag::printable(&row.key);
                    let reason = if row.flags.contains('!') {
                        format!("the pattern `{pattern}` is negated, and [content] has no negation")
                    } else if row.flags.contains('?') {
                        format!("the pattern `{pattern}` is inside `if`, and [content] has no conditions")
                    } else {
                        format!("the pattern `{pattern}` uses Perl syntax: rewrite it in POSIX syntax")
                    };
                    map.other(Code::Lost, name, Some(&place), &reason);
                }
                (_, None) => {
                    let word = row.value.split_whitespace().next().unwrap_or_default().to_owned();
                    map.other(
                        Code::Lost,
                        name,
                        Some(&place),
                        &format!("`{}` is not an action of [content]", crate::diag::printable(&word)),
                    );
                }
            }
        }
    }
    if any && !map.verdicts.contains_key(name) {
        map.say(name, Code::Lost, &[section], "none of its rules has a key");
    }
    map.say_if_open(name, Code::Dropped, &[section], "the table is empty");
}

/// An action of header_checks(5) as [content] has it.
fn action(text: &str) -> Option<String> {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim();
    let with = |name: &str| if rest.is_empty() { name.to_owned() } else { format!("{name} {rest}") };
    let needs = |name: &str| (!rest.is_empty()).then(|| format!("{name} {rest}"));
    match word.to_ascii_uppercase().as_str() {
        "REJECT" => Some(with("reject")),
        "DISCARD" => Some(with("discard")),
        "HOLD" => Some(with("hold")),
        "WARN" | "INFO" => Some(with("warn")),
        "IGNORE" | "STRIP" => Some("ignore".to_owned()),
        "DUNNO" | "OK" | "PASS" => Some("permit".to_owned()),
        "PREPEND" => needs("prepend"),
        "REPLACE" => needs("replace"),
        "REDIRECT" => needs("redirect"),
        _ => None,
    }
}

/// Programs that inspect messages.
fn milters(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let remote = reading.list("smtpd_milters");
    let local = reading.list("non_smtpd_milters");
    let names = ["smtpd_milters", "non_smtpd_milters"];
    let (servers, origin) =
        if remote.is_empty() { (&local, "non_smtpd_milters") } else { (&remote, "smtpd_milters") };
    if servers.is_empty() {
        for name in names {
            map.say(name, Code::Implied, &["milter.servers"], "no milter");
        }
        for name in [
            "milter_default_action",
            "milter_connect_timeout",
            "milter_command_timeout",
            "milter_content_timeout",
        ] {
            map.say(name, Code::Dropped, &["milter.servers"], "no milter");
        }
        return;
    }
    let mut written = Vec::new();
    for server in servers {
        match milter(server) {
            Some(text) => {
                if text.starts_with("unix:/") {
                    map.other(Code::Changed, &text, reading.setting(origin).map(|it| &it.place), "the socket is outside the queue folder of Postfix: Postfix can use it only without a chroot");
                }
                written.push(text);
            }
            None => map.other(
                Code::Lost,
                &crate::diag::printable(server),
                reading.setting(origin).map(|it| &it.place),
                "not an address that [milter] supports",
            ),
        }
    }
    if written.is_empty() {
        return;
    }
    map.key("milter", "servers", one_or_list(written), &[origin]);
    if map.role.profile.has_clients() && !remote.is_empty() && local.is_empty() {
        map.key("milter", "local", false, &[]);
        map.say("non_smtpd_milters", Code::Key, &["milter.local"], "");
    } else if !remote.is_empty() && !local.is_empty() && remote != local {
        map.say(
            "non_smtpd_milters",
            Code::Changed,
            &["milter.local"],
            "mail of local programs passes the same milters",
        );
    } else {
        map.say_if_open(
            "non_smtpd_milters",
            Code::Implied,
            &["milter.local"],
            "mail of local programs passes the same milters",
        );
        map.say_if_open(
            "smtpd_milters",
            Code::Implied,
            &["milter.servers"],
            "only the host itself is a client",
        );
    }
    if reading.is_set("milter_default_action") {
        let action = reading.value("milter_default_action").to_lowercase();
        match action.as_str() {
            "tempfail" => map.say(
                "milter_default_action",
                Code::Implied,
                &["milter.default-action"],
                "the default of the spec",
            ),
            "accept" | "reject" | "quarantine" => {
                map.key("milter", "default-action", action, &["milter_default_action"]);
            }
            _ => map.say(
                "milter_default_action",
                Code::Changed,
                &["milter.default-action"],
                "mail is deferred while a milter does not answer",
            ),
        }
    }
    for (name, key) in [
        ("milter_connect_timeout", "connect-timeout"),
        ("milter_command_timeout", "command-timeout"),
        ("milter_content_timeout", "content-timeout"),
    ] {
        if reading.is_set(name) {
            match super::limits::time(&reading.value(name), 's') {
                Some(seconds) => {
                    map.key("milter", key, super::limits::written_time(seconds), &[name]);
                }
                None => map.say(name, Code::Lost, &["milter"], "no time"),
            }
        }
    }
}

/// A place as [milter] has it.
fn milter(text: &str) -> Option<String> {
    let (place, options) = match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => {
            let mut items = tables::items(inner).into_iter();
            (items.next()?, items.collect::<Vec<_>>())
        }
        None => (text.to_owned(), Vec::new()),
    };
    let place = match place.split_once(':') {
        Some(("unix" | "local", path)) => {
            let path = path.strip_prefix("/var/spool/postfix/").unwrap_or(path);
            format!("unix:{path}")
        }
        Some(("inet", rest)) => format!("inet:{rest}"),
        _ => return None,
    };
    let mut out = place;
    for option in options {
        let (name, value) = option.split_once('=')?;
        let name = match name {
            "default_action" => "default-action",
            "connect_timeout" => "connect-timeout",
            "command_timeout" => "command-timeout",
            "content_timeout" => "content-timeout",
            _ => continue,
        };
        let _ = write!(out, " {name}={value}");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_milters() {
        assert_eq!(milter("inet:localhost:8891").as_deref(), Some("inet:localhost:8891"));
        assert_eq!(milter("local:/var/spool/postfix/x/y.sock").as_deref(), Some("unix:x/y.sock"));
        assert_eq!(
            milter("{ inet:127.0.0.1:1, default_action=accept }").as_deref(),
            Some("inet:127.0.0.1:1 default-action=accept")
        );
        assert_eq!(milter("$x"), None);
    }
}
