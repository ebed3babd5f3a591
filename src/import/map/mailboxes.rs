//! `[mailboxes]` and `[database]` of a mail server.

use std::collections::BTreeMap;

use super::{Code, Map, is_address, is_domain, list};
use crate::import::reading::Reading;
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

/// Domains with mailboxes, in lower case, and whether a table that cannot be read here has more.
pub(super) fn domains(reading: &Reading<'_>) -> (Vec<String>, bool) {
    let (mut domains, mut unknown) = (Vec::new(), false);
    for item in reading.list("virtual_mailbox_domains") {
        if !item.contains(':') {
            domains.push(item.to_lowercase());
            continue;
        }
        match &*reading.table(&item) {
            // The list can also be a table of mailboxes.
            Table::Rows(Shape::Lookup, rows) => {
                domains.extend(rows.iter().map(|row| row.key.clone()).filter(|key| is_domain(key)));
            }
            Table::Rows(..) => {}
            _ => unknown = true,
        }
    }
    (domains, unknown)
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
        if kind == "ldap" {
            directory(map, &first, lists);
            return true;
        }
        for name in lists {
            if !settings(map, name).is_empty() {
                map.say(name, Code::Lost, &["database"], "a database in a file");
            }
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
    // `SELECT 1` only says that there is one.
    let constant = lower.strip_prefix("select").is_some_and(|rest| {
        rest.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '\'' || c == '"')
    });
    if key == "mailboxes" && (path_like || constant) {
        let what = if constant { "a constant" } else { "a folder" };
        map.draft.ask(
            "database.queries",
            key,
            false,
            &query,
            &format!(
                "{}: the query returns {what}, but it must return the login: {query}",
                place.as_ref().map_or_else(String::new, ToString::to_string)
            ),
        );
        map.other(
            Code::Asked,
            &path,
            place.as_ref(),
            &format!("the query returns {what}, but it must return the login of the mailbox"),
        );
        map.say(name, Code::Changed, &[&path], "the query must return the login of the mailbox");
        return;
    }
    map.key("database.queries", key, query, &[name]);
}

/// A directory: its server, where to search, and the attributes that answer.
fn directory(map: &mut Map<'_, '_>, first: &BTreeMap<String, String>, lists: [&'static str; 3]) {
    map.key("database", "kind", "ldap", &lists);
    let host = first.get("server_host").cloned().unwrap_or_default();
    let host = host.split_whitespace().next().unwrap_or_default().to_owned();
    if host.starts_with("ldap") {
        map.key("database", "host", host.trim_end_matches('/').to_owned(), &lists);
    } else if !host.is_empty() && host != "localhost" {
        map.key("database", "host", format!("ldap://{host}"), &lists);
    }
    let port = first.get("server_port").and_then(|port| port.trim().parse::<i64>().ok());
    if let Some(port) = port.filter(|port| ![389, 636].contains(port)) {
        map.key("database", "port", port, &lists);
    }
    match first.get("search_base") {
        Some(base) => {
            map.key("database", "base", base.clone(), &lists);
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
    for (name, (key, usual)) in
        lists.into_iter().zip([("domains", "associatedDomain"), ("mailboxes", "mail"), ("aliases", "mail")])
    {
        let all = settings(map, name);
        let Some((_, own)) = all.first() else { continue };
        let attribute = own.get("result_attribute").map_or("maildrop", |text| text.trim()).to_owned();
        // A folder is no login.
        let lower = attribute.to_lowercase();
        let folder =
            key == "mailboxes" && ["store", "maildir", "mailbox"].iter().any(|word| lower.contains(word));
        if attribute != usual && !attribute.contains([',', ' ']) && !folder {
            map.key("database.results", key, attribute, &[name]);
        }
        let place = map.reading.setting(name).map(|setting| setting.place.clone());
        let filter = own.get("query_filter").map_or("(mailacceptinggeneralid=%s)", |text| text.trim());
        let reason = format!(
            "the filter `{}`: [database] finds an entry by the attribute in [database.results]",
            crate::diag::printable(filter)
        );
        map.other(Code::Changed, &format!("query of {name}"), place.as_ref(), &reason);
        if own.get("search_base") != first.get("search_base") || all.len() > 1 {
            let reason = "searches in several places of the directory: [database] has one `base`";
            map.other(Code::Lost, &format!("query of {name}"), place.as_ref(), reason);
        }
        map.say(name, Code::Changed, &["database"], "asked by the filter of postpack");
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
                    } else if !is_domain(&row.key) {
                        let all = row.key.starts_with('@');
                        let reason = if all {
                            "one mailbox for all addresses of a domain: list its own address in [mailboxes], and send the others there by an alias"
                        } else {
                            "not a plain address"
                        };
                        map.other(
                            Code::Lost,
                            &format!("mailbox {}", row.key),
                            Some(&row.place.clone()),
                            reason,
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
        let served = |domain: &String| {
            let of_domain = |address: &str| address.rsplit_once('@').is_some_and(|(_, own)| own == domain);
            addresses.iter().any(|address| of_domain(address))
                || map
                    .draft
                    .entries()
                    .iter()
                    .any(|entry| entry.section == "mailboxes.aliases" && of_domain(&entry.key.to_lowercase()))
        };
        let empty: Vec<String> = domains(reading).0.into_iter().filter(|domain| !served(domain)).collect();
        for domain in empty {
            let place = reading.setting("virtual_mailbox_domains").map(|it| &it.place);
            let reason = "no address of it is listed, so its mail would be rejected";
            map.other(Code::Lost, &format!("mailbox domain {domain}"), place, reason);
        }
        map.key(
            "mailboxes",
            "addresses",
            list(addresses),
            &["virtual_mailbox_maps", "virtual_mailbox_domains"],
        );
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
            let plain = super::hops::hop(place).filter(|hop| hop.port.is_some() || hop.bracketed);
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
