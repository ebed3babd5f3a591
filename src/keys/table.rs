//! The table itself: an entry for each key, read from the schema that the parser uses.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

use super::FIRST_RELEASE;
use super::schema::{raw, resolve};
use crate::relay::Profile;

/// A key of the spec.
#[derive(Debug)]
pub struct Key {
    /// Where it is: `limits.hops`. A name that people choose is `NAME`, as in `services.NAME.command`, and is left out at the end:
    /// `aliases`.
    pub path: String,
    /// Type of its value.
    pub kind: Kind,
    /// Whether a spec needs it.
    pub required: bool,
    /// The value that an absent key has, where it is always the same.
    pub default: Option<&'static Value>,
    /// The profiles that know it.
    pub profiles: Vec<Profile>,
    /// Postfix parameters whose value follows from it.
    pub decides: Vec<&'static str>,
    /// Postfix parameters that another key decides, and whose value also depends on this one.
    pub adds_to: Vec<&'static str>,
    /// Postfix parameters without effect in a relay, which this key replaces.
    pub replaces: Vec<&'static str>,
    /// The first paragraph of its documentation.
    pub summary: &'static str,
    /// The rest of its documentation.
    pub details: &'static str,
    /// Values as a person would write them.
    pub examples: &'static [Value],
    /// TOML that the examples need in the same spec.
    pub with: &'static str,
    /// The release that brought it.
    pub since: &'static str,
}

/// Type of the value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// One of these texts.
    Choice(Vec<&'static str>),
    /// A whole number in a range.
    Integer {
        /// The smallest.
        min: Option<i64>,
        /// The largest.
        max: Option<i64>,
    },
    /// A whole number, or a text that begins with one.
    Count,
    /// True or false.
    Boolean,
    /// A size in bytes: `10MB`.
    Size,
    /// A time with its unit: `5m`.
    Time,
    /// A text, a whole number, true or false.
    Scalar,
    /// One value or a list of them.
    List(Box<Self>),
    /// A table whose keys people choose.
    Table(Box<Self>),
    /// An array of sections.
    Sections,
}

/// Relation of a key to a Postfix parameter, in the order of listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The value follows from the key.
    Decides,
    /// The value also depends on the key.
    AddsTo,
    /// The parameter has no effect; the key replaces it.
    Replaces,
}

impl Key {
    /// The section it is in: `limits`; empty for a section that is one table.
    pub fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within the section.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('.').map_or(&self.path, |(_, name)| name)
    }

    /// Whether relays of a profile know it.
    pub fn is_for(&self, profile: Profile) -> bool {
        self.profiles.contains(&profile)
    }

    /// Each related Postfix parameter.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, Relation)> {
        let of = |names: &[&'static str], relation| {
            names.iter().map(move |name| (*name, relation)).collect::<Vec<_>>()
        };
        let mut all = of(&self.decides, Relation::Decides);
        all.extend(of(&self.adds_to, Relation::AddsTo));
        all.extend(of(&self.replaces, Relation::Replaces));
        all.into_iter()
    }

    /// The first example as a person would write it, with what it needs; `None` if it has none.
    pub fn example(&self) -> Option<String> {
        toml::to_string(&self.example_table()?).ok().map(|text| text.trim_end().to_owned())
    }

    /// The first example, with what it needs.
    pub fn example_table(&self) -> Option<toml::Table> {
        let value = toml::Value::try_from(self.examples.first()?).ok()?;
        let mut table: toml::Table = self.with.parse().ok()?;
        let mut here = &mut table;
        let mut names: Vec<&str> = self.path.split('.').collect();
        let last = names.pop()?;
        for name in names {
            // A name that people choose: the one of `with`.
            let chosen = here.keys().next().filter(|_| name == "NAME").cloned();
            let name = match chosen {
                Some(chosen) => chosen,
                None if name == "NAME" => "smtp/unix".to_owned(),
                None => name.to_owned(),
            };
            let next = here.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            // The last of several sections, such as [[smarthost]].
            here = match next {
                toml::Value::Array(sections) => sections.last_mut()?,
                table => table,
            }
            .as_table_mut()?;
        }
        here.insert(last.to_owned(), value);
        Some(table)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Choice(names) => {
                f.write_str(&names.iter().map(|name| format!("`\"{name}\"`")).collect::<Vec<_>>().join(", "))
            }
            Self::Integer { min: Some(min), max: Some(max) } => write!(f, "integer, {min} to {max}"),
            Self::Integer { min: Some(min), max: None } => write!(f, "integer, at least {min}"),
            Self::Integer { .. } => f.write_str("integer"),
            Self::Count => f.write_str("integer, or text that begins with one"),
            Self::Boolean => f.write_str("true or false"),
            Self::Size => f.write_str("size"),
            Self::Time => f.write_str("time"),
            Self::Scalar => f.write_str("text, integer, true or false"),
            Self::List(kind) => write!(f, "{kind}, or a list"),
            Self::Table(kind) => write!(f, "table of {kind}"),
            Self::Sections => f.write_str("sections"),
        }
    }
}

/// Every key of the spec, in the order of the reference.
pub fn all() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut keys = Vec::new();
        section(&mut keys, raw(), "", Profile::ALL);
        keys
    })
}

/// The key with this path.
pub fn get(path: &str) -> Option<&'static Key> {
    all().iter().find(|key| key.path == path)
}

/// The keys that have to do with a Postfix parameter in any profile.
pub fn related(parameter: &str) -> &'static [(&'static Key, Relation)] {
    type Index = HashMap<&'static str, Vec<(&'static Key, Relation)>>;
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index = Index::new();
        for key in all() {
            for (name, relation) in key.parameters() {
                index.entry(name).or_default().push((key, relation));
            }
        }
        for keys in index.values_mut() {
            keys.sort_by_key(|(_, relation)| *relation);
        }
        index
    });
    index.get(parameter).map_or(&[], Vec::as_slice)
}

