//! `[rewrite] senders`, and which domains are local.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::relay::twice;
use super::schema::{RelaySection, RewriteSection};
use super::spot::Spot;
use super::values;
use crate::diag::Diagnostic;
use crate::relay::{From, Profile, Sender};

/// Senders with an address of their own.
pub(super) fn senders(
    judge: &mut Judge,
    section: &RelaySection,
    rewrite: Option<&RewriteSection>,
    from: Option<&From>,
) -> Vec<(Sender, String)> {
    let Some(entries) = rewrite.and_then(|rewrite| rewrite.senders.as_ref()) else { return Vec::new() };
    let mut senders = Vec::new();
    let mut known = BTreeMap::new();
    for (key, value) in &entries.0 {
        let path = format!("rewrite.senders.{}", values::shown(key.as_str()));
        let what = "local names, addresses, `@domain`, or `*` for all others";
        let sender = judge.read("sender", "rewrite.senders", what, key, values::rewritten);
        let address = judge.read("address", &path, "a mail address", value, values::address);
        if sender == Some(Sender::All) && receives(section) {
            let message = "`*` would rewrite the senders of strangers, who could not be answered";
            judge.report(
                Diagnostic::error("sender", key.span.clone(), message)
                    .hint("name the senders or their domains"),
            );
            continue;
        }
        if let (Some(sender), Some(address)) = (sender, address) {
            if known.insert(sender.clone(), address.clone()).is_none() {
                senders.push((Spot::new(sender, key.span.clone()), Spot::new(address, value.span.clone())));
            } else {
                judge.report(twice(key, key.as_str()));
            }
        }
    }
    for (_, address) in &senders {
        if let Some(next) = next(&known, &address.value) {
            let message = format!("mail from `{}` is itself rewritten, to `{next}`", address.value);
            judge.report(
                Diagnostic::error("sender-chain", address.span.clone(), message)
                    .hint(format!("write `{next}` here if you mean it")),
            );
        }
    }
    if let Some(From::Address(from)) = from
        && let Some(next) = next(&known, from)
        && let Some((key, _)) = senders.iter().find(|(_, address)| address.value == next)
    {
        let message = format!("`from` is `{from}`, which this rewrites to `{next}`");
        judge.report(
            Diagnostic::error("sender-chain", key.span.clone(), message)
                .hint(format!("set from = \"{next}\" if you mean it")),
        );
    }
    senders.into_iter().map(|(sender, address)| (sender.value, address.value)).collect()
}

fn receives(section: &RelaySection) -> bool {
    let name = section.profile.as_ref().map(|spot| spot.value.as_str());
    Profile::ALL.iter().any(|profile| Some(profile.name()) == name && profile.receives())
}

/// What an address is rewritten to, if that is another one. `*` leaves addresses alone that the spec names.
fn next(known: &BTreeMap<Sender, String>, address: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    let domain = lower.rsplit_once('@')?.1.to_owned();
    let found = known.get(&Sender::Address(lower.clone())).or_else(|| known.get(&Sender::Domain(domain)))?;
    (!found.eq_ignore_ascii_case(&lower)).then(|| found.clone())
}

/// Domains whose addresses are local, and those whose never are.
pub(super) fn domains(judge: &mut Judge, section: &RelaySection) -> (Vec<String>, Vec<String>) {
    let mut read = |path: &str, list| judge.read_all("domain", path, "domains", list, values::domain);
    let local = read("relay.local-domains", section.local_domains.as_ref());
    let mail = read("relay.mail-domains", section.mail_domains.as_ref());
    for spot in &local {
        if mail.iter().any(|other| other.value.eq_ignore_ascii_case(&spot.value)) {
            let message = format!("`{}` is also in `mail-domains`", spot.value);
            judge.report(
                Diagnostic::error("domain", spot.span.clone(), message)
                    .hint("remove it from one of the two lists"),
            );
        }
    }
    let values = |spots: Vec<Spot<String>>| {
        let mut values: Vec<String> = spots.into_iter().map(|spot| spot.value).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    (values(local), values(mail))
}
