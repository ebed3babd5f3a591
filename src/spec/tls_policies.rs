//! `[tls] policies`: domains that are spoken to otherwise than the rest.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::schema::TlsSection;
use super::smarthost::Smarthosts;
use super::tls::certificate_name;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::relay::{TlsLevel, TlsPolicy};

/// The policies, each for one domain.
pub(super) fn check(judge: &mut Judge, section: &TlsSection, hosts: Option<&Smarthosts>) -> Vec<TlsPolicy> {
    let entries = section.policies.as_ref();
    let entries = entries.map(|entries| entries.0.as_slice()).unwrap_or_default();
    if let (Some((key, _)), Some(false)) = (entries.first(), hosts.map(|hosts| hosts.list.is_empty())) {
        let message = "mail goes to a smarthost, and nobody would ask for the policy of a domain";
        judge.report(
            Diagnostic::error("tls-policy", key.span.clone(), message)
                .hint("`level` in [tls] is for the smarthost"),
        );
    }
    let mut policies = Vec::new();
    let mut domains = BTreeSet::new();
    for (key, value) in entries {
        let path = format!("tls.policies.{}", values::shown(key.as_str()));
        let what = "a level, and the names of certificates behind it";
        let policy = judge.read("tls-policy", &path, what, value, policy);
        let Some(domain) = judge.read("domain", "tls.policies", "domains", key, domain) else { continue };
        if !domains.insert(domain.clone()) {
            let message = format!("`{domain}` is here twice");
            judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
        } else if let Some((level, match_names)) = policy {
            policies.push(TlsPolicy { domain, level, match_names });
        }
    }
    policies
}

/// Where the spec asks for the policies that domains publish, if it does.
pub(super) fn mta_sts(judge: &mut Judge, section: &TlsSection, hosts: Option<&Smarthosts>) -> Option<Span> {
    let spot = section.mta_sts.as_ref().filter(|spot| spot.value)?;
    if hosts.is_some_and(|hosts| !hosts.list.is_empty()) {
        let message = "mail goes to a smarthost, and nobody would ask for the policy of a domain";
        let finding = Diagnostic::error("tls-policy", spot.span.clone(), message);
        judge.report(finding.hint("what the smarthost asks for is its own affair"));
    }
    Some(spot.span.clone())
}

/// A domain, or `.domain` for all below it.
fn domain(text: &str) -> Result<String, Fault> {
    match text.strip_prefix('.') {
        Some(parent) => values::domain(parent).map(|domain| format!(".{domain}")),
        None => values::domain(text),
    }
}

fn policy(text: &str) -> Result<(TlsLevel, Vec<String>), Fault> {
    values::line(text)?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default();
    let hint = "write `secure`, `verify`, `dane-only`, `dane`, `encrypt`, `may` or `none`";
    let level = match word {
        "secure" => TlsLevel::Secure,
        "verify" => TlsLevel::Verify,
        "dane-only" => TlsLevel::DaneOnly,
        "dane" => TlsLevel::Dane,
        "encrypt" => TlsLevel::Encrypt,
        "may" => TlsLevel::May,
        "none" => TlsLevel::None,
        _ => return Err(Fault::new(format!("`{}` is no level", values::shown(word))).hint(hint)),
    };
    let names = words.map(certificate_name).collect::<Result<Vec<_>, _>>()?;
    if !names.is_empty() && !matches!(level, TlsLevel::Secure | TlsLevel::Verify) {
        return Err(Fault::new(format!("`{word}` compares no names")).hint("`secure` and `verify` do"));
    }
    Ok((level, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        assert_eq!(policy("may"), Ok((TlsLevel::May, Vec::new())));
        let names = vec!["mx.acme.example".to_owned(), ".mail.example".to_owned()];
        assert_eq!(policy("secure mx.acme.example .mail.example"), Ok((TlsLevel::Secure, names)));
        for wrong in ["", "sure", "may mx.acme.example", "secure *.acme.example", "secure a:b", "may\nnone"] {
            assert!(policy(wrong).is_err(), "{wrong}");
        }
    }
}
