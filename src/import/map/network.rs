//! `[network]` and `[server]`: where the relay listens, whom it trusts, and what it offers to clients.

use std::net::IpAddr;

use super::tls::is_snakeoil;
use super::{Code, Map, is_domain, list};
use crate::import::role;
use crate::import::tables::{self, Table};
use crate::postfix::Network;
use crate::relay::Profile;

pub(super) fn map(map: &mut Map<'_, '_>) {
    map.draft.set("relay", "profile", map.role.profile.name(), &[]);
    protocols(map);
    listen(map);
    trusted(map);
    certificate(map);
    login(map);
}

fn protocols(map: &mut Map<'_, '_>) {
    if !map.reading.is_set("inet_protocols") {
        return;
    }
    let words = map.reading.list("inet_protocols");
    let has = |word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    if has("all") || (has("ipv4") && has("ipv6")) {
        map.say("inet_protocols", Code::Implied, &["network.ip"], "the default of the spec");
    } else if has("ipv4") {
        map.key("network", "ip", "ipv4", &["inet_protocols"]);
    } else if has("ipv6") {
        map.key("network", "ip", "ipv6", &["inet_protocols"]);
    }
}

/// An address as a spec has it.
fn address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Addresses in the names of services on port 25, such as `10.0.0.5:smtp`. Returns whether there are any.
fn listen_by_service(map: &mut Map<'_, '_>) -> bool {
    let mut addresses = Vec::new();
    for placed in map.reading.services.iter().flatten() {
        let service = &placed.service;
        let Some((host, "smtp" | "25")) = service.name.rsplit_once(':') else { continue };
        let Some(ip) = address(host.trim_matches(['[', ']'])).filter(|ip| !ip.is_loopback()) else {
            continue;
        };
        if matches!(service.command.as_str(), "smtpd" | "postscreen") {
            addresses.push((ip.to_string(), format!("service {}", service.id()), placed.place.clone()));
        }
    }
    for (_, subject, place) in &addresses {
        map.other(Code::Key, subject, Some(place), "[network] listen");
    }
    let found: Vec<String> = addresses.into_iter().map(|(ip, ..)| ip).collect();
    let any = !found.is_empty();
    if any {
        map.key("network", "listen", list(found), &["inet_interfaces"]);
    }
    any
}

fn listen(map: &mut Map<'_, '_>) {
    if !map.reading.is_set("inet_interfaces") {
        return;
    }
    let items = map.reading.list("inet_interfaces");
    let loopback = |item: &String| {
        matches!(item.as_str(), "loopback-only" | "localhost")
            || address(item).is_some_and(|ip| ip.is_loopback())
    };
    let only_loopback = items.iter().all(loopback);
    if !map.role.profile.has_clients() {
        if only_loopback {
            map.say("inet_interfaces", Code::Implied, &["relay.profile"], "only the host itself can connect");
        } else {
            map.say(
                "inet_interfaces",
                Code::Fixed,
                &["relay.profile"],
                "it listened on every interface but only sends: now only the host itself can connect",
            );
        }
        return;
    }
    if map.reading.ours {
        let reason = "the addresses of [network] listen";
        map.say("proxy_interfaces", Code::Implied, &["network.listen"], reason);
    }
    if only_loopback && listen_by_service(map) {
        return;
    }
    if items.iter().any(|item| item == "all") {
        map.say("inet_interfaces", Code::Implied, &["network.listen"], "the default of the spec");
        return;
    }
    let addresses: Vec<String> = items
        .iter()
        .filter_map(|item| address(item))
        .filter(|ip| !ip.is_loopback())
        .map(|ip| ip.to_string())
        .collect();
    let names: Vec<&String> =
        items.iter().filter(|item| address(item).is_none() && !loopback(item)).collect();
    if addresses.is_empty() {
        map.say(
            "inet_interfaces",
            Code::Changed,
            &["network.listen"],
            "names of interfaces or hosts: the relay listens on all",
        );
        return;
    }
    let names_only_the_host = names
        .iter()
        .all(|name| name.contains("myhostname") || map.reading.hostname().is_some_and(|own| own == **name));
    map.key("network", "listen", list(addresses), &["inet_interfaces"]);
    if !names_only_the_host {
        map.say("inet_interfaces", Code::Changed, &["network.listen"], "names are dropped, addresses stay");
    }
}

