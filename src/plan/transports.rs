//! Mail that goes another way than the rest: transport_maps, and a service of master.cf to go by.
//!
//! The sources are transport(5), error(8), SASL_README and postconf(5).

use std::collections::{BTreeMap, BTreeSet};

use super::PlanError;
use super::inbound;
use super::layer::{Item, Layer};
use super::next_hops;
use super::recipients;
use super::senders;
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{NextHop, Relay, Transport, Way};

const TRANSPORT: &str = "transport";
/// Ways of which only the host knows the next hops: a way with its name in main.cf.
const WAYS: &str = "transport_ways";

/// Routes that bypass the smarthost. A transport of the table overrides default_transport, so its mail does not wait for
/// credentials.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let of_host: BTreeMap<String, String> =
        relay.transports.iter().filter_map(|one| known_to_the_host(&one.way, relay)).collect();
    let own = (relay.transports.iter().any(|one| known_to_the_host(&one.way, relay).is_none()))
        .then(|| Item::from(&*format!("$default_database_type:/etc/postfix/{TRANSPORT}")));
    let rows: Vec<String> = of_host.iter().map(|(name, way)| format!("{{{name} = {way}}}")).collect();
    let of_host = (!rows.is_empty()).then(|| {
        let rows = rows.join(", ");
        let maps = format!("pipemap:{{$default_database_type:/etc/postfix/{WAYS}, inline:{{ {rows} }}}}");
        Item::from(&*maps)
    });
    let maps: Vec<Item> = recipients::transports(relay)
        .into_iter()
        .chain(inbound::routes(relay))
        .chain(own)
        .chain(of_host)
        .collect();
    if !maps.is_empty() {
        layer.section("Domains and addresses whose mail bypasses the smarthost, see transport(5).");
        layer.list("transport_maps", maps);
    }
}

/// Whether TLS begins with the connection, for a way by a service of this module. `None` if something else delivers.
fn wrapped(way: &Way) -> Option<bool> {
    match way {
        Way::Hops(hops) => Some(hops.iter().any(NextHop::begins_with_tls)),
        Way::Direct => Some(false),
        Way::Service(..) | Way::Smarthost(_) | Way::Error(_) | Way::Retry(_) | Way::Discard => None,
    }
}

/// The name of a way in the table, and its value in main.cf, if its next hops are known only on the host.
fn known_to_the_host(way: &Way, relay: &Relay) -> Option<(String, String)> {
    match way {
        Way::Smarthost(name) => {
            let ways = relay.sender_ways();
            let way = ways.iter().find(|way| way.smarthosts.iter().any(|host| host.name == *name))?;
            Some((format!("smarthost-{}", way.name), format!("${}", senders::parameter(way))))
        }
        Way::Service(name, hops)
            if hops.is_empty() && sends_by_smtp(name, relay) && !relay.sends_directly() =>
        {
            // While credentials are missing, apply sets default_transport, and the mail waits as all other does.
            let hops = format!("${{relay_smarthosts?{{{name}:$relay_smarthosts}}:{{$default_transport}}}}");
            Some((format!("service-{name}"), hops))
        }
        _ => None,
    }
}

/// Whether a service sends mail to the next hop by SMTP. A service of pipe(8) has a command in its place.
fn sends_by_smtp(name: &str, relay: &Relay) -> bool {
    let id = format!("{name}/unix");
    let own = relay.services.iter().find(|own| own.id.value == id).and_then(|own| own.command.as_ref());
    own.is_none_or(|command| command.value == "smtp")
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
    let direct = relay.transports.iter().any(|transport| transport.way == Way::Direct).then_some(25);
    relay.transports.iter().flat_map(Transport::hops).map(|hop| hop.port).chain(direct)
}

/// The keys of the TLS policy of a route: the literal next hops. None if no mail leaves, or through a smarthost.
pub(super) fn destinations(transport: &Transport) -> Vec<String> {
    match &transport.way {
        Way::Direct => {
            vec![transport.key.rsplit_once('@').map_or(&*transport.key, |(_, domain)| domain).to_owned()]
        }
        _ => transport.hops().iter().map(|hop| server(&hop.host, hop.port)).collect(),
    }
}

