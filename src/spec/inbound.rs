//! `[inbound]`: domains that the relay accepts mail for, and their backends.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::values::{self, Fault};
use super::{abuse, relay, tls};
use crate::diag::{Diagnostic, Span, nearest};
use crate::keys::spot::{Entries, Many, Spot};
use crate::keys::{InboundSection, Spec};
use crate::relay::{Inbound, NextHop, Profile, Recipients, TlsLevel};

/// Inbound domains; `None` if the profile receives no mail.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Profile, place: &Span) -> Option<Inbound> {
    if !profile.receives() {
        for (path, span) in given(spec) {
            let message =
                format!("`{path}` needs a relay that receives mail, and `{}` does not", profile.name());
            judge.report(
                Diagnostic::error("no-inbound", span, message)
                    .hint("with profile = \"mail-gateway\" a relay receives for domains"),
            );
        }
        return None;
    }
    let nothing = InboundSection::default();
    let section = spec.inbound.as_ref().unwrap_or(&nothing);
    let is_empty = section.domains.as_ref().is_none_or(|domains| domains.0.is_empty());
    if profile == Profile::MailGateway && is_empty && section.alias_domains.is_none() {
        judge.missing(
            "inbound.domains",
            Some(place),
            "name the domains and their servers: [inbound.domains] \"acme.example\" = \"mail.acme.lan\"",
        );
    }
    let domains = domains(judge, section.domains.as_ref());
    let alias_domains = alias_domains(judge, section.alias_domains.as_ref(), &domains);
    let aliases = aliases(judge, section, &domains, &alias_domains);
    let hostname = spec.relay.as_ref().and_then(|section| section.value.hostname.as_ref());
    let own = |name: &str| {
        let mut names = domains.iter().map(|(own, _)| own).chain(&alias_domains);
        names.any(|own| own.value.eq_ignore_ascii_case(name))
    };
    if let Some(spot) = hostname.filter(|spot| own(spot.as_str())) {
        let message = "the relay has the name of an inbound domain: all mail of the domain would go to root";
        judge.report(
            Diagnostic::error("host-name", spot.span.clone(), message)
                .hint(format!("give it a different name, such as `mx.{}`", values::shown(spot.as_str()))),
        );
    }
    Some(Inbound {
        tls: section.tls.as_ref().map_or(TlsLevel::May, |spot| tls::level_of(spot.value)),
        recipients: recipients(judge, section.recipients.as_ref(), &domains),
        alias_domains: alias_domains.into_iter().map(|spot| spot.value).collect(),
        aliases,
        abuse: abuse::check(judge, spec.abuse.as_ref()),
        domains: domains.into_iter().map(|(key, hops)| (key.value, hops)).collect(),
    })
}

/// The keys of the spec that need a relay that receives mail, each with its place.
fn given(spec: &Spec) -> Vec<(&'static str, Span)> {
    let mut found = Vec::new();
    if let Some(section) = &spec.inbound {
        let first = |table: Option<&Entries<Many<String>>>| Some(table?.0.first()?.0.span.clone());
        let many = |list: Option<&Many<String>>| Some(list?.0.first()?.span.clone());
        found.extend([
            ("inbound.domains", first(section.domains.as_ref())),
            ("inbound.tls", section.tls.as_ref().map(|spot| spot.span.clone())),
            ("inbound.recipients", many(section.recipients.as_ref())),
            ("inbound.alias-domains", many(section.alias_domains.as_ref())),
            ("inbound.aliases", first(section.aliases.as_ref())),
        ]);
    }
    found.extend(spec.abuse.iter().flat_map(abuse::given));
    found.into_iter().filter_map(|(path, span)| Some((path, span?))).collect()
}

/// The domains with their backends; none if the relay is a backup.
fn domains(judge: &mut Judge, entries: Option<&Entries<Many<String>>>) -> Vec<(Spot<String>, Vec<NextHop>)> {
    let mut rows = Vec::new();
    let mut names = BTreeSet::new();
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let path = format!("inbound.domains.{}", values::shown(key.as_str()));
        let hops = match value.value.0.as_slice() {
            [one] if one.value == BACKUP => Some(Vec::new()),
            list => backends(judge, &path, list),
        };
        let Some(name) = judge.read("domain", "inbound.domains", "domains", key, values::domain) else {
            continue;
        };
        let Some(hops) = hops else { continue };
        if names.insert(name.clone()) {
            rows.push((Spot::new(name, key.span.clone()), hops));
        } else {
            judge.report(relay::twice(key, &name));
        }
    }
    rows
}

