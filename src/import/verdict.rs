//! The verdict of an import on each parameter: `pkg/import/verdicts.tsv`.

use std::sync::OnceLock;

use super::stock::plain;
use crate::postfix::catalogue::{Catalogue, key, lines};
use crate::relay::Profile;

static VERDICTS: &str = include_str!("../../pkg/import/verdicts.tsv");

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    /// Keys of the spec that decide the parameter.
    pub(super) keys: Vec<&'static str>,
    pub(super) reason: &'static str,
}

/// The verdict on a setting without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Implied,
    MainCf,
    Changed,
    Dropped,
    Lost,
}

fn rows() -> &'static [&'static str] {
    static ROWS: OnceLock<Vec<&str>> = OnceLock::new();
    ROWS.get_or_init(|| lines(VERDICTS))
}

/// The row for a parameter with a value; `None` for a name that Postfix does not have.
pub(super) fn of(name: &str, profile: Profile, value: &str) -> Option<Verdict> {
    let name = if rows().binary_search_by(|row| key(row).cmp(name)).is_ok() {
        name
    } else {
        Catalogue::get(name)?.name
    };
    let value = plain(value);
    all(name).into_iter().find(|row| row.fits(profile, &value)).map(|row| row.verdict)
}

/// A row with what it is for.
#[derive(Debug)]
pub(super) struct Row {
    profiles: &'static str,
    values: &'static str,
    pub(super) verdict: Verdict,
}

impl Row {
    fn fits(&self, profile: Profile, value: &str) -> bool {
        let here = self.profiles == "all" || self.profiles.split(' ').any(|one| one == profile.name());
        let alike = |one: &str| plain(one).eq_ignore_ascii_case(value);
        here && (self.values == "*"
            || (self.values == "(empty)" && value.is_empty())
            || self.values.split('|').any(alike))
    }
}

/// All rows of a name, in order.
pub(super) fn all(name: &str) -> Vec<Row> {
    let at = rows().partition_point(|row| key(row) < name);
    rows()[at..].iter().take_while(|row| key(row) == name).map(|row| read(row)).collect()
}

fn read(row: &'static str) -> Row {
    let mut fields = row.split('\t').skip(1);
    let mut next = || fields.next().unwrap_or_default();
    let (profiles, values, kind, keys, reason) = (next(), next(), next(), next(), next());
    let kind = match kind {
        "key" => Kind::Key,
        "implied" => Kind::Implied,
        "main-cf" => Kind::MainCf,
        "changed" => Kind::Changed,
        "dropped" => Kind::Dropped,
        _ => Kind::Lost,
    };
    let keys = keys.split(' ').filter(|key| !matches!(*key, "-" | "")).collect();
    Row { profiles, values, verdict: Verdict { kind, keys, reason: if reason == "-" { "" } else { reason } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_the_catalogue_has_a_row_for_every_profile_and_value() {
        for name in Catalogue::names() {
            for profile in Profile::ALL {
                for value in ["", "x"] {
                    assert!(of(name, *profile, value).is_some(), "{name} {} `{value}`", profile.name());
                }
            }
        }
        let mut named: Vec<&str> = rows().iter().map(|row| key(row)).collect();
        named.dedup();
        assert_eq!(
            named,
            Catalogue::names().collect::<Vec<_>>(),
            "rows in the order of the catalogue, and no others"
        );
    }

    #[test]
    fn rows_are_whole() {
        for row in rows() {
            let fields: Vec<&str> = row.split('\t').collect();
            let [_, profiles, _, kind, keys, reason] = fields.as_slice() else { panic!("{row}") };
            let known =
                |name: &str| name == "all" || Profile::ALL.iter().any(|profile| profile.name() == name);
            assert!(profiles.split(' ').all(known), "{row}");
            assert!(["key", "implied", "main-cf", "changed", "dropped", "lost"].contains(kind), "{row}");
            assert!(*kind != "key" || *keys != "-", "{row}");
            assert!(!["changed", "dropped", "lost", "implied"].contains(kind) || *reason != "-", "{row}");
        }
    }

    #[test]
    fn values_choose_rows() {
        let kind = |name, profile, value| of(name, profile, value).unwrap().kind;
        assert_eq!(kind("biff", Profile::NullClient, "no"), Kind::Implied);
        assert_eq!(kind("relay_domains", Profile::NullClient, ""), Kind::Implied);
        assert_eq!(kind("relay_domains", Profile::MailGateway, "acme.example"), Kind::Key);
        assert_eq!(kind("slow_destination_rate_delay", Profile::NullClient, "1s"), Kind::MainCf);
        assert!(of("smpt_use_tls", Profile::NullClient, "1s").is_none());
    }
}
