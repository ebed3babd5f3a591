//! Files that follow from the table.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{raw, resolve, section};
use super::table::{Key, Relation, all, related};
use super::{FIRST_RELEASE, internal};
use crate::relay::Profile;

/// docs/spec.md: each section with its keys.
pub fn spec_md() -> String {
    let mut text = String::from(
        "# The spec\n\n<!-- Generated: just generate -->\n\nA spec is a TOML file. Unknown keys are errors. \
         [spec.schema.json](spec.schema.json) is its JSON Schema, for editors: the first line of a spec that \
         `postpack init` writes names it. `postpack explain KEY` shows one key, and `postpack explain PARAMETER` the \
         key that decides a Postfix parameter.\n",
    );
    for section in sections() {
        let _ = write!(text, "\n## [{}]\n\n{}\n{}", section.name, section.about, section.keys("###"));
    }
    text
}

/// A section of the spec, as the reference describes it.
#[derive(Debug)]
pub struct Section {
    /// Its name without brackets.
    pub name: &'static str,
    /// Its description.
    pub about: &'static str,
}

/// The sections of the spec, in the order of the reference.
pub fn sections() -> impl Iterator<Item = Section> {
    let parts = raw().get("properties").and_then(Value::as_object).into_iter().flatten();
    parts.map(|(name, part)| {
        let one = section(part);
        let named = one.get("additionalProperties").map(resolve);
        let mut about = [Some(part), Some(one), named].into_iter().flatten();
        let about = about.find_map(|of| of.get("description")?.as_str()).unwrap_or_default();
        Section { name, about }
    })
}

impl Section {
    /// Its keys in Markdown, each under a heading of this level, such as `##`.
    pub fn keys(&self, level: &str) -> String {
        let of_section = |key: &&Key| key.path.split('.').next() == Some(self.name);
        let keys: Vec<&Key> = all().iter().filter(of_section).collect();
        if let [key] = keys.as_slice()
            && key.path == self.name
        {
            return format!("\n{}", facts(key));
        }
        let mut text = String::new();
        for key in keys {
            let name = key.path.strip_prefix(&format!("{}.", self.name)).unwrap_or(&key.path);
            let _ = write!(text, "\n{level} {name}\n\n{}\n", key.summary);
            if !key.details.is_empty() {
                let _ = write!(text, "\n{}\n", key.details);
            }
            text.push('\n');
            text.push_str(&facts(key));
        }
        text
    }
}

/// The facts about a key as a list, and its example.
fn facts(key: &Key) -> String {
    let mut text = String::new();
    for (name, value) in rows(key) {
        let _ = writeln!(text, "- {name}: {value}");
    }
    if let Some(example) = key.example() {
        let _ = write!(text, "\n```toml\n{example}\n```\n");
    }
    text
}

/// The facts about a key, by name.
pub fn rows(key: &Key) -> Vec<(&'static str, String)> {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut rows = vec![("Type", key.kind.to_string())];
    if key.required {
        rows.push(("Required", "yes".to_owned()));
    }
    rows.extend(key.default.map(|default| ("Default", format!("`{default}`"))));
    if key.profiles.len() < Profile::ALL.len() {
        let names: Vec<&str> = key.profiles.iter().map(|profile| profile.name()).collect();
        rows.push(("Profiles", quoted(&names)));
    }
    let lists = [("Decides", &key.decides), ("Adds to", &key.adds_to), ("Replaces", &key.replaces)];
    for (name, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        rows.push((name, quoted(names)));
    }
    if key.since != FIRST_RELEASE {
        rows.push(("Since", key.since.to_owned()));
    }
    rows
}

/// The origins of the host's `show-config`: each parameter with the keys that its value depends on.
pub fn origins_tsv() -> String {
    let mut text = String::from(
        "# Generated: just generate. Postfix parameters, and the keys of the spec that decide them. If the spec states none of them,\n\
         # and the preset of the provider fills in none, the value comes from the profile. Fields are separated by tabs.\n",
    );
    let mut names: Vec<&str> = Vec::new();
    for key in all() {
        names.extend(key.parameters().map(|(name, _)| name));
    }
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().filter(|name| internal(name).is_none()) {
        let keys: Vec<&str> = related(name)
            .iter()
            .filter(|(_, relation)| *relation != Relation::Replaces)
            .map(|(key, _)| key.path.as_str())
            .collect();
        if !keys.is_empty() {
            let _ = writeln!(text, "{name}\t{}", keys.join(" "));
        }
    }
    text
}
