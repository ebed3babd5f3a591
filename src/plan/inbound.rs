//! Mail from anybody: the domains, the way to the servers behind, and what is refused on the way in.
//!
//! The sources are ADDRESS_CLASS_README, STANDARD_CONFIGURATION_README ("Configuring Postfix as primary or backup MX
//! host for a remote site"), SMTPD_ACCESS_README and postconf(5).

use super::layer::{Item, Layer, inline};
use crate::relay::{Inbound, NextHop, Relay};

/// Names of every domain that can always be written to (RFC 5321 4.5.1, RFC 2142).
const ALWAYS: &[&str] = &["postmaster", "abuse"];

/// For whom mail is taken, and where it goes.
pub(super) fn domains(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(inbound) = relay.inbound.as_ref().filter(|inbound| !inbound.domains.is_empty()) else { return };
    layer.section("Mail for these domains is taken from anybody, and goes to the servers behind.");
    layer.list("relay_domains", inbound.domains.iter().map(|(domain, _)| Item::from(domain.as_str())));
    let routes = inbound.domains.iter().map(|(domain, hop)| inline(domain, &route(hop)));
    layer.list("transport_maps", routes);
    // Else a domain would stand for all below it, which have no way to go.
    layer.set("parent_domain_matches_subdomains", "smtpd_access_maps");
}

fn route(hop: &NextHop) -> String {
    let host = if hop.host.contains(':') { format!("ipv6:{}", hop.host) } else { hop.host.clone() };
    format!("relay:[{host}]:{}", hop.port)
}

/// Edits of master.cf: the way to the servers behind is not the way out. Nothing is hidden from them, or loops of mail
/// would not be seen; they get no password; TLS is used where they offer it.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    if relay.inbound.as_ref().is_none_or(|inbound| inbound.domains.is_empty()) {
        return Vec::new();
    }
    [
        "smtp_header_checks=",
        "smtp_sasl_auth_enable=no",
        "smtp_tls_wrappermode=no",
        "smtp_tls_security_level=may",
    ]
    .map(|option| format!("P relay/unix/{option}"))
    .to_vec()
}

/// What anybody may write to, before all else is refused as a relay for strangers.
pub(super) fn own_postmaster(inbound: Option<&Inbound>) -> Option<Item> {
    inbound?;
    let names: Vec<String> = ALWAYS.iter().map(|name| format!("{{{name}@$myhostname = OK}}")).collect();
    Some(Item::from(&*format!("check_recipient_access inline:{{ {} }}", names.join(", "))))
}

/// What mail from anybody must pass after the user's own tables and restrictions.
pub(super) fn recipient(_inbound: &Inbound) -> Vec<Item> {
    let text = |text: &str| Item::from(text);
    vec![
        text("reject_non_fqdn_sender"),
        text("reject_non_fqdn_recipient"),
        text("reject_unknown_sender_domain"),
    ]
}
