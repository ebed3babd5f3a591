//! Servers that the spec names as next hops: what keeps mail from them is temporary until such a server itself refuses a
//! recipient or a message.
//!
//! smtp(8) returns mail whose next hop is not in DNS, leads back to this host, or refuses the greeting. For a domain that a
//! sender wrote, that is right. For a server of the spec it is an outage, or a mistake that somebody will correct.
//! The sources are postconf(5) (`smtp_delivery_status_filter`) and ADDRESS_VERIFICATION_README.

use super::PlanError;
use super::layer::Layer;
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::table::{Regexp, TableError};
use crate::relay::{Delivery, Inbound, NextHop, Relay, Transport};

const TABLE: &str = "next_hops";
pub(super) const FILTER: &str = "regexp:/etc/postfix/next_hops";

/// Each server that mail from others goes to, with its port: without it the relay has no use. The servers of a list of failover are
/// one word, separated by commas.
pub(super) fn destinations(relay: &Relay) -> Vec<String> {
    let mailboxes = mailbox_server(relay).map(|(host, port)| server(host, port));
    let list = |hops: &Vec<NextHop>| {
        hops.iter().map(|hop| server(&hop.host, hop.port)).collect::<Vec<_>>().join(",")
    };
    let lists = relay.inbound.iter().flat_map(|inbound| &inbound.domains).map(|(_, hops)| list(hops));
    let mut all: Vec<String> = lists.filter(|list| !list.is_empty()).chain(mailboxes).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The servers that a relay without a smarthost tells apart from those that domains of recipients name (`mail-relay retry`).
pub(super) fn known_to_a_direct_relay(relay: &Relay) -> Vec<String> {
    let known = if relay.sends_directly() { hosts(relay) } else { Vec::new() };
    known.into_iter().map(str::to_owned).collect()
}

fn behind(relay: &Relay) -> impl Iterator<Item = &NextHop> {
    relay.inbound.iter().flat_map(Inbound::backends)
}

/// The servers, each once.
fn hosts(relay: &Relay) -> Vec<&str> {
    let elsewhere = relay.transports.iter().flat_map(Transport::hops);
    let mut hosts: Vec<&str> = behind(relay).chain(elsewhere).map(|hop| hop.host.as_str()).collect();
    hosts.extend(mailbox_server(relay).map(|(host, _)| host));
    // The MX hosts of the domain may be this host alone, for a moment or by mistake.
    hosts.extend(relay.inbound.iter().flat_map(Inbound::backup_domains).map(String::as_str));
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// The LMTP server of the mailboxes, if it is a different host.
fn mailbox_server(relay: &Relay) -> Option<(&str, u16)> {
    match &relay.mailboxes.as_ref()?.delivery {
        Delivery::Network(host, port) => Some((host, *port)),
        Delivery::Socket(_) => None,
    }
}

pub(super) fn has_any(relay: &Relay) -> bool {
    !hosts(relay).is_empty()
}

/// The filter of lmtp(8). The services of smtp(8) that lead to these servers have it as an option.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    if mailbox_server(relay).is_some() {
        layer.section("Mail waits while the server of the mailboxes cannot be found or reached.");
        layer.set("lmtp_delivery_status_filter", FILTER);
    }
}

pub(super) fn tables(relay: &Relay) -> Result<Option<Table>, PlanError> {
    has_any(relay).then(|| table(TABLE, Kind::Regexp, rules(&hosts(relay)))).transpose()
}

fn rules(hosts: &[&str]) -> Result<Regexp, TableError> {
    let mut rules = Regexp::new(
        "Rewrites delivery status for servers in the spec, see postconf(5), smtp_delivery_status_filter.",
    );
    for host in hosts {
        let host = Regexp::escape(host);
        // The server's own words about a recipient or a message, without the server's name: strangers may read them.
        rules.push(
            &format!(r"^(5\.[0-9]+\.[0-9]+) host {host}\[[^]]*\] said: (.*) \(in reply to (RCPT TO|DATA|end of DATA) command\)$"),
            "$1 $2",
        )?;
        // It knows the size of a message before its text.
        rules.push(&format!(r"^(5\.3\.4) host {host}\[[^]]*\] said: (.*)$"), "$1 $2")?;
        rules.push(
            &format!(r"^5(\.[0-9]+\.[0-9]+ .*(host {host}\[|name={host} |mail for \[?{host}[] :]).*)$"),
            "4$1",
        )?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_each_server() {
        insta::assert_snapshot!(rules(&["10.0.0.5", "mail.acme.lan"]).unwrap().to_string());
    }
}
