//! master.cf: `[submission]`, `[postscreen]`, and services that a person changed or added.

use super::{Code, Map, patterns};
use crate::import::reading::Placed;
use crate::import::stock;
use crate::import::tables::{Shape, Table};
use crate::postfix::master_cf::{Argument, Kind, Service};
use crate::relay::Profile;

/// Options that say what the relay says already, or what only the log shows.
const HARMLESS: [&str; 4] = ["syslog_name", "smtp_fallback_relay", "fallback_relay", "smtpd_tls_wrappermode"];

pub(super) fn map(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let Some(services) = &reading.services else { return };
    let mut ports = Vec::new();
    for placed in services {
        if let Some(port) = submission_port(&placed.service) {
            ports.push(port);
            submission(map, placed, port);
        }
    }
    for placed in services.iter().filter(|placed| submission_port(&placed.service).is_none()) {
        if placed.service.command == "postscreen" {
            postscreen(map, placed);
        } else if placed.stocks.is_empty() {
            let subject = format!("service {}", placed.service.id());
            let mapped = |other: &super::Other| other.code == Code::Key && other.subject == subject;
            if !map.others.iter().any(mapped) {
                changed(map, placed);
            }
        }
    }
    if matches!(map.role.profile, Profile::Submission | Profile::MailServer) {
        ports.sort_unstable();
        ports.dedup();
        if ports == [465] || ports == [587] {
            map.draft.set("submission", "ports", i64::from(ports[0]), &[]);
        }
    }
}

/// The port of a service for users.
fn submission_port(service: &Service) -> Option<u16> {
    if service.kind != Kind::Inet || service.command != "smtpd" {
        return None;
    }
    match service.name.rsplit(':').next()? {
        "submission" | "587" => Some(587),
        "smtps" | "submissions" | "465" => Some(465),
        _ => None,
    }
}

fn submission(map: &mut Map<'_, '_>, placed: &Placed, port: u16) {
    let id = placed.service.id();
    match map.role.profile {
        Profile::Submission | Profile::MailServer => {
            map.other(
                Code::Key,
                &format!("service {id}"),
                Some(&placed.place),
                &format!("port {port} for users: [submission]"),
            );
            for argument in &placed.service.arguments {
                if let Argument::Override(name, value) = argument
                    && name == "cleanup_service_name"
                    && strips(map, value.as_str())
                {
                    continue;
                }
                if let Argument::Override(name, value) = argument
                    && matches!(
                        name.as_str(),
                        "content_filter" | "cleanup_service_name" | "smtpd_milters" | "header_checks"
                    )
                {
                    map.other(
                        Code::Changed,
                        &format!("service {id} {name}={value}"),
                        Some(&placed.place),
                        "mail of users goes the same way as other mail",
                    );
                }
            }
        }
        Profile::NullClient => map.other(
            Code::Dropped,
            &format!("service {id}"),
            Some(&placed.place),
            "only the host itself can connect",
        ),
        _ => {
            let reason = if crate::import::role::logs_users_in(map.reading) {
                "users of this profile log in on port 25"
            } else {
                "there are no logins, so the port has no use"
            };
            map.other(Code::Dropped, &format!("service {id}"), Some(&placed.place), reason);
        }
    }
}

/// The usual cleanup service for mail of users, which only removes headers: `[submission] strip`.
fn strips(map: &mut Map<'_, '_>, cleanup: &str) -> bool {
    let Some(placed) = service(map, cleanup) else { return false };
    let mut headers: Vec<String> = Vec::new();
    for argument in &placed.service.arguments {
        let Argument::Override(name, value) = argument else { return false };
        match name.as_str() {
            "syslog_name" => {}
            "header_checks" | "mime_header_checks" => {
                for spec in crate::import::tables::items(&map.reading.expand(value.as_str())) {
                    let table = map.reading.table(&spec);
                    let Table::Rows(Shape::Regexp | Shape::Pcre, rows) = &*table else { return false };
                    for row in rows {
                        let removed = row.value.eq_ignore_ascii_case("ignore");
                        match patterns::header(&row.key).filter(|_| removed) {
                            Some(header) if !headers.contains(&header) => headers.push(header),
                            Some(_) => {}
                            None => return false,
                        }
                    }
                }
            }
            _ => return false,
        }
    }
    if headers.is_empty() {
        return false;
    }
    map.draft.set("submission", "strip", super::list(headers), &[]);
    map.other(
        Code::Key,
        &format!("service {}", placed.service.id()),
        Some(&placed.place),
        "[submission] strip",
    );
    true
}

