//! Access tables of restriction lists: `[access]`, and tables that the administrator copies to the host.

use super::network::network;
use super::restrictions::{Found, place};
use super::{Code, Map, is_address, is_domain};
use crate::import::tables::{self, Row, Shape, Table};

/// Senders that a list lets through, of a list that rejects all others.
#[derive(Default)]
pub(super) struct Allowed(pub(super) Vec<String>);

impl Allowed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a row that permits an address or a domain; returns whether it did. Bounces are exempt in a spec.
    fn take(&mut self, row: &Row) -> bool {
        let word = row.value.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if !(matches!(word.as_str(), "OK" | "PERMIT" | "RELAY" | "PERMIT_MYNETWORKS") || is_number(&word)) {
            return false;
        }
        let key = row.key.trim_start_matches('.');
        if key == "<>" {
            return true;
        }
        let known = is_address(key) || is_domain(key);
        if known && !self.0.iter().any(|own| own == key) {
            self.0.push(key.to_owned());
        }
        known
    }
}

/// An answer of digits is OK, unless it is a reply code.
fn is_number(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_digit())
        && !(word.len() == 3 && word.starts_with(['4', '5']))
}

/// An access table.
pub(super) fn table(
    map: &mut Map<'_, '_>,
    name: &'static str,
    stage: &'static str,
    check: &str,
    spec: &str,
    found: &mut Found,
) {
    let section = match check {
        "check_client_access" => "access.clients",
        "check_sender_access" => "access.senders",
        "check_recipient_access" => "access.recipients",
        _ => "",
    };
    let read = map.reading.table(spec);
    match &*read {
        Table::Rows(_, rows) if rows.is_empty() => {
            whole(map, Code::Dropped, name, &format!("{check} {spec}"), "the table is empty");
        }
        Table::Missing => {
            whole(
                map,
                Code::Dropped,
                name,
                &format!("{check} {spec}"),
                "the table is not in the source, so it is treated as empty",
            );
        }
        Table::Rows(shape @ (Shape::Lookup | Shape::Cidr), rows) if !section.is_empty() => {
            let mut seen: Vec<String> = Vec::new();
            for row in rows {
                if found.only_listed && section == "access.senders" && found.allowed.take(row) {
                    continue;
                }
                access(map, name, section, *shape, row, &mut seen);
            }
            let order = rows.iter().any(|row| row.value.to_ascii_uppercase().starts_with("OK"));
            if order {
                map.say_if_open(name, Code::Key, &[section], "");
            }
        }
        Table::Rows(..) | Table::Database { .. } | Table::Other => {
            by_hand(map, name, stage, check, spec, found);
        }
        Table::Static(_) => {
            whole(map, Code::Lost, name, &format!("{check} {spec}"), "one answer for every key");
        }
        Table::Unreadable => {
            whole(map, Code::Lost, name, &format!("{check} {spec}"), "the table is encrypted");
        }
    }
}

/// The same for all rows of a table.
fn whole(map: &mut Map<'_, '_>, code: Code, name: &'static str, what: &str, reason: &str) {
    let place = place(map, name);
    map.other(code, what, place.as_ref(), reason);
}

/// A table that the administrator puts on the host.
fn by_hand(
    map: &mut Map<'_, '_>,
    name: &'static str,
    stage: &'static str,
    check: &str,
    spec: &str,
    found: &mut Found,
) {
    let (Some((kind, _)), Some(path)) = (tables::parts(spec), tables::file_of(spec)) else {
        whole(map, Code::Lost, name, &format!("{check} {spec}"), "a table that the package cannot contain");
        return;
    };
    if matches!(kind, "mysql" | "pgsql" | "ldap" | "sqlite") {
        whole(map, Code::Lost, name, &format!("{check} {kind}"), "access by a query of a database");
        return;
    }
    let kind = if matches!(kind, "btree" | "hash" | "lmdb" | "cdb" | "dbm") {
        "$default_database_type"
    } else {
        kind
    };
    map.own_files.push(path.to_owned());
    let stage = match check {
        "check_helo_access" => "helo",
        check if check.starts_with("check_sender") => "sender",
        check if check.starts_with("check_recipient") => "recipient",
        _ => stage,
    };
    found.words.push((stage, format!("{check} {kind}:{path}"), name));
}

