//! `[[smarthost]] senders`: the senders whose mail goes through a smarthost.

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::SmarthostSection;
use crate::keys::spot::{Many, Spot};
use crate::relay::{From, Identity, Sender};

const WHAT: &str = "addresses or `@domain`";

/// The senders as Postfix looks them up: addresses and `@domain` in lower case, sorted. `None` if one is invalid.
pub(super) fn read(judge: &mut Judge, list: Option<&Many<String>>) -> Option<Vec<String>> {
    let Some(list) = list else { return Some(Vec::new()) };
    let mut senders: Vec<String> = Vec::new();
    let mut whole = true;
    for spot in &list.0 {
        match judge.read("senders", "smarthost.senders", WHAT, spot, sender) {
            Some(sender) if senders.contains(&sender) => {
                let message = format!("`{}` is a duplicate", values::shown(spot.as_str()));
                judge.report(
                    Diagnostic::error("senders", spot.span.clone(), message).hint("remove one of the two"),
                );
            }
            Some(sender) => senders.push(sender),
            None => whole = false,
        }
    }
    senders.sort_unstable();
    whole.then_some(senders)
}

/// An address, or a domain with or without its `@`.
fn sender(text: &str) -> Result<String, Fault> {
    const OTHERS: &str = "a [[smarthost]] without `senders` has the mail of all other senders, and bounces";
    match text {
        "*" => return Err(Fault::new("all senders need no list").hint(OTHERS)),
        "" | "<>" => return Err(Fault::new("bounces cannot have a separate smarthost").hint(OTHERS)),
        _ => {}
    }
    let below =
        text.strip_prefix("@.").or_else(|| text.strip_prefix("*@.")).or_else(|| text.strip_prefix('.'));
    if let Some(below) = below {
        return Err(Fault::new("Postfix looks up senders by their whole domain")
            .hint(format!("name each domain: `@mail.{}`", values::shown(below))));
    }
    let lower = |text: String| text.to_ascii_lowercase();
    match text.strip_prefix("*@").or_else(|| text.strip_prefix('@')) {
        Some(domain) => values::domain(domain).map(|domain| format!("@{}", lower(domain))),
        None if text.contains('@') => values::address(text).map(lower),
        None if text.contains('.') => values::domain(text).map(|domain| format!("@{}", lower(domain))),
        None => Err(Fault::new("a local name has no domain").hint(format!(
            "write the sender that its mail leaves with, such as `{}@acme.example`",
            values::shown(text)
        ))),
    }
}

/// Warns of senders that no mail can have, because the spec rewrites them.
pub(super) fn unused(judge: &mut Judge, sections: Option<&Many<SmarthostSection>>, identity: &Identity) {
    let sections = sections.map(|sections| sections.0.as_slice()).unwrap_or_default();
    for spot in sections.iter().filter_map(|section| section.value.senders.as_ref()).flat_map(|list| &list.0)
    {
        let Ok(sender) = sender(spot.as_str()) else { continue };
        if let Some(key) = rewritten(&sender, identity) {
            judge.report(unused_sender(spot, &sender, &key));
        }
    }
}

fn unused_sender(spot: &Spot<String>, sender: &str, key: &str) -> Diagnostic {
    let message = format!("no mail leaves from `{sender}`: `{key}` in [rewrite.senders] changes it");
    Diagnostic::warning("unused-sender", spot.span.clone(), message)
        .hint("senders are compared after rewriting: name the new address, or remove the entry of [rewrite.senders]")
}

/// The key of `[rewrite.senders]` that replaces a sender, if no other entry yields that sender.
fn rewritten(sender: &str, identity: &Identity) -> Option<String> {
    let fits = |address: &str| {
        let address = address.to_ascii_lowercase();
        if sender.starts_with('@') || address.starts_with('@') {
            address.ends_with(sender) || sender.ends_with(&address)
        } else {
            address == sender
        }
    };
    let from = match &identity.from {
        Some(From::Address(address)) => fits(address),
        Some(From::Domain(domain)) => sender.ends_with(&format!("@{}", domain.to_ascii_lowercase())),
        None => false,
    };
    if from || identity.senders.iter().any(|(_, to)| fits(&to.address)) {
        return None;
    }
    let domain = &sender[sender.find('@')? + 1..];
    let mut keys: Vec<&Sender> = identity.senders.iter().map(|(key, _)| key).collect();
    keys.sort_by_key(|key| key.rank());
    keys.into_iter().find_map(|key| match key {
        Sender::Address(address) if address == sender => Some(address.clone()),
        Sender::Pattern(local, own) if !sender.starts_with('@') && key.may_be(sender) => {
            Some(format!("{local}@{own}"))
        }
        Sender::Domain(own) if own == domain => Some(format!("@{own}")),
        Sender::Below(parent) if key.may_be(sender) => Some(format!("@.{parent}")),
        Sender::All => Some("*".to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, read) in [
            ("billing@Acme.example", Some("billing@acme.example")),
            ("@shop.example", Some("@shop.example")),
            ("shop.example", Some("@shop.example")),
            ("*@shop.example", Some("@shop.example")),
            ("*", None),
            ("<>", None),
            ("", None),
            ("www-data", None),
            (".shop.example", None),
            ("@.shop.example", None),
            ("Billing <billing@acme.example>", None),
        ] {
            assert_eq!(sender(text).ok().as_deref(), read, "{text}");
        }
    }
}