fn trusted(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let by_style = |map: &mut Map<'_, '_>| {
        if reading.is_set("mynetworks_style") {
            let style = reading.value("mynetworks_style");
            if style == "host" || reading.is_set("mynetworks") {
                map.say(
                    "mynetworks_style",
                    Code::Implied,
                    &["network.trusted"],
                    "networks are listed one by one",
                );
            } else {
                map.say(
                    "mynetworks_style",
                    Code::Fixed,
                    &["network.trusted"],
                    "hosts of the same subnet are no longer trusted",
                );
            }
        } else if !reading.is_set("mynetworks")
            && reading.value("mynetworks_style") == "subnet"
            && !role::trusted(reading).is_empty()
        {
            map.other(
                Code::Fixed,
                "mynetworks_style",
                None,
                "hosts of the same subnet are no longer trusted",
            );
        }
    };
    by_style(map);
    if !reading.is_set("mynetworks") {
        if map.role.profile == Profile::LanRelay {
            map.draft.ask(
                "network",
                "trusted",
                true,
                "192.0.2.1",
                "which hosts may send through this relay? mynetworks is not set.",
            );
        }
        return;
    }
    let items = role::trusted(reading);
    if items.is_empty() || !map.role.profile.has_clients() {
        let reason =
            if items.is_empty() { "only the host itself" } else { "only the host itself can connect" };
        let code = if items.is_empty() { Code::Implied } else { Code::Dropped };
        map.say("mynetworks", code, &["network.trusted"], reason);
        return;
    }
    let mut networks: Vec<String> = Vec::new();
    for item in items {
        if item.contains(":/") || item.starts_with("proxy:") {
            match &*reading.table(&item) {
                Table::Rows(_, rows) => {
                    for row in rows {
                        match network(&row.key) {
                            Some(network) => networks.push(network),
                            None => map.other(
                                Code::Lost,
                                &row.key,
                                Some(&row.place.clone()),
                                "not an address or a network: only these can be trusted",
                            ),
                        }
                    }
                }
                Table::Missing => {}
                _ => map.other(
                    Code::Lost,
                    &item,
                    reading.setting("mynetworks").map(|it| &it.place),
                    "clients trusted by a table that cannot be read here",
                ),
            }
        } else if let Some(network) = network(&item) {
            networks.push(network);
        } else if item.starts_with('!') {
            map.other(
                Code::Lost,
                &item,
                reading.setting("mynetworks").map(|it| &it.place),
                "an untrusted network inside a trusted one",
            );
        } else if is_domain(item.trim_start_matches('.')) {
            map.other(
                Code::Lost,
                &item,
                reading.setting("mynetworks").map(|it| &it.place),
                "clients that are trusted by their host name: list their addresses in [network] trusted",
            );
        } else {
            map.other(
                Code::Lost,
                &item,
                reading.setting("mynetworks").map(|it| &it.place),
                "neither an address nor a network",
            );
        }
    }
    let mut unique: Vec<String> = Vec::new();
    for network in networks {
        if !unique.contains(&network) {
            unique.push(network);
        }
    }
    if unique.is_empty() {
        map.say("mynetworks", Code::Dropped, &["network.trusted"], "only the host itself");
        return;
    }
    for network in &unique {
        if is_public(network) {
            map.other(
                Code::Key,
                network,
                reading.setting("mynetworks").map(|it| &it.place),
                "a public address or network that may send anywhere",
            );
        }
    }
    map.key("network", "trusted", list(unique), &["mynetworks"]);
}

/// A network in the syntax of a spec: without brackets, without bits after its prefix, a mapped IPv4 address as IPv4.
pub(super) fn network(text: &str) -> Option<String> {
    let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
    // `[::1]/128` and `[::1/128]` are both seen.
    let bare = text.replace(['[', ']'], "");
    let (host, prefix) =
        bare.split_once('/').unwrap_or((host.trim_start_matches('[').trim_end_matches(']'), prefix));
    let address: IpAddr = host.parse().ok()?;
    let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 =
        if prefix.is_empty() { bits } else { prefix.parse().ok().filter(|prefix| *prefix <= bits)? };
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
        && prefix >= 96
    {
        return Some(written(Network::containing(IpAddr::V4(v4), prefix - 96)));
    }
    Some(written(Network::containing(address, prefix)))
}

