//! `[inbound.domains]`: domains of backends, and the addresses that exist there.

use std::collections::BTreeMap;

use super::hops::hop;
use super::{Code, Map, forwards, is_address, is_domain, list, transports};
use crate::import::role::{alias_domains, is_local_name};
use crate::import::tables::{Row, Shape, Table};

pub(super) fn map(map: &mut Map<'_, '_>) {
    let mut routes = transports::routes(map);
    if map.role.profile.receives() {
        relayed(map, &mut routes);
        forwards::received(map);
    } else {
        forwards::sent(map);
        let domains = relay_domains(map);
        if domains.is_empty() {
            map.say_if_open(
                "relay_domains",
                Code::Implied,
                &["relay.profile"],
                "the relay relays no domains",
            );
        } else {
            map.say_if_open(
                "relay_domains",
                Code::Lost,
                &["inbound.domains"],
                "mail for relayed domains, which this profile does not receive",
            );
        }
    }
    transports::map(map, &routes);
}

/// Domains that `relay_domains` names, each with the row that says so, if it is one of a table.
fn relay_domains(map: &mut Map<'_, '_>) -> Vec<(String, Option<Row>)> {
    let reading = map.reading;
    let own = reading.list("mydestination");
    let mut domains: Vec<(String, Option<Row>)> = Vec::new();
    for item in reading.list("relay_domains") {
        if !item.contains(':') {
            if own.iter().any(|name| name.eq_ignore_ascii_case(&item)) || is_local_name(reading, &item) {
                continue;
            }
            domains.push((item.to_lowercase(), None));
            continue;
        }
        match &*reading.table(&item) {
            Table::Rows(Shape::Lookup, rows) => {
                domains.extend(rows.iter().map(|row| (row.key.clone(), Some(row.clone()))));
            }
            Table::Rows(_, rows) if rows.is_empty() => {}
            Table::Missing => {}
            _ => {
                map.other(
                    Code::Lost,
                    &item,
                    reading.setting("relay_domains").map(|it| &it.place),
                    "relayed domains by a table that [inbound.domains] does not support",
                );
                map.say(
                    "relay_domains",
                    Code::Lost,
                    &["inbound.domains"],
                    "relayed domains by a table that [inbound.domains] does not support",
                );
            }
        }
    }
    domains
}

fn relayed(map: &mut Map<'_, '_>, routes: &mut BTreeMap<String, Row>) {
    let domains = relay_domains(map);
    let own_hops = map.reading.value("transport_maps").contains("relay_domains")
        || map.reading.setting("transport_maps").is_some_and(|it| it.value.contains("relay_domains"));
    let aliases = alias_domains(map.reading);
    for (domain, row) in domains {
        let name = domain.trim_start_matches('.').to_owned();
        if !is_domain(&name) || domain.starts_with('.') || aliases.contains(&domain) {
            let place = row.map(|row| row.place);
            map.other(
                Code::Lost,
                &format!("relay domain {domain}"),
                place.as_ref(),
                "not a domain that [inbound.domains] supports",
            );
            continue;
        }
        let route = routes.remove(&domain).or_else(|| row.filter(|_| own_hops));
        let origins = ["relay_domains", "transport_maps"];
        if let Some(route) = route {
            let (way, target) = route.value.split_once(':').unwrap_or((route.value.as_str(), ""));
            let place = route.place.clone();
            match (way, hop(target)) {
                ("smtp" | "relay" | "esmtp" | "", Some(next)) => {
                    let host =
                        if next.host.contains(':') { format!("[{}]", next.host) } else { next.host.clone() };
                    let text = match next.port {
                        Some(port) if port != 25 => format!("{host}:{port}"),
                        _ => next.host.clone(),
                    };
                    map.key("inbound.domains", &domain, text, &origins);
                }
                ("lmtp", _) => {
                    map.draft.ask(
                        "inbound.domains",
                        &domain,
                        false,
                        "todo.backend.example",
                        &format!(
                            "{place}: {domain} is delivered by LMTP today; which server accepts it by SMTP?"
                        ),
                    );
                    map.other(
                        Code::Lost,
                        &format!("transport {domain}"),
                        Some(&place),
                        "delivered by LMTP, which [inbound.domains] does not support",
                    );
                    map.say(
                        "transport_maps",
                        Code::Lost,
                        &["inbound.domains"],
                        "a domain is delivered by LMTP",
                    );
                }
                _ => {
                    map.other(
                        Code::Lost,
                        &format!("transport {domain}"),
                        Some(&place),
                        &format!(
                            "its mail goes to the service `{}` of master.cf",
                            crate::diag::printable(way)
                        ),
                    );
                    map.say(
                        "transport_maps",
                        Code::Lost,
                        &["inbound.domains"],
                        "mail of a domain goes to a service of master.cf",
                    );
                    map.say(
                        "relay_domains",
                        Code::Lost,
                        &["inbound.domains"],
                        "mail of a domain goes to a service of master.cf",
                    );
                }
            }
        } else {
            map.draft.ask(
                "inbound.domains",
                &domain,
                false,
                "todo.backend.example",
                &format!("which backend receives the mail of {domain}? It was looked up in DNS (MX)."),
            );
            map.say_if_open("relay_domains", Code::Key, &["inbound.domains"], "");
        }
    }
    recipients(map);
    map.say_if_open("relay_domains", Code::Dropped, &["inbound.domains"], "no domain is in it");
    map.say_if_open("relay_transport", Code::Implied, &["inbound.domains"], "each domain has its server");
}

/// Addresses that exist behind.
fn recipients(map: &mut Map<'_, '_>) {
    let name = "relay_recipient_maps";
    if !map.reading.is_set(name) {
        return;
    }
    let mut addresses: Vec<String> = Vec::new();
    for (spec, table) in map.reading.tables(name) {
        match &*table {
            Table::Rows(Shape::Lookup, rows) => {
                addresses.extend(
                    rows.iter()
                        .map(|row| row.key.clone())
                        .filter(|key| is_address(key) || key.strip_prefix('@').is_some_and(is_domain)),
                );
            }
            Table::Missing => {}
            _ => map.other(
                Code::Changed,
                &spec,
                map.reading.setting(name).map(|it| &it.place),
                "the backend is queried instead of this table",
            ),
        }
    }
    if addresses.is_empty() {
        map.say(name, Code::Changed, &["inbound.recipients"], "the backend is queried for valid addresses");
    } else if map.draft.has_section("inbound.domains") {
        map.key("inbound", "recipients", list(addresses), &[name]);
    }
}