/// The tables that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let of_host = |one: &&Transport| known_to_the_host(&one.way, relay).is_some();
    let (named, own): (Vec<&Transport>, Vec<&Transport>) = relay.transports.iter().partition(of_host);
    let mut tables = Vec::new();
    if !own.is_empty() {
        let title = "Destinations of single domains and addresses, see transport(5).";
        let rows = own.iter().map(|one| (one.key.as_str(), result(&one.way)));
        tables.push(table(TRANSPORT, Kind::Indexed, lookup(title, rows))?);
    }
    if !named.is_empty() {
        let title =
            "Names of routes, which transport_maps of main.cf resolves (pipemap, DATABASE_README).";
        let rows =
            named.iter().filter_map(|one| Some((one.key.as_str(), known_to_the_host(&one.way, relay)?.0)));
        tables.push(table(WAYS, Kind::Indexed, lookup(title, rows))?);
    }
    Ok(tables)
}

fn lookup<'a>(title: &str, rows: impl Iterator<Item = (&'a str, String)>) -> Result<Lookup, TableError> {
    let mut table = Lookup::new(title);
    for (key, result) in rows {
        table.insert(key, &result)?;
    }
    Ok(table)
}

/// The result of transport(5).
fn result(way: &Way) -> String {
    let list =
        |hops: &[NextHop]| hops.iter().map(|hop| server(&hop.host, hop.port)).collect::<Vec<_>>().join(", ");
    match way {
        Way::Hops(hops) => format!("{}:{}", service(wrapped(way) == Some(true)), list(hops)),
        // Without a next hop it is the domain of the recipient.
        Way::Direct => format!("{}:", service(false)),
        Way::Service(name, hops) => format!("{name}:{}", list(hops)),
        // The table of names has it.
        Way::Smarthost(name) => format!("smarthost-{name}:"),
        Way::Error(words) => format!("error:{words}"),
        Way::Retry(words) => format!("retry:{words}"),
        Way::Discard => "discard:".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_in_postfix_words() {
        let hop = |host: &str, port| NextHop { host: host.to_owned(), port };
        let ways = [
            (
                "partner.example",
                Way::Hops(vec![hop("mx.partner.example", 25)]),
                "direct:[mx.partner.example]:25",
            ),
            (
                ".intern.example",
                Way::Hops(vec![hop("fd00::5", 2525), hop("10.0.0.5", 25)]),
                "direct:[ipv6:fd00::5]:2525, [10.0.0.5]:25",
            ),
            (
                "shop.example",
                Way::Hops(vec![hop("submit.shop.example", 465)]),
                "direct-tls:[submit.shop.example]:465",
            ),
            ("direct.example", Way::Direct, "direct:"),
            (
                "slow.example",
                Way::Service("slow".to_owned(), vec![hop("mx.slow.example", 25)]),
                "slow:[mx.slow.example]:25",
            ),
            ("archive.example", Way::Service("archive".to_owned(), Vec::new()), "archive:"),
            (
                "old.example",
                Way::Error("5.1.2 this domain has moved".to_owned()),
                "error:5.1.2 this domain has moved",
            ),
            ("later.example", Way::Retry("4.3.2 on Monday".to_owned()), "retry:4.3.2 on Monday"),
            ("alerts@acme.example", Way::Discard, "discard:"),
        ];
        let mut found = Vec::new();
        for (key, way, row) in ways {
            assert_eq!(result(&way), row, "{key}");
            found.extend(destinations(&Transport { key: key.to_owned(), way, span: 0..0 }));
        }
        assert_eq!(
            found,
            [
                "[mx.partner.example]:25",
                "[ipv6:fd00::5]:2525",
                "[10.0.0.5]:25",
                "[submit.shop.example]:465",
                "direct.example",
                "[mx.slow.example]:25"
            ]
        );
    }
}