/// The value of a domain whose MX hosts are other servers.
const BACKUP: &str = "backup";

/// The backends of one domain, in order of failover.
fn backends(judge: &mut Judge, path: &str, list: &[Spot<String>]) -> Option<Vec<NextHop>> {
    let what = "a host, or a host and a port, a list of them, or `backup` for a backup MX";
    let mut hops: Vec<NextHop> = Vec::new();
    let mut whole = !list.is_empty();
    for spot in list {
        match judge.read("next-hop", path, what, spot, behind) {
            Some(hop) if hops.contains(&hop) => {
                let finding = Diagnostic::error("next-hop", spot.span.clone(), "this server is a duplicate");
                judge.report(finding.hint("remove one of the two"));
            }
            Some(hop) => hops.push(hop),
            None => whole = false,
        }
    }
    whole.then_some(hops)
}

/// `host`, `host:port`, and an IPv6 address in brackets if a port follows.
pub(super) fn next_hop(text: &str) -> Result<NextHop, Fault> {
    values::line(text)?;
    if let Some(fault) = of_transport(text) {
        return Err(fault);
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None => {
                return Err(Fault::new("unexpected text after the bracket")
                    .hint("only a port may follow, as in `[host]:25`"));
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
        Some("") => {
            return Err(Fault::new("the port after the colon is missing").hint(format!("write `{host}`")));
        }
        Some(port) => port
            .parse()
            .ok()
            .filter(|number| *number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| no_port(host, port))?,
    };
    Ok(NextHop { host: values::host(host)?, port })
}

fn no_port(host: &str, port: &str) -> Fault {
    const NAMES: [(&str, u16); 5] =
        [("smtp", 25), ("lmtp", 24), ("submission", 587), ("submissions", 465), ("smtps", 465)];
    let fault = Fault::new(format!("`{}` is not a port", values::shown(port)));
    match NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(port)) {
        Some((_, number)) => fault.hint(format!("write `{}:{number}`", values::shown(host))),
        None => fault,
    }
}

/// `transport:nexthop`, in the syntax of transport(5).
fn of_transport(text: &str) -> Option<Fault> {
    let (transport, hop) = text.split_once(':')?;
    let is_name = transport.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let is_port = !hop.is_empty() && hop.bytes().all(|byte| byte.is_ascii_digit());
    let is_address = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':') && hop.contains(':');
    if !is_name || is_port || is_address {
        return None;
    }
    let server = "write the server: `mx.acme.example`, or `mx.acme.example:2525`";
    let (kind, place) = hop.split_once(':').unwrap_or(("", hop));
    Some(match (transport, kind) {
        ("lmtp" | "unix", _) | (_, "unix") => Fault::new("mail goes to this server by SMTP over TCP")
            .hint("write the server: `mx.acme.example`; for LMTP to the mailboxes of a mail server, set `lmtp` in [mailboxes]"),
        ("smtp" | "relay" | "inet" | "", _) => {
            let place = if kind == "inet" { place } else { hop };
            let fault = Fault::new("this is the syntax of transport(5); the value is only a server");
            fault.hint(match place {
                "" => server.to_owned(),
                place => format!("write `{}`", values::shown(place)),
            })
        }
        _ => Fault::new(format!(
            "`{}:` names a transport; the value is only a server",
            values::shown(transport)
        ))
        .hint(match hop {
            hop if hop.contains('.') && next_hop(hop).is_ok() => format!("write `{}`", values::shown(hop)),
            _ => server.to_owned(),
        }),
    })
}

/// A server that receives mail from another one.
fn behind(text: &str) -> Result<NextHop, Fault> {
    if text == BACKUP {
        return Err(Fault::new("a backup MX has no backends").hint("write `backup` alone, without a list"));
    }
    match next_hop(text)? {
        hop if hop.begins_with_tls() => {
            Err(Fault::new(format!("port {} uses implicit TLS, but mail between servers does not", hop.port))
                .hint("remove the port: servers use 25, and `tls` in [inbound] sets the TLS level"))
        }
        hop => Ok(hop),
    }
}

