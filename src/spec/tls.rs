//! `[tls]`: the level of verification, and warnings about weaker levels.

use super::judge::Judge;
use super::smarthost::Smarthosts;
use super::tls_policies;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Severity, Span};
use crate::keys::spot::Spot;
use crate::keys::{Level, MinVersion, TlsSection};
use crate::relay::{Auth, Tls, TlsLevel, TlsMode, TlsVersion, Transport};

/// The TLS policy, checked against the smarthosts if these are known.
pub(super) fn check(
    judge: &mut Judge,
    section: Option<&TlsSection>,
    hosts: Option<&Smarthosts>,
    transports: &[Transport],
) -> Tls {
    let nothing = TlsSection::default();
    let section = section.unwrap_or(&nothing);
    let without = hosts.and_then(|hosts| hosts.without_tls.clone());
    let direct = hosts.is_some_and(|hosts| hosts.direct);
    let level = level(judge, section, without.as_ref(), direct);
    let cleartext_password = section.allow_cleartext_password.as_ref().is_some_and(|spot| spot.value);
    let match_names: Vec<String> = judge
        .read_all(
            "tls-match",
            "tls.match",
            "names of certificates",
            section.matches.as_ref(),
            certificate_name,
        )
        .into_iter()
        .map(|spot| spot.value)
        .collect();
    let tls = Tls {
        level,
        min_version: match section.min_version.as_ref().map(|spot| spot.value) {
            Some(MinVersion::V1_3) => TlsVersion::V1_3,
            Some(MinVersion::V1_2) | None => TlsVersion::V1_2,
        },
        match_names,
        policies: tls_policies::check(judge, section, hosts, transports),
        mta_sts: tls_policies::mta_sts(judge, section, hosts),
        ca_file: judge.read_if(
            "path",
            "tls.ca-file",
            "the path of a file",
            section.ca_file.as_ref(),
            values::path,
        ),
        client_certificate: client_certificate(judge, section),
        connection_reuse: section.connection_reuse.as_ref().is_none_or(|spot| spot.value),
        cleartext_password,
        log_level: section.log_level.as_ref().and_then(|spot| u8::try_from(spot.value).ok()).unwrap_or(1),
    };
    if let Some(spot) = section.log_level.as_ref().filter(|spot| spot.value > 2) {
        judge.report(
            Diagnostic::warning(
                "tls-log",
                spot.span.clone(),
                "at this level the log contains whole TLS sessions",
            )
            .hint("1 logs a line for each connection; use more only to debug a fault"),
        );
    }
    unused(judge, section, &tls);
    tls_policies::of_transports(judge, &tls, transports, direct);
    // If `tls = "none"` of a smarthost chose the level, that is the place to show.
    let place = section.level.as_ref().map(|spot| spot.span.clone()).or(without);
    match hosts {
        Some(_) if direct => against_everybody(judge, &tls, place.as_ref()),
        Some(hosts) => against_hosts(judge, section, &tls, hosts, place.as_ref()),
        None => {}
    }
    tls
}

/// The level. MX hosts receive no password, and few of them can prove their names, so the default for them is `may`.
fn level(judge: &mut Judge, section: &TlsSection, without: Option<&Span>, direct: bool) -> TlsLevel {
    let Some(Spot { value, span }) = &section.level else {
        return match without {
            Some(_) => TlsLevel::None,
            None if direct => TlsLevel::May,
            None => TlsLevel::Secure,
        };
    };
    if without.is_some() && *value != Level::None {
        judge.report(
            Diagnostic::error(
                "tls-level",
                span.clone(),
                "the smarthost has tls = \"none\", so a level has no effect",
            )
            .hint("remove one of the two"),
        );
    }
    level_of(*value)
}

/// The level with that name.
pub(super) fn level_of(level: Level) -> TlsLevel {
    match level {
        Level::Secure => TlsLevel::Secure,
        Level::Verify => TlsLevel::Verify,
        Level::Dane => TlsLevel::Dane,
        Level::DaneOnly => TlsLevel::DaneOnly,
        Level::Encrypt => TlsLevel::Encrypt,
        Level::May => TlsLevel::May,
        Level::None => TlsLevel::None,
    }
}

/// A name, or `.domain` for all names below a domain.
pub(super) fn certificate_name(text: &str) -> Result<String, Fault> {
    match text.strip_prefix('.') {
        Some(domain) => values::domain(domain).map(|domain| format!(".{domain}")),
        None if text.starts_with("*.") => Err(Fault::new("a `*` is not allowed here")
            .hint(format!("write `{}` for all names below", &text[1..]))),
        None => values::domain(text),
    }
}

fn client_certificate(judge: &mut Judge, section: &TlsSection) -> Option<(String, String)> {
    let what = "the path of a file";
    let certificate =
        judge.read_if("path", "tls.client-cert", what, section.client_cert.as_ref(), values::path);
    let key = judge.read_if("path", "tls.client-key", what, section.client_key.as_ref(), values::path);
    if let (None, Some(spot)) = (&section.client_cert, &section.client_key) {
        judge.report(
            Diagnostic::error("client-certificate", spot.span.clone(), "a key without a certificate")
                .hint("set client-cert as well"),
        );
    }
    let certificate = certificate?;
    Some((certificate.clone(), key.unwrap_or(certificate)))
}

