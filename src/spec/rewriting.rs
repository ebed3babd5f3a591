//! `[rewrite] senders`, and local domains.
//!
//! The sources of display names are RFC 5322, section 3.4, and RFC 2047, section 5.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::relay::twice;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::spot::Spot;
use crate::keys::{RelaySection, RewriteSection};
use crate::relay::{From, NamedAddress, Profile, Sender};

/// Senders with their new addresses.
pub(super) fn senders(
    judge: &mut Judge,
    section: &RelaySection,
    rewrite: Option<&RewriteSection>,
    from: Option<&From>,
) -> Vec<(Sender, NamedAddress)> {
    let Some(entries) = rewrite.and_then(|rewrite| rewrite.senders.as_ref()) else { return Vec::new() };
    let mut senders = Vec::new();
    let mut known = BTreeMap::new();
    for (key, value) in &entries.0 {
        let path = format!("rewrite.senders.{}", values::shown(key.as_str()));
        let what = "local names, addresses, `scan*@domain`, `@domain`, `@.domain` for all below it, or `*` for all others";
        let sender = judge.read("sender", "rewrite.senders", what, key, values::rewritten);
        let to = match sender {
            // Programs of a local user write the display name.
            Some(Sender::Local(_)) => judge
                .read("address", &path, "a mail address", value, values::address)
                .map(|address| NamedAddress { address, name: None }),
            Some(Sender::Address(_)) => {
                judge.read("address", &path, "a mail address, or `Name <address>`", value, |text| {
                    named_address(text).map_err(|fault| match text.strip_prefix('@') {
                        Some(_) => {
                            fault.hint(format!("write the whole address: `name{}`", values::shown(text)))
                        }
                        None => fault,
                    })
                })
            }
            _ => {
                let what = "a mail address, `Name <address>`, or `@domain`, which keeps the local part";
                judge.read("address", &path, what, value, address_or_domain)
            }
        };
        if sender == Some(Sender::All) && receives(section) {
            let message = "`*` would rewrite the senders of strangers, and replies to them would be lost";
            judge.report(
                Diagnostic::error("sender", key.span.clone(), message)
                    .hint("name the senders or their domains"),
            );
            continue;
        }
        if let (Some(sender), Some(to)) = (sender, to) {
            if known.insert(sender.clone(), to.address.clone()).is_none() {
                senders.push((Spot::new(sender, key.span.clone()), Spot::new(to, value.span.clone())));
            } else {
                judge.report(twice(key, key.as_str()));
            }
        }
    }
    for (_, to) in &senders {
        let address = &to.value.address;
        if let Some(next) = next(&known, address) {
            let message = format!("mail from `{address}` is itself rewritten, to `{next}`");
            let finding = Diagnostic::error("sender-chain", to.span.clone(), message);
            judge.report(if address.starts_with('@') {
                finding.hint("use another domain here, or remove the entry that rewrites its senders")
            } else {
                finding.hint(format!("write `{next}` here if you mean it"))
            });
        }
    }
    if let Some(From::Address(from)) = from
        && let Some(next) = next(&known, from)
        && let Some((key, _)) = senders.iter().find(|(_, to)| to.value.address == next)
    {
        let message = format!("`from` is `{from}`, which this rewrites to `{next}`");
        judge.report(
            Diagnostic::error("sender-chain", key.span.clone(), message)
                .hint(format!("set from = \"{next}\" if you mean it")),
        );
    }
    senders.into_iter().map(|(sender, to)| (sender.value, to.value)).collect()
}

/// `mail@domain`, or `Name <mail@domain>`.
fn named_address(text: &str) -> Result<NamedAddress, Fault> {
    let Some((name, rest)) = text.rsplit_once('<') else {
        return values::address(text).map(|address| NamedAddress { address, name: None });
    };
    let address = rest.strip_suffix('>').ok_or_else(|| {
        Fault::new("it does not end with `>`").hint("write it as `ACME Alerts <alerts@acme.example>`")
    })?;
    Ok(NamedAddress { address: values::address(address)?, name: display_name(name.trim_end())? })
}

