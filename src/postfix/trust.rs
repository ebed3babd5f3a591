//! Everything by which Postfix trusts somebody: `pkg/postfix/trust.tsv`.

use std::sync::OnceLock;

use super::catalogue::{key, lines};

static TRUST: &str = include_str!("../../pkg/postfix/trust.tsv");

/// Effect of a restriction on a stranger that sends to any domain; `pkg/postfix/trust.tsv` describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Permits,
    Some,
    Certified,
    Known,
    Own,
    Table,
    RefusingTable,
    Refuses,
    Closes,
    /// It refuses some requests, or does nothing.
    Other,
}

/// A parameter that grants trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) name: &'static str,
    /// Whether too wide a value makes an open relay.
    pub(super) relays: bool,
    pub(super) width: Width,
    /// Permission of the trusted clients, to end the sentence "they may ...".
    pub(super) what: &'static str,
}

/// How wide a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Clients,
    Domains,
    Keys,
    Word(&'static str),
    Lacks(&'static str),
}

fn rows() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(TRUST))
}

/// Effect of a restriction; upper and lower case are the same.
pub(super) fn effect(restriction: &str) -> Effect {
    let name = restriction.to_ascii_lowercase();
    let Ok(at) = rows().binary_search_by_key(&name.as_str(), |line| key(line)) else { return Effect::Other };
    let mut fields = rows()[at].split('\t').skip(1);
    let (kind, effect) = (fields.next(), fields.next().unwrap_or_default());
    match effect.split(' ').next().filter(|_| kind == Some("list")) {
        Some("permits") => Effect::Permits,
        Some("some") => Effect::Some,
        Some("certified") => Effect::Certified,
        Some("known") => Effect::Known,
        Some("own") => Effect::Own,
        Some("table") => Effect::Table,
        Some("refusing-table") => Effect::RefusingTable,
        Some("refuses") => Effect::Refuses,
        Some("closes") => Effect::Closes,
        _ => Effect::Other,
    }
}

/// The parameters that grant trust.
pub(super) fn grants() -> impl Iterator<Item = Grant> {
    rows().iter().filter_map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (name, kind, width, what) = (next(), next(), next(), next());
        let width = match width.split_once(' ').unwrap_or((width, "")) {
            ("clients", _) => Width::Clients,
            ("domains", _) => Width::Domains,
            ("keys", _) => Width::Keys,
            ("word", value) => Width::Word(value),
            ("lacks", word) => Width::Lacks(word),
            _ => return None,
        };
        Some(Grant { name, relays: kind == "relay", width, what })
    })
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::*;

    #[test]
    fn the_data_is_sorted_and_whole() {
        assert!(rows().is_sorted_by(|a, b| key(a) < key(b)));
        for line in rows() {
            let fields: Vec<_> = line.split('\t').collect();
            let [name, kind, _, what, source] = fields.as_slice() else { panic!("{line}") };
            assert!(source.contains(": "), "{line}");
            match *kind {
                "list" => {
                    assert!(
                        Catalogue::restriction(name).is_some() && effect(name) != Effect::Other,
                        "{line}"
                    );
                }
                "relay" | "trust" => {
                    assert!(Catalogue::get(name).is_some() && *what != "-", "{line}");
                    assert!(grants().any(|grant| grant.name == *name), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
        assert_eq!(grants().count(), 19);
    }

    /// Each restriction that can permit has a row.
    #[test]
    fn no_restriction_that_permits_is_missing() {
        let restrictions = lines(include_str!("../../pkg/postfix/restrictions.tsv"));
        let mut judged = 0;
        for line in restrictions {
            let name = key(line);
            let looks_at = line.split('\t').nth(1).unwrap_or_default();
            let state = line.split('\t').nth(3).unwrap_or_default();
            let permits = name.starts_with("permit") || name.starts_with("check_");
            if permits && !matches!(looks_at, "rewrite" | "etrn") && !state.starts_with("old") {
                assert_ne!(effect(name), Effect::Other, "{name}");
                judged += 1;
            }
        }
        assert_eq!(judged, 35);
    }
}
