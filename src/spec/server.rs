//! `[network]`, `[server]`, `[access]` and `[restrictions]` of relays with clients.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::keys::spot::{Entries, Many, Spot};
use crate::keys::{AccessSection, RestrictionsSection, ServerAuth, ServerLevel, ServerSection, Spec};
use crate::relay::{
    Access, Action, ClientAuth, Profile, Rates, Restriction, Restrictions, Server, ServerTls,
};

/// Settings for clients; `None` if there are no clients, or if the trusted ones are missing in the spec.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Profile, place: &Span) -> Option<Server> {
    if !profile.has_clients() {
        for (path, span) in given(spec) {
            let message = format!("`{path}` needs clients, and only the host itself uses a null client");
            judge.report(
                Diagnostic::error("no-clients", span, message)
                    .hint("use profile = \"lan-relay\" for a network"),
            );
        }
        return None;
    }
    let network = spec.network.as_ref();
    let listen = listen(judge, network.and_then(|network| network.listen.as_ref()));
    let trusted = trusted(judge, network.and_then(|network| network.trusted.as_ref()));
    let (tls, certificate) = tls(judge, spec);
    let auth = auth(judge, spec, certificate.is_some());
    let section = spec.server.as_ref();
    let told = network.is_some_and(|network| network.trusted.is_some());
    if profile == Profile::LanRelay && auth.is_none() && !told {
        judge.missing(
            "network.trusted",
            Some(place),
            "name the clients that may send: [network] trusted = [\"192.168.1.0/24\"]",
        );
    }
    let proxy = section.and_then(|section| section.proxy_protocol.as_ref()).filter(|it| it.value);
    let everywhere = network
        .and_then(|network| network.listen.as_ref())
        .is_none_or(|list| list.0.iter().all(|it| it.value == "all"));
    if let (Some(spot), true) = (proxy, everywhere && !judge.was_removed("network.listen")) {
        let message =
            "the addresses that the proxy connects to are missing: programs of the host do not use the proxy";
        judge.report(
            Diagnostic::error("proxy-protocol", spot.span.clone(), message)
                .hint("name them: [network] listen = [\"192.168.1.10\"]"),
        );
    }
    let limits = spec.limits.as_ref();
    let rate = |spot: Option<&Spot<i64>>| spot.and_then(|spot| u32::try_from(spot.value).ok());
    Some(Server {
        listen,
        trusted,
        tls,
        certificate,
        auth,
        cleartext_password: cleartext(judge, section, auth),
        proxy_protocol: proxy.is_some(),
        rates: Rates {
            connections: rate(limits.and_then(|limits| limits.client_connections.as_ref())),
            messages: rate(limits.and_then(|limits| limits.client_messages.as_ref())),
            recipients: rate(limits.and_then(|limits| limits.client_recipients.as_ref())),
            sessions: rate(limits.and_then(|limits| limits.client_sessions.as_ref())),
        },
        access: access(judge, spec.access.as_ref()),
        restrictions: restrictions(judge, spec.restrictions.as_ref()),
        complete_headers: spec
            .rewrite
            .as_ref()
            .and_then(|rewrite| rewrite.client_headers.as_ref())
            .is_none_or(|it| it.value),
    })
}

