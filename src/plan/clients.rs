//! Access of clients: the restriction lists of main.cf and their tables.
//!
//! The sources are SMTPD_ACCESS_README, access(5), cidr_table(5), TLS_README, SASL_README and postconf(5).

use std::net::IpAddr;

use super::PlanError;
use super::inbound;
use super::layer::{Item, Layer};
use super::postscreen;
use super::table::{Kind, Table, table};
use super::words::{LOOPBACK, OLD_PROTOCOLS, loopback, protocols as protocol_names};
use crate::postfix::Network;
use crate::postfix::table::{Cidr, Lookup, TableError};
use crate::relay::{Access, Action, Relay, Restriction, Server, ServerTls};

/// Indexed tables of the user, and what they are.
const SENDERS: &str = "sender_access";
const RECIPIENTS: &str = "recipient_access";
const ALLOWED: &str = "allowed_senders";
/// Tables of networks.
const CLIENTS: &str = "client_access";
const OWN: &str = "own_clients";

/// Clients whose headers are rewritten: strangers' mail may be signed.
const REWRITTEN: &str = "permit_inet_interfaces, permit_mynetworks";

/// Where it listens, and whom it trusts.
pub(super) fn network(layer: &mut Layer<'_>, relay: &Relay) {
    let own = loopback(relay.network.ip);
    let Some(server) = &relay.server else {
        layer.section("Send only: no other host can connect.");
        layer.set("inet_interfaces", "loopback-only");
        protocols(layer, relay);
        layer.set("mynetworks", own);
        return;
    };
    layer.section("Only trusted clients can send through this relay, to any address.");
    if server.listen.is_empty() {
        layer.set("inet_interfaces", "all");
    } else {
        // master.cf listens there, see `listeners`: every program of Postfix fails where an address of inet_interfaces is
        // missing, and in the scriptlets of rpm 6, which run in an empty network, all are.
        layer.set("inet_interfaces", "loopback-only");
        layer.list("proxy_interfaces", server.listen.iter().map(|address| Item::from(&*literal(address))));
    }
    protocols(layer, relay);
    let trusted = server.trusted.iter().map(|network| block(network).to_string());
    layer.list("mynetworks", own.split(' ').map(str::to_owned).chain(trusted).map(|text| Item::from(&*text)));
}

