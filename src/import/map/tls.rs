//! `[tls]`: how the connection to the smarthost is protected.

use super::{Code, Map, is_domain, list};
use crate::import::reading::Reading;
use crate::import::tables::Table;

/// CA bundles of distributions.
const BUNDLES: [&str; 12] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.trust.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.trust.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

pub(super) fn map(map: &mut Map<'_, '_>) {
    level(map);
    bundle(map);
    certificate(map);
    policies(map);
    protocols(map);
    let names = map.reading.value("smtp_tls_loglevel");
    if map.reading.is_set("smtp_tls_loglevel") {
        match names.parse::<i64>() {
            Ok(1) => {
                map.say("smtp_tls_loglevel", Code::Implied, &["tls.log-level"], "the default of the spec");
            }
            Ok(level @ 0..=4) => {
                map.key("tls", "log-level", level, &["smtp_tls_loglevel"]);
            }
            _ => map.say("smtp_tls_loglevel", Code::Fixed, &["tls.log-level"], "not a log level"),
        }
    }
    if map.reading.is_set("smtp_tls_connection_reuse") {
        if map.reading.yes("smtp_tls_connection_reuse") {
            map.say(
                "smtp_tls_connection_reuse",
                Code::Implied,
                &["tls.connection-reuse"],
                "the default of the spec",
            );
        } else {
            map.key("tls", "connection-reuse", false, &["smtp_tls_connection_reuse"]);
        }
    }
    matching(map);
}

/// Levels that postpack knows, from the weakest to the strongest.
const LEVELS: [&str; 7] = ["none", "may", "encrypt", "dane", "dane-only", "verify", "secure"];

/// The level for all servers, and the parameter that decides it, also as Postfix before 2.3 had it.
pub(super) fn written_level(reading: &Reading<'_>) -> (String, &'static str) {
    let written = reading.value("smtp_tls_security_level").to_lowercase();
    if !written.is_empty() {
        return (written, "smtp_tls_security_level");
    }
    if reading.yes("smtp_enforce_tls") {
        let by_name =
            !reading.is_set("smtp_tls_enforce_peername") || reading.yes("smtp_tls_enforce_peername");
        return (if by_name { "verify" } else { "encrypt" }.to_owned(), "smtp_enforce_tls");
    }
    if reading.yes("smtp_use_tls") {
        return ("may".to_owned(), "smtp_use_tls");
    }
    ("none".to_owned(), "smtp_tls_security_level")
}