/// The service of that name on a socket of Postfix.
fn service(map: &Map<'_, '_>, name: &str) -> Option<Placed> {
    let mut all = map.reading.services.iter().flatten();
    all.find(|placed| placed.service.name == name && placed.service.kind != Kind::Inet).cloned()
}

fn postscreen(map: &mut Map<'_, '_>, placed: &Placed) {
    let id = placed.service.id();
    if !map.role.profile.receives() {
        map.other(
            Code::Dropped,
            &format!("service {id}"),
            Some(&placed.place),
            "a relay with known clients needs no postscreen",
        );
        return;
    }
    map.draft.set("postscreen", "enabled", true, &[]);
    map.other(Code::Key, &format!("service {id}"), Some(&placed.place), "[postscreen]");
    if !map.reading.is_set("postscreen_dnsbl_sites") {
        return;
    }
    for site in map.reading.list("postscreen_dnsbl_sites") {
        let (zone, weight) = site.split_once('*').unwrap_or((&site, "1"));
        match weight.parse::<i64>() {
            Ok(weight) => {
                map.key("postscreen.lists", zone, weight, &["postscreen_dnsbl_sites"]);
            }
            Err(_) => map.other(
                Code::Lost,
                &site,
                map.reading.setting("postscreen_dnsbl_sites").map(|it| &it.place),
                "not a weight of a list",
            ),
        }
    }
    if let Ok(threshold) = map.reading.value("postscreen_dnsbl_threshold").parse::<i64>()
        && map.reading.is_set("postscreen_dnsbl_threshold")
    {
        if threshold == 1 {
            map.say(
                "postscreen_dnsbl_threshold",
                Code::Implied,
                &["postscreen.threshold"],
                "the default of the spec",
            );
        } else {
            map.key("postscreen", "threshold", threshold, &["postscreen_dnsbl_threshold"]);
        }
    }
}

/// A service that no package brings like this.
fn changed(map: &mut Map<'_, '_>, placed: &Placed) {
    let service = &placed.service;
    let subject = format!("service {}", service.id());
    // An older form of the same socket.
    let id = service.id().replace("/fifo", "/unix");
    let is_stock = stock::has_service(&id);
    let command = service.command.as_str();
    if service.arguments.iter().any(
        |argument| matches!(argument, Argument::Word(word) if matches!(word.as_str(), "-v" | "-vv" | "-D")),
    ) {
        map.other(Code::Dropped, &subject, Some(&placed.place), "more in the log: a debugging aid");
    }
    if service.kind == Kind::Inet && map.role.profile == Profile::NullClient {
        map.other(Code::Dropped, &subject, Some(&placed.place), "only the host itself can connect");
        return;
    }
    if command == "pipe" && is_delivery(map, service) {
        map.other(Code::Dropped, &subject, Some(&placed.place), "Dovecot receives the mail by LMTP");
        return;
    }
    if command == "pipe" && !is_used(map, &service.name) {
        map.other(Code::Dropped, &subject, Some(&placed.place), "nothing refers to this service");
        return;
    }
    if matches!(command, "local" | "virtual") {
        map.other(Code::Dropped, &subject, Some(&placed.place), "the host delivers nothing locally");
        return;
    }
    let options: Vec<(String, String)> = service
        .arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Override(name, value) if !HARMLESS.contains(&name.as_str()) => {
                Some((name.clone(), map.reading.expand_own(value.as_str())))
            }
            _ => None,
        })
        .map(current)
        .collect();
    let options =
        options.into_iter().filter(|(name, value)| !limit(map, &id, name, value, placed)).collect::<Vec<_>>();
    let section = format!("services.\"{id}\"");
    let name = subject.clone();
    let mut written = false;
    if !is_stock {
        // One that only Postfix's own services talk to, and that none of them names, is left over.
        if service.kind != Kind::Inet && !is_used(map, &service.name) {
            map.other(Code::Dropped, &subject, Some(&placed.place), "nothing refers to this service");
            return;
        }
        map.draft.set(&section, "command", command, &[&name]);
        written = true;
        for (key, column) in [("private", service.private), ("unprivileged", service.unprivileged)] {
            if let Some(value) = column.filter(|_| !(key == "private" && service.kind == Kind::Inet)) {
                map.draft.set(&section, key, value, &[&name]);
            }
        }
    }
    if let Some(limit) =
        service.max_processes.filter(|_| !is_stock || !matches!(command, "proxymap" | "postscreen"))
    {
        let usual = stock_limit(&id);
        if !is_stock || usual.as_deref() != Some(limit.to_string().as_str()) {
            map.draft.set(&section, "max-processes", i64::from(limit), &[&name]);
            written = true;
        }
    }
    let words: Vec<String> = service
        .arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Word(word) if !word.starts_with("-v") && word != "-D" => Some(word.clone()),
            _ => None,
        })
        .collect();
    if !words.is_empty() && !is_stock {
        map.draft.set(&section, "arguments", super::list(words), &[&name]);
        written = true;
    }
    for (_, value) in &options {
        map.bring(&crate::import::tables::named(&map.reading.expand(value)));
    }
    if !options.is_empty() {
        let table: toml::Table =
            options.into_iter().map(|(name, value)| (name, toml::Value::String(value))).collect();
        map.draft.set(&section, "options", toml::Value::Table(table), &[&name]);
        written = true;
    }
    if written {
        map.other(Code::MainCf, &subject, Some(&placed.place), "[services]");
    } else {
        map.other(
            Code::Dropped,
            &subject,
            Some(&placed.place),
            "an older form of a service of Postfix, or a column that the distribution decides",
        );
    }
}

