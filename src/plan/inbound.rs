//! Mail from other servers: the domains, the transport to the backends, and restrictions.
//!
//! The sources are ADDRESS_CLASS_README, STANDARD_CONFIGURATION_README ("Configuring Postfix as primary or backup MX
//! host for a remote site"), ADDRESS_VERIFICATION_README, SMTPD_ACCESS_README and postconf(5).

use super::PlanError;
use super::layer::{Item, Layer, inline};
use super::mailboxes;
use super::next_hops;
use super::policies;
use super::table::{Kind, Table, table};
use super::words::{level_name, server};
use crate::postfix::table::{Lookup, Regexp};
use crate::relay::{Abuse, Inbound, NextHop, Recipients, Relay};

/// Names of every domain that can always be written to (RFC 5321 4.5.1, RFC 2142).
const ALWAYS: &[&str] = &["postmaster", "abuse"];

/// The table of addresses that exist.
const LISTED: &str = "relay_recipients";

/// Recipients at an address in brackets, which belong to the host itself.
const LITERALS: &str = "literal_recipients";

/// Senders in the relay's own domains.
const OWN_SENDERS: &str = "own_senders";

/// The domain of a whole address.
const SENDER_DOMAIN: &str = "sender_domain";

/// The answer to a client outside that uses one.
const OWN_SENDER: &str = "REJECT 5.7.1 this sender must log in or use a server of its domain";

/// Inbound domains, and their backends.
pub(super) fn domains(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(inbound) = &relay.inbound else { return };
    if !inbound.domains.is_empty() {
        layer.section("Domains that this relay accepts mail for, and their backends.");
        layer.list("relay_domains", inbound.domains.iter().map(|(domain, _)| Item::from(domain.as_str())));
    }
    // Else a domain would stand for all below it, which have no way to go.
    layer.set("parent_domain_matches_subdomains", "smtpd_access_maps");
    match &inbound.recipients {
        Recipients::Listed(_) => {
            layer.set("relay_recipient_maps", &format!("$default_database_type:/etc/postfix/{LISTED}"));
        }
        Recipients::Verified if !inbound.domains.is_empty() => {
            // A rejection is permanent only if the backend rejected the recipient: see next_hops.rs for the rest.
            layer.set("unverified_recipient_reject_code", "550");
            // verify(8) also caches that a server was down; it queries a server that is back within a minute.
            layer.set("address_verify_negative_refresh_time", "10s");
            layer.set("address_verify_negative_expire_time", "30s");
        }
        Recipients::Verified | Recipients::Any => {}
    }
    abuse(layer, &inbound.abuse);
}

/// The transport to the backends.
pub(super) fn routes(relay: &Relay) -> Vec<Item> {
    let domains = relay.inbound.iter().flat_map(|inbound| &inbound.domains);
    let way = |(domain, hops): &(String, Vec<NextHop>)| {
        let list: Vec<String> = hops.iter().map(|hop| server(&hop.host, hop.port)).collect();
        // A backup sends to the MX hosts of the domain that are better than itself.
        let list = if list.is_empty() { domain.clone() } else { list.join(", ") };
        inline(domain, &format!("relay:{list}"))
    };
    domains.map(way).collect()
}

fn abuse(layer: &mut Layer<'_>, abuse: &Abuse) {
    if let Some(words) = &abuse.words {
        let reply = "$rbl_code 5.7.1 Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain";
        layer.set("default_rbl_reply", &format!("{reply}; {words}"));
    }
    if abuse.spf.is_some() {
        layer.set(policies::SPF_TIME_LIMIT, "3600s");
    }
}

/// Edits of master.cf: the transport to the backends differs from that to smarthosts. No headers are removed, because they
/// reveal mail loops, and no password is sent.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    let Some(inbound) = &relay.inbound else { return Vec::new() };
    let level = format!("smtp_tls_security_level={}", level_name(inbound.tls));
    let filter = format!("smtp_delivery_status_filter={}", next_hops::FILTER);
    let mut options =
        vec!["smtp_header_checks=", "smtp_sasl_auth_enable=no", "smtp_tls_wrappermode=no", level.as_str()];
    if next_hops::has_any(relay) {
        options.push(&filter);
    }
    if relay.has_fallback() {
        options.push("smtp_fallback_relay=");
    }
    options.into_iter().map(|option| format!("P relay/unix/{option}")).collect()
}

/// Recipients that accept mail from everybody, before other mail of strangers is rejected.
pub(super) fn own_postmaster(inbound: Option<&Inbound>) -> Option<Item> {
    inbound.map(|_| always("$relay_host_domain"))
}