/// Warns of a backup MX that verifies addresses at the servers that may be down.
fn backup_verified(judge: &mut Judge, domains: &[(Spot<String>, Vec<NextHop>)], place: Option<&Span>) {
    let Some((domain, _)) = domains.iter().find(|(_, hops)| hops.is_empty()) else { return };
    let message = format!(
        "while the MX hosts of `{}` are down, the backup accepts only addresses that it knows",
        domain.value
    );
    judge.report(
        Diagnostic::warning("recipients", place.unwrap_or(&domain.span).clone(), message)
            .hint("list the addresses: recipients = [\"jane@acme.example\"] in [inbound]"),
    );
}

/// The valid addresses. Without any, all mail of a domain would be rejected.
fn recipients(
    judge: &mut Judge,
    list: Option<&Many<String>>,
    domains: &[(Spot<String>, Vec<NextHop>)],
) -> Recipients {
    let Some(list) = list else {
        backup_verified(judge, domains, None);
        return Recipients::Verified;
    };
    match list.0.as_slice() {
        [one] if one.value == "verify" => {
            backup_verified(judge, domains, Some(&one.span));
            return Recipients::Verified;
        }
        [one] if one.value == "any" => {
            judge.report(
                Diagnostic::warning(
                    "recipients",
                    one.span.clone(),
                    "mail that the backends reject is bounced, often to forged senders",
                )
                .hint("`verify` queries them first; or list the addresses"),
            );
            return Recipients::Any;
        }
        _ => {}
    }
    let what = "addresses, `@domain`, or one of `verify` and `any`";
    let read = judge.read_all("recipients", "inbound.recipients", what, Some(list), address_or_domain);
    for spot in &read {
        let domain = domain_of(&spot.value);
        if !domains.iter().any(|(own, _)| own.value == domain) {
            let names = domains.iter().map(|(own, _)| own.as_str());
            judge.report(stray(spot, domain, "inbound.domains", names));
        }
    }
    for (own, _) in domains {
        if !read.iter().any(|spot| domain_of(&spot.value) == own.value) {
            let message = format!("`inbound.recipients` has no address in `{}`", own.value);
            judge.report(
                Diagnostic::error("recipients", own.span.clone(), message).hint(format!(
                    "all its mail would be rejected; `@{}` stands for every address",
                    own.value
                )),
            );
        }
    }
    let mut listed: Vec<String> = read.into_iter().map(|spot| spot.value).collect();
    listed.sort_unstable();
    listed.dedup();
    Recipients::Listed(listed)
}

fn address_or_domain(text: &str) -> Result<String, Fault> {
    match text.strip_prefix('@') {
        Some(domain) => values::domain(domain).map(|domain| format!("@{domain}")),
        None => values::address(text).map(|address| address.to_ascii_lowercase()),
    }
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Reports an address in a domain that is not inbound.
fn stray<'a>(
    spot: &Spot<String>,
    domain: &str,
    home: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let message = format!("`{domain}` is not in `{home}`");
    let finding = Diagnostic::error("domain", spot.span.clone(), message);
    match nearest(domain, names) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint("the relay accepts mail only for domains in that list"),
    }
}

fn alias_domains(
    judge: &mut Judge,
    list: Option<&Many<String>>,
    domains: &[(Spot<String>, Vec<NextHop>)],
) -> Vec<Spot<String>> {
    let read = judge.read_all("domain", "inbound.alias-domains", "domains", list, values::domain);
    let mut names: Vec<Spot<String>> = Vec::new();
    for spot in read {
        if domains.iter().any(|(own, _)| own.value == spot.value) {
            let message = format!("the mail of `{}` goes to a backend", spot.value);
            judge.report(
                Diagnostic::error("domain", spot.span, message)
                    .hint("such a domain can also have aliases: remove it here, or from `inbound.domains`"),
            );
        } else if names.iter().any(|other| other.value == spot.value) {
            judge.report(relay::twice(&spot, &spot.value));
        } else {
            names.push(spot);
        }
    }
    names
}