/// Limits on clients of port 25 are keys of the spec.
fn limit(map: &mut Map<'_, '_>, id: &str, name: &str, value: &str, placed: &Placed) -> bool {
    let key = match name {
        "smtpd_client_connection_rate_limit" => "client-connections",
        "smtpd_client_message_rate_limit" => "client-messages",
        "smtpd_client_recipient_rate_limit" => "client-recipients",
        "smtpd_client_connection_count_limit" => "client-sessions",
        _ => return false,
    };
    let (true, true, Ok(number)) = (id == "smtp/inet", map.role.profile.has_clients(), value.parse::<i64>())
    else {
        return false;
    };
    if number > 0 && map.draft.get("limits", key).is_none() {
        map.draft.set("limits", key, number, &[]);
    }
    map.other(Code::Key, &format!("service {id} {name}"), Some(&placed.place), &format!("[limits] {key}"));
    true
}

/// Options of older versions, as newer ones have them.
fn current((name, value): (String, String)) -> (String, String) {
    match (name.as_str(), value.as_str()) {
        ("disable_dns_lookups", "yes") => ("smtp_dns_support_level".to_owned(), "disabled".to_owned()),
        _ => (name, value),
    }
}

/// The process limit of a service where a package brings it.
fn stock_limit(id: &str) -> Option<String> {
    match id {
        "pickup/unix" | "qmgr/unix" | "tlsmgr/unix" | "verify/unix" | "anvil/unix" | "scache/unix" => {
            Some("1".to_owned())
        }
        "cleanup/unix" | "bounce/unix" | "defer/unix" | "trace/unix" | "flush/unix" => Some("0".to_owned()),
        _ => None,
    }
}

/// Whether it hands mail to mailboxes.
fn is_delivery(map: &Map<'_, '_>, service: &Service) -> bool {
    let transport = |name: &str| map.reading.value(name).trim_end_matches(':') == service.name;
    let program = service.arguments.iter().any(|argument| {
        let text = argument.to_string();
        ["deliver", "dovecot-lda", "maildrop", "procmail"].iter().any(|name| text.ends_with(name))
    });
    transport("virtual_transport")
        || transport("mailbox_transport")
        || (program && !is_used(map, &service.name))
}

/// Whether a value of main.cf, an option of a service or a row of a table names a service.
fn is_used(map: &Map<'_, '_>, name: &str) -> bool {
    let uses = |text: &str| {
        crate::import::tables::items(text)
            .iter()
            .any(|item| item == name || item.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
    };
    let reading = map.reading;
    reading.settings.iter().any(|setting| uses(&setting.value) && !setting.name.starts_with(name))
        || reading.services.iter().flatten().any(|placed| {
            placed
                .service
                .arguments
                .iter()
                .any(|argument| matches!(argument, Argument::Override(_, value) if uses(value.as_str())))
        })
        || ["header_checks", "body_checks", "transport_maps", "smtpd_recipient_restrictions"].iter().any(
            |maps| {
                reading.tables(maps).iter().any(|(_, table)| match &**table {
                    Table::Rows(_, rows) => rows.iter().any(|row| row.value.contains(&format!("{name}:"))),
                    _ => false,
                })
            },
        )
}
