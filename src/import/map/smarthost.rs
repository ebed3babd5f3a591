//! `[smarthost]` and the provider: where mail goes, and by which account.

use super::hops::{Hop, OLD_NAMES, hop, hops, keys_of, owner};
use super::{Code, Map};
use crate::import::Account;
use crate::import::judge::has_password;
use crate::import::tables::{self, Table};
use crate::relay::{SenderRule, TlsMode};

pub(super) fn map(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let written = reading.value("relayhost");
    let mut hops = hops(&written);
    // Some set the transport instead.
    let default_transport = reading.value("default_transport");
    let mut origin = "relayhost";
    if hops.is_empty() && default_transport.contains(':') && !default_transport.starts_with("error") {
        hops.extend(hop(&default_transport));
        origin = "default_transport";
    }
    let written_hops = tables::items(&written).len();
    if written_hops > 0 && hops.len() < written_hops {
        map.say(
            "relayhost",
            Code::Lost,
            &["smarthost.host"],
            "a next hop that is not a host name or address",
        );
    }
    if hops.is_empty() {
        without(map);
        return;
    }
    let answered = map.answers.provider.clone();
    let providers = crate::relay::Providers::builtin();
    let mut old = None;
    for hop in &mut hops {
        if let Some((was, now)) = OLD_NAMES.iter().find(|(was, _)| hop.host.eq_ignore_ascii_case(was)) {
            old = Some(*was);
            (*now).clone_into(&mut hop.host);
        }
        hop.host = hop.host.to_ascii_lowercase();
    }
    let provider = match answered {
        Some(name) => providers.get(&name),
        None => owner(&hops),
    };
    if let Some(provider) = &provider {
        map.key("relay", "provider", provider.name.clone(), &[origin]);
        let region = provider
            .regions
            .iter()
            .find(|(_, host)| hops.iter().any(|hop| hop.host.eq_ignore_ascii_case(host)));
        if let Some((region, _)) = region
            && provider.default_region.as_ref() != Some(region)
        {
            map.key("relay", "region", region.clone(), &[origin]);
        }
    }
    map.provider = provider;
    map.hops.clone_from(&hops);
    if origin == "relayhost" && default_transport.starts_with("error") {
        let reason =
            "all mail that leaves the host is returned to its sender today; now it goes to the smarthost";
        map.say("default_transport", Code::Changed, &["smarthost.host"], reason);
    }
    if let Some(was) = old {
        map.say(
            origin,
            Code::Fixed,
            &["relay.provider"],
            &format!("`{was}` is an old name of the provider's server"),
        );
    }
    let enabled = login(map, &hops);
    for (index, hop) in hops.iter().enumerate() {
        // Each server has its own row; what stands for all of them is the account of the first.
        let own = enabled.as_ref().map(|first| login_of(map, hop).unwrap_or_else(|| first.clone()));
        one(map, hop, index, hops.len(), origin, own.as_ref());
    }
    if hops.iter().any(|hop| !hop.bracketed && hop.port.is_some_and(|port| port != 25)) {
        let already = map.verdicts.get(origin).is_some_and(|given| given.code == Code::Fixed);
        if !already {
            map.say(
                origin,
                Code::Fixed,
                &["smarthost.host"],
                "without brackets, Postfix looked up the MX of the name; now it uses this one host",
            );
        }
    }
    fallback(map, hops.first());
    if let Some(first) = hops.first() {
        super::senders::map(map, first);
    }
}

/// No smarthost: straight by MX, or not at all.
fn without(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if map.role.profile.may_send_directly() {
        map.say("relayhost", Code::Implied, &[], "mail goes to MX hosts");
        map.say("default_transport", Code::Implied, &[], "mail goes to MX hosts");
        unused_login(map);
        return;
    }
    if let Some(name) = map.answers.provider.clone() {
        map.draft.set("relay", "provider", name.clone(), &[]);
        map.provider = crate::relay::Providers::builtin().get(&name);
        return;
    }
    let nothing = reading.value("default_transport").starts_with("error");
    let (question, what) = if nothing {
        (
            "mail of this host does not leave it today: which server should receive it?",
            "mail stays on this host (default_transport)",
        )
    } else {
        (
            "mail leaves this host by the MX of each domain today: which server should receive it?",
            "mail leaves by the MX of each domain, without a smarthost",
        )
    };
    map.draft.ask("smarthost", "host", false, "todo.smarthost.example", question);
    if !reading.is_set("relayhost") {
        map.other(Code::Lost, "relayhost", None, &format!("{what}: this profile needs one"));
    }
    map.say("relayhost", Code::Lost, &["smarthost.host"], &format!("{what}: this profile needs one"));
    if nothing {
        map.say("default_transport", Code::Lost, &["smarthost.host"], what);
    }
    unused_login(map);
}