fn written(network: Network) -> String {
    let whole = if network.address().is_ipv4() { 32 } else { 128 };
    if network.prefix() == whole { network.address().to_string() } else { network.cidr() }
}

fn is_public(network: &str) -> bool {
    let address: Option<IpAddr> = network.split('/').next().and_then(|host| host.parse().ok());
    match address {
        Some(IpAddr::V4(v4)) => {
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64))
        }
        Some(IpAddr::V6(v6)) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
        None => false,
    }
}

/// `[server] certificate` and `key`.
fn certificate(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if !map.role.profile.has_clients() {
        return;
    }
    // Names of files, which must not be read: they hold private keys.
    let chain = tables::items(&reading.value("smtpd_tls_chain_files"));
    let (certificate, key, names) = match chain.as_slice() {
        [] => (
            reading.value("smtpd_tls_cert_file"),
            reading.value("smtpd_tls_key_file"),
            ["smtpd_tls_cert_file", "smtpd_tls_key_file"],
        ),
        [one] => (one.clone(), String::new(), ["smtpd_tls_chain_files", "smtpd_tls_key_file"]),
        [key, certificate, ..] => {
            (certificate.clone(), key.clone(), ["smtpd_tls_chain_files", "smtpd_tls_chain_files"])
        }
    };
    let needs = matches!(map.role.profile, Profile::Submission | Profile::MailServer);
    let usable = certificate.starts_with('/') && !is_snakeoil(&certificate);
    let level = reading.value("smtpd_tls_security_level").to_lowercase();
    let off = level == "none"
        || (level.is_empty() && !reading.yes("smtpd_use_tls") && !reading.yes("smtpd_enforce_tls") && !needs);
    if !usable {
        let reason = if certificate.is_empty() {
            "no certificate for clients"
        } else {
            "a test certificate, which clients cannot verify"
        };
        for name in names {
            map.say(name, Code::Fixed, &["server.certificate"], reason);
        }
        if needs {
            map.draft.ask(
                "server",
                "certificate",
                false,
                "/etc/ssl/mail.pem",
                "the certificate for clients, with its chain: an absolute path on the host",
            );
            map.other(Code::Asked, "server.certificate", None, reason);
        }
        map.say(
            "smtpd_tls_security_level",
            Code::Fixed,
            &["server.tls"],
            "without a certificate, clients cannot use TLS",
        );
        return;
    }
    if off && !needs {
        for name in names {
            map.say(name, Code::Dropped, &["server.certificate"], "clients cannot use TLS");
        }
        map.say("smtpd_tls_security_level", Code::Implied, &["server.tls"], "clients cannot use TLS");
        return;
    }
    // Let's Encrypt has the certificate alone in cert.pem, and with its chain in fullchain.pem.
    let whole = certificate.replace("/cert.pem", "/fullchain.pem");
    let is_alone = certificate.contains("/letsencrypt/") && whole != certificate;
    if is_alone {
        map.key("server", "certificate", whole, &[names[0]])
            .comment("cert.pem has no chain; fullchain.pem has both");
        map.say(
            names[0],
            Code::Fixed,
            &["server.certificate"],
            "cert.pem has no chain; fullchain.pem has both",
        );
        map.say(
            "smtpd_tls_CAfile",
            Code::Fixed,
            &["server.certificate"],
            "the chain is part of fullchain.pem",
        );
    } else {
        map.key("server", "certificate", certificate.clone(), &[names[0]]);
    }
    if key.starts_with('/') && key != certificate {
        map.key("server", "key", key, &[names[1]]);
    } else {
        map.say(names[1], Code::Implied, &["server.key"], "the file of the certificate");
    }
    let encrypts = level == "encrypt" || reading.yes("smtpd_enforce_tls");
    if encrypts && map.role.profile.receives() {
        map.key("server", "tls", "encrypt", &["smtpd_tls_security_level"])
            .comment("other servers without TLS cannot deliver here");
    } else if encrypts {
        map.key("server", "tls", "encrypt", &["smtpd_tls_security_level"]);
    } else {
        map.say(
            "smtpd_tls_security_level",
            Code::Implied,
            &["server.tls"],
            "TLS is offered, as always with a certificate",
        );
    }
    for name in ["smtpd_use_tls", "smtpd_enforce_tls"] {
        map.say(name, Code::Fixed, &["server.tls"], "replaced by smtpd_tls_security_level");
    }
}

