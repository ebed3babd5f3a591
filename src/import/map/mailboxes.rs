//! `[mailboxes]` and `[database]` of a mail server.

use std::collections::BTreeMap;

use super::{Code, Map, is_address, list};
use crate::import::tables::{Shape, Table};
use crate::relay::Profile;

pub(super) fn map(map: &mut Map<'_, '_>) {
    if map.role.profile != Profile::MailServer {
        return;
    }
    if !database(map) {
        listed(map);
    }
    delivery(map);
    for name in ["virtual_mailbox_domains", "virtual_mailbox_maps"] {
        map.say_if_open(name, Code::Key, &["mailboxes.addresses"], "");
    }
}

/// The first database that a list of tables names.
fn settings(map: &Map<'_, '_>, name: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let tables = map.reading.tables(name).into_iter();
    tables
        .filter_map(|(_, table)| match &*table {
            Table::Database { kind, settings } => Some((kind.clone(), settings.clone())),
            _ => None,
        })
        .collect()
}

fn database(map: &mut Map<'_, '_>) -> bool {
    let lists = ["virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_alias_maps"];
    let found: Vec<_> = lists.iter().map(|name| settings(map, name)).collect();
    let Some((kind, first)) = found.iter().flatten().next().cloned() else { return false };
    if !matches!(kind.as_str(), "mysql" | "pgsql") {
        for name in lists {
            if !settings(map, name).is_empty() {
                let what = if kind == "ldap" {
                    "a directory: write [database] by hand (kind = \"ldap\")"
                } else {
                    "a database in a file"
                };
                map.say(name, Code::Lost, &["database"], what);
            }
        }
        if kind == "ldap" {
            directory(map, &first);
            return true;
        }
        return false;
    }
    let name = first.get("dbname").cloned().unwrap_or_default();
    if kind != "mysql" {
        map.draft.set("database", "kind", kind, &lists);
    }
    let hosts = first.get("hosts").cloned().unwrap_or_default();
    let host = hosts.split([' ', ',']).find(|host| !host.is_empty()).unwrap_or("localhost").to_owned();
    let (host, port) = split_port(host.trim_start_matches("inet:"));
    let host = host.strip_prefix("unix:").map_or(host.clone(), str::to_owned);
    if host != "localhost" {
        map.key("database", "host", host, &lists);
    }
    let port = port.or_else(|| first.get("port").cloned()).and_then(|port| port.parse::<i64>().ok());
    if let Some(port) = port.filter(|port| ![3306, 5432].contains(port)) {
        map.key("database", "port", port, &lists);
    }
    if name.is_empty() {
        map.draft.ask("database", "name", false, "vimbadmin", "the name of the database");
    } else {
        map.key("database", "name", name, &lists);
    }
    for (list, key) in lists.iter().zip(["domains", "mailboxes", "aliases"]) {
        query(map, list, key);
    }
    true
}

/// `host:port`.
fn split_port(text: &str) -> (String, Option<String>) {
    match text.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !host.contains(':') =>
        {
            (host.to_owned(), Some(port.to_owned()))
        }
        _ => (text.to_owned(), None),
    }
}

/// The query of a table; the older form has its parts in separate parameters.
fn text(settings: &BTreeMap<String, String>) -> Option<String> {
    if let Some(query) = settings.get("query") {
        return Some(query.trim().to_owned());
    }
    let (select, table, place) =
        (settings.get("select_field")?, settings.get("table")?, settings.get("where_field")?);
    let more = settings.get("additional_conditions").map(|more| format!(" {more}")).unwrap_or_default();
    Some(format!("SELECT {select} FROM {table} WHERE {place} = '%s'{more}"))
}

fn query(map: &mut Map<'_, '_>, name: &'static str, key: &str) {
    let all = settings(map, name);
    let path = format!("database.queries.{key}");
    let Some((_, first)) = all.first() else { return };
    let place = map.reading.setting(name).map(|setting| setting.place.clone());
    if all.len() > 1 {
        map.other(
            Code::Lost,
            name,
            place.as_ref(),
            "several queries in one list: a single query must cover all of it",
        );
        map.draft.ask(
            "database.queries",
            key,
            false,
            "SELECT 1 FROM x WHERE y = '%s'",
            &format!("{name} has {} queries; write a single one that covers all", all.len()),
        );
        map.say(name, Code::Lost, &[&path], "several queries in one list");
        return;
    }
    let Some(query) = text(first) else {
        map.draft.ask(
            "database.queries",
            key,
            false,
            "SELECT 1 FROM x WHERE y = '%s'",
            &format!("the query of {name}"),
        );
        return;
    };
    if let Some(format) = first.get("result_format").or_else(|| first.get("result_attribute")) {
        map.other(
            Code::Lost,
            name,
            place.as_ref(),
            &format!("the answer is modified by `{}`", crate::diag::printable(format)),
        );
    }
    let lower = query.to_lowercase();
    let path_like = lower.contains("maildir") || lower.contains("'/'") || lower.contains("/mail");
    if key == "mailboxes" && path_like {
        map.draft.ask(
            "database.queries",
            key,
            false,
            &query,
            &format!(
                "{}: the query returns a folder, but it must return the login: {query}",
                place.as_ref().map_or_else(String::new, ToString::to_string)
            ),
        );
        map.other(
            Code::Asked,
            name,
            place.as_ref(),
            "the query returns a folder, but it must return the login of the mailbox",
        );
        map.say(name, Code::Changed, &[&path], "the query must return the login of the mailbox");
        return;
    }
    map.key("database.queries", key, query, &[name]);
}

