//! The lookup tables of a relay, and what is in them.

use super::table::{Kind, Table, table};
use super::{
    PlanError, clients, content, inbound, mailboxes, next_hops, submission, tls_policies, transports,
};
use crate::postfix::table::{Aliases, Lookup, Regexp, TableError};
use crate::relay::{Headers, Relay};

/// The tables a relay refers to; every one of them is referred to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let mut tables = vec![table("aliases", Kind::Text, aliases(relay))?];
    if relay.headers != Headers::default() {
        tables.push(table("header_checks", Kind::Regexp, header_checks(&relay.headers))?);
    }
    if has_aliases(relay) {
        tables.push(table("virtual", Kind::Indexed, virtual_aliases(relay))?);
    }
    if let Some(server) = &relay.server {
        tables.extend(clients::tables(server)?);
    }
    tables.extend(submission::tables(relay)?);
    tables.extend(mailboxes::tables(relay)?);
    tables.extend(tls_policies::tables(relay)?);
    tables.extend(transports::tables(relay)?);
    tables.extend(next_hops::tables(relay)?);
    if let Some(inbound) = &relay.inbound {
        tables.extend(inbound::tables(inbound)?);
    }
    tables.extend(content::tables(relay)?);
    Ok(tables)
}

/// Received headers of this host: made by its own Postfix for local programs (`by HOST (Postfix...`), or naming
/// the loopback interface or a private network (RFC 1918, RFC 4193). Those of other hosts stay.
const OWN_HOPS: &[&str] = &[
    r"^Received: by [^ ]+ \(Postfix",
    r"^Received: from .*\[(127\.|10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|IPv6:(::1\]|f[cd]))",
];

/// Removes headers on the way out; see header_checks(5) and regexp_table(5).
fn header_checks(headers: &Headers) -> Result<Regexp, TableError> {
    let mut rules =
        Regexp::new("Headers that do not leave this host, see header_checks(5); the first match wins.");
    if headers.strip_received {
        for pattern in OWN_HOPS {
            rules.push(pattern, "IGNORE")?;
        }
    }
    for name in &headers.strip {
        rules.push(&format!("^{}:", Regexp::escape(name)), "IGNORE")?;
    }
    for pattern in &headers.patterns {
        rules.push(pattern, "IGNORE")?;
    }
    Ok(rules)
}

/// Whether any address or name stands for others.
pub(super) fn has_aliases(relay: &Relay) -> bool {
    let inbound = relay.inbound.as_ref();
    !relay.local.aliases.is_empty() || inbound.is_some_and(|inbound| !inbound.aliases.is_empty())
}

/// Aliases as virtual(5) reads them: a name without a domain is a local name.
fn virtual_aliases(relay: &Relay) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("Names and addresses that stand for others, see virtual(5).");
    let addresses = relay.inbound.iter().flat_map(|inbound| &inbound.aliases);
    for (name, targets) in relay.local.aliases.iter().chain(addresses) {
        rows.insert(name, &targets.join(", "))?;
    }
    Ok(rows)
}

/// Aliases as people look for them, see aliases(5).
fn aliases(relay: &Relay) -> Result<Aliases, TableError> {
    let mut rows = Aliases::new(
        "Where mail to local names goes, for people to read. This Postfix delivers nothing locally and asks\n\
         virtual_alias_maps instead. A name that is not here goes where root's mail goes.",
    );
    let own = |wanted: &str| relay.local.aliases.iter().any(|(name, _)| name == wanted);
    if !relay.local.root_mail_to.is_empty() {
        if !own("postmaster") {
            rows.insert("postmaster", ["root"])?;
        }
        if !own("root") {
            rows.insert("root", relay.local.root_mail_to.iter().map(String::as_str))?;
        }
    }
    for (name, targets) in &relay.local.aliases {
        rows.insert(name, targets.iter().map(String::as_str))?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_checks_have_one_rule_for_each_header() {
        let headers = Headers {
            strip_received: true,
            strip: vec!["User-Agent".to_owned(), "X.Y".to_owned()],
            patterns: vec!["^X-Path: /srv".to_owned()],
        };
        insta::assert_snapshot!(header_checks(&headers).unwrap().to_string());
    }
}
