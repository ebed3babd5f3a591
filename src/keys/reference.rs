//! Files that follow from the table.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{raw, resolve};
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
    let sections = raw().get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, part) in sections {
        let target = resolve(part);
        let one = target.pointer("/anyOf/0").map_or(target, resolve);
        let named = one.get("additionalProperties").map(resolve);
        let mut about = [Some(part), Some(one), named].into_iter().flatten();
        let about = about.find_map(|of| of.get("description")?.as_str()).unwrap_or_default();
        let _ = write!(text, "\n## [{name}]\n\n{about}\n");
        let of_section = |key: &&Key| key.path.split('.').next() == Some(name);
        let keys: Vec<&Key> = all().iter().filter(of_section).collect();
        match keys.as_slice() {
            [key] if key.path == *name => {
                text.push('\n');
                text.push_str(&facts(key));
            }
            keys => {
                for key in keys {
                    let name = key.path.strip_prefix(&format!("{name}.")).unwrap_or(&key.path);
                    let _ = write!(text, "\n### {name}\n\n{}\n", key.summary);
                    if !key.details.is_empty() {
                        let _ = write!(text, "\n{}\n", key.details);
                    }
                    text.push('\n');
                    text.push_str(&facts(key));
                }
            }
        }
    }
    text
}

/// A list of what the table says of a key, and its example.
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

/// What the table says of a key, by name.
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
