//! Header and body checks, milters, and notices: header_checks(5), MILTER_README and postconf(5).

use super::PlanError;
use super::layer::{Item, Layer};
use super::rewriting;
use super::table::{Kind, Table, table};
use crate::postfix::table::{Regexp, TableError};
use crate::relay::{LineAction, Milter, MilterAction, Relay, Rule};

/// A parameter, its table, and what is in it. The name `header_checks` is that of the headers that do not leave.
fn checks(relay: &Relay) -> [(&'static str, &'static str, &'static str, &[Rule]); 5] {
    let content = &relay.content;
    [
        ("header_checks", "content_headers", "Headers of messages", content.headers.as_slice()),
        ("mime_header_checks", "content_mime_headers", "Headers of parts of messages", &content.mime_headers),
        (
            "nested_header_checks",
            "content_nested_headers",
            "Headers of nested messages",
            &content.nested_headers,
        ),
        ("body_checks", "content_body", "Lines of the body", &content.body),
        (
            "milter_header_checks",
            "content_milter_headers",
            "Headers that a milter adds",
            &content.milter_headers,
        ),
    ]
}

/// Header and body checks, the milters that inspect messages, and notices.
pub(super) fn checked(layer: &mut Layer<'_>, relay: &Relay) {
    let rewrites = rewriting::header_checks(relay).is_some();
    if rewrites || checks(relay).iter().any(|(.., rules)| !rules.is_empty()) {
        layer.section("Header and body checks.");
    }
    for (parameter, tables) in header_checks(relay, None) {
        // By default the headers of parts are checked like those of the message.
        let own = checks(relay).iter().any(|(name, .., rules)| *name == parameter && !rules.is_empty());
        if own || rewrites {
            layer.list(parameter, tables.iter().map(|table| Item::from(&**table)));
        }
    }
    for (parameter, name, _, rules) in checks(relay) {
        if matches!(parameter, "body_checks" | "milter_header_checks") && !rules.is_empty() {
            layer.set(parameter, &file(name));
        }
    }
    milters(layer, relay);
    notices(layer, relay);
}

fn file(table: &str) -> String {
    format!("regexp:/etc/postfix/{table}")
}

/// The tables for headers of a message, of its parts, and of messages within; `more` is for headers of the message alone.
///
/// The rules of the spec come first, because they may refuse the message. Senders are rewritten only in its own headers.
pub(super) fn header_checks(relay: &Relay, more: Option<&str>) -> [(&'static str, Vec<String>); 3] {
    let [message, parts, within, ..] =
        checks(relay).map(|(parameter, name, _, rules)| (parameter, (!rules.is_empty()).then(|| file(name))));
    let default = message.1.clone();
    let all = message.1.into_iter().chain(more.map(file)).chain(rewriting::header_checks(relay));
    let or_default = |own: Option<String>| own.or_else(|| default.clone()).into_iter().collect();
    [(message.0, all.collect()), (parts.0, or_default(parts.1)), (within.0, or_default(within.1))]
}

fn milters(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(milters) = &relay.milters else { return };
    layer.section("Milters, which inspect messages as they arrive.");
    layer.list("smtpd_milters", milters.servers.iter().map(|milter| Item::from(&*in_words(milter))));
    if milters.local {
        layer.set("non_smtpd_milters", "$smtpd_milters");
    }
    for (name, value) in settings(Some(milters.without), milters.timeouts) {
        layer.set(&format!("milter_{name}"), &value);
    }
}

/// A milter as smtpd_milters has it: in braces where something of it is its own.
fn in_words(milter: &Milter) -> String {
    let mut words = vec![milter.place.clone()];
    words.extend(settings(milter.without, milter.timeouts).map(|(name, value)| format!("{name}={value}")));
    if words.len() == 1 { words.remove(0) } else { format!("{{ {} }}", words.join(", ")) }
}

/// Parameters of milters, with names as in braces; the parameters for all begin with `milter_`.
fn settings(
    without: Option<MilterAction>,
    timeouts: [Option<u64>; 3],
) -> impl Iterator<Item = (&'static str, String)> {
    let action = without.map(|action| ("default_action", action.name().to_owned()));
    let times = ["connect_timeout", "command_timeout", "content_timeout"].into_iter().zip(timeouts);
    let times = times.filter_map(|(name, seconds)| Some((name, format!("{}s", seconds?))));
    action.into_iter().chain(times)
}

fn notices(layer: &mut Layer<'_>, relay: &Relay) {
    let notices = &relay.notices;
    if !notices.classes.is_empty() || notices.to.iter().any(Option::is_some) {
        layer.section("Notices to the postmaster.");
    }
    if !notices.classes.is_empty() {
        layer.set("notify_classes", &notices.classes.join(", "));
    }
    let names = [
        "bounce_notice_recipient",
        "2bounce_notice_recipient",
        "delay_notice_recipient",
        "error_notice_recipient",
    ];
    for (name, to) in names.iter().zip(&notices.to) {
        if let Some(address) = to {
            layer.set(name, address);
        }
    }
}

/// The tables that the parameters name.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let used = checks(relay).into_iter().filter(|(.., rules)| !rules.is_empty());
    used.map(|(_, name, title, rules)| table(name, Kind::Regexp, regexp(title, rules))).collect()
}

fn regexp(title: &str, rules: &[Rule]) -> Result<Regexp, TableError> {
    let mut table = Regexp::new(format!("{title}, see header_checks(5); the first match wins."));
    for (pattern, action) in rules {
        table.push(pattern, &result(action))?;
    }
    Ok(table)
}

/// The action in the words of header_checks(5).
fn result(action: &LineAction) -> String {
    let with = |word: &str, text: &str| format!("{word} {text}").trim_end().to_owned();
    match action {
        LineAction::Reject(text) => with("REJECT", text),
        LineAction::Discard(text) => with("DISCARD", text),
        LineAction::Hold(text) => with("HOLD", text),
        LineAction::Warn(text) => with("WARN", text),
        LineAction::Ignore => "IGNORE".to_owned(),
        LineAction::Prepend(line) => with("PREPEND", line),
        LineAction::Replace(line) => with("REPLACE", line),
        LineAction::Redirect(address) => with("REDIRECT", address),
        LineAction::Permit => "DUNNO".to_owned(),
    }
}