/// Keys that have no effect at the level.
fn unused(judge: &mut Judge, section: &TlsSection, tls: &Tls) {
    if matches!(tls.level, TlsLevel::Secure | TlsLevel::Verify) {
        return;
    }
    if let Some(first) = section.matches.as_ref().and_then(|names| names.0.first()) {
        judge.report(
            Diagnostic::warning("tls-match", first.span.clone(), "names are not compared at this TLS level")
                .hint("`match` works with `secure` and `verify`"),
        );
    }
}

/// Warns of levels at which mail to some domains cannot be delivered.
fn against_everybody(judge: &mut Judge, tls: &Tls, place: Option<&Span>) {
    let message = match tls.level {
        TlsLevel::May | TlsLevel::Dane => return,
        TlsLevel::None => "without TLS, anyone between the servers can read and change the mail",
        TlsLevel::Encrypt => "mail to domains whose servers have no TLS waits and finally bounces",
        TlsLevel::DaneOnly => {
            "mail to domains without DNSSEC-signed TLSA records waits and finally bounces: most have none"
        }
        TlsLevel::Secure | TlsLevel::Verify => {
            "mail to domains whose servers cannot prove their names waits and finally bounces: most cannot"
        }
    };
    judge.report(
        Diagnostic::new(Severity::Warning, "tls-level", place.cloned(), message)
            .hint("`may` encrypts if possible, `dane` also verifies if DNS is signed"),
    );
}

fn against_hosts(
    judge: &mut Judge,
    section: &TlsSection,
    tls: &Tls,
    hosts: &Smarthosts,
    place: Option<&Span>,
) {
    let password = hosts.list.iter().any(|host| host.auth != Auth::None);
    let finding =
        |severity: Severity, code, message: &str| Diagnostic::new(severity, code, place.cloned(), message);
    let hint = match section.level {
        Some(_) => "remove `level`: `secure` is the default",
        None => "remove `tls`: it follows from the port",
    };
    if hosts.list.iter().any(|host| host.mode == TlsMode::Implicit)
        && matches!(tls.level, TlsLevel::May | TlsLevel::None)
    {
        judge.report(
            finding(Severity::Error, "tls-level", "implicit TLS always encrypts")
                .hint("Postfix rejects this combination; `encrypt` is the minimum"),
        );
        return;
    }
    if password && tls.level.password_may_travel_in_clear() {
        if !tls.cleartext_password {
            let message = "the password could be sent without encryption";
            judge.report(
                finding(Severity::Error, "cleartext-password", message)
                    .hint(hint)
                    .hint("if you accept that: allow-cleartext-password = true in [tls]"),
            );
            return;
        }
        let message = "the password and the mail may be sent without encryption";
        judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
    } else if let Some(spot) = section.allow_cleartext_password.as_ref().filter(|spot| spot.value) {
        judge.report(
            Diagnostic::warning("cleartext-password", spot.span.clone(), "this has no effect here")
                .hint("no password is sent without encryption at this level; remove the key"),
        );
    }
    match tls.level {
        TlsLevel::Secure => address_without_name(judge, tls, hosts),
        TlsLevel::Verify => {
            address_without_name(judge, tls, hosts);
            let message =
                "`verify` trusts the name from DNS; an attacker who forges DNS can receive the mail";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::Dane => {
            let message = "`dane` protects only where the smarthost has DNSSEC-signed TLSA records and the host asks a \
                           validating resolver; without them it is `may`";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::DaneOnly => {
            let message = "with `dane-only` mail waits unless the smarthost has DNSSEC-signed TLSA records and the host asks \
                           a validating resolver";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::Encrypt if password => {
            let message =
                "`encrypt` sends the password to any server that answers: the certificate is not verified";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::Encrypt => {
            let message =
                "`encrypt` sends the mail to any server that answers: the certificate is not verified";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::May if !password => {
            let message = "with `may`, an attacker who blocks TLS can read and change the mail";
            judge.report(finding(Severity::Warning, "tls-level", message).hint(hint));
        }
        TlsLevel::None if !password => {
            let message = "without TLS, anyone between the servers can read and change the mail";
            judge.report(finding(Severity::Warning, "tls-level", message));
        }
        TlsLevel::May | TlsLevel::None => {}
    }
}

/// Postfix compares names, never addresses, with a certificate.
fn address_without_name(judge: &mut Judge, tls: &Tls, hosts: &Smarthosts) {
    if !tls.match_names.is_empty() {
        return;
    }
    let mut pairs = hosts.list.iter().zip(&hosts.places);
    if let Some((host, place)) = pairs.find(|(host, _)| values::is_address_literal(&host.host)) {
        let message = format!(
            "the certificate of `{}` cannot be verified: Postfix compares names, not addresses",
            host.host
        );
        judge.report(
            Diagnostic::error("tls-match", place.clone(), message)
                .hint("write the smarthost's name as `host`, or the name in its certificate as match = \"...\" in [tls]"),
        );
    }
}