fn directory(map: &mut Map<'_, '_>, settings: &BTreeMap<String, String>) {
    map.draft.set("database", "kind", "ldap", &["virtual_mailbox_domains"]);
    let host = settings.get("server_host").cloned().unwrap_or_default();
    let host = host.split_whitespace().next().unwrap_or_default().to_owned();
    if host.starts_with("ldap") {
        map.draft.set("database", "host", host, &["virtual_mailbox_maps"]);
    } else if !host.is_empty() && host != "localhost" {
        map.draft.set("database", "host", format!("ldap://{host}"), &["virtual_mailbox_maps"]);
    }
    match settings.get("search_base") {
        Some(base) => {
            map.draft.set("database", "base", base.clone(), &["virtual_mailbox_maps"]);
        }
        None => {
            map.draft.ask(
                "database",
                "base",
                false,
                "dc=acme,dc=example",
                "the base of the search in the directory",
            );
        }
    }
}

/// Mailboxes of a table.
fn listed(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let mut addresses: Vec<String> = Vec::new();
    let mut unknown = false;
    for (spec, table) in reading.tables("virtual_mailbox_maps") {
        match &*table {
            Table::Rows(Shape::Lookup, rows) => {
                for row in rows {
                    if is_address(&row.key) {
                        addresses.push(row.key.clone());
                    } else {
                        map.other(
                            Code::Lost,
                            &format!("mailbox {}", row.key),
                            Some(&row.place.clone()),
                            "not a plain address",
                        );
                    }
                }
            }
            Table::Missing => unknown = true,
            _ => {
                unknown = true;
                map.other(
                    Code::Lost,
                    &spec,
                    reading.setting("virtual_mailbox_maps").map(|it| &it.place),
                    "mailboxes by a table that cannot be read here",
                );
                map.say(
                    "virtual_mailbox_maps",
                    Code::Lost,
                    &["mailboxes.addresses"],
                    "a table that cannot be read here",
                );
            }
        }
    }
    if addresses.is_empty() {
        let domains = reading.list("virtual_mailbox_domains").join(", ");
        let of = if domains.is_empty() || domains.contains(':') {
            String::new()
        } else {
            format!(" in {domains}")
        };
        let question = if reading.is_set("virtual_mailbox_maps") && unknown {
            format!("who has a mailbox{of}? The table is not in the source.")
        } else if reading.is_set("virtual_mailbox_domains") {
            format!("who has a mailbox{of}? Only Dovecot has the list today.")
        } else {
            "who has a mailbox? Users of the host have them today.".to_owned()
        };
        map.draft.ask("mailboxes", "addresses", true, "jane@mailboxes.example", &question);
        map.other(Code::Asked, "mailboxes.addresses", None, "who has a mailbox?");
        map.say(
            "virtual_mailbox_domains",
            Code::Lost,
            &["mailboxes.addresses"],
            "the source does not list the addresses with a mailbox",
        );
    } else {
        let count = addresses.len();
        map.key(
            "mailboxes",
            "addresses",
            list(addresses),
            &["virtual_mailbox_maps", "virtual_mailbox_domains"],
        );
        debug_assert!(count > 0);
    }
}

/// The LMTP server of the mailboxes.
fn delivery(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let name = "virtual_transport";
    let value = reading.value(name);
    let origin = if reading.is_set(name) { name } else { "mailbox_transport" };
    let value = if reading.is_set(name) { value } else { reading.value("mailbox_transport") };
    if let Some(place) = value.strip_prefix("lmtp:") {
        let place = place.strip_prefix("unix:").unwrap_or(place).trim_start_matches("inet:");
        let place = place.strip_prefix("/var/spool/postfix/").unwrap_or(place).trim_end_matches('/');
        if place == "private/dovecot-lmtp" {
            map.say(origin, Code::Implied, &["mailboxes.lmtp"], "the default of the spec");
        } else if place.starts_with('/') {
            map.say(origin, Code::Lost, &["mailboxes.lmtp"], "a socket outside the queue folder of Postfix");
        } else {
            let plain = super::smarthost::hop(place).filter(|hop| hop.port.is_some() || hop.bracketed);
            let text = match plain {
                Some(hop) if !place.contains('/') => {
                    let host = if hop.host.contains(':') { format!("[{}]", hop.host) } else { hop.host };
                    format!("{host}:{}", hop.port.unwrap_or(24))
                }
                _ => place.to_owned(),
            };
            map.key("mailboxes", "lmtp", text, &[origin]);
        }
        return;
    }
    let words = if value.is_empty() || value == "virtual" {
        "mailboxes were written by virtual(8) or local(8): now Dovecot receives them by LMTP (private/dovecot-lmtp), where it has to listen".to_owned()
    } else {
        format!(
            "mail went to Dovecot's LDA by the service `{}`: now by LMTP (private/dovecot-lmtp), where Dovecot has to listen",
            crate::diag::printable(&value)
        )
    };
    map.say(origin, Code::Changed, &["mailboxes.lmtp"], &words);
    map.other(Code::Changed, "delivery to mailboxes", reading.setting(origin).map(|it| &it.place), &words);
}
