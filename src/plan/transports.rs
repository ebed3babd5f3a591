//! Mail that goes another way than the rest: transport_maps, and a service of master.cf to go by.
//!
//! The sources are transport(5), error(8), SASL_README and postconf(5).

use std::collections::BTreeSet;

use super::PlanError;
use super::inbound;
use super::layer::{Item, Layer};
use super::next_hops;
use super::recipients;
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Relay, Transport, Way};

const TRANSPORT: &str = "transport";

/// Routes that bypass the smarthost. A transport of the table overrides default_transport, so its mail does not wait for
/// credentials.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let own = (!relay.transports.is_empty())
        .then(|| Item::from(&*format!("$default_database_type:/etc/postfix/{TRANSPORT}")));
    let maps: Vec<Item> =
        recipients::transports(relay).into_iter().chain(inbound::routes(relay)).chain(own).collect();
    if !maps.is_empty() {
        layer.section("Domains and addresses whose mail bypasses the smarthost, see transport(5).");
        layer.list("transport_maps", maps);
    }
}

/// How mail goes to another server than the rest: whether TLS begins with the connection. `None` where no mail leaves.
fn wrapped(way: &Way) -> Option<bool> {
    match way {
        Way::Hop(hop) => Some(hop.begins_with_tls()),
        Way::Direct => Some(false),
        Way::Error(_) | Way::Retry(_) | Way::Discard => None,
    }
}

/// The service for it: how TLS begins is a matter of the service, not of the server.
fn service(wrapped: bool) -> &'static str {
    if wrapped { "direct-tls" } else { "direct" }
}

/// Edits of master.cf: the smtp(8) for mail that bypasses the smarthost never logs in, and has its own TLS mode. Pauses and
/// connection limits of the smarthost do not apply to it.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    let used: BTreeSet<bool> = relay.transports.iter().filter_map(|one| wrapped(&one.way)).collect();
    // While credentials are missing, main.cf has a different filter.
    let filter = if next_hops::has_any(relay) { next_hops::FILTER } else { "" };
    let fallback = if relay.has_fallback() { " -o smtp_fallback_relay=" } else { "" };
    let edit = |wrapped| {
        let (name, mode) = (service(wrapped), if wrapped { "yes" } else { "no" });
        format!(
            "M {name}/unix={name} unix - - n - - smtp -o smtp_sasl_auth_enable=no -o smtp_tls_wrappermode={mode} \
             -o smtp_delivery_status_filter={filter}{fallback}"
        )
    };
    used.into_iter().map(edit).collect()
}

/// The ports of these servers.
pub(super) fn ports(relay: &Relay) -> impl Iterator<Item = u16> {
    relay.transports.iter().filter_map(|transport| match &transport.way {
        Way::Hop(hop) => Some(hop.port),
        Way::Direct => Some(25),
        _ => None,
    })
}

/// The key of the TLS policy of a route: the literal next hop. `None` if no mail leaves.
pub(super) fn destination(transport: &Transport) -> Option<String> {
    match &transport.way {
        Way::Hop(hop) => Some(server(&hop.host, hop.port)),
        Way::Direct => Some(transport.key.rsplit_once('@').map_or(&*transport.key, |(_, it)| it).to_owned()),
        _ => None,
    }
}

/// The table that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Option<Table>, PlanError> {
    let wanted = !relay.transports.is_empty();
    wanted.then(|| table(TRANSPORT, Kind::Indexed, rows(&relay.transports))).transpose()
}

fn rows(transports: &[Transport]) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("Destinations of single domains and addresses, see transport(5).");
    for Transport { key, way, .. } in transports {
        let result = match way {
            Way::Hop(hop) => format!("{}:{}", service(hop.begins_with_tls()), server(&hop.host, hop.port)),
            // Without a next hop it is the domain of the recipient.
            Way::Direct => format!("{}:", service(false)),
            Way::Error(words) => format!("error:{words}"),
            Way::Retry(words) => format!("retry:{words}"),
            Way::Discard => "discard:".to_owned(),
        };
        rows.insert(key, &result)?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::NextHop;

    #[test]
    fn each_way_in_postfix_words() {
        let hop = |host: &str, port| Way::Hop(NextHop { host: host.to_owned(), port });
        let ways = [
            ("partner.example", hop("mx.partner.example", 25)),
            (".intern.example", hop("fd00::5", 2525)),
            ("shop.example", hop("submit.shop.example", 465)),
            ("direct.example", Way::Direct),
            ("old.example", Way::Error("5.1.2 this domain has moved".to_owned())),
            ("later.example", Way::Retry("4.3.2 on Monday".to_owned())),
            ("alerts@acme.example", Way::Discard),
        ];
        let all: Vec<_> =
            ways.map(|(key, way)| Transport { key: key.to_owned(), way, span: 0..0 }).into_iter().collect();
        insta::assert_snapshot!(rows(&all).unwrap().to_string());
        let destinations: Vec<_> = all.iter().filter_map(destination).collect();
        assert_eq!(
            destinations,
            ["[mx.partner.example]:25", "[ipv6:fd00::5]:2525", "[submit.shop.example]:465", "direct.example"]
        );
    }
}