/// One row of an access table.
fn access(
    map: &mut Map<'_, '_>,
    name: &'static str,
    section: &'static str,
    shape: Shape,
    row: &Row,
    seen: &mut Vec<String>,
) {
    let lost = |map: &mut Map<'_, '_>, reason: &str| {
        map.other(
            Code::Lost,
            &format!("{} {}", section, crate::diag::printable(&row.key)),
            Some(&row.place.clone()),
            reason,
        );
    };
    let (word, words) = row.value.split_once([' ', '\t']).unwrap_or((&row.value, ""));
    let said = words.trim();
    let upper = word.to_ascii_uppercase();
    let with = |action: &str| if said.is_empty() { action.to_owned() } else { format!("{action} {said}") };
    let action = match upper.as_str() {
        "OK" | "PERMIT" | "RELAY" => "permit".to_owned(),
        "DUNNO" => return,
        "REJECT" => with("reject"),
        "DEFER" => with("defer"),
        "DISCARD" => "discard".to_owned(),
        "HOLD" => "hold".to_owned(),
        code if code.len() == 3 && code.starts_with('5') && code.bytes().all(|b| b.is_ascii_digit()) => {
            with("reject")
        }
        code if code.len() == 3 && code.starts_with('4') && code.bytes().all(|b| b.is_ascii_digit()) => {
            with("defer")
        }
        code if !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()) => "permit".to_owned(),
        _ => return lost(map, &format!("`{}` is not an action of [access]", crate::diag::printable(word))),
    };
    let of_host = ["127.0.0.0/8", "127.0.0.1", "::1", "::1/128", "[::1]", "[::1]/128", "localhost"];
    if section == "access.clients" && of_host.contains(&row.key.as_str()) {
        map.other(Code::Implied, &row.key, Some(&row.place), "the host itself is trusted");
        return;
    }
    let key = if section == "access.clients" {
        match client(&row.key) {
            Some(network) => network,
            None => return lost(map, "a client by its name: [access.clients] has addresses and networks"),
        }
    } else {
        let key = row.key.trim_start_matches('.');
        if row.key.ends_with('@') {
            let local = row.key.trim_end_matches('@');
            if section == "access.recipients"
                && matches!(local, "postmaster" | "abuse")
                && action == "permit"
                && map.role.profile.receives()
            {
                map.other(
                    Code::Implied,
                    &row.key,
                    Some(&row.place.clone()),
                    "mail to postmaster and abuse is always accepted",
                );
                return;
            }
            return lost(map, "a local part at any domain");
        }
        if key == "<>" && action == "permit" {
            map.other(Code::Implied, &row.key, Some(&row.place.clone()), "bounces are accepted");
            return;
        }
        if !(is_address(key) || is_domain(key)) {
            return lost(map, "neither an address nor a domain");
        }
        key.to_owned()
    };
    // In a cidr table the first match applies, so rows after a wider network never had an effect.
    if shape == Shape::Cidr {
        let covered = seen.iter().any(|wider| contains(wider, &key));
        seen.push(key.clone());
        if covered {
            map.other(
                Code::Dropped,
                &format!("{section} {key}"),
                Some(&row.place.clone()),
                "it follows a wider network, so it never had an effect",
            );
            return;
        }
    }
    if map.draft.get(section, &key).is_none() {
        map.key(section, &key, action, &[name]);
    }
}

/// An address, a network, or its first octets.
fn client(key: &str) -> Option<String> {
    let octets: Vec<&str> = key.trim_end_matches('.').split('.').collect();
    if octets.len() < 4 && octets.iter().all(|octet| octet.parse::<u8>().is_ok()) {
        let mut whole = octets.clone();
        whole.resize(4, "0");
        return Some(format!("{}/{}", whole.join("."), octets.len() * 8));
    }
    network(key)
}

fn contains(wider: &str, narrower: &str) -> bool {
    let read = |text: &str| {
        let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: std::net::IpAddr = host.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Some(crate::postfix::Network::containing(address, prefix.parse().unwrap_or(bits)))
    };
    matches!((read(wider), read(narrower)), (Some(wider), Some(narrower)) if wider.contains(&narrower))
}