/// `check_recipient_access inline:{...}` for [`ALWAYS`]; without a domain of every one.
fn always(domain: &str) -> Item {
    let names: Vec<String> = ALWAYS.iter().map(|name| format!("{{{name}@{domain} = OK}}")).collect();
    Item::from(&*format!("check_recipient_access inline:{{ {} }}", names.join(", ")))
}

/// Restrictions for mail from other servers, after the tables and restrictions of the user: first those without lookups, then
/// those that use DNS, then those that query other services.
pub(super) fn recipient(relay: &Relay, inbound: &Inbound) -> Vec<Item> {
    let text = |text: &str| Item::from(text);
    let mut list = vec![
        text("reject_non_fqdn_sender"),
        text("reject_non_fqdn_recipient"),
        text(&format!("check_recipient_access regexp:/etc/postfix/{LITERALS}")),
        text("reject_unlisted_recipient"),
        always(""),
        text("reject_unknown_sender_domain"),
    ];
    let abuse = &inbound.abuse;
    if abuse.reject_own_senders {
        let listed = own_domains(relay, inbound).next().map(|_| format!("regexp:/etc/postfix/{OWN_SENDERS}"));
        // Only the exact domain of a whole address: subdomains may send from elsewhere.
        let stored = mailboxes::domain_database(relay).map(|database| {
            format!("pipemap:{{ regexp:/etc/postfix/{SENDER_DOMAIN}, {database}, static:{{{OWN_SENDER}}} }}")
        });
        list.extend(
            listed.into_iter().chain(stored).map(|table| text(&format!("check_sender_access {table}"))),
        );
    }
    for own in &abuse.block_lists {
        list.push(text(&format!("reject_rbl_client {}", own.name)));
    }
    for own in &abuse.name_lists {
        for whose in ["helo", "reverse_client", "sender"] {
            list.push(text(&format!("reject_rhsbl_{whose} {}", own.name)));
        }
    }
    list.extend(policies::asked(abuse));
    if inbound.recipients == Recipients::Verified && !inbound.domains.is_empty() {
        list.push(text("reject_unverified_recipient"));
    }
    list
}

/// The domains of the spec that mail is taken for.
fn own_domains<'a>(relay: &'a Relay, inbound: &'a Inbound) -> impl Iterator<Item = &'a String> {
    inbound.own_domains().chain(mailboxes::domains(relay))
}

/// The tables that the lists above refer to.
pub(super) fn tables(relay: &Relay, inbound: &Inbound) -> Result<Vec<Table>, PlanError> {
    let mut literals = Regexp::new(
        "Recipients that strangers must not use, see regexp_table(5): root at the IP address of \
            the host.",
    );
    let names = ALWAYS.join("|");
    let rules = [
        (format!("^({names})@\\["), "DUNNO"),
        ("@\\[".to_owned(), "REJECT no mail to addresses in brackets"),
    ];
    let filled = rules.iter().try_for_each(|(pattern, result)| literals.push(pattern, result));
    let mut tables = vec![table(LITERALS, Kind::Regexp, filled.map(|()| literals))?];
    if inbound.abuse.reject_own_senders && own_domains(relay, inbound).next().is_some() {
        let mut senders = Regexp::new(
            "Senders that only authenticated clients and trusted networks may use, see regexp_table(5).",
        );
        let filled = own_domains(relay, inbound)
            .try_for_each(|domain| senders.push(&format!("@{}$", Regexp::escape(domain)), OWN_SENDER));
        tables.push(table(OWN_SENDERS, Kind::Regexp, filled.map(|()| senders))?);
    }
    if inbound.abuse.reject_own_senders && mailboxes::domain_database(relay).is_some() {
        let mut domain = Regexp::new("Extracts the domain of an address for lookups, see regexp_table(5).");
        let filled = domain.push(".*@(.+)", "$1");
        tables.push(table(SENDER_DOMAIN, Kind::Regexp, filled.map(|()| domain))?);
    }
    tables.extend(addresses(inbound)?);
    Ok(tables)
}

/// The table of addresses that exist.
fn addresses(inbound: &Inbound) -> Result<Option<Table>, PlanError> {
    let Recipients::Listed(addresses) = &inbound.recipients else { return Ok(None) };
    let mut rows = Lookup::new("Valid recipients at the backends; the result has no meaning.");
    let mut all = || {
        for (domain, _) in &inbound.domains {
            let (whole, postmaster) = (format!("@{domain}"), format!("postmaster@{domain}"));
            if !addresses.contains(&whole) && !addresses.contains(&postmaster) {
                rows.insert(&postmaster, "OK")?;
            }
        }
        addresses.iter().try_for_each(|address| rows.insert(address, "OK"))
    };
    let filled = all();
    table(LISTED, Kind::Indexed, filled.map(|()| rows)).map(Some)
}
