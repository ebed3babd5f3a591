//! The lookup tables of a relay, and what is in them.

use super::table::{Kind, Table, table};
use super::{
    PlanError, clients, content, inbound, mailboxes, next_hops, own_tables, recipients, rewriting, senders,
    submission, tls_policies, transports,
};
use crate::postfix::table::{Aliases, Lookup, Regexp, TableError};
use crate::relay::{Headers, Relay};

/// The tables a relay refers to; every one of them is referred to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let mut tables = vec![table("aliases", Kind::Text, aliases(relay))?];
    if relay.headers != Headers::default() {
        let checks = header_checks(&relay.headers, relay.server.is_none());
        tables.push(table("header_checks", Kind::Regexp, checks)?);
    }
    if has_aliases(relay) {
        tables.push(table("virtual", Kind::Indexed, virtual_aliases(relay))?);
    }
    if let Some(server) = &relay.server {
        tables.extend(clients::tables(server)?);
    }
    tables.extend(rewriting::tables(relay)?);
    tables.extend(submission::tables(relay)?);
    tables.extend(mailboxes::tables(relay)?);
    tables.extend(tls_policies::tables(relay)?);
    tables.extend(transports::tables(relay)?);
    tables.extend(next_hops::tables(relay)?);
    tables.extend(senders::tables(relay)?);
    tables.extend(recipients::tables(relay)?);
    if let Some(inbound) = &relay.inbound {
        tables.extend(inbound::tables(relay, inbound)?);
    }
    tables.extend(content::tables(relay)?);
    tables.extend(own_tables::tables(relay)?);
    Ok(tables)
}

/// Received headers that this host's Postfix made for local programs: `by HOST (Postfix...`.
const OWN_HOPS: &str = r"^Received:[[:space:]]*by [^ ]+ \(Postfix";

/// How an address of the loopback interface or of a private network begins (RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 6598).
const PRIVATE: &str = r"(127\.|10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|(IPv6:)?(::1[])]|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:))";

/// Any address, in brackets (RFC 5321) or in parentheses (Exchange).
const ADDRESS: &str = r"[[(](([0-9]{1,3}\.){3}[0-9]{1,3}|(IPv6:)?[0-9a-f]{1,4}:[0-9a-f:.]*:[0-9a-f:.]*)[])]";

/// Removes headers from outgoing mail; see header_checks(5) and regexp_table(5). On a host that sends only its `own` mail, all
/// hops are internal unless they have a public address. Local programs and other MTAs write them differently.
fn header_checks(headers: &Headers, own: bool) -> Result<Regexp, TableError> {
    let mut rules =
        Regexp::new("Headers that do not leave this host, see header_checks(5); the first match wins.");
    if headers.strip_received {
        rules.push(OWN_HOPS, "IGNORE")?;
        if own {
            rules.push(&format!("^Received:.*[[(]{PRIVATE}"), "IGNORE")?;
            rules.push(&format!("^Received:[[:space:]]*from .*{ADDRESS}"), "DUNNO")?;
            rules.push("^Received:", "IGNORE")?;
        } else {
            rules.push(&format!(r"^Received:[[:space:]]*from .*\[{PRIVATE}"), "IGNORE")?;
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
    let mut rows = Lookup::new("Aliases, see virtual(5).");
    let addresses = relay.inbound.iter().flat_map(|inbound| &inbound.aliases);
    for (name, targets) in relay.local.aliases.iter().chain(addresses) {
        rows.insert(name, &targets.join(", "))?;
    }
    Ok(rows)
}

/// Aliases as people look for them, see aliases(5).
fn aliases(relay: &Relay) -> Result<Aliases, TableError> {
    let mut rows = Aliases::new(
        "Recipients of local names, for people to read. This Postfix delivers nothing locally and uses\n\
         virtual_alias_maps instead. Mail to a name that is not listed goes to the recipient of root's mail.",
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
        insta::assert_snapshot!(header_checks(&headers, true).unwrap().to_string());
        let lan = header_checks(&headers, false).unwrap().to_string();
        assert!(!lan.contains("/^Received:/") && !lan.contains("DUNNO"), "{lan}");
    }
}
