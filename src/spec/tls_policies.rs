//! `[tls] policies`: domains with their own TLS policy.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::smarthost::Smarthosts;
use super::tls::certificate_name;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::keys::spot::Spot;
use crate::keys::{DatabaseSection, TlsSection};
use crate::relay::{Tls, TlsLevel, TlsPolicy, Transport, Way, way_of};

const UNASKED: &str = "mail goes to a smarthost, so the policy of a domain is never used";

/// The policies, each for one domain.
pub(super) fn check(
    judge: &mut Judge,
    section: &TlsSection,
    hosts: Option<&Smarthosts>,
    transports: &[Transport],
) -> Vec<TlsPolicy> {
    let entries = section.policies.as_ref();
    let entries = entries.map(|entries| entries.0.as_slice()).unwrap_or_default();
    let mut policies: Vec<TlsPolicy> = Vec::new();
    let mut domains = BTreeSet::new();
    for (key, value) in entries {
        let path = format!("tls.policies.{}", values::shown(key.as_str()));
        let what = "a level, and the names of certificates after it";
        let policy = judge.read("tls-policy", &path, what, value, policy);
        let Some(domain) = judge.read("domain", "tls.policies", "domains", key, values::recipients) else {
            continue;
        };
        if !domains.insert(domain.clone()) {
            let message = format!("`{domain}` is a duplicate");
            judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
            continue;
        }
        let transport = way_of(transports, &domain);
        if let Some(finding) = unasked(key, &domain, transport, hosts) {
            judge.report(finding);
            continue;
        }
        let Some((level, match_names)) = policy else { continue };
        let policy = TlsPolicy { domain, level, match_names };
        if let Some(other) = transport.and_then(|it| contrary(&policies, &policy, it, transports)) {
            let message =
                format!("mail for `{}` and `{}` goes to the same server", policy.domain, other.domain);
            let finding = Diagnostic::error("tls-policy", key.span.clone(), message);
            judge.report(finding.hint("a server has one policy: use the same for both"));
        }
        policies.push(policy);
    }
    policies
}

/// Warns of a policy query in a database that is never used.
pub(super) fn in_database(
    judge: &mut Judge,
    section: Option<&Spot<DatabaseSection>>,
    hosts: Option<&Smarthosts>,
    transports: &[Transport],
) {
    let query = section.and_then(|spot| spot.value.queries.as_ref()?.tls_policies.as_ref());
    let past = transports.iter().any(|it| matches!(it.way, Way::Direct) || !it.hops().is_empty());
    if let (Some(spot), false) = (query, past) {
        to_a_smarthost(judge, &spot.span, hosts);
    }
}

/// Warns of policies that have no effect, because all mail goes to a smarthost.
fn to_a_smarthost(judge: &mut Judge, span: &Span, hosts: Option<&Smarthosts>) {
    if hosts.is_some_and(|hosts| !hosts.direct) {
        let finding = Diagnostic::error("tls-policy", span.clone(), UNASKED);
        judge.report(finding.hint("the smarthost decides about its connections"));
    }
}

/// Reports a policy that is never used.
fn unasked(
    key: &Spot<String>,
    name: &str,
    transport: Option<&Transport>,
    hosts: Option<&Smarthosts>,
) -> Option<Diagnostic> {
    let finding = |message: &str| Some(Diagnostic::error("tls-policy", key.span.clone(), message));
    match transport.map(|transport| &transport.way) {
        Some(Way::Hops(_) | Way::Direct) => None,
        Some(Way::Service(_, hops)) if !hops.is_empty() => None,
        Some(Way::Smarthost(_)) => Some(finding(UNASKED)?.hint("`level` in [tls] is for the smarthosts")),
        Some(Way::Error(_) | Way::Retry(_) | Way::Discard) => {
            finding("by `[transports]` no mail leaves for it, so its policy is never used")
        }
        _ if hosts.is_some_and(|hosts| !hosts.direct) => {
            let hint = format!(
                "[transports] \"{}\" = \"direct\" makes its mail bypass the smarthost",
                values::shown(name)
            );
            Some(finding(UNASKED)?.hint("`level` in [tls] is for the smarthost").hint(hint))
        }
        _ if name.contains('@') => Some(
            finding("mail to this address goes the same way as all mail to its domain")?
                .hint("use the domain, or add the address to [transports]"),
        ),
        _ => None,
    }
}

/// Finds an earlier policy that conflicts for the same server.
fn contrary<'a>(
    policies: &'a [TlsPolicy],
    policy: &TlsPolicy,
    transport: &Transport,
    transports: &[Transport],
) -> Option<&'a TlsPolicy> {
    let alike = |other: &TlsPolicy| (other.level, &other.match_names) == (policy.level, &policy.match_names);
    policies.iter().find(|other| {
        !alike(other) && way_of(transports, &other.domain).is_some_and(|it| it.shares_server(transport))
    })
}

/// Reports transports on which mail would wait forever, because the policy for the smarthost also applies to them.
pub(super) fn of_transports(judge: &mut Judge, tls: &Tls, transports: &[Transport], direct: bool) {
    for transport in transports {
        let policy = tls.policy_of(transport, transports);
        let (level, names) =
            policy.map_or((tls.level, &[][..]), |own| (own.level, own.match_names.as_slice()));
        let key = values::shown(&transport.key);
        // Postfix: "TLS wrappermode requires smtp_tls_security_level = encrypt (or stronger)".
        if let Some(hop) = transport.hops().iter().find(|hop| hop.begins_with_tls())
            && matches!(level, TlsLevel::None | TlsLevel::May | TlsLevel::Dane)
        {
            judge.report(
                Diagnostic::error(
                    "tls-level",
                    transport.span.clone(),
                    format!("on port {} TLS is implicit, but this level makes it optional", hop.port),
                )
                .hint(format!(
                    "say [tls.policies] \"{key}\" = \"encrypt\", a stronger level, or a different port"
                )),
            );
        }
        if !matches!(level, TlsLevel::Secure | TlsLevel::Verify) || !names.is_empty() {
            continue;
        }
        let literal = transport.hops().iter().find(|hop| values::is_address_literal(&hop.host));
        match (&transport.way, literal) {
            (_, Some(hop)) => judge.report(
                Diagnostic::error(
                    "tls-match",
                    transport.span.clone(),
                    format!("the certificate of `{}` cannot be verified: Postfix compares names, not addresses", hop.host),
                )
                .hint(format!("write the name of the server, or a name in its certificate: [tls.policies] \"{key}\" = \"secure NAME\""))
                .hint(format!("without verification: [tls.policies] \"{key}\" = \"encrypt\", or \"may\"")),
            ),
            (Way::Direct, _) if policy.is_none() && !direct => judge.report(
                Diagnostic::warning(
                    "tls-level",
                    transport.span.clone(),
                    "mail to it waits unless its servers prove the name of the domain: most cannot",
                )
                .hint(format!("[tls.policies] \"{key}\" = \"may\" encrypts if they support it")),
            ),
            _ => {}
        }
    }
}

/// The place where the spec enables published policies, if it does.
pub(super) fn mta_sts(judge: &mut Judge, section: &TlsSection, hosts: Option<&Smarthosts>) -> Option<Span> {
    let spot = section.mta_sts.as_ref().filter(|spot| spot.value)?;
    to_a_smarthost(judge, &spot.span, hosts);
    Some(spot.span.clone())
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
        _ => return Err(Fault::new(format!("`{}` is not a level", values::shown(word))).hint(hint)),
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
