//! The schema of the spec: the form that the parser checks, and the JSON Schema for editors.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{FIRST_RELEASE, Spec};
use crate::relay::{Profile, Provider, Providers};

/// The form of a spec, as the parser checks it.
pub(crate) fn raw() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schemars::schema_for!(Spec).to_value();
        plain(&mut schema);
        schema
    })
}

/// Notation of the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A number, or true or false.
    Number,
    /// One text or a list of them.
    List,
}

/// The target of a reference, or the part itself.
pub(super) fn resolve(part: &'static Value) -> &'static Value {
    match part.get("$ref").and_then(Value::as_str) {
        Some(name) => raw().pointer(name.trim_start_matches('#')).unwrap_or(part),
        None => part,
    }
}

/// The same for a section; of an array of sections, the schema of each.
pub(super) fn section(part: &'static Value) -> &'static Value {
    let part = resolve(part);
    part.pointer("/anyOf/0").map_or(part, resolve)
}

/// The schema of a key in a section.
pub(crate) fn part(of: &'static Value, name: &str) -> Option<&'static Value> {
    let of = section(of);
    of.get("properties").and_then(|keys| keys.get(name)).or_else(|| names(of))
}

/// The schema of every key in a section whose keys are names that the user chooses.
pub(crate) fn names(of: &'static Value) -> Option<&'static Value> {
    section(of).get("additionalProperties").filter(|each| each.is_object())
}

/// The schema of a key with this path, such as `smarthost.port`; that of a text if there is no such key.
pub fn form_of(path: &str) -> Form {
    let mut here = raw();
    for name in path.split('.') {
        match part(here, name) {
            Some(next) => here = next,
            None => return Form::Text,
        }
    }
    here = resolve(here);
    if here.pointer("/anyOf/1/type").is_some_and(|name| name == "array") {
        return Form::List;
    }
    match here.get("type").and_then(Value::as_str) {
        Some("integer" | "boolean" | "number") => Form::Number,
        Some("array") => Form::List,
        _ => Form::Text,
    }
}

/// Removes types that TOML does not have: null and the widths of integers.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(names)) = map.get_mut("type") {
                names.retain(|name| name != "null");
                if let [name] = names.as_slice() {
                    let name = name.clone();
                    map.insert("type".to_owned(), name);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                // Lines of the source are not lines of the paragraph.
                let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
                *text = paragraphs.collect::<Vec<_>>().join("\n\n");
            }
            if let Some(Value::Array(names)) = map.get_mut("enum") {
                names.retain(|name| !name.is_null());
            }
            map.retain(|key, value| key != "format" || !value.is_string() || value == "date");
            map.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// The URL of the JSON Schema of this release.
pub const ID: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/v", env!("CARGO_PKG_VERSION"), "/docs/spec.schema.json");

/// The JSON Schema for editors, for specs and fleet files.
///
/// A fleet file and its groups may have every section, and none of them is complete: only the spec of each host is.
pub fn published() -> Value {
    let mut schema = raw().clone();
    explain(&mut schema);
    let Some(root) = schema.as_object_mut() else { return schema };
    let providers = Providers::builtin().names().into_iter().chain([Provider::DIRECT]);
    choices(root, "relay", "provider", providers);
    choices(root, "relay", "profile", Profile::ALL.iter().map(|profile| profile.name()));
    let required = root.remove("required").unwrap_or_default();
    let of_package = section_of(root, "package").and_then(|package| package.remove("required"));
    let whole = json!({ "required": required, "properties": { "package": { "required": of_package } } });
    let sections = root.get("properties").cloned().unwrap_or_default();
    let mut group = sections.as_object().cloned().unwrap_or_default();
    let when = json!({ "description": "The rows that the group is for: `site=berlin*`.", "type": "string" });
    group.insert("when".to_owned(), when);
    let file = |text: &str| json!({ "description": text, "type": "string" });
    let fleet = json!({
        "description": "The files of a fleet, relative to this one.",
        "type": "object",
        "properties": {
            "inventory": file("A row for each host or site: CSV, JSON or TOML."),
            "base": file("A spec that the rows begin with."),
        },
        "required": ["inventory"],
        "additionalProperties": false,
    });
    let groups = json!({
        "description": "Sections for the rows that match a condition.",
        "type": "array",
        "items": { "type": "object", "properties": group, "required": ["when"], "additionalProperties": false },
    });
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("fleet".to_owned(), fleet);
        properties.insert("group".to_owned(), groups);
    }
    root.insert("if".to_owned(), json!({ "required": ["fleet"] }));
    root.insert("else".to_owned(), whole);
    let mut published = Map::new();
    published.insert("$schema".to_owned(), root.remove("$schema").unwrap_or_default());
    published.insert("$id".to_owned(), Value::from(ID));
    published.append(root);
    Value::Object(published)
}

/// The schema of a section: required ones are inline, others are definitions.
fn section_of<'s>(root: &'s mut Map<String, Value>, name: &str) -> Option<&'s mut Map<String, Value>> {
    let reference = root.get("properties")?.get(name)?.get("$ref").and_then(Value::as_str);
    let section = match reference.map(|reference| reference.trim_start_matches("#/$defs/").to_owned()) {
        Some(definition) => root.get_mut("$defs")?.get_mut(&definition)?,
        None => root.get_mut("properties")?.get_mut(name)?,
    };
    section.as_object_mut()
}

/// The valid names of a key, for which the parser reports unknown values better than a list would.
fn choices<'a>(
    root: &mut Map<String, Value>,
    section: &str,
    key: &str,
    names: impl IntoIterator<Item = &'a str>,
) {
    let key = section_of(root, section).and_then(|section| section.get_mut("properties")?.get_mut(key));
    if let Some(key) = key.and_then(Value::as_object_mut) {
        key.insert("enum".to_owned(), names.into_iter().map(Value::from).collect());
    }
}

/// Adds to the descriptions what JSON Schema cannot express.
fn explain(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let names = |map: &Map<String, Value>, name: &str| -> Option<String> {
                let list = map.get(name)?.as_array()?;
                let names: Vec<String> =
                    list.iter().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
                Some(names.join(", "))
            };
            let mut text = map.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(names) = names(map, "x-decides") {
                let _ = write!(text, "\n\nDecides {names}.");
            }
            if let Some(since) = map.get("x-since").and_then(Value::as_str).filter(|it| *it != FIRST_RELEASE)
            {
                let _ = write!(text, "\n\nSince {since}.");
            }
            if !text.is_empty() && map.get("description").is_some_and(Value::is_string) {
                map.insert("description".to_owned(), Value::from(text));
            }
            map.retain(|name, _| !name.starts_with("x-"));
            map.values_mut().for_each(explain);
        }
        Value::Array(items) => items.iter_mut().for_each(explain),
        _ => {}
    }
}
