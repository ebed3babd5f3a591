//! Defaults of parameters by the version of Postfix: `pkg/import/defaults.tsv`.

use std::sync::OnceLock;

use crate::postfix::Release;
use crate::postfix::catalogue::{Catalogue, key, lines};

static DEFAULTS: &str = include_str!("../../pkg/import/defaults.tsv");

fn rows() -> &'static [&'static str] {
    static ROWS: OnceLock<Vec<&str>> = OnceLock::new();
    ROWS.get_or_init(|| lines(DEFAULTS))
}

/// The default of a parameter in Postfix's own notation; `None` where it depends on the host or on the build.
pub(super) fn of(name: &str, version: Release) -> Option<&'static str> {
    let at = rows().partition_point(|row| key(row) < name);
    let same = rows()[at..].iter().take_while(|row| key(row) == name);
    let mut best = None;
    for row in same {
        let mut fields = row.split('\t').skip(1);
        let (since, value) = (fields.next()?, fields.next()?);
        // The first row stands for all versions before it.
        if best.is_none() || since.parse::<Release>().is_ok_and(|since| version >= since) {
            best = Some(value);
        }
    }
    best.or_else(|| {
        let template = Catalogue::get(name)?.name.strip_prefix('*')?;
        let general = match template {
            "_time_limit" => "command_time_limit".to_owned(),
            _ => format!("default{template}"),
        };
        // Not every parameter of a transport has a general one.
        (general != name && Catalogue::get(&general).is_some_and(|info| info.name == general))
            .then(|| of(&general, version))
            .flatten()
    })
}

/// Every parameter that has a default here.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    rows().iter().map(|row| key(row)).filter(move |name| {
        let new = *name != last;
        last = name;
        new
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_sorted_and_known() {
        assert!(rows().is_sorted_by(|a, b| key(a) <= key(b)));
        for row in rows() {
            assert_eq!(row.split('\t').count(), 3, "{row}");
            assert!(Catalogue::get(key(row)).is_some(), "{row}");
        }
    }

    #[test]
    fn versions_differ() {
        let at = |name, version: &str| of(name, version.parse().unwrap());
        assert_eq!(at("smtpd_forbid_bare_newline", "3.10.1"), Some("normalize"));
        assert_eq!(at("smtp_tls_security_level", "3.4"), Some(""));
        assert_eq!(at("milter_default_action", "3.7.11"), Some("tempfail"));
        assert_eq!(at("myhostname", "3.7"), None);
        assert_eq!(
            at("slow_destination_concurrency_limit", "3.7"),
            at("default_destination_concurrency_limit", "3.7")
        );
        assert_eq!(at("policyd-spf_time_limit", "3.7"), Some("1000s"));
    }
}
