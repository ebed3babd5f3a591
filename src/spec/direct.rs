//! `provider = "direct"` and `[direct]`: mail that goes directly to MX hosts.

use std::net::IpAddr;

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Severity};
use crate::keys::Spec;
use crate::keys::spot::Many;
use crate::relay::{Direct, Profile, Provider};

/// Whether the spec says that mail goes directly to MX hosts.
pub(super) fn is_stated(spec: &Spec) -> bool {
    let provider = spec.relay.as_ref().and_then(|relay| relay.value.provider.as_ref());
    provider.is_some_and(|spot| spot.value == Provider::DIRECT)
}

/// Checks both, and shows what they cost. `None` if the spec does not say it.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Option<Profile>) -> Option<Direct> {
    let (addresses, block_lists) =
        spec.direct.as_ref().map(|direct| (direct.addresses.as_ref(), direct.block_lists.as_ref())).unwrap_or_default();
    if !is_stated(spec) {
        let first = |list: Option<&Many<String>>| list.and_then(|list| list.0.first()).map(|spot| spot.span.clone());
        if let Some(span) = first(addresses).or_else(|| first(block_lists)) {
            let message = "[direct] has no effect: the spec does not have provider = \"direct\"";
            judge.report(
                Diagnostic::error("direct", span, message).hint("add provider = \"direct\" to [relay], or remove [direct]"),
            );
        }
        return None;
    }
    if let Some(smarthost) = spec.smarthost.as_ref().and_then(|hosts| hosts.0.first()) {
        let message = "mail goes directly to MX hosts, so a smarthost has no effect";
        judge.report(
            Diagnostic::error("direct", smarthost.span.clone(), message)
                .hint("remove [smarthost], or write provider = \"custom\""),
        );
    }
    costs(judge, spec, profile);
    let read = judge.read_all("direct", "direct.addresses", "IP addresses", addresses, public_address);
    let lists = judge.read_all("direct", "direct.block-lists", "domains of block lists", block_lists, values::domain);
    Some(Direct {
        addresses: read.into_iter().map(|spot| spot.value).collect(),
        block_lists: lists.into_iter().map(|spot| spot.value).collect(),
    })
}

/// A relay that receives mail has all of this already.
fn costs(judge: &mut Judge, spec: &Spec, profile: Option<Profile>) {
    let spot = spec.relay.as_ref().and_then(|relay| relay.value.provider.as_ref());
    let Some(spot) = spot.filter(|_| !profile.is_some_and(Profile::receives)) else { return };
    let message = "mail goes directly to the MX hosts of its recipients";
    judge.report(
        Diagnostic::new(Severity::Note, "direct", Some(spot.span.clone()), message)
            .hint("the network must permit connections to port 25, which many providers and clouds block")
            .hint("the public address needs a PTR record, and the name in it must have that address")
            .hint("the SPF record of the sender's domain must contain the address; `mail-relay doctor` checks all three")
            .hint("many servers expect DKIM: [milter] servers = [...] with OpenDKIM or rspamd"),
    );
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