/// The keys that have to do with a Postfix parameter in a profile: the deciding one first. Empty if only `[main-cf]` can set it,
/// or if it is the profile that decides.
pub fn of_parameter(parameter: &str, profile: Profile) -> Vec<(&'static Key, Relation)> {
    related(parameter).iter().filter(|(key, _)| key.is_for(profile)).copied().collect()
}

/// The keys to set instead of a parameter: those that decide or replace it, the ones for few profiles first. Of more than three,
/// the first two.
pub fn hint(parameter: &str, profile: Profile) -> Vec<&'static str> {
    let mut keys = of_parameter(parameter, profile);
    keys.retain(|(_, relation)| *relation != Relation::AddsTo);
    keys.sort_by_key(|(key, relation)| (*relation, key.profiles.len()));
    if keys.len() > 3 {
        keys.truncate(2);
    }
    keys.into_iter().map(|(key, _)| key.path.as_str()).collect()
}

/// The keys of the sections that decide Postfix parameters, section by section.
pub fn of_postfix() -> &'static [&'static Key] {
    static KEYS: OnceLock<Vec<&Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let top = |key: &Key| key.path.split('.').next().unwrap_or_default().to_owned();
        let mut sections: Vec<String> = Vec::new();
        for key in all().iter().filter(|key| !key.decides.is_empty() || !key.adds_to.is_empty()) {
            if !sections.contains(&top(key)) {
                sections.push(top(key));
            }
        }
        let place = |key: &Key| sections.iter().position(|section| *section == top(key));
        let mut keys: Vec<&Key> = all().iter().filter(|key| place(key).is_some()).collect();
        keys.sort_by_cached_key(|key| (place(key), key.path.clone()));
        keys
    })
}

/// Adds the keys of a section, and of the sections in it.
fn section(keys: &mut Vec<Key>, of: &'static Value, path: &str, profiles: &[Profile]) {
    let Some(properties) = of.get("properties").and_then(Value::as_object) else { return };
    for (name, part) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let target = resolve(part);
        let profiles = profiles_of(part).or_else(|| profiles_of(target)).unwrap_or_else(|| profiles.to_vec());
        if target.get("properties").is_some() {
            section(keys, target, &path, &profiles);
            continue;
        }
        let one = target.pointer("/anyOf/0").map(resolve);
        let named = target.get("additionalProperties").filter(|each| each.is_object()).map(resolve);
        match (one.filter(|one| one.get("properties").is_some()), named) {
            // One section or several, such as [[smarthost]].
            (Some(one), _) => section(keys, one, &path, &profiles_of(one).unwrap_or(profiles)),
            (None, Some(named)) if named.get("properties").is_some() => {
                section(keys, named, &format!("{path}.NAME"), &profiles);
            }
            _ => {
                let required = is_required(of, name);
                keys.push(entry(path.clone(), part, target, required, profiles.clone()));
                if let Some(items) = target.get("items").map(resolve) {
                    section(keys, items, &path, &profiles);
                }
            }
        }
    }
}

fn is_required(section: &Value, name: &str) -> bool {
    let list = section.get("required").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|one| one == name))
}

fn entry(
    path: String,
    part: &'static Value,
    target: &'static Value,
    required: bool,
    profiles: Vec<Profile>,
) -> Key {
    let description =
        [part, target].iter().find_map(|of| of.get("description")?.as_str()).unwrap_or_default();
    let (summary, details) = description.split_once("\n\n").unwrap_or((description, ""));
    let names = |name: &str| -> Vec<&'static str> {
        let list = part.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    Key {
        path,
        kind: kind(target),
        required,
        default: part.get("default"),
        profiles,
        decides: names("x-decides"),
        adds_to: names("x-adds-to"),
        replaces: names("x-replaces"),
        summary,
        details,
        examples: part.get("examples").and_then(Value::as_array).map_or(&[], Vec::as_slice),
        with: text("x-with").unwrap_or_default(),
        since: text("x-since").unwrap_or(FIRST_RELEASE),
    }
}

/// The profiles that an entry is for.
fn profiles_of(part: &Value) -> Option<Vec<Profile>> {
    let name = part.get("x-profiles")?.as_str()?;
    let holds = |profile: &Profile| match name {
        "clients" => profile.has_clients(),
        "inbound" => profile.receives(),
        _ => *profile == Profile::MailServer,
    };
    Some(Profile::ALL.iter().copied().filter(holds).collect())
}

fn kind(part: &'static Value) -> Kind {
    if let Some(choices) = part.get("enum").and_then(Value::as_array) {
        return Kind::Choice(choices.iter().filter_map(Value::as_str).collect());
    }
    if let Some(one) = part.pointer("/anyOf/0") {
        return Kind::List(Box::new(kind(resolve(one))));
    }
    let number = |name| part.get(name).and_then(Value::as_i64);
    let is_pattern = part.get("pattern").is_some();
    match part.get("type") {
        Some(Value::String(name)) => match name.as_str() {
            "integer" => Kind::Integer { min: number("minimum"), max: number("maximum") },
            "boolean" => Kind::Boolean,
            "array" => Kind::Sections,
            "object" => Kind::Table(Box::new(
                part.get("additionalProperties").map_or(Kind::Text, |each| kind(resolve(each))),
            )),
            _ if is_pattern => Kind::Time,
            _ => Kind::Text,
        },
        Some(Value::Array(names)) if names.iter().any(|name| name == "boolean") => Kind::Scalar,
        Some(Value::Array(_)) if is_pattern => Kind::Size,
        _ => Kind::Count,
    }
}
