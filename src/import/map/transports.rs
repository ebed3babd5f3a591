//! `[transports]`: what transport_maps becomes.

use std::collections::BTreeMap;

use super::hops::hop;
use super::{Code, Map, is_address, is_domain, tls};
use crate::import::role::is_local_name;
use crate::import::tables::{Row, Shape, Table};

/// Rows of transport_maps by their key.
pub(super) fn routes(map: &mut Map<'_, '_>) -> BTreeMap<String, Row> {
    let mut routes = BTreeMap::new();
    for (spec, table) in map.reading.tables("transport_maps") {
        match &*table {
            Table::Rows(Shape::Lookup, rows) => {
                for row in rows {
                    routes.entry(row.key.clone()).or_insert_with(|| row.clone());
                }
            }
            Table::Rows(_, rows) => {
                for row in rows {
                    map.other(
                        Code::Lost,
                        "transport_maps",
                        Some(&row.place.clone()),
                        "a transport for addresses that match a pattern",
                    );
                }
            }
            Table::Missing => {}
            _ => {
                map.other(
                    Code::Lost,
                    &spec,
                    map.reading.setting("transport_maps").map(|it| &it.place),
                    "transports by a table that cannot be read here",
                );
                map.say(
                    "transport_maps",
                    Code::Lost,
                    &["transports"],
                    "transports by a table that cannot be read here",
                );
            }
        }
    }
    routes
}

/// Ways of single domains and addresses.
pub(super) fn map(map: &mut Map<'_, '_>, routes: &BTreeMap<String, Row>) {
    let name = "transport_maps";
    if !map.reading.is_set(name) {
        return;
    }
    let mut any = false;
    for (key, row) in routes {
        any = true;
        let place = row.place.clone();
        let (way, target) = row.value.split_once(':').unwrap_or((row.value.as_str(), ""));
        let served = key == "*" || is_local_name(map.reading, key.trim_start_matches('.'));
        if served && matches!(way, "local" | "") {
            map.other(
                Code::Implied,
                &format!("transport {key}"),
                Some(&place),
                "local names go to root-mail-to",
            );
            continue;
        }
        // Mailboxes by their own transport, once more.
        let usual = ["virtual_transport", "relay_transport", "local_transport"].into_iter().find(|usual| {
            let value = map.reading.value(usual);
            !value.is_empty() && value.trim_end_matches(':') == row.value.trim_end_matches(':')
        });
        if let Some(usual) = usual.filter(|_| map.role.profile.receives() && !matches!(way, "smtp" | "relay"))
        {
            let reason = format!("the transport that {usual} already selects");
            map.other(Code::Implied, &format!("transport {key}"), Some(&place), &reason);
            continue;
        }
        if key == "*" {
            map.other(
                Code::Lost,
                "transport *",
                Some(&place),
                "one transport for all mail: name it as the smarthost",
            );
            map.say(name, Code::Lost, &["transports"], "one transport for all mail");
            continue;
        }
        let value = match (way, hop(target)) {
            ("smtp" | "relay" | "", Some(next)) => {
                let port = next.port.unwrap_or(25);
                Some(if next.bracketed || next.port.is_some() {
                    format!("[{}]:{port}", next.host)
                } else {
                    "direct".to_owned()
                })
                .filter(|_| next.bracketed || next.port.is_some() || next.host == *key)
            }
            ("smtp" | "relay", None) if target.is_empty() => Some("direct".to_owned()),
            ("error" | "retry", _) => {
                let text = target.trim();
                let coded = text.starts_with(|c: char| c.is_ascii_digit());
                let (default, word) = if way == "error" { ("5.1.2", "error") } else { ("4.3.2", "retry") };
                Some(if text.is_empty() {
                    word.to_owned()
                } else if coded {
                    format!("{word} {text}")
                } else {
                    format!("{word} {default} {text}")
                })
            }
            ("discard", _) => Some("discard".to_owned()),
            _ => None,
        };
        match value {
            Some(value) if is_domain(key.trim_start_matches('.')) || is_address(key) => {
                map.key("transports", key, value, &[name]);
            }
            _ => {
                let reason = format!(
                    "its mail goes by `{}`, which [transports] does not support",
                    crate::diag::printable(&row.value)
                );
                map.other(Code::Lost, &format!("transport {key}"), Some(&place), &reason);
                map.say(name, Code::Lost, &["transports"], "a transport that [transports] does not support");
            }
        }
    }
    policies(map, routes);
    if any {
        map.say_if_open(name, Code::Implied, &["transports"], "no separate transport is left");
    } else {
        map.say_if_open(name, Code::Dropped, &["transports"], "the table is empty");
    }
}

/// Whether a key of smtp_tls_policy_maps is for a server or domain of transport_maps.
pub(super) fn is_next_hop(map: &Map<'_, '_>, key: &str) -> bool {
    map.reading.tables("transport_maps").iter().any(|(_, table)| match &**table {
        Table::Rows(Shape::Lookup, rows) => rows.iter().any(|row| policy_key(row) == key),
        _ => false,
    })
}

/// The key of smtp_tls_policy_maps for a row of transport_maps: the next hop, or without one the domain.
fn policy_key(row: &Row) -> &str {
    let next = row.value.split_once(':').map_or("", |(_, next)| next);
    if next.is_empty() { &row.key } else { next }
}

/// Servers of their own keep their TLS level, because `[tls] level` is for the smarthost.
fn policies(map: &mut Map<'_, '_>, routes: &BTreeMap<String, Row>) {
    if map.hops.is_empty() {
        return;
    }
    let of_smarthost = map.draft.get("tls", "level").and_then(|entry| entry.value.as_str());
    let of_smarthost = of_smarthost.unwrap_or("secure").to_owned();
    let (of_all, _) = tls::written_level(map.reading);
    for (key, row) in routes {
        let way = map.draft.get("transports", key).and_then(|entry| entry.value.as_str());
        let Some(way) = way.filter(|way| *way == "direct" || way.starts_with('[')) else { continue };
        let address = hop(way).is_some_and(|hop| hop.host.parse::<std::net::IpAddr>().is_ok());
        let own = tls::policy(map.reading, &[policy_key(row).to_owned()]);
        let (written, names) = own.as_ref().map_or((&of_all, &[][..]), |own| (&own.level, &own.names));
        let level = match written.as_str() {
            // Its mail waited: Postfix compares names, never addresses, with a certificate.
            "verify" | "secure" if address && names.is_empty() => "encrypt",
            "none" => "may",
            "fingerprint" => continue,
            level => level,
        };
        if level == of_smarthost && own.is_none() {
            continue;
        }
        let value = std::iter::once(level).chain(names.iter().map(String::as_str)).collect::<Vec<_>>();
        let origins: &[&str] = if own.is_some() { &[tls::POLICIES] } else { &[] };
        let (value, place) = (value.join(" "), row.place.to_string());
        map.key("tls.policies", key, value, origins).comment(place);
        if own.is_some() {
            map.say(tls::POLICIES, Code::Key, &["tls.policies"], "");
        }
    }
}