/// The keys of the spec that need clients, each with its place.
fn given(spec: &Spec) -> Vec<(&'static str, Span)> {
    fn many(list: Option<&Many<String>>) -> Option<Span> {
        list?.0.first().map(|item| item.span.clone())
    }
    fn entries(table: Option<&Entries<String>>) -> Option<Span> {
        table?.0.first().map(|(key, _)| key.span.clone())
    }
    fn one<T>(spot: Option<&Spot<T>>) -> Option<Span> {
        spot.map(|spot| spot.span.clone())
    }
    let mut found = Vec::new();
    if let Some(network) = &spec.network {
        found.extend([
            ("network.listen", many(network.listen.as_ref())),
            ("network.trusted", many(network.trusted.as_ref())),
        ]);
    }
    if let Some(server) = &spec.server {
        found.extend([
            ("server.certificate", one(server.certificate.as_ref())),
            ("server.key", one(server.key.as_ref())),
            ("server.tls", one(server.tls.as_ref())),
            ("server.auth", one(server.auth.as_ref())),
            ("server.allow-cleartext-password", one(server.allow_cleartext_password.as_ref())),
            ("server.proxy-protocol", one(server.proxy_protocol.as_ref())),
        ]);
    }
    if let Some(access) = &spec.access {
        found.extend([
            ("access.clients", entries(access.clients.as_ref())),
            ("access.senders", entries(access.senders.as_ref())),
            ("access.recipients", entries(access.recipients.as_ref())),
            ("access.allowed-senders", many(access.allowed_senders.as_ref())),
        ]);
    }
    if let Some(own) = &spec.restrictions {
        found.extend([
            ("restrictions.client", many(own.client.as_ref())),
            ("restrictions.helo", many(own.helo.as_ref())),
            ("restrictions.sender", many(own.sender.as_ref())),
            ("restrictions.recipient", many(own.recipient.as_ref())),
        ]);
    }
    if let Some(limits) = &spec.limits {
        found.extend([
            ("limits.client-connections", one(limits.client_connections.as_ref())),
            ("limits.client-messages", one(limits.client_messages.as_ref())),
            ("limits.client-recipients", one(limits.client_recipients.as_ref())),
            ("limits.client-sessions", one(limits.client_sessions.as_ref())),
        ]);
    }
    if let Some(rewrite) = &spec.rewrite {
        found.push(("rewrite.client-headers", one(rewrite.client_headers.as_ref())));
    }
    found.into_iter().filter_map(|(path, span)| Some((path, span?))).collect()
}

/// The addresses, without the loopback, which is always among them; empty for all.
fn listen(judge: &mut Judge, list: Option<&Many<String>>) -> Vec<IpAddr> {
    let alone = list.is_some_and(|list| list.0.len() == 1);
    let read = judge.read_all("listen", "network.listen", "addresses of the host, or `all`", list, |text| {
        if alone && text == "all" {
            return Ok(None);
        }
        let address = unbracketed(text)?;
        if address.is_unspecified() {
            return Err(Fault::new("it includes all addresses").hint("write listen = \"all\""));
        }
        Ok(Some(address))
    });
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in read.into_iter().filter_map(|spot| spot.value) {
        if !address.is_loopback() && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

fn unbracketed(text: &str) -> Result<IpAddr, Fault> {
    values::line(text)?;
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Err(Fault::new("it must not have brackets").hint(format!("write `{}`", values::shown(inner))));
    }
    text.parse().map_err(|_| Fault::new("it is not an IP address"))
}

/// A network or a single address. Bits after the prefix must not be set.
pub(super) fn network(text: &str) -> Result<IpNet, Fault> {
    let Some((address, prefix)) = text.split_once('/') else {
        return unbracketed(text).map(IpNet::from);
    };
    let address = unbracketed(address)?;
    let network = prefix
        .parse()
        .ok()
        .filter(|_| prefix.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|prefix| IpNet::new(address, prefix).ok())
        .ok_or_else(|| {
            Fault::new(format!("`/{}` is not a valid prefix length in `{address}`", values::shown(prefix)))
        })?;
    if network.trunc() != network {
        return Err(Fault::new("bits after the prefix are set")
            .hint(format!("the network is `{}`, the host `{address}`", network.trunc())));
    }
    Ok(network)
}

/// The networks, without the loopback, which is always among them.
fn trusted(judge: &mut Judge, list: Option<&Many<String>>) -> Vec<IpNet> {
    let read = judge.read_all("network", "network.trusted", "networks or addresses", list, |text| {
        let network = network(text)?;
        // The largest blocks that an organisation can have: RFC 1918 has a /8, registries assign at most a /16 of IPv6. All of
        // fc00::/7 is private (RFC 4193).
        let widest = if network.addr().is_ipv4() { 8 } else { 16 };
        if network.prefix_len() < widest && !is_private(&network) {
            return Err(Fault::new("no organisation owns such a large network: this would be an open relay")
                .hint("name the networks of the clients"));
        }
        Ok(network)
    });
    let mut networks: Vec<IpNet> = Vec::new();
    for spot in read {
        let network = spot.value;
        let widest_public = if network.addr().is_ipv4() { 24 } else { 48 };
        if !is_private(&network) && network.prefix_len() < widest_public {
            let message = format!("every host in the public network `{network}` could send in your name");
            judge.report(
                Diagnostic::warning("trusted-network", spot.span, message)
                    .hint("name the addresses of the clients, or let them authenticate with [server] auth"),
            );
        }
        if !network.addr().is_loopback() && !networks.contains(&network) {
            networks.push(network);
        }
    }
    networks
}

/// Addresses that are not routed on the Internet: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291.
fn is_private(network: &IpNet) -> bool {
    // RFC 1918, RFC 6598 (provider NAT), RFC 4193; the loopback and the link.
    const BLOCKS: [&str; 9] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "::1/128",
        "fe80::/10",
    ];
    BLOCKS.iter().filter_map(|block| block.parse::<IpNet>().ok()).any(|block| block.contains(network))
}

