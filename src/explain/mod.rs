//! `postpack explain`: keys of the spec, the keys that decide a Postfix parameter, and codes of findings.

mod diagnostics;

pub use diagnostics::{Code, codes};

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diag::nearest;
use crate::keys::{self, Key, Relation, reference};
use crate::plan;
use crate::postfix::catalogue::Catalogue;
use crate::relay::Profile;

/// The findings of `mail-relay doctor` on a host.
static FINDINGS: &str = include_str!("../../templates/host/lib/findings.tsv");

/// The subject of a page.
#[derive(Debug)]
pub enum Topic {
    /// A key of the spec.
    Key(&'static Key),
    /// A section of the spec, with its keys.
    Section(&'static str, Vec<&'static Key>),
    /// A parameter of Postfix.
    Parameter(&'static str),
    /// The code of a finding of `postpack check`.
    Code(&'static Code),
    /// A finding of `mail-relay doctor`.
    Finding(Finding),
}

/// A finding of `mail-relay doctor` from its table. `{1}` and similar are placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    /// Its name.
    pub id: &'static str,
    /// `broken` or `warning`.
    pub severity: &'static str,
    /// The finding.
    pub what: &'static str,
    /// Its effect.
    pub why: &'static str,
    /// The fix; a command after `$ `.
    pub fix: &'static str,
}

/// All topics with this name. Some names are both a section and a code.
pub fn topics(name: &str) -> Vec<Topic> {
    let name = name.trim_matches(['[', ']']);
    let mut topics: Vec<Topic> = Vec::new();
    topics.extend(keys::get(name).or_else(|| named_by_people(name)).map(Topic::Key));
    topics.extend(section(name));
    topics.extend(parameter(name).map(Topic::Parameter));
    topics.extend(codes().iter().find(|code| code.name == name).map(Topic::Code));
    topics.extend(findings().find(|finding| finding.id == name).map(Topic::Finding));
    topics
}

/// The names that have a topic, without those of Postfix parameters.
pub fn names() -> Vec<&'static str> {
    let keys = keys::all().iter().map(|key| key.path.as_str());
    let codes = codes().iter().map(|code| code.name.as_str());
    let mut names: Vec<&str> = keys.chain(codes).chain(findings().map(|it| it.id)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The topic that the user probably meant: a key by its last part, or a similar name.
pub fn meant(name: &str) -> Option<String> {
    let by_last_part = keys::all().iter().find(|key| key.name() == name).map(|key| key.path.clone());
    by_last_part.or_else(|| nearest(name, names().into_iter().chain(Catalogue::names())).map(str::to_owned))
}

/// The key whose table contains a user-defined name: `aliases` for `aliases.webmaster`.
fn named_by_people(name: &str) -> Option<&'static Key> {
    let is_table = |key: &&Key| matches!(key.kind, keys::Kind::Table(_));
    keys::all().iter().filter(is_table).find(|key| {
        name.strip_prefix(key.path.as_str()).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
    })
}

fn section(name: &str) -> Option<Topic> {
    let prefix = format!("{name}.");
    let keys: Vec<&Key> = keys::all().iter().filter(|key| key.path.starts_with(&prefix)).collect();
    let first = keys.first()?;
    Some(Topic::Section(&first.path[..name.len()], keys))
}

fn parameter(name: &str) -> Option<&'static str> {
    let known = Catalogue::get(name).map(|info| info.name).filter(|known| !known.starts_with('*'));
    known
        .or_else(|| keys::INTERNAL.iter().map(|(internal, _)| *internal).find(|internal| *internal == name))
        .or_else(|| {
            let names = keys::all().iter().flat_map(Key::parameters);
            names.map(|(parameter, _)| parameter).find(|parameter| *parameter == name)
        })
}

/// All findings of the doctor, in the order of their table.
pub fn findings() -> impl Iterator<Item = Finding> {
    FINDINGS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (id, severity, _leaves) = (next()?, next()?, next()?);
        Some(Finding { id, severity, what: next()?, why: next()?, fix: next()? })
    })
}

impl Topic {
    /// The page as text.
    pub fn text(&self) -> String {
        match self {
            Self::Key(key) => of_key(key),
            Self::Section(name, keys) => {
                let mut text = format!("[{name}], a section of the spec\n\n");
                for key in keys {
                    let _ = writeln!(text, "  {}\n      {}", key.path, key.summary);
                }
                text
            }
            Self::Parameter(name) => of_parameter(name),
            Self::Code(code) => code.text(),
            Self::Finding(finding) => finding.text(),
        }
    }

