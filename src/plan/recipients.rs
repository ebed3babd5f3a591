//! Limits on recipients: `[access] allowed-recipients` and `[staging] all-mail-to`.
//!
//! Both hold for all mail, also that of programs of the host, which no smtpd(8) sees. Rejection is a transport, which trivial-rewrite(8)
//! selects after aliases: error(8) returns the mail, and smtpd(8) rejects such a recipient. Redirection is an alias in cleanup(8). The
//! tables are regular expressions, because these see whole addresses only and precede the parts of an address in other tables
//! (transport(5), virtual(5)).

use super::PlanError;
use super::layer::{Item, inline};
use super::mailboxes;
use super::table::{Kind, Table, table};
use crate::postfix::table::{Regexp, TableError};
use crate::relay::{From, Inbound, Recipient, Relay};

const ALLOWED: &str = "allowed_recipients";
const STAGING: &str = "staging_recipients";

/// Domains of local names, whose mail goes to root or to a target of an alias.
const LOCAL: [&str; 2] = ["localhost", "localhost.localdomain"];

/// The tables that precede all other transports.
pub(super) fn transports(relay: &Relay) -> Vec<Item> {
    if relay.allowed_recipients.is_empty() {
        return Vec::new();
    }
    // smtpd(8) looks up recipients before aliases. The empty result is the usual transport.
    let root = ["root", "postmaster"].map(|name| inline(&format!("{name}@$myhostname"), ":"));
    root.into_iter().chain([Item::from(&*format!("regexp:/etc/postfix/{ALLOWED}"))]).collect()
}

/// The table that follows all other aliases.
pub(super) fn alias(relay: &Relay) -> Option<Item> {
    relay.all_mail_to.is_some().then(|| Item::from(&*format!("regexp:/etc/postfix/{STAGING}")))
}

/// The tables that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let mut tables = Vec::new();
    if !relay.allowed_recipients.is_empty() {
        tables.push(table(ALLOWED, Kind::Regexp, allowed(relay))?);
    }
    if let Some(address) = &relay.all_mail_to {
        tables.push(table(STAGING, Kind::Regexp, staging(relay, address))?);
    }
    Ok(tables)
}

fn allowed(relay: &Relay) -> Result<Regexp, TableError> {
    let mut patterns: Vec<String> = relay
        .allowed_recipients
        .iter()
        .map(|recipient| match recipient {
            Recipient::Address(address) => Regexp::escape(address),
            Recipient::Domain(domain) => of_domain(domain),
            Recipient::Below(domain) => format!(r".+@([^@]+\.)?{}", Regexp::escape(domain)),
        })
        .collect();
    patterns.extend(targets(relay).chain(address_of(relay)).map(Regexp::escape));
    let own = relay.inbound.iter().flat_map(Inbound::own_domains).chain(mailboxes::domains(relay));
    patterns.extend(own.map(|domain| of_domain(domain)));
    patterns.extend(local(relay));
    let mut rules = Regexp::new("The only recipients of mail, see transport(5) and regexp_table(5).");
    rules.push_unless(&whole(&mut patterns), "error:5.7.1 this relay sends to certain recipients only")?;
    Ok(rules)
}

fn staging(relay: &Relay, address: &str) -> Result<Regexp, TableError> {
    let mut patterns: Vec<String> = local(relay).collect();
    let of_root = relay.local.root_mail_to.iter().map(String::as_str);
    patterns.extend(of_root.filter(|to| to.contains('@')).chain([address]).map(Regexp::escape));
    let mut rules = Regexp::new("All mail but that of local names goes to one address, see virtual(5).");
    rules.push_unless(&whole(&mut patterns), address)?;
    Ok(rules)
}

/// Addresses that mail of local names goes to.
fn targets(relay: &Relay) -> impl Iterator<Item = &str> {
    let aliases = relay.local.aliases.iter().flat_map(|(_, targets)| targets);
    relay.local.root_mail_to.iter().chain(aliases).map(String::as_str).filter(|target| target.contains('@'))
}

/// The sender of the host, to which bounces go without `root-mail-to`.
fn address_of(relay: &Relay) -> Option<&str> {
    match &relay.identity.from {
        Some(From::Address(address)) => Some(address),
        Some(From::Domain(_)) | None => None,
    }
}

fn of_domain(domain: &str) -> String {
    format!(".+@{}", Regexp::escape(domain))
}

/// Local names with and without a domain.
fn local(relay: &Relay) -> impl Iterator<Item = String> {
    let names = relay.local.domains.iter().map(String::as_str);
    let names = LOCAL.into_iter().chain(names).chain(relay.identity.hostname.as_deref());
    ["[^@]*".to_owned()].into_iter().chain(names.map(of_domain))
}

/// A pattern that matches a whole address.
fn whole(patterns: &mut Vec<String>) -> String {
    patterns.sort_unstable();
    patterns.dedup();
    format!("^({})$", patterns.join("|"))
}
