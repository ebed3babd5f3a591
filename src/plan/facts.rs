//! `/usr/share/mail-relay/facts`: what the host command must know of the relay, as sh assignments.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::PlanError;
use super::clients;
use super::host;
use super::mailboxes;
use super::next_hops;
use super::policies;
use super::table::Table;
use super::words::level_name;
use crate::platform::FormatFacts;
use crate::relay::{Auth, From, IMPLICIT_TLS_PORTS, Inbound, Providers, Relay, Smarthost, TlsMode};
use crate::spec::Checked;
use crate::template::sh_word;

/// The text of the facts file.
///
/// # Errors
/// A value holds a control character, which the spec refuses.
pub(super) fn render(checked: &Checked, format: &FormatFacts, tables: &[Table]) -> Result<String, PlanError> {
    let (meta, relay) = (&checked.meta, &checked.relay);
    let version = format!("{}-{}", meta.version, meta.version.revision);
    let tables: Vec<String> =
        tables.iter().map(|table| format!("{}:{}", table.name, table.kind.name())).collect();
    let keys: Vec<String> = relay.smarthosts.iter().map(|host| key_of(&host.name)).collect();
    let ca_files = relay.tls.ca_file.clone().unwrap_or_else(|| format.ca_files.join(" "));
    let mut text = String::from(
        "# Facts about this relay for mail-relay(8). Written by postpack: the package manager replaces this file on\n\
         # every upgrade. Settings of this host belong in /etc/mail-relay/relay.env.\n",
    );
    let mut wrong = None;
    let mut fact = |name: &str, value: &str| match sh_word(value) {
        Some(word) => {
            let _ = writeln!(text, "{name}={word}");
        }
        None => wrong = Some(name.to_owned()),
    };
    fact("package", &meta.name);
    fact("version", &version);
    fact("profile", relay.profile.name());
    fact("provider", &relay.provider);
    fact("smarthosts", &keys.join(" "));
    let ways = relay.sender_ways();
    for (host, key) in relay.smarthosts.iter().zip(&keys) {
        let way = ways.iter().find(|way| way.smarthosts.contains(&host));
        fact(&format!("smarthost_{key}"), &smarthost(host, way.map(|way| way.name)));
        if let Some(oauth2) = &host.oauth2 {
            fact(&format!("oauth2_endpoint_{key}"), &oauth2.endpoint);
            fact(&format!("oauth2_scope_{key}"), &oauth2.scope);
            fact(&format!("oauth2_app_scope_{key}"), &oauth2.app_scope);
        }
    }
    if !ways.is_empty() {
        fact("ways", &ways.iter().map(|way| way.name).collect::<Vec<_>>().join(" "));
    }
    if !relay.sends_directly() {
        let ports: Vec<String> = IMPLICIT_TLS_PORTS.iter().map(ToString::to_string).collect();
        fact("implicit_tls_ports", &ports.join(" "));
    }
    if let Some(advice) = login_advice(relay) {
        fact("login_advice", &advice);
    }
    fact("tls_level", level_name(relay.tls.level));
    fact("ca_files", &ca_files);
    if relay.tls.ca_file.is_some() {
        fact("own_ca_file", "yes");
    }
    for (name, words) in [
        ("next_hops", next_hops::destinations(relay)),
        ("known_servers", next_hops::known_to_a_direct_relay(relay)),
        ("watched_files", host::watched_files(relay).into_iter().map(str::to_owned).collect()),
        ("certificate_files", host::certificate_files(relay).into_iter().map(str::to_owned).collect()),
    ] {
        if !words.is_empty() {
            fact(name, &words.join(" "));
        }
    }
    if let Some(direct) = relay.direct.as_ref().filter(|direct| direct.is_stated) {
        let addresses: Vec<String> = direct.addresses.iter().map(ToString::to_string).collect();
        fact("direct", "stated");
        fact("direct_addresses", &addresses.join(" "));
        fact("direct_lists", &direct.block_lists.join(" "));
    }
    if let Some(address) = &relay.all_mail_to {
        fact("all_mail_to", address);
    }
    fact("from", &from_text(relay.identity.from.as_ref()));
    fact("root_mail_to", &relay.local.root_mail_to.join(" "));
    fact("hostname", relay.identity.hostname.as_deref().unwrap_or_default());
    if let Some(metrics) = &checked.host.metrics {
        fact("metrics_file", &metrics.file());
    }
    if let Some(database) = mailboxes::database(relay) {
        fact("database", database.store.table_type());
    }
    fact("tables", &tables.join(" "));
    let inbound = relay.inbound.iter();
    let mut domains: Vec<&str> = inbound.flat_map(Inbound::own_domains).map(String::as_str).collect();
    domains.extend(mailboxes::domains(relay).iter().map(String::as_str));
    fact("inbound_domains", &domains.join(" "));
    fact("where_known", &clients::where_known(relay).join(" "));
    fact("companions", &policies::units(relay, format).join(" "));
    fact("stated", &checked.origins.stated.join(" "));
    fact("preset", &checked.origins.preset.join(" "));
    match wrong {
        None => Ok(text),
        Some(name) => {
            Err(PlanError::Parameter { name, reason: "the value holds a control character".to_owned() })
        }
    }
}

/// The user name and password that the provider expects, for findings about a login; `None` if the relay has several smarthosts.
fn login_advice(relay: &Relay) -> Option<String> {
    static PROVIDERS: LazyLock<Providers> = LazyLock::new(Providers::builtin);
    let [only] = relay.smarthosts.as_slice() else { return None };
    let preset = PROVIDERS.get(&relay.provider).filter(|_| only.auth == Auth::Password)?;
    let (username, password) = (preset.username?, preset.password?);
    Some(format!("{} expects as user name: {username}; as password: {password}", preset.title))
}

/// The name of a smarthost in keys of relay.env and in variables of the host command.
pub(super) fn key_of(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn smarthost(host: &Smarthost, way: Option<&str>) -> String {
    let mode = match host.mode {
        TlsMode::StartTls => "starttls",
        TlsMode::Implicit => "wrapper",
    };
    let auth = match host.auth {
        Auth::Password => "password",
        Auth::Xoauth2 => "xoauth2",
        Auth::None => "none",
    };
    let way = way.map(|way| format!(" {way}")).unwrap_or_default();
    format!("{} {} {} {mode} {auth}{way}", host.name, host.host, host.port)
}

/// `from` as the spec writes it.
pub(super) fn from_text(from: Option<&From>) -> String {
    match from {
        None => String::new(),
        Some(From::Address(address)) => address.clone(),
        Some(From::Domain(domain)) => format!("@{domain}"),
    }
}