fn tls(judge: &mut Judge, spec: &Spec) -> (ServerTls, Option<(String, String)>) {
    let Some(section) = &spec.server else { return (ServerTls::None, None) };
    let path = "an absolute path on the host";
    let certificate =
        judge.read_if("path", "server.certificate", path, section.certificate.as_ref(), values::path);
    let key = judge.read_if("path", "server.key", path, section.key.as_ref(), values::path);
    let lacking = section.certificate.is_none() && !judge.was_removed("server.certificate");
    if let (Some(spot), true) = (&section.key, lacking) {
        judge.report(
            Diagnostic::error("certificate", spot.span.clone(), "a key without a certificate")
                .hint("name its certificate: certificate = \"/etc/ssl/relay.pem\""),
        );
    }
    if let Some(spot) = section.tls.as_ref().filter(|spot| lacking && spot.value != ServerLevel::None) {
        judge.report(
            Diagnostic::error("certificate", spot.span.clone(), "TLS for clients needs a certificate")
                .hint("name the one on the host: certificate = \"/etc/ssl/relay.pem\""),
        );
    }
    let level = match section.tls.as_ref().map(|spot| spot.value) {
        Some(ServerLevel::Encrypt) => ServerTls::Encrypt,
        Some(ServerLevel::May) => ServerTls::May,
        None if certificate.is_some() => ServerTls::May,
        Some(ServerLevel::None) | None => ServerTls::None,
    };
    let pair = certificate.map(|certificate| {
        let key = key.unwrap_or_else(|| certificate.clone());
        (certificate, key)
    });
    (level, pair)
}

fn auth(judge: &mut Judge, spec: &Spec, has_certificate: bool) -> Option<ClientAuth> {
    let section = spec.server.as_ref()?;
    let spot = section.auth.as_ref()?;
    let without_tls = section.tls.as_ref().is_some_and(|level| level.value == ServerLevel::None);
    let refused = section.certificate.is_some() || judge.was_removed("server.certificate");
    if without_tls || !(has_certificate || refused) {
        judge.report(
            Diagnostic::error(
                "server-auth",
                spot.span.clone(),
                "clients would send their passwords without encryption",
            )
            .hint("offer TLS: certificate = \"/etc/ssl/relay.pem\""),
        );
    }
    Some(match spot.value {
        ServerAuth::Dovecot => ClientAuth::Dovecot,
    })
}

/// Whether clients may log in without TLS.
fn cleartext(judge: &mut Judge, section: Option<&ServerSection>, auth: Option<ClientAuth>) -> bool {
    let flag = section.and_then(|section| section.allow_cleartext_password.as_ref());
    let Some(spot) = flag.filter(|spot| spot.value) else { return false };
    let (message, hint) = if auth.is_none() {
        (
            "clients cannot log in on port 25 here, so this has no effect",
            "remove it, or set auth = \"dovecot\"",
        )
    } else {
        (
            "anyone between client and relay can read passwords that are sent without TLS",
            "remove it once all clients support STARTTLS",
        )
    };
    judge.report(Diagnostic::warning("cleartext-password", spot.span.clone(), message).hint(hint));
    auth.is_some()
}