fn level(map: &mut Map<'_, '_>) {
    let (level, origin) = written_level(map.reading);
    // A policy of the smarthost itself comes before the level of all other servers.
    let (level, origin) = match own_policy(map) {
        Some(policy) => {
            let keys: &[&str] = &["tls.level"];
            let reason = "the smarthost has its own row in smtp_tls_policy_maps";
            map.say("smtp_tls_security_level", Code::Dropped, keys, reason);
            (policy.level, POLICIES)
        }
        None => (level, origin),
    };
    let keys: &[&str] = &["tls.level"];
    for name in ["smtp_use_tls", "smtp_enforce_tls"] {
        map.say_if_open(name, Code::Fixed, keys, "replaced by smtp_tls_security_level");
    }
    if !map.draft.has_section("smarthost") && !map.draft.has_section("smarthost#0") && map.provider.is_none()
    {
        direct(map, &level, origin);
        return;
    }
    let hosts: Vec<String> = map
        .draft
        .entries()
        .iter()
        .filter(|entry| entry.section.starts_with("smarthost") && entry.key == "host")
        .filter_map(|entry| entry.value.as_str().map(str::to_owned))
        .collect();
    let password = super::smarthost::sections(map).iter().any(|section| {
        map.draft.get(section, "auth").is_none_or(|entry| entry.value.as_str() != Some("none"))
    });
    let address = hosts.iter().any(|host| host.parse::<std::net::IpAddr>().is_ok());
    let local = hosts
        .iter()
        .any(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()));
    let open =
        map.draft.entries().iter().any(|entry| entry.section.starts_with("smarthost") && entry.is_open());
    let quote = map.quote(origin);
    if level == "fingerprint" {
        map.say(origin, Code::Lost, keys, "certificates that are verified by fingerprint");
        return;
    }
    if level == "secure" {
        map.say(origin, Code::Implied, keys, "the default of the spec");
        return;
    }
    if map.reading.ours {
        map.key("tls", "level", level.clone(), &[origin]);
        if password && matches!(level.as_str(), "may" | "none") {
            map.key("tls", "allow-cleartext-password", true, &[origin]);
        }
        return;
    }
    let strong = matches!(level.as_str(), "verify" | "dane" | "dane-only");
    if local && password {
        // Nothing leaves the host.
        let entry = map.key("tls", "level", if level == "none" { "none" } else { "may" }, &[origin]);
        entry.comment(format!("{quote}; the server is on this host"));
        map.key("tls", "allow-cleartext-password", true, &[]);
        return;
    }
    if address && password {
        let kept = if strong || level == "encrypt" { level.clone() } else { "encrypt".to_owned() };
        map.key("tls", "level", kept.clone(), &[origin])
            .comment(format!("{quote}; a certificate cannot be verified for an address"));
        if kept != level {
            map.say(origin, Code::Fixed, keys, "the password could be intercepted: TLS is now required");
        }
        return;
    }
    if open {
        let reason = "open: TLS to the smarthost is verified";
        map.say(origin, if level == "none" { Code::Fixed } else { Code::Changed }, keys, reason);
        return;
    }
    let secures = password || map.provider.is_some();
    if strong {
        map.key("tls", "level", level.clone(), &[origin]);
    } else if secures && !(map.answers.keep && level == "encrypt") {
        let reason = match (level.as_str(), password) {
            ("encrypt", _) => "the server was not verified: now its certificate is",
            (_, true) => "the password could be intercepted: now the certificate of the server is verified",
            _ => "mail could be intercepted: now the certificate of the server is verified",
        };
        map.say(origin, Code::Fixed, keys, reason);
        map.tls_comment = Some(format!("{quote}: {reason}"));
    } else if level == "none" && !map.answers.keep {
        map.key("tls", "level", "may", &[origin])
            .comment("TLS was off: now it is used if the server offers it");
        map.say(origin, Code::Fixed, keys, "TLS was off: now it is used if the server offers it");
    } else {
        map.key("tls", "level", level.clone(), &[origin])
            .comment(format!("{quote}: kept, since no password is sent"));
    }
    debug_assert!(LEVELS.contains(&level.as_str()) || level.is_empty() || !strong);
}

pub(super) const POLICIES: &str = "smtp_tls_policy_maps";

/// A row of smtp_tls_policy_maps.
pub(super) struct Policy {
    pub(super) level: String,
    /// Names that the certificate may have.
    pub(super) names: Vec<String>,
    /// Whether it has other attributes, which a spec lacks.
    odd: bool,
}

impl Policy {
    fn new(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let names = words.iter().skip(1).filter_map(|word| word.strip_prefix("match="));
        Self {
            level: words.first().copied().unwrap_or_default().to_lowercase(),
            names: names
                .flat_map(|names| names.split(':'))
                .filter(|name| !is_usual(name))
                .map(str::to_owned)
                .collect(),
            odd: words.iter().skip(1).any(|word| !word.starts_with("match=")),
        }
    }
}

/// Whether Postfix matches this name by default.
fn is_usual(name: &str) -> bool {
    matches!(name, "nexthop" | "dot-nexthop" | "hostname")
}

/// Whether a row is for a smarthost.
fn is_of_smarthost(map: &Map<'_, '_>, key: &str) -> bool {
    map.hops.iter().any(|hop| super::hops::keys_of(hop).iter().any(|own| own == key))
}

/// The policy of the first smarthost.
fn own_policy(map: &Map<'_, '_>) -> Option<Policy> {
    policy(map.reading, &super::hops::keys_of(map.hops.first()?))
}

/// The policy with one of these keys.
pub(super) fn policy(reading: &Reading<'_>, keys: &[String]) -> Option<Policy> {
    reading.tables(POLICIES).iter().find_map(|(_, table)| match &**table {
        Table::Rows(_, rows) => {
            rows.iter().find(|row| keys.contains(&row.key)).map(|row| Policy::new(&row.value))
        }
        _ => None,
    })
}

