//! Mail that goes another way than the rest: transport_maps, and a service of master.cf to go by.
//!
//! The sources are transport(5), error(8), SASL_README and postconf(5).

use std::collections::BTreeSet;

use super::PlanError;
use super::inbound;
use super::layer::{Item, Layer};
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Relay, Transport, Way};

const TRANSPORT: &str = "transport";

/// The smtp(8) of mail that does not go to the smarthost: it never logs in, nor does TLS begin with the connection, as it
/// may there. Pauses and numbers of connections that the smarthost asks for are no concern of others.
const DIRECT: &str =
    "M direct/unix=direct unix - - n - - smtp -o smtp_sasl_auth_enable=no -o smtp_tls_wrappermode=no";

/// The same where TLS does begin with the connection: how it begins is a matter of the service, not of the server.
const DIRECT_TLS: &str = "M direct-tls/unix=direct-tls unix - - n - - smtp -o smtp_sasl_auth_enable=no -o smtp_tls_wrappermode=yes";

/// The ways that are not that of the rest. A transport of the table stands above default_transport: mail that goes by it
/// waits for no credentials.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let own = (!relay.transports.is_empty())
        .then(|| Item::from(&*format!("$default_database_type:/etc/postfix/{TRANSPORT}")));
    let maps: Vec<Item> = inbound::routes(relay).into_iter().chain(own).collect();
    if !maps.is_empty() {
        layer.section("Domains and addresses whose mail goes another way, see transport(5).");
        layer.list("transport_maps", maps);
    }
}

/// The service by which mail goes to other servers than the rest: its name, and the edit that makes it.
fn service(way: &Way) -> Option<(&'static str, &'static str)> {
    match way {
        Way::Hop(hop) if hop.begins_with_tls() => Some(("direct-tls", DIRECT_TLS)),
        Way::Hop(_) | Way::Direct => Some(("direct", DIRECT)),
        Way::Error(_) | Way::Retry(_) | Way::Discard => None,
    }
}

/// Edits of master.cf.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    let used: BTreeSet<_> = relay.transports.iter().filter_map(|one| service(&one.way)).collect();
    used.into_iter().map(|(_, edit)| edit.to_owned()).collect()
}

/// The ports of these servers.
pub(super) fn ports(relay: &Relay) -> impl Iterator<Item = u16> {
    relay.transports.iter().filter_map(|transport| match &transport.way {
        Way::Hop(hop) => Some(hop.port),
        Way::Direct => Some(25),
        _ => None,
    })
}

/// What the TLS policy of such a way is looked up by: the next hop, letter for letter. `None` where no mail leaves.
pub(super) fn destination(transport: &Transport) -> Option<String> {
    match &transport.way {
        Way::Hop(hop) => Some(server(hop)),
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
    let mut rows = Lookup::new("Where mail for domains and addresses goes instead, see transport(5).");
    for Transport { key, way, .. } in transports {
        let result = match way {
            Way::Hop(hop) => format!("{}:{}", service(way).map_or("", |(name, _)| name), server(hop)),
            // Without a next hop it is the domain of the recipient.
            Way::Direct => "direct:".to_owned(),
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
