//! Domains with their own TLS policy, see TLS_README ("Per-destination TLS policy").

use std::collections::BTreeSet;

use super::PlanError;
use super::layer::Item;
use super::mailboxes;
use super::table::{Kind, Table, table};
use super::transports::destinations;
use super::words::{level_name, server};
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Relay, TlsLevel, TlsPolicy, Way, way_of};

const POLICIES: &str = "tls_policy";

/// Where postfix-mta-sts-resolver listens, and the name of its zone; the unit that it is.
const RESOLVER: &str = "socketmap:inet:127.0.0.1:8461:postfix";
pub(super) const RESOLVER_UNIT: &str = "postfix-mta-sts-resolver.service";

/// The tables of TLS policies, those of the spec first. While one of them does not answer, mail waits.
pub(super) fn maps(relay: &Relay) -> Vec<Item> {
    let listed = (!policies(relay).is_empty())
        .then(|| Item::from(&*format!("$default_database_type:/etc/postfix/{POLICIES}")));
    let stored = mailboxes::tls_policies(relay).map(|name| Item::from(&*name));
    listed.into_iter().chain(stored).chain(relay.tls.mta_sts.as_ref().map(|_| Item::from(RESOLVER))).collect()
}

/// Whether any policy needs TLSA records from DNS.
pub(super) fn asks_for_tlsa(relay: &Relay) -> bool {
    let behind = relay.inbound.as_ref().map(|inbound| inbound.tls);
    let single = relay.tls.policies.iter().map(|policy| policy.level);
    single.chain(behind).chain([relay.tls.level]).any(TlsLevel::asks_for_tlsa)
}

/// The table that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let policies = policies(relay);
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![table(POLICIES, Kind::Indexed, rows(&policies))?])
}

/// The policies by what Postfix looks them up by: the next hop, which is the recipient's domain where `[transports]` names no
/// server. The names of `[tls] match` are the smarthost's, so other servers get their own back.
fn policies(relay: &Relay) -> Vec<TlsPolicy> {
    let (tls, transports) = (&relay.tls, &relay.transports);
    let mut policies: Vec<TlsPolicy> = Vec::new();
    for policy in &tls.policies {
        let way = way_of(transports, &policy.domain).filter(|way| way.way != Way::Direct);
        let domain = policy.domain.rsplit_once('@').map_or(&*policy.domain, |(_, domain)| domain);
        let mut hops = way.map(destinations).unwrap_or_default();
        if hops.is_empty() {
            hops.push(domain.to_owned());
        }
        policies.extend(hops.into_iter().map(|domain| TlsPolicy { domain, ..policy.clone() }));
    }
    let names: &[&str] = match tls.level {
        _ if tls.match_names.is_empty() => &[],
        TlsLevel::Secure => &["nexthop", "dot-nexthop"],
        TlsLevel::Verify => &["hostname"],
        _ => &[],
    };
    if !names.is_empty() {
        let match_names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        for domain in transports.iter().flat_map(destinations) {
            policies.push(TlsPolicy { domain, level: tls.level, match_names: match_names.clone() });
        }
    }
    // The level of `[tls]` is then for MX hosts.
    for host in relay.smarthosts.iter().filter(|_| relay.sends_directly()) {
        let match_names = names.iter().map(|name| (*name).to_owned()).collect();
        policies.push(TlsPolicy {
            domain: server(&host.host, host.port),
            level: TlsLevel::Secure,
            match_names,
        });
    }
    let mut known = BTreeSet::new();
    policies.retain(|policy| known.insert(policy.domain.clone()));
    policies
}

fn rows(policies: &[TlsPolicy]) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("TLS policies of single domains, see postconf(5), smtp_tls_policy_maps.");
    for policy in policies {
        let level = level_name(policy.level);
        let result = match policy.match_names.as_slice() {
            [] => level.to_owned(),
            names => format!("{level} match={}", names.join(":")),
        };
        rows.insert(&policy.domain, &result)?;
    }
    Ok(rows)
}