/// Without a smarthost TLS is what each server offers.
fn direct(map: &mut Map<'_, '_>, level: &str, origin: &str) {
    match level {
        "may" => map.say(origin, Code::Implied, &["tls.level"], "TLS where the other server offers it"),
        "none" | "" => map.say(
            origin,
            Code::Fixed,
            &["tls.level"],
            "TLS was off: now it is used where the other server offers it",
        ),
        "dane" | "dane-only" | "encrypt" | "verify" | "secure" => {
            map.key("tls", "level", level, &[origin]);
        }
        _ => map.say(origin, Code::Lost, &["tls.level"], "certificates that are verified by fingerprint"),
    }
    if map.reading.is_set("smtp_dns_support_level") {
        map.say("smtp_dns_support_level", Code::Implied, &["tls.level"], "follows from the TLS level");
    }
}

fn bundle(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if !reading.is_set("smtp_tls_CAfile") {
        return;
    }
    let file = reading.value("smtp_tls_CAfile");
    let keys: &[&str] = &["tls.ca-file"];
    if file.is_empty() || BUNDLES.contains(&file.as_str()) {
        map.say("smtp_tls_CAfile", Code::Implied, keys, "the CA bundle of the distribution");
    } else if map.provider.is_some() {
        map.say("smtp_tls_CAfile", Code::Dropped, keys, "the provider's certificate is of a public authority, which the CA bundle of the distribution has");
    } else if file == reading.value("smtpd_tls_CAfile")
        || file == reading.value("smtpd_tls_cert_file")
        || file == reading.value("smtp_tls_cert_file")
    {
        map.say(
            "smtp_tls_CAfile",
            Code::Dropped,
            keys,
            "the chain of the host's own certificate verifies no other server",
        );
    } else if file.starts_with('/') {
        map.key("tls", "ca-file", file, &["smtp_tls_CAfile"]);
    }
}

fn certificate(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let certificate = reading.value("smtp_tls_cert_file");
    if certificate.is_empty() {
        for name in ["smtp_tls_cert_file", "smtp_tls_key_file"] {
            map.say_if_open(name, Code::Dropped, &["tls.client-cert"], "no certificate for the other server");
        }
        return;
    }
    let key = reading.value("smtp_tls_key_file");
    let keys: &[&str] = &["tls.client-cert", "tls.client-key"];
    let reason = if is_snakeoil(&certificate) {
        Some("the snakeoil certificate proves nothing to another server")
    } else if certificate == reading.value("smtpd_tls_cert_file") || certificate == "$smtpd_tls_cert_file" {
        Some("other servers do not request the server certificate of this host")
    } else if map.provider.is_some() {
        Some("the account logs in by its password")
    } else {
        None
    };
    if let Some(reason) = reason {
        for name in ["smtp_tls_cert_file", "smtp_tls_key_file"] {
            map.say(name, Code::Dropped, keys, reason);
        }
        return;
    }
    map.key("tls", "client-cert", certificate.clone(), &["smtp_tls_cert_file"]);
    if !key.is_empty() && key != certificate && !key.contains('$') {
        map.key("tls", "client-key", key, &["smtp_tls_key_file"]);
    } else {
        map.say("smtp_tls_key_file", Code::Implied, keys, "the file of the certificate");
    }
}

/// The certificate that Debian makes for tests.
pub(super) fn is_snakeoil(path: &str) -> bool {
    path.contains("snakeoil") || path == "/etc/pki/tls/certs/postfix.pem" || path.ends_with("/localhost.crt")
}