fn aliases(
    judge: &mut Judge,
    section: &InboundSection,
    domains: &[(Spot<String>, Vec<NextHop>)],
    alias_domains: &[Spot<String>],
) -> Vec<(String, Vec<String>)> {
    let mut read: Vec<(Spot<String>, Vec<Spot<String>>)> = Vec::new();
    let entries = section.aliases.as_ref().map(|entries| entries.0.as_slice()).unwrap_or_default();
    for (key, targets) in entries {
        let what = "addresses or `@domain`";
        let Some(name) = judge.read("alias", "inbound.aliases", what, key, address_or_domain) else {
            continue;
        };
        let domain = domain_of(&name);
        let behind = domains.iter().any(|(own, _)| own.value == domain);
        if !behind && !alias_domains.iter().any(|own| own.value == domain) {
            let names = domains.iter().map(|(own, _)| own.as_str());
            let names = names.chain(alias_domains.iter().map(Spot::as_str));
            judge.report(stray(key, domain, "inbound.alias-domains", names));
        }
        let path = format!("inbound.aliases.{}", values::shown(&name));
        let targets = judge.read_all("alias", &path, "mail addresses", Some(&targets.value), values::address);
        if targets.is_empty() {
            continue;
        }
        if read.iter().any(|(other, _)| other.value == name) {
            judge.report(relay::twice(key, &name));
        } else {
            read.push((Spot::new(name, key.span.clone()), targets));
        }
    }
    for own in alias_domains {
        if !read.iter().any(|(key, _)| domain_of(&key.value) == own.value) {
            let message = format!("`{}` has no alias: all its mail would be rejected", own.value);
            judge.report(Diagnostic::error("alias", own.span.clone(), message).hint(format!(
                "[inbound.aliases] \"@{}\" = ... stands for every address of the domain",
                own.value
            )));
        }
    }
    // An alias that includes itself keeps a copy, if a backend has the address.
    let others: Vec<_> = read
        .iter()
        .map(|(key, targets)| {
            let behind = domains.iter().any(|(own, _)| own.value == domain_of(&key.value));
            let targets = targets
                .iter()
                .filter(|target| !(behind && target.value.eq_ignore_ascii_case(&key.value)))
                .map(|target| Spot::new(target.value.to_ascii_lowercase(), target.span.clone()));
            (key.clone(), targets.collect())
        })
        .collect();
    relay::loops(judge, &others);
    let value = |spot: Spot<String>| spot.value;
    read.into_iter().map(|(key, targets)| (key.value, targets.into_iter().map(value).collect())).collect()
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
            "a.lan:",
            "a.lan:0",
            "a.lan:+25",
            "a.lan:70000",
            "[fd00::5]25",
            "a b",
            "smtp:",
            "slow:",
            "smtp:[a.lan]:25",
            ":a.lan",
            "fd00::zz",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(behind("mail.acme.lan:465").is_err() && behind("mail.acme.lan:25").is_ok());
    }

    /// Values in the syntax of transport(5).
    #[test]
    fn hints_for_transports() {
        let lmtp = "write the server: `mx.acme.example`; for LMTP to the mailboxes of a mail server, set `lmtp` in [mailboxes]";
        let server = "write the server: `mx.acme.example`, or `mx.acme.example:2525`";
        for (text, hint) in [
            ("smtp:[mx.a.example]:25", "write `[mx.a.example]:25`"),
            ("relay:mx.a.example", "write `mx.a.example`"),
            ("smtp:mx.a.example:2525", "write `mx.a.example:2525`"),
            ("smtp:inet:mx.a.example:24", "write `mx.a.example:24`"),
            ("inet:127.0.0.1:2424", "write `127.0.0.1:2424`"),
            (":[mx.a.example]", "write `[mx.a.example]`"),
            ("smtp:", server),
            ("slow:", server),
            ("dovecot:unix:x", lmtp),
            ("lmtp:unix:/run/x", lmtp),
            ("lmtp:unix:private/dovecot-lmtp", lmtp),
            ("lmtp:inet:127.0.0.1:24", lmtp),
            ("lmtp:[127.0.0.1]:24", lmtp),
            ("unix:/run/x", lmtp),
            ("pipe:x", server),
            ("smtps:[mx.a.example]:465", "write `[mx.a.example]:465`"),
            ("slow:mx.a.example:2525", "write `mx.a.example:2525`"),
            ("mx.a.example:smtp", "write `mx.a.example:25`"),
            ("[mx.a.example]:submissions", "write `mx.a.example:465`"),
        ] {
            assert_eq!(next_hop(text).unwrap_err().hint.as_deref(), Some(hint), "{text}");
        }
    }
}
