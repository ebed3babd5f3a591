//! Reports of differences, for people and for programs.

use std::fmt::Write as _;

use super::Change;
use crate::package::{Difference, Part};

/// The change of a host's package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Same,
    Changed,
    Added,
    Removed,
}

/// A host and its changes.
#[derive(Debug, serde::Serialize)]
pub(super) struct Host {
    /// Name of its package; empty if there is only one.
    #[serde(skip_serializing_if = "String::is_empty")]
    package: String,
    #[serde(rename = "status")]
    pub(super) outcome: Outcome,
    differences: Vec<Change>,
}

impl Host {
    pub(super) fn compared(package: String, differences: Vec<Change>) -> Self {
        let outcome = if differences.is_empty() { Outcome::Same } else { Outcome::Changed };
        Self { package, outcome, differences }
    }

    pub(super) fn alone(package: String, outcome: Outcome) -> Self {
        Self { package, outcome, differences: Vec::new() }
    }
}

pub(super) fn json(a: &str, b: &str, hosts: &[Host]) -> serde_json::Value {
    serde_json::json!({
        "before": a,
        "after": b,
        "same": hosts.iter().all(|host| host.outcome == Outcome::Same),
        "packages": hosts,
    })
}

/// The number of hosts by outcome.
pub(super) fn summary(hosts: &[Host]) -> String {
    let count = |outcome| hosts.iter().filter(|host| host.outcome == outcome).count();
    format!(
        "{} changed, {} added, {} removed, {} the same",
        count(Outcome::Changed),
        count(Outcome::Added),
        count(Outcome::Removed),
        count(Outcome::Same)
    )
}

/// Renders the differences. Hosts of a fleet with the same changes are listed together.
pub(super) fn text(hosts: &[Host]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for host in hosts.iter().filter(|host| host.outcome != Outcome::Same) {
        let text = match host.outcome {
            Outcome::Added => "added\n".to_owned(),
            Outcome::Removed => "removed\n".to_owned(),
            _ if host.package.is_empty() => differences(&host.differences),
            _ => differences(&host.differences).replace(&host.package, "{package}"),
        };
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(&host.package),
            None => groups.push((text, vec![&host.package])),
        }
    }
    let mut out = String::new();
    for (text, names) in groups {
        match names.as_slice() {
            [""] => out.push_str(&text),
            [name] => {
                let _ = writeln!(out, "{name}:");
                out.push_str(&indented(&text.replace("{package}", name)));
            }
            names => {
                let _ = writeln!(out, "{}:", names.join(", "));
                out.push_str(&indented(&text));
            }
        }
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |out, line| out + "  " + line + "\n")
}

fn differences(changes: &[Change]) -> String {
    let mut text = String::new();
    let mut last: &[&str] = &[];
    for change in changes {
        if change.formats != last {
            last = &change.formats;
            let _ = writeln!(text, "{}:", last.join(", "));
        }
        let _ = writeln!(text, "  {}", line(change));
        if let Some(diff) = &change.diff {
            text.push_str(&indented(&indented(&indented(diff))));
        }
    }
    text
}

fn line(Change { difference, diff, .. }: &Change) -> String {
    let Difference { kind, name, before, after } = difference;
    let name = if *kind == Part::Script { format!("script {name}") } else { name.clone() };
    // Files are shown by their content, if it is text.
    let value = |value: &str| {
        if *kind == Part::Field && diff.is_none() { format!(": {value}") } else { String::new() }
    };
    match (before, after) {
        (Some(before), Some(after)) => {
            let detail = match kind {
                Part::Field if diff.is_none() => format!(": {before} -> {after}"),
                Part::File => {
                    let (before, after) = (attributes(before), attributes(after));
                    if before == after { String::new() } else { format!(": {before} -> {after}") }
                }
                Part::Field | Part::Script => String::new(),
            };
            format!("~ {name}{detail}")
        }
        (Some(before), None) => format!("- {name}{}", value(before)),
        (None, after) => format!("+ {name}{}", value(after.as_deref().unwrap_or_default())),
    }
}

/// Mode and owner of a file, without the digest; or the target of a link.
fn attributes(value: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.split(' ').filter(|word| !is_digest(word)).collect::<Vec<_>>().join(" ")
}
