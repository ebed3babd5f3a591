//! `[[smarthost]] senders`: smarthosts and accounts by sender (SASL_README, "Configuring Sender-Dependent SASL authentication").

use super::hops::{Hop, hop};
use super::smarthost::{account_of, add_account, default_hop_keys, login_parts};
use super::{Map, one_or_list};
use crate::import::tables::{Row, Shape, Table};

/// Parameters with the server of a sender. Postfix prefers a transport to a server.
const WAYS: [&str; 2] = ["sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps"];
const ACCOUNTS: &str = "smtp_sender_dependent_authentication";

/// Senders with one server and one account.
struct Group {
    hop: Hop,
    /// `user:password`; `None` without a login.
    login: Option<String>,
    senders: Vec<String>,
}

/// Adds a smarthost for each server and account of single senders. `default` is the first smarthost of all others.
pub(super) fn map(map: &mut Map<'_, '_>, default: &Hop) {
    let Some(rows) = rows(map) else { return };
    let by_sender = map.reading.yes(ACCOUNTS);
    let passwords = passwords(map);
    let account = |sender: &str, hop: &Hop| {
        let of_sender = passwords.iter().find(|row| by_sender && matches(&row.key, sender));
        let of_server = || account_of(&passwords, std::slice::from_ref(hop));
        of_sender.map(|row| row.value.clone()).or_else(of_server)
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut add = |sender: &str, hop: Hop| {
        let login = account(sender, &hop);
        match groups.iter_mut().find(|group| group.hop == hop && group.login == login) {
            Some(group) => group.senders.push(sender.to_owned()),
            None => groups.push(Group { hop, login, senders: vec![sender.to_owned()] }),
        }
    };
    for (sender, hop) in &rows {
        add(sender, hop.clone());
    }
    if by_sender {
        let alone = |row: &&Row| row.key.contains('@') && !rows.iter().any(|(sender, _)| *sender == row.key);
        for row in passwords.iter().filter(alone) {
            // The server of a domain is also that of its addresses.
            let domain = row.key.find('@').map_or("", |at| &row.key[at..]);
            let of_domain = rows.iter().find(|(sender, _)| sender == domain).map(|(_, hop)| hop);
            add(&row.key, of_domain.unwrap_or(default).clone());
        }
    }
    if groups.is_empty() {
        return;
    }
    let count = first_list(map);
    let mut names = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let name = name(group, &names);
        one(map, &format!("smarthost#{}", count + index), &name, group);
        names.push(name);
    }
}

/// Each sender with its server; `None` if a table has no rows that can be read.
fn rows(map: &Map<'_, '_>) -> Option<Vec<(String, Hop)>> {
    let mut rows: Vec<(String, Hop)> = Vec::new();
    for parameter in WAYS {
        for (_, table) in map.reading.tables(parameter) {
            let Table::Rows(Shape::Lookup, own) = &*table else { return None };
            for row in own {
                if row.value.eq_ignore_ascii_case("dunno")
                    || rows.iter().any(|(sender, _)| *sender == row.key)
                {
                    continue;
                }
                let ours =
                    row.value.starts_with('[') || !row.value.contains(':') || hop(&row.value)?.port.is_some();
                rows.push((row.key.clone(), hop(&row.value).filter(|_| ours && is_sender(&row.key))?));
            }
        }
    }
    Some(rows)
}

fn is_sender(key: &str) -> bool {
    key.starts_with('@') || super::is_address(key)
}

/// Whether a key of the password table is for a sender.
fn matches(key: &str, sender: &str) -> bool {
    key == sender || (key.starts_with('@') && sender.ends_with(key))
}

fn passwords(map: &Map<'_, '_>) -> Vec<Row> {
    let tables = map.reading.tables("smtp_sasl_password_maps");
    let rows = tables.iter().filter_map(|(_, table)| match &**table {
        Table::Rows(_, rows) => Some(rows.clone()),
        _ => None,
    });
    rows.flatten().collect()
}

/// Turns a single `[smarthost]` into the first of a list. Returns their count.
fn first_list(map: &mut Map<'_, '_>) -> usize {
    let plain: Vec<super::Entry> =
        map.draft.entries().iter().filter(|entry| entry.section == "smarthost").cloned().collect();
    if !plain.is_empty() || !map.draft.has_section("smarthost#0") {
        for entry in &plain {
            let origins: Vec<&str> = entry.origins.iter().map(String::as_str).collect();
            map.key("smarthost#0", &entry.key, entry.value.clone(), &origins)
                .comments
                .clone_from(&entry.comments);
        }
        map.draft.drop_section("smarthost");
        if plain.is_empty() {
            // The provider preset decides everything, and a section needs a key.
            map.key("smarthost#0", "name", "primary", &["relayhost"]);
        }
        return 1;
    }
    (0..map.draft.entries().len())
        .take_while(|index| map.draft.has_section(&format!("smarthost#{index}")))
        .count()
}

/// A free name: the first label of the domain of the first sender, with a number if it is taken.
fn name(group: &Group, taken: &[String]) -> String {
    let domain =
        group.senders.first().and_then(|sender| sender.rsplit_once('@')).map_or("", |(_, domain)| domain);
    let label: String =
        domain.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let label =
        if label.starts_with(|c: char| c.is_ascii_lowercase()) { label } else { format!("account{label}") };
    let label: String = label.chars().take(20).collect();
    let used =
        |name: &str| taken.iter().any(|one| one == name) || ["primary", "backup", "database"].contains(&name);
    if !used(&label) {
        return label;
    }
    (2..=taken.len() + 2).map(|number| format!("{label}-{number}")).find(|name| !used(name)).unwrap_or(label)
}

fn one(map: &mut Map<'_, '_>, section: &str, name: &str, group: &Group) {
    let origins: Vec<&str> = WAYS.iter().copied().chain([ACCOUNTS]).collect();
    map.key(section, "name", name, &[]);
    map.key(section, "host", group.hop.host.to_ascii_lowercase(), &[]);
    for (key, value) in default_hop_keys(map, &group.hop) {
        map.key(section, key, value, &[]);
    }
    map.key(section, "senders", one_or_list(group.senders.clone()), &origins);
    let Some(login) = &group.login else {
        map.key(section, "auth", "none", &[]);
        return;
    };
    let (user, password) = login_parts(login);
    add_account(map, &format!("RELAY_{}", name.to_uppercase().replace('-', "_")), user, password);
}