    /// The page as JSON.
    pub fn json(&self) -> Value {
        match self {
            Self::Key(key) => json!({
                "topic": "key",
                "name": key.path,
                "type": key.kind.to_string(),
                "required": key.required,
                "default": key.default,
                "profiles": key.profiles.iter().map(|profile| profile.name()).collect::<Vec<_>>(),
                "decides": key.decides,
                "adds-to": key.adds_to,
                "replaces": key.replaces,
                "summary": key.summary,
                "details": key.details,
                "example": key.example(),
                "since": key.since,
            }),
            Self::Section(name, keys) => json!({
                "topic": "section",
                "name": name,
                "keys": keys.iter().map(|key| key.path.as_str()).collect::<Vec<_>>(),
            }),
            Self::Parameter(name) => {
                let of_profile = |profile: &Profile| {
                    let keys = keys::of_parameter(name, *profile);
                    let rule = plan::parameter_rule(name, *profile);
                    json!({
                        "profile": profile.name(),
                        "decided-by": paths(&keys, Relation::Decides),
                        "added-to-by": paths(&keys, Relation::AddsTo),
                        "replaced-by": paths(&keys, Relation::Replaces),
                        "in-main-cf": rule.as_ref().map(|rule| rule.told.as_str()),
                        "reason": rule.map(|rule| rule.why).filter(|why| !why.is_empty()),
                    })
                };
                json!({
                    "topic": "parameter",
                    "name": name,
                    "internal": keys::internal(name),
                    "profiles": Profile::ALL.iter().map(of_profile).collect::<Vec<_>>(),
                })
            }
            Self::Code(code) => code.json(),
            Self::Finding(finding) => json!({
                "topic": "finding",
                "name": finding.id,
                "severity": finding.severity,
                "what": finding.what,
                "why": finding.why,
                "fix": finding.fix,
            }),
        }
    }
}

fn of_key(key: &Key) -> String {
    let mut text = format!("{}, a key of the spec\n\n{}\n", key.path, key.summary);
    if !key.details.is_empty() {
        let _ = write!(text, "\n{}\n", key.details);
    }
    text.push('\n');
    for (name, value) in reference::rows(key) {
        let _ = writeln!(text, "  {:<10}{}", format!("{name}:"), value.replace('`', ""));
    }
    if let Some(example) = key.example() {
        let _ = writeln!(text, "\nExample:\n\n{}", indented(&example));
    }
    text
}

fn of_parameter(name: &str) -> String {
    let mut text = format!("{name}, a parameter of Postfix\n");
    if let Some(why) = keys::internal(name) {
        let _ = write!(text, "\nRelays set it themselves: {why}.\n");
    }
    // Profiles with the same answer share a paragraph.
    let mut answers: Vec<(String, Vec<&str>)> = Vec::new();
    for profile in Profile::ALL {
        let answer = answer(name, *profile);
        match answers.iter_mut().find(|(one, _)| *one == answer) {
            Some((_, profiles)) => profiles.push(profile.name()),
            None => answers.push((answer, vec![profile.name()])),
        }
    }
    for (answer, profiles) in &answers {
        let whose = if answers.len() == 1 { "all profiles".to_owned() } else { profiles.join(", ") };
        let _ = write!(text, "\n{whose}:\n{answer}");
    }
    text
}

/// The paths of the keys with one relation to a parameter.
fn paths(keys: &[(&'static Key, Relation)], relation: Relation) -> Vec<&'static str> {
    keys.iter().filter(|(_, own)| *own == relation).map(|(key, _)| key.path.as_str()).collect()
}

/// The paragraph about a parameter in a profile.
fn answer(name: &str, profile: Profile) -> String {
    let keys = keys::of_parameter(name, profile);
    let mut text = String::new();
    let lines = [
        (Relation::Decides, "Decided by"),
        (Relation::AddsTo, "Also depends on"),
        (Relation::Replaces, "Set instead"),
    ];
    for (relation, words) in lines {
        let paths = paths(&keys, relation);
        if !paths.is_empty() {
            let _ = writeln!(text, "  {words}: {}", paths.join(", "));
        }
    }
    let rule = plan::parameter_rule(name, profile);
    if let Some(rule) = rule {
        let why = if rule.why.is_empty() { String::new() } else { format!(": {}", rule.why) };
        let _ = writeln!(text, "  In [main-cf]: {}{why}", rule.told);
    }
    if text.is_empty() {
        text.push_str("  The host sets it.\n");
    }
    text
}

impl Finding {
    fn text(&self) -> String {
        let severity = match self.severity {
            "broken" => "mail does not leave, or not as it should",
            _ => "a warning",
        };
        let fix = self.fix.strip_prefix("$ ").unwrap_or(self.fix);
        format!(
            "{}, a finding of `mail-relay doctor` ({severity})\n\n  Finding: {}\n  Effect:  {}\n  Fix:     {fix}\n\n\
             {{1}} and the like stand for what was found on the host.\n",
            self.id, self.what, self.why
        )
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}