/// Users who log in: on 587 and 465, or on port 25.
fn login(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if !map.role.profile.has_clients() || !role::logs_users_in(reading) {
        return;
    }
    let kind = reading.value("smtpd_sasl_type");
    let of_services: Vec<String> = reading
        .services
        .iter()
        .flatten()
        .flat_map(|placed| placed.service.arguments.iter().map(ToString::to_string))
        .collect();
    let dovecot =
        kind == "dovecot" || of_services.iter().any(|argument| argument == "-o smtpd_sasl_type=dovecot");
    if !dovecot {
        map.other(
            Code::Lost,
            "logins of users",
            reading.setting("smtpd_sasl_auth_enable").map(|it| &it.place),
            "users log in by Cyrus SASL: the relay uses Dovecot",
        );
        map.say(
            "smtpd_sasl_auth_enable",
            Code::Lost,
            &["server.auth"],
            "users log in by Cyrus SASL: the relay uses Dovecot",
        );
        return;
    }
    match map.role.profile {
        // A LAN relay and a gateway log users in on the port they have.
        Profile::LanRelay | Profile::MailGateway => {
            if map.draft.get("server", "certificate").is_some() {
                map.key("server", "auth", "dovecot", &["smtpd_sasl_auth_enable"]);
            } else {
                map.say("smtpd_sasl_auth_enable", Code::Lost, &["server.auth"], "logins need a certificate");
            }
        }
        _ => {}
    }
    let logins = reading.tables("smtpd_sender_login_maps");
    for (spec, table) in &logins {
        match &**table {
            Table::Rows(tables::Shape::Lookup, rows) => {
                for row in rows {
                    let names: Vec<String> = tables::items(&row.value);
                    let sender = row.key.trim_start_matches('@').to_owned();
                    if names.contains(&row.key) && names.len() == 1 {
                        continue;
                    }
                    if matches!(map.role.profile, Profile::Submission | Profile::MailServer) && sender.contains('.') {
                        map.key("submission.senders", &sender, super::one_or_list(names), &["smtpd_sender_login_maps"]);
                    } else {
                        map.other(Code::Lost, "smtpd_sender_login_maps", Some(&row.place.clone()), "a sender that is bound to a login");
                    }
                }
                map.say_if_open("smtpd_sender_login_maps", Code::Implied, &["submission.senders"], "users may send as their login");
            }
            Table::Missing => map.say_if_open("smtpd_sender_login_maps", Code::Dropped, &["submission.senders"], "the table is not in the source"),
            Table::Database { .. } => map.say("smtpd_sender_login_maps", Code::Changed, &["submission.senders", "database"], "users may send as their login, and as addresses that deliver to it; there is no separate query"),
            _ => {
                map.other(Code::Lost, spec, None, "senders bound to logins by a table that cannot be read here");
                map.say("smtpd_sender_login_maps", Code::Lost, &["submission.senders"], "a table that cannot be read here");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_as_a_spec_has_them() {
        for (written, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.168.7.9", "192.168.7.9"),
            ("192.168.7.9/24", "192.168.7.0/24"),
            ("[fd00::]/8", "fd00::/8"),
            ("[::ffff:10.0.0.0]/104", "10.0.0.0/8"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(network(written).as_deref(), Some(read), "{written}");
        }
        for bad in ["", "web1", "10.0.0.0/33", "!10.0.0.0/8"] {
            assert_eq!(network(bad), None, "{bad}");
        }
        assert!(is_public("203.0.113.43") && !is_public("10.1.0.0/16") && !is_public("fd00::/8"));
    }
}