fn unused_login(map: &mut Map<'_, '_>) {
    for name in [
        "smtp_sasl_auth_enable",
        "smtp_sasl_password_maps",
        "smtp_sasl_security_options",
        "smtp_sasl_mechanism_filter",
    ] {
        let value = map.reading.value(name);
        if value.is_empty() || value == "no" {
            map.say(name, Code::Implied, &[], "no smarthost, no login");
        } else {
            map.say(name, Code::Dropped, &[], "no smarthost to log in to");
        }
    }
}

/// An account of the password table.
#[derive(Clone)]
struct Login {
    /// The user, as the table has it.
    user: Option<String>,
    password: Option<String>,
}

/// The account for the first smarthost; `None` if there is none to log in with.
fn login(map: &mut Map<'_, '_>, hops: &[Hop]) -> Option<Login> {
    let reading = map.reading;
    let enabled = reading.yes("smtp_sasl_auth_enable");
    let maps = reading.tables("smtp_sasl_password_maps");
    let mut found = None;
    let mut unknown = false;
    for (spec, table) in &maps {
        match &**table {
            Table::Rows(_, rows) => {
                found = found.or_else(|| account_of(rows, hops));
                // With old names the table has the old ones.
                found = found.or_else(|| {
                    rows.iter()
                        .find(|row| OLD_NAMES.iter().any(|(was, _)| row.key.contains(was)))
                        .map(|row| row.value.clone())
                });
            }
            Table::Static(text) => found = found.or_else(|| Some(text.clone())),
            _ => unknown = true,
        }
        if has_password(spec) {
            map.other(
                Code::Fixed,
                "smtp_sasl_password_maps",
                None,
                "a password in main.cf, which every user of the host can read",
            );
        }
    }
    if found.is_none() && !unknown {
        if enabled {
            let reason = if maps.is_empty() {
                "no table of passwords: there is no login"
            } else {
                "the table has no account for this server: there is no login"
            };
            map.say("smtp_sasl_auth_enable", Code::Changed, &["smarthost.auth"], reason);
            map.say("smtp_sasl_password_maps", Code::Changed, &["smarthost.auth"], reason);
        }
        return None;
    }
    // Without the switch the password was never sent, but it was probably meant to be.
    if !enabled {
        let reason = "the password was never sent, because smtp_sasl_auth_enable is not yes; now it is sent";
        map.say("smtp_sasl_password_maps", Code::Fixed, &["smarthost.auth"], reason);
        map.say("smtp_sasl_auth_enable", Code::Fixed, &["smarthost.auth"], reason);
    }
    Some(Login::new(found.as_deref().unwrap_or_default()))
}

impl Login {
    /// Reads an entry of the password table.
    fn new(text: &str) -> Self {
        let (user, password) = login_parts(text);
        Self { user, password }
    }
}

/// The account for one server.
fn login_of(map: &Map<'_, '_>, hop: &Hop) -> Option<Login> {
    map.reading.tables("smtp_sasl_password_maps").iter().find_map(|(_, table)| match &**table {
        Table::Rows(_, rows) => account_of(rows, std::slice::from_ref(hop)).map(|text| Login::new(&text)),
        _ => None,
    })
}

/// The user and the password of an entry of the password table.
pub(super) fn login_parts(text: &str) -> (Option<String>, Option<String>) {
    match text.split_once(':') {
        Some((user, password)) => (Some(user.trim().to_owned()), Some(password.trim().to_owned())),
        None => (Some(text.to_owned()), None),
    }
}

/// The entry of the password table for one of the servers.
pub(super) fn account_of(rows: &[tables::Row], hops: &[Hop]) -> Option<String> {
    let keys: Vec<String> = hops.iter().flat_map(keys_of).collect();
    rows.iter().find(|row| keys.contains(&row.key)).map(|row| row.value.clone())
}

/// Sections of smarthosts: `smarthost`, or `smarthost#0` and so on. A preset alone has no section.
pub(super) fn sections(map: &Map<'_, '_>) -> Vec<String> {
    let count = map.draft.entries().len();
    let names = (0..count).map(|index| format!("smarthost#{index}"));
    let listed: Vec<String> = names.take_while(|name| map.draft.has_section(name)).collect();
    if listed.is_empty() { vec!["smarthost".to_owned()] } else { listed }
}

