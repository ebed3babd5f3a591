//! Origins of the values of a relay: the spec, or the preset of the provider.

use toml::de::{DeTable, DeValue};

use crate::keys::{self, LimitsSection};
use crate::relay::Provider;

/// Origins of the values of a relay. Keys in neither list come from the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// The keys of the spec, such as `limits.message-size`, without names that a person chooses.
    pub stated: Vec<String>,
    /// The keys that the preset of the provider fills in.
    pub preset: Vec<&'static str>,
}

/// The keys that a spec sets, in the sections that decide Postfix parameters.
pub(super) fn stated(table: &DeTable<'_>) -> Vec<String> {
    let stated = keys::of_postfix().iter().filter(|key| is_stated(table, &key.path));
    let mut keys: Vec<String> = stated.map(|key| key.path.clone()).collect();
    let own = table.get("main-cf").and_then(|section| section.get_ref().as_table());
    keys.extend(own.into_iter().flatten().map(|(name, _)| format!("main-cf.{}", name.get_ref())));
    keys
}

/// Whether a table, or one of several, sets the key with this path.
fn is_stated(table: &DeTable<'_>, path: &str) -> bool {
    let Some((name, rest)) = path.split_once('.') else { return table.contains_key(path) };
    match table.get(name).map(toml::Spanned::get_ref) {
        Some(DeValue::Table(table)) => is_stated(table, rest),
        Some(DeValue::Array(list)) => {
            list.iter().filter_map(|item| item.get_ref().as_table()).any(|table| is_stated(table, rest))
        }
        _ => false,
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