/// An address as main.cf and master.cf name it.
pub(super) fn literal(address: &IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

/// Edits of master.cf: an smtpd for each address to listen on in addition to the loopback. Only these expect the PROXY protocol,
/// because programs of the host connect to the loopback without a proxy.
pub(super) fn listeners(relay: &Relay) -> Vec<String> {
    let Some(server) = &relay.server else { return Vec::new() };
    let program = postscreen::listener(relay);
    let option = match (server.proxy_protocol, relay.postscreen.is_some()) {
        (true, true) => " -o postscreen_upstream_proxy_protocol=haproxy",
        (true, false) => " -o smtpd_upstream_proxy_protocol=haproxy",
        (false, _) => "",
    };
    let service = |address| {
        let name = format!("{}:smtp", literal(address));
        format!("M {name}/inet={name} inet n - n - {program}{option}")
    };
    server.listen.iter().map(service).collect()
}

fn protocols(layer: &mut Layer<'_>, relay: &Relay) {
    layer.set("inet_protocols", protocol_names(relay.network.ip));
}

fn block(network: &ipnet::IpNet) -> Network {
    Network::containing(network.addr(), network.prefix_len())
}

/// The restriction lists, and what clients are offered.
pub(super) fn protection(layer: &mut Layer<'_>, relay: &Relay) {
    layer.section("Access of clients.");
    match &relay.server {
        None => {
            layer.set("smtpd_client_restrictions", "permit_mynetworks, reject");
            layer.set("smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination");
            layer.set("local_header_rewrite_clients", REWRITTEN);
        }
        Some(server) => lists(layer, relay, server),
    }
    layer.set("smtpd_helo_required", "yes");
    layer.set("disable_vrfy_command", "yes");
    if let Some(server) = &relay.server {
        rates(layer, server);
        headers(layer, server, relay.inbound.is_some());
        tls(layer, server);
    }
}

fn lists(layer: &mut Layer<'_>, of: &Relay, server: &Server) {
    let inbound = of.inbound.as_ref();
    let (access, own) = (&server.access, &server.restrictions);
    let text = |text: &str| Item::from(text);
    let users = |list: &[Restriction]| list.iter().map(|one| text(&one.text)).collect::<Vec<_>>();
    let lookup = |check: &str, used: bool, table: &str| {
        used.then(|| text(&format!("{check} $default_database_type:/etc/postfix/{table}")))
    };
    let proven = server.auth.map(|_| text("permit_sasl_authenticated"));

    let table = (!access.clients.is_empty())
        .then(|| text(&format!("check_client_access cidr:/etc/postfix/{CLIENTS}")));
    let client = table
        .into_iter()
        .chain(users(&own.client))
        .chain([text("permit_mynetworks")])
        .chain(proven.clone())
        .chain(inbound.is_none().then(|| text("reject")));
    layer.list("smtpd_client_restrictions", client);

    let host_itself = text(&format!("check_client_access cidr:/etc/postfix/{OWN}"));
    if !own.helo.is_empty() {
        layer.list("smtpd_helo_restrictions", [host_itself.clone()].into_iter().chain(users(&own.helo)));
    }

    let mut sender: Vec<Item> =
        lookup("check_sender_access", !access.senders.is_empty(), SENDERS).into_iter().collect();
    sender.extend(users(&own.sender));
    if !access.allowed_senders.is_empty() {
        sender.push(host_itself);
        sender.extend(lookup("check_sender_access", true, ALLOWED));
        sender.push(text("reject"));
    }
    if !sender.is_empty() {
        layer.list("smtpd_sender_restrictions", sender);
    }

    let relay = [text("permit_mynetworks")]
        .into_iter()
        .chain(proven.clone())
        .chain(inbound::own_postmaster(inbound))
        .chain([text("reject_unauth_destination")]);
    layer.list("smtpd_relay_restrictions", relay);

    let mut recipient: Vec<Item> =
        lookup("check_recipient_access", !access.recipients.is_empty(), RECIPIENTS).into_iter().collect();
    recipient.extend(users(&own.recipient));
    if let Some(inbound) = inbound {
        recipient.push(text("permit_mynetworks"));
        recipient.extend(proven.clone());
        recipient.extend(inbound::recipient(of, inbound));
    }
    if !recipient.is_empty() {
        layer.list("smtpd_recipient_restrictions", recipient);
    }
    // A queue is not started by strangers.
    layer.list("smtpd_etrn_restrictions", [text("permit_mynetworks"), text("reject")]);
    // Commands sent before their answers are what spam software does, not a mail client. And Postfix lets everybody
    // name `postmaster` without a domain, even if the lists above reject them (RFC 5321, 4.5.1). The message is accepted
    // only from clients that these lists permit.
    let mut data = vec![text("reject_unauth_pipelining")];
    if inbound.is_none() {
        data.push(text("permit_mynetworks"));
        data.extend(proven);
        data.push(text("reject"));
    }
    layer.list("smtpd_data_restrictions", data);
    // `user%elsewhere` and `elsewhere!user` are local names, so they bypass no table.
    layer.set("allow_percent_hack", "no");
    layer.set("swap_bangpath", "no");
}

fn rates(layer: &mut Layer<'_>, server: &Server) {
    let rates = server.rates;
    layer.section(
        "Limits of a client per minute. Postfix exempts mynetworks by default, which are all \
        clients; here only the host itself is exempt.",
    );
    layer.set("smtpd_client_event_limit_exceptions", LOOPBACK);
    for (name, limit) in [
        ("smtpd_client_connection_rate_limit", rates.connections),
        ("smtpd_client_message_rate_limit", rates.messages),
        ("smtpd_client_recipient_rate_limit", rates.recipients),
        ("smtpd_client_connection_count_limit", rates.sessions),
    ] {
        if let Some(limit) = limit {
            layer.set(name, &limit.to_string());
        }
    }
}

fn headers(layer: &mut Layer<'_>, server: &Server, inbound: bool) {
    if server.complete_headers {
        layer.section(
            "Headers in mail of clients: rewrite local names, and add a missing Date or Message-ID.",
        );
        layer.set("local_header_rewrite_clients", REWRITTEN);
        if !inbound {
            layer.set("always_add_missing_headers", "yes");
        }
    }
}

fn tls(layer: &mut Layer<'_>, server: &Server) {
    let level = match server.tls {
        ServerTls::None => return,
        ServerTls::May => "may",
        ServerTls::Encrypt => "encrypt",
    };
    let Some((certificate, key)) = &server.certificate else { return };
    layer.section("TLS for clients.");
    layer.set("smtpd_tls_security_level", level);
    layer.set("smtpd_tls_cert_file", certificate);
    layer.set("smtpd_tls_key_file", key);
    layer.set("smtpd_tls_mandatory_protocols", OLD_PROTOCOLS);
    layer.set("smtpd_tls_protocols", OLD_PROTOCOLS);
    layer.set("smtpd_tls_loglevel", "1");
    if server.auth.is_some() {
        layer.section("Authenticated clients may send from any address, over TLS.");
        layer.set("smtpd_sasl_auth_enable", "yes");
        layer.set("smtpd_sasl_type", "dovecot");
        layer.set("smtpd_sasl_path", "private/auth");
        layer.set("smtpd_sasl_security_options", "noanonymous");
        layer.set("smtpd_tls_auth_only", if server.cleartext_password { "no" } else { "yes" });
    }
}

/// Defences against mail that hides in the text of other mail, `NAME=VALUE`: only later releases of a series have them, and older
/// ones warn of unknown parameters. The host sets those that its Postfix has. Programs of the host and trusted clients submit
/// texts of other people, such as a form of a web site, so there are no exceptions.
pub(super) fn where_known(relay: &Relay) -> Vec<&'static str> {
    let own = |setting: &&str| !relay.parameters.iter().any(|it| setting.split('=').next() == Some(&it.name));
    let newlines: &[_] = if relay.network.bare_newlines {
        &["smtpd_forbid_bare_newline=no"]
    } else {
        &["smtpd_forbid_bare_newline=yes", "smtpd_forbid_bare_newline_exclusions="]
    };
    let pipelining = relay.inbound.as_ref().map(|_| "smtpd_forbid_unauth_pipelining=yes");
    newlines.iter().copied().chain(pipelining).filter(own).collect()
}