/// Port and TLS mode of a server, if they differ from the defaults.
pub(super) fn default_hop_keys(map: &Map<'_, '_>, hop: &Hop) -> Vec<(&'static str, toml::Value)> {
    let port = hop.port.unwrap_or(25);
    let mut keys = Vec::new();
    if usual_port(map) != port {
        keys.push(("port", toml::Value::from(i64::from(port))));
    }
    // These ports never begin with TLS: the account of this sender did not work.
    if map.reading.yes("smtp_tls_wrappermode") && !is_implicit(map, port) && !matches!(port, 25 | 587) {
        keys.push(("tls", toml::Value::from("implicit")));
    }
    keys
}

/// The port of a smarthost without the key `port`.
fn usual_port(map: &Map<'_, '_>) -> u16 {
    map.provider.as_ref().and_then(|preset| preset.ports.first()).map_or(587, |own| own.port)
}

/// Whether TLS is implicit on a port, without the key `tls`.
fn is_implicit(map: &Map<'_, '_>, port: u16) -> bool {
    let preset = map.provider.as_ref().and_then(|preset| preset.mode_of(port));
    preset.map_or(crate::relay::IMPLICIT_TLS_PORTS.contains(&port), |mode| mode == TlsMode::Implicit)
}

fn one(map: &mut Map<'_, '_>, hop: &Hop, index: usize, count: usize, origin: &str, login: Option<&Login>) {
    let section = if count > 1 { format!("smarthost#{index}") } else { "smarthost".to_owned() };
    let preset = map.provider.clone();
    let own_host = preset.as_ref().and_then(|preset| {
        let region =
            map.draft.get("relay", "region").and_then(|entry| entry.value.as_str().map(str::to_owned));
        preset.host_in(region.as_deref()).map(str::to_owned)
    });
    let reading = map.reading;
    let open = !hop.bracketed && hop.port.is_none() && is_bare_domain(map, &hop.host);
    if open {
        let question =
            format!("relayhost {}: its mail servers (MX) are not looked up here; name one", hop.host);
        map.draft.ask(&section, "host", false, "todo.smarthost.example", &question);
        map.say(origin, Code::Asked, &["smarthost.host"], "a domain, whose MX Postfix looks up");
    } else if own_host.as_deref() != Some(hop.host.as_str()) {
        map.key(&section, "host", hop.host.clone(), &[origin]);
    }
    let port = hop.port.unwrap_or(25);
    let wrapper = reading.yes("smtp_tls_wrappermode");
    if port != usual_port(map) {
        map.key(&section, "port", i64::from(port), &[origin]);
    }
    if wrapper != is_implicit(map, port) {
        if wrapper {
            map.key(&section, "tls", "implicit", &["smtp_tls_wrappermode"]);
        } else if port == 465 {
            map.say("smtp_tls_wrappermode", Code::Fixed, &["smarthost.tls"], "port 465 uses implicit TLS");
            map.other(
                Code::Fixed,
                "relayhost",
                reading.setting(origin).map(|it| &it.place),
                "port 465 without smtp_tls_wrappermode never connected; implicit TLS is now used",
            );
            if let Some(entry) = map.draft.get_mut(&section, "port") {
                entry.comment(
                    "Without smtp_tls_wrappermode this port never connected; implicit TLS is now used.",
                );
            }
        }
    }
    map.say("smtp_tls_wrappermode", Code::Implied, &["smarthost.port"], "follows from the port");
    if let Some(login) = login {
        account(map, login, index);
        map.say_if_open("smtp_sasl_auth_enable", Code::Key, &["smarthost.auth"], "");
        map.say_if_open(
            "smtp_sasl_password_maps",
            Code::Key,
            &["smarthost.auth"],
            "the account belongs in relay.env on the host",
        );
        mechanisms(map, &section);
    } else {
        map.key(&section, "auth", "none", &[]);
        map.say_if_open("smtp_sasl_auth_enable", Code::Key, &["smarthost.auth"], "");
        map.say_if_open("smtp_sasl_password_maps", Code::Dropped, &["smarthost.auth"], "there is no login");
        map.say_if_open(
            "smtp_sasl_mechanism_filter",
            Code::Dropped,
            &["smarthost.auth"],
            "there is no login",
        );
        map.say_if_open(
            "smtp_sasl_security_options",
            Code::Dropped,
            &["smarthost.auth"],
            "there is no login",
        );
    }
}

/// Whether a name without port and brackets stands for a domain and not for a host.
fn is_bare_domain(map: &Map<'_, '_>, name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_err()
        && (name.split('.').count() == 2
            || map.reading.value("mydomain") == name
            || map.reading.value("myorigin") == name)
        && name.contains('.')
}