fn access(judge: &mut Judge, section: Option<&AccessSection>) -> Access {
    let Some(section) = section else { return Access::default() };
    let clients = table(judge, "access.clients", "addresses or networks", section.clients.as_ref(), network);
    let (whom, what) = (values::sender, "addresses or domains");
    let mut access = Access {
        clients,
        senders: table(judge, "access.senders", what, section.senders.as_ref(), whom),
        recipients: table(judge, "access.recipients", what, section.recipients.as_ref(), whom),
        allowed_senders: judge
            .read_all("sender", "access.allowed-senders", what, section.allowed_senders.as_ref(), whom)
            .into_iter()
            .map(|spot| spot.value)
            .collect(),
    };
    everybody(judge, section.clients.as_ref(), &access.clients);
    access.allowed_senders.sort_unstable();
    access.allowed_senders.dedup();
    // The first match in a cidr table applies, so the narrower entry is an exception from the wider one.
    access.clients.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
    access
}

/// Entries that reject a whole address family, or permit clients without a wider entry.
fn everybody(judge: &mut Judge, entries: Option<&Entries<String>>, clients: &[(IpNet, Action)]) {
    for (key, _) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let Ok(whole) = network(&key.value) else { continue };
        let action = clients.iter().find(|(one, _)| *one == whole).map(|(_, action)| action);
        let is_exception = |(one, action): &(IpNet, Action)| whole.contains(one) && *action == Action::Permit;
        if whole.prefix_len() > 0 {
            continue;
        }
        let family = if whole.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        judge.report(match action {
            Some(Action::Permit) => {
                let message = format!(
                    "`permit` is an exception without a wider entry, so it has no effect for {family}"
                );
                Diagnostic::warning("accepts-everything", key.span.clone(), message).hint("remove it")
            }
            Some(_) if !clients.iter().any(is_exception) => {
                let message = format!("this applies to every client of {family}: no entry permits any");
                Diagnostic::error("refuses-everything", key.span.clone(), message)
                    .hint("add the clients that may send: `\"192.0.2.0/24\" = \"permit\"`")
            }
            _ => continue,
        });
    }
}

fn table<K: Ord + Clone + ToString>(
    judge: &mut Judge,
    path: &'static str,
    what: &str,
    entries: Option<&Entries<String>>,
    read: impl Fn(&str) -> Result<K, Fault>,
) -> Vec<(K, Action)> {
    let mut rows = Vec::new();
    let mut keys = BTreeSet::new();
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let of_key = format!("{path}.{}", values::shown(key.as_str()));
        let action = judge.read("action", &of_key, "an action", value, action);
        let Some(name) = judge.read("access", path, what, key, &read) else { continue };
        let Some(action) = action else { continue };
        if keys.insert(name.clone()) {
            rows.push((name, action));
        } else {
            let message = format!("`{}` is a duplicate", name.to_string());
            judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
        }
    }
    rows
}

fn action(text: &str) -> Result<Action, Fault> {
    let hint =
        "write `reject`, `defer`, `discard`, `hold` or `permit`; the first two can have text after them";
    values::access_text(text)?;
    let (word, said) = text.split_once(' ').map_or((text, ""), |(word, said)| (word, said.trim_start()));
    let action = match word {
        "reject" => return Ok(Action::Reject(said.to_owned())),
        "defer" => return Ok(Action::Defer(said.to_owned())),
        "discard" => Action::Discard,
        "hold" => Action::Hold,
        "permit" => Action::Permit,
        _ => return Err(Fault::new(format!("`{}` is not an action", values::shown(word))).hint(hint)),
    };
    if said.is_empty() { Ok(action) } else { Err(Fault::new("its text is never sent").hint(hint)) }
}

fn restrictions(judge: &mut Judge, section: Option<&RestrictionsSection>) -> Restrictions {
    let Some(section) = section else { return Restrictions::default() };
    let mut read = |path: &str, list: Option<&Many<String>>| {
        let what = "restrictions, one in each item of the list";
        let items = judge.read_all("restriction", path, what, list, |text| {
            values::line(text)?;
            match text.find(',') {
                // `{ ... }` contains settings of a policy service, with commas.
                Some(at) if !text[..at].contains('{') => Err(Fault::new("it contains a comma")),
                _ => Ok(text.to_owned()),
            }
        });
        items.into_iter().map(|spot| Restriction { text: spot.value, span: spot.span }).collect()
    };
    Restrictions {
        client: read("restrictions.client", section.client.as_ref()),
        helo: read("restrictions.helo", section.helo.as_ref()),
        sender: read("restrictions.sender", section.sender.as_ref()),
        recipient: read("restrictions.recipient", section.recipient.as_ref()),
    }
}
