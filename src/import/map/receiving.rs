//! `[inbound]` and `[transports]`: domains of backends, domains of aliases, and transports.

use std::collections::BTreeMap;

use super::smarthost::hop;
use super::{Code, Map, is_address, is_domain, list, one_or_list};
use crate::import::role::{alias_domains, is_local_name};
use crate::import::tables::{self, Row, Shape, Table};

pub(super) fn map(map: &mut Map<'_, '_>) {
    let mut routes = routes(map);
    if map.role.profile.receives() {
        relayed(map, &mut routes);
        alias_domains_of(map);
        aliases(map);
    } else {
        local_domains(map);
        sender_aliases(map);
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
    transports(map, &routes);
}

/// Rows of transport_maps by their key.
fn routes(map: &mut Map<'_, '_>) -> BTreeMap<String, Row> {
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
                        "mail.acme.example",
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
                "mail.acme.example",
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

/// Domains that contain only aliases, without names of the host itself.
fn alias_domains_of(map: &mut Map<'_, '_>) {
    let mailboxes = map.role.profile == crate::relay::Profile::MailServer;
    let domains: Vec<String> = alias_domains(map.reading)
        .into_iter()
        .filter(|domain| is_domain(domain) && !is_local_name(map.reading, domain))
        .collect();
    let hosts: Vec<String> =
        alias_domains(map.reading).into_iter().filter(|domain| is_local_name(map.reading, domain)).collect();
    for host in hosts {
        map.other(
            Code::Changed,
            &format!("alias domain {host}"),
            map.reading.setting("virtual_alias_domains").map(|it| &it.place),
            "a name of the host itself: its names become [aliases]",
        );
    }
    if domains.is_empty() {
        map.say_if_open(
            "virtual_alias_domains",
            Code::Implied,
            &["inbound.alias-domains"],
            "no domain is in it",
        );
    } else if mailboxes {
        // A mail server takes the domains of its aliases from the aliases.
        map.key("inbound", "alias-domains", list(domains), &["virtual_alias_domains"]);
    } else {
        let origin = if map.reading.is_set("virtual_alias_domains") {
            "virtual_alias_domains"
        } else {
            "virtual_alias_maps"
        };
        map.key("inbound", "alias-domains", list(domains), &[origin]);
    }
}

/// virtual_alias_maps of a relay that receives: rows of domains that it serves, and rows of others.
fn aliases(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let served: Vec<String> = alias_domains(reading)
        .into_iter()
        .chain(
            map.draft
                .entries()
                .iter()
                .filter(|entry| entry.section == "inbound.domains")
                .map(|entry| entry.key.clone()),
        )
        .chain(reading.list("virtual_mailbox_domains"))
        .collect();
    let mailboxes = map.role.profile == crate::relay::Profile::MailServer;
    let section = if mailboxes { "mailboxes.aliases" } else { "inbound.aliases" };
    for parameter in ["virtual_alias_maps", "virtual_maps"] {
        if !reading.is_set(parameter) {
            continue;
        }
        let tables = reading.tables(parameter);
        for (spec, table) in &tables {
            match &**table {
                Table::Rows(Shape::Lookup, rows) => {
                    for row in rows {
                        alias(map, parameter, section, row, &served);
                    }
                }
                Table::Rows(_, rows) => {
                    for row in rows {
                        map.other(Code::Lost, parameter, Some(&row.place.clone()), "an alias by pattern");
                    }
                    if !rows.is_empty() {
                        map.say(parameter, Code::Lost, &[section], "aliases by pattern");
                    }
                }
                Table::Missing | Table::Database { .. } => {}
                _ => {
                    map.other(
                        Code::Lost,
                        spec,
                        reading.setting(parameter).map(|it| &it.place),
                        "aliases by a table that cannot be read here",
                    );
                    map.say(parameter, Code::Lost, &[section], "a table that cannot be read here");
                }
            }
        }
        let database = tables.iter().any(|(_, table)| matches!(&**table, Table::Database { .. }));
        if !database {
            map.say_if_open(parameter, Code::Key, &["aliases", section], "");
        }
    }
}

fn alias(
    map: &mut Map<'_, '_>,
    parameter: &'static str,
    section: &'static str,
    row: &Row,
    served: &[String],
) {
    let reading = map.reading;
    let place = row.place.clone();
    let Some((local, domain)) = row.key.split_once('@') else { return };
    if is_local_name(reading, domain)
        || domain.eq_ignore_ascii_case(&reading.value("myorigin")) && !served.iter().any(|own| own == domain)
    {
        return;
    }
    if !served.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
        map.other(
            Code::Dropped,
            &format!("alias {}", row.key),
            Some(&place),
            "in a domain of other servers: it only redirected mail that left through this host",
        );
        return;
    }
    let mut good = Vec::new();
    for target in tables::targets(&row.value).iter().flat_map(|target| target.split_whitespace()) {
        let target = target.trim_matches(['<', '>']);
        let here = target.rsplit_once('@').is_none_or(|(_, domain)| {
            reading.list("mydestination").iter().any(|own| own.eq_ignore_ascii_case(domain))
                && !served.iter().any(|own| own.eq_ignore_ascii_case(domain))
        });
        if here {
            let name = target.split('@').next().unwrap_or(target).to_owned();
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                &format!("its mail went to the mailbox of {name} on this host"),
            );
        } else if is_address(target) {
            good.push(target.to_owned());
        } else {
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                &format!("its target `{}` is not a plain address", crate::diag::printable(target)),
            );
        }
    }
    if good.is_empty() || !(local.is_empty() || is_address(&row.key)) {
        if !good.is_empty() {
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                "its name is not a plain address",
            );
        }
        return;
    }
    if map.draft.get(section, &row.key).is_none() {
        map.key(section, &row.key, one_or_list(good), &[parameter]);
    }
}