/// smtp_tls_policy_maps: a level for each domain.
fn policies(map: &mut Map<'_, '_>) {
    let name = POLICIES;
    if !map.reading.is_set(name) {
        return;
    }
    let direct = map.provider.is_none()
        && !map.draft.has_section("smarthost")
        && !map.draft.has_section("smarthost#0");
    let mut any = false;
    for (spec, table) in map.reading.tables(name) {
        let Table::Rows(_, rows) = &*table else {
            if spec.contains("127.0.0.1:8461") || spec.contains("mta-sts") {
                map.key("tls", "mta-sts", true, &[name]);
                any = true;
            } else if !matches!(&*table, Table::Missing) {
                map.say(
                    name,
                    Code::Lost,
                    &["tls.policies"],
                    "TLS policies of a table that cannot be read here",
                );
                any = true;
            }
            continue;
        };
        for row in rows {
            any = true;
            let place = row.place.clone();
            let Policy { level, names, odd } = Policy::new(&row.value);
            let level = level.as_str();
            if is_of_smarthost(map, &row.key) {
                if odd {
                    let subject = format!("TLS policy of {}", row.key);
                    map.other(Code::Changed, &subject, Some(&place), "only its level and names are kept");
                }
                if !names.is_empty() {
                    map.key("tls", "match", list(names), &[name]).comment(place.to_string());
                }
                continue;
            }
            if !direct && super::transports::is_next_hop(map, &row.key) {
                continue;
            }
            let fits = direct && is_domain(row.key.trim_start_matches('.')) && LEVELS.contains(&level);
            if !fits {
                let reason = if direct && row.key.starts_with('[') {
                    "a TLS policy for one server: [tls.policies] has domains"
                } else if direct {
                    "not a domain and a level that [tls.policies] knows"
                } else {
                    "a TLS policy for a domain: all mail goes to the smarthost"
                };
                let code = if direct { Code::Lost } else { Code::Dropped };
                map.other(code, &format!("TLS policy of {}", row.key), Some(&place), reason);
                continue;
            }
            if odd {
                map.other(
                    Code::Changed,
                    &format!("TLS policy of {}", row.key),
                    Some(&place),
                    "only its level and names are kept",
                );
            }
            let value = std::iter::once(level.to_owned()).chain(names).collect::<Vec<_>>().join(" ");
            map.key("tls.policies", &row.key, value, &[name]).comment(place.to_string());
        }
    }
    if any {
        map.say_if_open(name, Code::Dropped, &["tls.policies"], "all mail goes to the smarthost");
    } else {
        let reason = map.without_rows(name, &map.reading.value(name)).unwrap_or("the table is empty");
        map.say(name, Code::Dropped, &["tls.policies"], reason);
    }
}

fn protocols(map: &mut Map<'_, '_>) {
    for name in [
        "smtp_tls_protocols",
        "smtp_tls_mandatory_protocols",
        "smtpd_tls_protocols",
        "smtpd_tls_mandatory_protocols",
    ] {
        if !map.reading.is_set(name) || map.verdicts.contains_key(name) {
            continue;
        }
        if name.starts_with("smtpd") && !map.role.profile.has_clients() {
            continue;
        }
        let words = map.reading.list(name);
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let allows = |protocol: &str| {
            let least = lower.iter().find_map(|word| word.strip_prefix(">="));
            let order = ["sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];
            let rank = |name: &str| order.iter().position(|one| *one == name).unwrap_or(0);
            if let Some(least) = least {
                return rank(protocol) >= rank(least);
            }
            let named: Vec<&String> = lower.iter().filter(|word| !word.starts_with('!')).collect();
            !lower.contains(&format!("!{protocol}"))
                && (named.is_empty() || named.iter().any(|word| *word == protocol))
        };
        let key = if name.starts_with("smtpd") { "server.tls" } else { "tls.min-version" };
        if !allows("tlsv1.2") && allows("tlsv1.3") && name.starts_with("smtp_") {
            map.key("tls", "min-version", "1.3", &[name]);
        } else if allows("tlsv1.1") || allows("tlsv1") || allows("sslv3") {
            map.say(name, Code::Fixed, &[key], "TLS 1.0 and 1.1 are off");
        } else {
            map.say(name, Code::Implied, &[key], "TLS 1.2 or newer");
        }
    }
}

fn matching(map: &mut Map<'_, '_>) {
    for name in ["smtp_tls_secure_cert_match", "smtp_tls_verify_cert_match"] {
        if !map.reading.is_set(name) {
            continue;
        }
        let names = map.reading.list(name);
        let own: Vec<String> = names.into_iter().filter(|word| !is_usual(word)).collect();
        if own.is_empty() {
            map.say(name, Code::Implied, &["tls.match"], "the name of the smarthost");
        } else {
            map.key("tls", "match", list(own), &[name]);
        }
    }
}