/// `@domain`, or a named address.
fn address_or_domain(text: &str) -> Result<NamedAddress, Fault> {
    match text.strip_prefix("*@").or_else(|| text.strip_prefix('@')) {
        Some(domain) => {
            values::domain(domain).map(|domain| NamedAddress { address: format!("@{domain}"), name: None })
        }
        None => named_address(text),
    }
}

/// A display name in the syntax of a header: one line, and at most one encoded word.
fn display_name(text: &str) -> Result<Option<String>, Fault> {
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if bare.is_empty() {
        return Ok(None);
    }
    values::line(bare)?;
    if let Some(odd) = bare.chars().find(|c| "\"\\<>".contains(*c)) {
        return Err(Fault::new(format!("{} is not allowed in the name", values::character(odd))));
    }
    let is_atom = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    let written = if bare.chars().all(is_atom) {
        bare.to_owned()
    } else if bare.is_ascii() {
        format!("\"{bare}\"")
    } else {
        let encoded: String = bare.bytes().map(encoded).collect();
        format!("=?utf-8?q?{encoded}?=")
    };
    if written.len() > 75 {
        return Err(Fault::new(format!(
            "the name has more than 75 characters in a header: {}",
            written.len()
        )));
    }
    Ok(Some(written))
}

/// A byte of an encoded word.
fn encoded(byte: u8) -> String {
    match byte {
        b' ' => "_".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("={byte:02X}"),
    }
}

/// Whether the relay receives mail from other servers.
pub(super) fn receives(section: &RelaySection) -> bool {
    let name = section.profile.as_ref().map(|spot| spot.value.as_str());
    Profile::ALL.iter().any(|profile| Some(profile.name()) == name && profile.receives())
}

/// The new address of a sender, if it differs. `*` does not apply to addresses in the spec. Of `@domain`, any address counts.
fn next(known: &BTreeMap<Sender, String>, address: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    let domain = &lower[lower.rfind('@')?..];
    let stays = |to: &str| to.eq_ignore_ascii_case(&lower) || to.eq_ignore_ascii_case(domain);
    let mut found: Vec<_> = known.iter().filter(|(sender, _)| sender.may_be(&lower)).collect();
    found.sort_by_key(|(sender, _)| sender.rank());
    if lower.starts_with('@') {
        let exempt = |(sender, to): &(&Sender, &String)| matches!(sender, Sender::Address(own) if own == *to);
        return found.into_iter().find(|found| !stays(found.1) && !exempt(found)).map(|(_, to)| to.clone());
    }
    let (sender, to) = found.into_iter().next()?;
    (*sender != Sender::All && !stays(to)).then(|| to.clone())
}

/// Domains whose addresses are local, and domains whose addresses never are.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names() {
        for (text, name) in [
            ("alerts@acme.example", None),
            ("<alerts@acme.example>", None),
            ("ACME Alerts <alerts@acme.example>", Some("ACME Alerts")),
            ("\"ACME Alerts\" <alerts@acme.example>", Some("ACME Alerts")),
            ("ACME, Inc. <alerts@acme.example>", Some("\"ACME, Inc.\"")),
            ("B\u{fc}ro M\u{fc}nchen <alerts@acme.example>", Some("=?utf-8?q?B=C3=BCro_M=C3=BCnchen?=")),
            ("$5 off <alerts@acme.example>", Some("$5 off")),
        ] {
            let read = named_address(text).unwrap();
            assert_eq!((&*read.address, read.name.as_deref()), ("alerts@acme.example", name), "{text}");
        }
        let long = "\u{fc}".repeat(11);
        for wrong in [
            "ACME <alerts@acme.example",
            "ACME <alerts>",
            "ACME",
            "A \"B\" C <alerts@acme.example>",
            "A <B> <alerts@acme.example>",
            "A\nB <alerts@acme.example>",
            &format!("{long} <alerts@acme.example>"),
        ] {
            assert!(named_address(wrong).is_err(), "{wrong}");
        }
    }
}
