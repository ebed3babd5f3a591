//! `[inbound]`: for whom mail from anybody is taken, and where it goes.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::schema::{InboundSection, Spec};
use super::spot::Entries;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::relay::{Inbound, NextHop, Profile};

/// What the relay takes from anybody; `None` if its kind takes nothing.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Profile, place: &Span) -> Option<Inbound> {
    if !profile.receives() {
        for (path, span) in given(spec) {
            let message = format!("`{path}` is for mail from anybody, and `{}` takes none", profile.name());
            judge.report(
                Diagnostic::error("no-inbound", span, message)
                    .hint("with profile = \"mail-gateway\" a relay receives for domains"),
            );
        }
        return None;
    }
    let nothing = InboundSection::default();
    let section = spec.inbound.as_ref().unwrap_or(&nothing);
    let named = section.domains.as_ref().is_some_and(|domains| !domains.0.is_empty());
    if profile == Profile::MailGateway && !named {
        judge.missing(
            "inbound.domains",
            Some(place),
            "it says whose mail goes to which server: [inbound.domains] \"acme.example\" = \"mail.acme.lan\"",
        );
    }
    Some(Inbound { domains: domains(judge, section.domains.as_ref()) })
}

/// The keys of the spec that make sense only for mail from anybody, each with its place.
fn given(spec: &Spec) -> Vec<(&'static str, Span)> {
    let section = spec.inbound.as_ref();
    let domains = section.and_then(|section| section.domains.as_ref()).and_then(|table| table.0.first());
    domains.map(|(key, _)| ("inbound.domains", key.span.clone())).into_iter().collect()
}

fn domains(judge: &mut Judge, entries: Option<&Entries<String>>) -> Vec<(String, NextHop)> {
    let mut rows = Vec::new();
    let mut names = BTreeSet::new();
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let path = format!("inbound.domains.{}", values::shown(key.as_str()));
        let hop = judge.read("next-hop", &path, "a host, or a host and a port", value, next_hop);
        let Some(name) = judge.read("domain", "inbound.domains", "domains", key, values::domain) else {
            continue;
        };
        let Some(hop) = hop else { continue };
        if names.insert(name.clone()) {
            rows.push((name, hop));
        } else {
            let message = format!("`{name}` is here twice");
            judge.report(
                Diagnostic::error("duplicate-name", key.span.clone(), message)
                    .hint("the case of letters makes no difference"),
            );
        }
    }
    rows
}

/// `host`, `host:port`, and an IPv6 address in brackets where a port follows.
fn next_hop(text: &str) -> Result<NextHop, Fault> {
    values::line(text)?;
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None => {
                return Err(Fault::new("something follows the bracket").hint("a port does, as `[host]:25`"));
            }
        },
        // More than one colon is an IPv6 address.
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    let port = match port {
        None => 25,
        Some(port) => port
            .parse()
            .ok()
            .filter(|number| *number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| Fault::new(format!("`{}` is no port", values::shown(port))))?,
    };
    Ok(NextHop { host: values::host(host)?, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_hops() {
        let read = |text: &str| next_hop(text).map(|hop| (hop.host, hop.port)).map_err(|fault| fault.why);
        let hop = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(read("mail.acme.lan"), hop("mail.acme.lan", 25));
        assert_eq!(read("mail.acme.lan:2525"), hop("mail.acme.lan", 2525));
        assert_eq!(read("10.0.0.5:24"), hop("10.0.0.5", 24));
        assert_eq!(read("[mail.acme.lan]"), hop("mail.acme.lan", 25));
        assert_eq!(read("fd00::5"), hop("fd00::5", 25));
        assert_eq!(read("[fd00::5]:2525"), hop("fd00::5", 2525));
        for wrong in [
            "",
            "mail.acme.lan:",
            "mail.acme.lan:0",
            "mail.acme.lan:+25",
            "mail.acme.lan:70000",
            "[fd00::5]25",
            "a b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