/// The tables that the lists above refer to.
pub(super) fn tables(server: &Server) -> Result<Vec<Table>, PlanError> {
    let access = &server.access;
    let mut tables = Vec::new();
    if !access.clients.is_empty() {
        tables.push(table(CLIENTS, Kind::Cidr, clients(access))?);
    }
    if !access.allowed_senders.is_empty() || !server.restrictions.helo.is_empty() {
        tables.push(table(OWN, Kind::Cidr, host_itself())?);
    }
    for (name, what, rows) in
        [(SENDERS, "Senders", &access.senders), (RECIPIENTS, "Recipients", &access.recipients)]
    {
        if !rows.is_empty() {
            tables.push(table(name, Kind::Indexed, lookup(what, rows))?);
        }
    }
    if !access.allowed_senders.is_empty() {
        tables.push(table(ALLOWED, Kind::Indexed, allowed(access))?);
    }
    Ok(tables)
}

fn clients(access: &Access) -> Result<Cidr, TableError> {
    let mut rows = Cidr::new("Clients by address, see cidr_table(5) and access(5); the first match applies.");
    for (network, action) in &access.clients {
        rows.push(&block(network), &result(action))?;
    }
    Ok(rows)
}

fn host_itself() -> Result<Cidr, TableError> {
    let mut rows = Cidr::new("The host itself, which is exempt from checks of clients; see cidr_table(5).");
    for address in LOOPBACK.split(' ') {
        // Written by us, and read by a test.
        if let Ok(network) = address.parse::<Network>() {
            rows.push(&network, "OK")?;
        }
    }
    Ok(rows)
}

fn lookup(what: &str, list: &[(String, Action)]) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new(format!("{what} by address or domain, see access(5)."));
    for (key, action) in list {
        rows.insert(key, &result(action))?;
    }
    Ok(rows)
}

fn allowed(access: &Access) -> Result<Lookup, TableError> {
    let mut rows =
        Lookup::new("The only senders that clients may use, and the null sender of bounces; see access(5).");
    for sender in &access.allowed_senders {
        rows.insert(sender, "OK")?;
    }
    rows.insert("<>", "OK")?;
    Ok(rows)
}

/// The action in the words of access(5).
fn result(action: &Action) -> String {
    let with = |word: &str, text: &str| format!("{word} {text}").trim_end().to_owned();
    match action {
        Action::Reject(text) => with("REJECT", text),
        Action::Defer(text) => with("DEFER", text),
        Action::Discard => "DISCARD".to_owned(),
        Action::Hold => "HOLD".to_owned(),
        // OK would end the list; this one only ends the search in the table.
        Action::Permit => "DUNNO".to_owned(),
    }
}
