//! Domains that are spoken to otherwise than the rest, see TLS_README ("Per-destination TLS policy").

use super::PlanError;
use super::layer::Item;
use super::table::{Kind, Table, table};
use super::words::level_name;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Relay, TlsLevel};

const POLICIES: &str = "tls_policy";

/// Where postfix-mta-sts-resolver listens, and the name of its zone; the unit that it is.
const RESOLVER: &str = "socketmap:inet:127.0.0.1:8461:postfix";
pub(super) const RESOLVER_UNIT: &str = "postfix-mta-sts-resolver.service";

/// The tables that are asked for the policy of a domain: those of the spec first.
pub(super) fn maps(relay: &Relay) -> Vec<Item> {
    let listed = (!relay.tls.policies.is_empty())
        .then(|| Item::from(&*format!("$default_database_type:/etc/postfix/{POLICIES}")));
    listed.into_iter().chain(relay.tls.mta_sts.as_ref().map(|_| Item::from(RESOLVER))).collect()
}

/// Whether DNS is asked for TLSA records of anybody.
pub(super) fn asks_for_tlsa(relay: &Relay) -> bool {
    let behind = relay.inbound.as_ref().map(|inbound| inbound.tls);
    let single = relay.tls.policies.iter().map(|policy| policy.level);
    single.chain(behind).chain([relay.tls.level]).any(TlsLevel::asks_for_tlsa)
}

/// The table that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    if relay.tls.policies.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![table(POLICIES, Kind::Indexed, policies(relay))?])
}

fn policies(relay: &Relay) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("TLS towards single domains, see postconf(5), smtp_tls_policy_maps.");
    for policy in &relay.tls.policies {
        let level = level_name(policy.level);
        let result = match policy.match_names.as_slice() {
            [] => level.to_owned(),
            names => format!("{level} match={}", names.join(":")),
        };
        rows.insert(&policy.domain, &result)?;
    }
    Ok(rows)
}
