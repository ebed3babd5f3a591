//! Which values of a relay a person has stated, and which the preset of the provider stands in for.

use toml::de::{DeTable, DeValue};

use super::schema::LimitsSection;
use crate::relay::Provider;

/// The sections whose keys become parameters of Postfix.
const SECTIONS: &[&str] = &[
    "relay",
    "smarthost",
    "transports",
    "tls",
    "rewrite",
    "aliases",
    "headers",
    "limits",
    "network",
    "server",
    "access",
    "restrictions",
    "inbound",
    "abuse",
    "content",
    "milter",
    "notices",
    "submission",
    "mailboxes",
    "database",
    "postscreen",
    "main-cf",
];

/// Where the values of a relay come from; the profile stands for what is in neither list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// The keys of the spec, such as `limits.message-size`. Names that a person chose freely are left out.
    pub stated: Vec<String>,
    /// The keys that the preset of the provider fills in.
    pub preset: Vec<&'static str>,
}

/// The keys that a spec states.
pub(super) fn stated(table: &DeTable<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    for name in SECTIONS {
        let Some(section) = table.get(*name) else { continue };
        match section.get_ref() {
            DeValue::Table(_)
                if ["transports", "aliases", "rewrite", "mailboxes", "database"].contains(name) =>
            {
                keys.push((*name).to_owned());
            }
            DeValue::Table(table) => add(&mut keys, name, table),
            DeValue::Array(list) => {
                for item in list {
                    if let DeValue::Table(table) = item.get_ref() {
                        add(&mut keys, name, table);
                    }
                }
            }
            _ => {}
        }
    }
    keys
}

fn add(keys: &mut Vec<String>, section: &str, table: &DeTable<'_>) {
    for (key, _) in table {
        let path = format!("{section}.{}", key.get_ref());
        if !keys.contains(&path) {
            keys.push(path);
        }
    }
}

/// The limits that a spec leaves to its provider.
pub(super) fn preset(section: Option<&LimitsSection>, provider: &Provider) -> Vec<&'static str> {
    let unsaid = |stated: fn(&LimitsSection) -> bool| !section.is_some_and(stated);
    [
        ("limits.message-size", provider.message_size.is_some() && unsaid(|own| own.message_size.is_some())),
        ("limits.concurrency", provider.concurrency.is_some() && unsaid(|own| own.concurrency.is_some())),
        ("limits.recipients", provider.recipients.is_some() && unsaid(|own| own.recipients.is_some())),
        ("limits.rate-delay", provider.rate_delay.is_some() && unsaid(|own| own.rate_delay.is_some())),
    ]
    .into_iter()
    .filter_map(|(key, presets)| presets.then_some(key))
    .collect()
}