/// A relay that takes no mail for domains: its alias domains are local names.
fn local_domains(map: &mut Map<'_, '_>) {
    if !map.reading.is_set("virtual_alias_domains") {
        return;
    }
    let domains: Vec<String> = alias_domains(map.reading)
        .into_iter()
        .filter(|domain| is_domain(domain) && !is_local_name(map.reading, domain))
        .collect();
    if domains.is_empty() {
        map.say("virtual_alias_domains", Code::Implied, &["relay.local-domains"], "no domain is in it");
    } else {
        map.key("relay", "local-domains", list(domains), &["virtual_alias_domains"]);
    }
}

/// Aliases of addresses with a domain, of a relay that only sends.
fn sender_aliases(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    for parameter in ["virtual_alias_maps", "virtual_maps"] {
        if !reading.is_set(parameter) {
            continue;
        }
        let mut any = false;
        for (spec, table) in reading.tables(parameter) {
            match &*table {
                Table::Rows(Shape::Lookup, rows) => {
                    for row in rows {
                        any = true;
                        let Some((_, domain)) = row.key.split_once('@') else { continue };
                        if is_local_name(reading, domain)
                            || domain.eq_ignore_ascii_case(&reading.value("myorigin"))
                        {
                            continue;
                        }
                        map.other(
                            Code::Lost,
                            &format!("alias {}", row.key),
                            Some(&row.place.clone()),
                            "an address in another domain, to which mail through this host was redirected",
                        );
                    }
                }
                Table::Rows(_, rows) => {
                    for row in rows {
                        any = true;
                        if super::identity::catches_all(&row.key) {
                            let target = row.value.clone();
                            let same = map.root.contains(&target);
                            let (code, reason) = if same {
                                (Code::Changed, "all mail went there; now only mail to local names does")
                            } else {
                                (Code::Lost, "all mail went to one address, for any recipient")
                            };
                            map.other(code, parameter, Some(&row.place.clone()), reason);
                        } else {
                            map.other(Code::Lost, parameter, Some(&row.place.clone()), "an alias by pattern");
                        }
                    }
                }
                Table::Missing => {}
                _ => {
                    any = true;
                    map.other(
                        Code::Lost,
                        &spec,
                        reading.setting(parameter).map(|it| &it.place),
                        "aliases by a table that cannot be read here",
                    );
                    map.say(parameter, Code::Lost, &["aliases"], "a table that cannot be read here");
                }
            }
        }
        if any {
            map.say_if_open(parameter, Code::Key, &["relay.root-mail-to", "aliases"], "");
        } else {
            map.say_if_open(parameter, Code::Dropped, &["aliases"], "the table is empty");
        }
    }
}

/// Ways of single domains and addresses.
fn transports(map: &mut Map<'_, '_>, routes: &BTreeMap<String, Row>) {
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
    if any {
        map.say_if_open(name, Code::Implied, &["transports"], "no separate transport is left");
    } else {
        map.say_if_open(name, Code::Dropped, &["transports"], "the table is empty");
    }
}
