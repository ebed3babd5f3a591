//! `provider = "direct"` and `[direct]`: mail that goes directly to MX hosts.

use std::net::IpAddr;

use super::judge::Judge;
use super::smarthost::Entry;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Severity};
use crate::keys::Spec;
use crate::keys::spot::Many;
use crate::relay::{Direct, Profile, Provider, TlsMode};

/// Whether the spec says that mail goes directly to MX hosts.
pub(super) fn is_stated(spec: &Spec) -> bool {
    let provider = spec.relay.as_ref().and_then(|relay| relay.value.provider.as_ref());
    provider.is_some_and(|spot| spot.value == Provider::DIRECT)
}

/// Reads `[direct]`, and shows what direct delivery requires.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Option<Profile>) -> Direct {
    if !is_stated(spec) {
        unused(judge, spec);
        return Direct::default();
    }
    costs(judge, spec, profile);
    let (addresses, block_lists) = lists(spec);
    let what = "IP addresses that other servers see";
    let addresses = judge.read_all("direct", "direct.addresses", what, addresses, public_address);
    let what = "domains of DNS block lists";
    let block_lists = judge.read_all("direct", "direct.block-lists", what, block_lists, values::domain);
    Direct {
        is_stated: true,
        addresses: addresses.into_iter().map(|spot| spot.value).collect(),
        block_lists: block_lists.into_iter().map(|spot| spot.value).collect(),
    }
}

/// Reports a `[direct]` without effect.
pub(super) fn unused(judge: &mut Judge, spec: &Spec) {
    let (addresses, block_lists) = lists(spec);
    let Some(first) = addresses.into_iter().chain(block_lists).find_map(|list| list.0.first()) else {
        return;
    };
    let message = "[direct] has no effect: the spec does not have provider = \"direct\"";
    judge.report(
        Diagnostic::error("direct", first.span.clone(), message)
            .hint("add provider = \"direct\" to [relay], or remove [direct]"),
    );
}

fn lists(spec: &Spec) -> (Option<&Many<String>>, Option<&Many<String>>) {
    let section = spec.direct.as_ref();
    (
        section.and_then(|section| section.addresses.as_ref()),
        section.and_then(|section| section.block_lists.as_ref()),
    )
}

/// A host that receives mail has all of this already.
fn costs(judge: &mut Judge, spec: &Spec, profile: Option<Profile>) {
    let spot = spec.relay.as_ref().and_then(|relay| relay.value.provider.as_ref());
    let Some(spot) = spot.filter(|_| !profile.is_some_and(Profile::receives)) else { return };
    let message = "mail goes directly to the MX hosts of its recipients";
    let finding = Diagnostic::new(Severity::Note, "direct", Some(spot.span.clone()), message)
        .hint("the network must permit connections to port 25, which many providers and clouds block")
        .hint("the public address needs a PTR record, and the name in it must have that address")
        .hint("the SPF record of the sender's domain must contain the address; `mail-relay doctor` checks all three");
    let finding = if spec.milter.is_some() {
        finding
    } else {
        finding.hint("many servers expect DKIM signatures: [milter] with OpenDKIM or rspamd")
    };
    judge.report(finding.hint(
        "a new address has no reputation, so large providers may defer or junk its mail for weeks; a [smarthost] takes what \
         MX hosts do not accept now",
    ));
}

/// Checks the smarthosts of a relay that sends directly. Postfix tries a fallback with the service for MX hosts, so TLS cannot be
/// implicit. The level of `[tls]` is for MX hosts, and smarthosts are always verified by their names.
pub(super) fn fallback(judge: &mut Judge, entries: &[Entry<'_>]) {
    for entry in entries {
        let section = entry.section;
        let host = &entry.smarthost;
        let place = section.value.host.as_ref().map_or(&section.span, |spot| &spot.span);
        if let Some(span) = &entry.without_tls {
            let message = "a smarthost next to provider = \"direct\" must have TLS";
            judge.report(Diagnostic::error("direct", span.clone(), message).hint("remove `tls`"));
        } else if host.is_usual() && host.mode == TlsMode::Implicit {
            let span = section.value.port.as_ref().map_or(place, |spot| &spot.span);
            let message = "a fallback for MX hosts must start TLS by STARTTLS";
            judge.report(
                Diagnostic::error("direct", span.clone(), message)
                    .labelled("Postfix tries it with the options for MX hosts, which have no implicit TLS")
                    .hint("use port 587"),
            );
        }
        if values::is_address_literal(&host.host) {
            let message = format!(
                "the certificate of `{}` cannot be verified: Postfix compares names, not addresses",
                host.host
            );
            judge.report(
                Diagnostic::error("direct", place.clone(), message)
                    .hint("write the name of the smarthost as `host`"),
            );
        }
    }
}

fn public_address(text: &str) -> Result<IpAddr, Fault> {
    let address: IpAddr = text.parse().map_err(|_| Fault::new("it is not an IP address"))?;
    let is_private = match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    };
    if is_private || address.is_unspecified() || address.is_multicast() {
        return Err(Fault::new("it is not a public address").hint("write the address that other servers see"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses() {
        for (text, good) in [
            ("203.0.113.5", true),
            ("2001:db8::5", true),
            ("192.168.1.5", false),
            ("fd00::5", false),
            ("fe80::5", false),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("mx.acme.example", false),
            ("203.0.113.0/24", false),
        ] {
            assert_eq!(public_address(text).is_ok(), good, "{text}");
        }
    }
}