fn account(map: &mut Map<'_, '_>, login: &Login, index: usize) {
    let prefix = match index {
        0 => "RELAY".to_owned(),
        1 => "RELAY_BACKUP".to_owned(),
        more => format!("RELAY_BACKUP_{more}"),
    };
    add_account(map, &prefix, login.user.clone(), login.password.clone());
    // Where the provider takes the account's own address, that is the sender.
    let account_is_sender = map
        .provider
        .as_ref()
        .is_some_and(|provider| matches!(provider.sender, SenderRule::Account | SenderRule::Rewritten));
    if account_is_sender
        && map.from.is_none()
        && let Some(user) = login.user.as_ref().filter(|user| super::is_address(user))
    {
        map.from = Some(user.to_lowercase());
    }
}

/// The keys of relay.env with a login, without what is empty or masked.
pub(super) fn add_account(
    map: &mut Map<'_, '_>,
    prefix: &str,
    user: Option<String>,
    password: Option<String>,
) {
    for (key, value) in [("USERNAME", user), ("PASSWORD", password)] {
        if let Some(secret) = value.filter(|value| !value.is_empty() && !value.contains("***")) {
            map.accounts.push(Account { key: format!("{prefix}_{key}"), secret });
        }
    }
}

/// A filter narrows the mechanisms; words that are none are dropped.
fn mechanisms(map: &mut Map<'_, '_>, section: &str) {
    const KNOWN: [&str; 9] = [
        "plain",
        "login",
        "cram-md5",
        "digest-md5",
        "ntlm",
        "scram-sha-1",
        "scram-sha-224",
        "scram-sha-256",
        "scram-sha-512",
    ];
    let options = tables::items(&map.reading.value("smtp_sasl_security_options"));
    if map.reading.is_set("smtp_sasl_security_options") {
        if options.iter().any(|option| option.eq_ignore_ascii_case("noanonymous")) {
            map.say(
                "smtp_sasl_security_options",
                Code::Implied,
                &[],
                "no anonymous login; no password without TLS",
            );
        } else {
            map.say(
                "smtp_sasl_security_options",
                Code::Fixed,
                &[],
                "without noanonymous, a login without an account is accepted",
            );
        }
    }
    if !map.reading.is_set("smtp_sasl_mechanism_filter") {
        return;
    }
    let filter = map.reading.list("smtp_sasl_mechanism_filter");
    let wanted: Vec<String> =
        filter.iter().map(|word| word.to_lowercase()).filter(|word| KNOWN.contains(&word.as_str())).collect();
    let unknown: Vec<&String> =
        filter.iter().filter(|word| !KNOWN.contains(&word.to_lowercase().as_str())).collect();
    let usual = wanted.is_empty()
        || wanted.iter().all(|word| word == "plain" || word == "login") && wanted.len() == 2;
    let reason = match unknown.first() {
        Some(word) => format!(
            "`{}` is not a password mechanism; the relay tries all that the server offers",
            crate::diag::printable(word)
        ),
        None => "the relay tries all mechanisms that the server offers".to_owned(),
    };
    if usual || !unknown.is_empty() {
        map.say("smtp_sasl_mechanism_filter", Code::Dropped, &["smarthost.mechanisms"], &reason);
    } else {
        map.key(section, "mechanisms", super::one_or_list(wanted), &["smtp_sasl_mechanism_filter"]);
    }
}

/// A fallback relay is a second smarthost, where it is reached in the same way.
fn fallback(map: &mut Map<'_, '_>, first: Option<&Hop>) {
    let hops: Vec<Hop> =
        map.reading.list("smtp_fallback_relay").iter().filter_map(|item| hop(item)).collect();
    let (Some(first), false) = (first, hops.is_empty()) else { return };
    let implicit = |hop: &Hop| crate::relay::IMPLICIT_TLS_PORTS.contains(&hop.port.unwrap_or(25));
    if hops.iter().any(|hop| implicit(hop) != implicit(first)) || map.provider.is_some() {
        return;
    }
    let plain: Vec<super::Entry> =
        map.draft.entries().iter().filter(|entry| entry.section == "smarthost").cloned().collect();
    for entry in &plain {
        let origins: Vec<&str> = entry.origins.iter().map(String::as_str).collect();
        map.key("smarthost#0", &entry.key, entry.value.clone(), &origins);
    }
    map.draft.drop_section("smarthost");
    for (index, hop) in hops.iter().enumerate() {
        let section = format!("smarthost#{}", index + 1);
        map.key(&section, "host", hop.host.clone(), &["smtp_fallback_relay"]);
        map.key(&section, "port", i64::from(hop.port.unwrap_or(25)), &["smtp_fallback_relay"]);
        if plain.iter().any(|entry| entry.key == "auth") {
            map.key(&section, "auth", "none", &[]);
        } else if let Some(login) = login_of(map, hop) {
            account(map, &login, index + 1);
        }
    }
}
