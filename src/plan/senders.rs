//! Smarthosts for the mail of single senders: sender_dependent_default_transport_maps, and a service of smtp(8) for each way.
//!
//! Each way has separate credentials, a separate TLS mode, and a separate order of failover. With
//! smtp_sender_dependent_authentication, Postfix would send the password of a sender to each server of a list. Only the host knows
//! which smarthosts have credentials, so main.cf refers to `$relay_way_NAME`: a transport with its next hops, or `retry:`.
//! The sources are postconf(5), SASL_README and DATABASE_README (`pipemap`).

use super::PlanError;
use super::layer::Layer;
use super::next_hops;
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::table::Lookup;
use crate::relay::{Auth, Relay, SenderWay, Smarthost, TlsMode};

const TABLE: &str = "sender_ways";

/// Limits that Postfix has for each service, without a common default.
const LIMITS: &[&str] =
    &["destination_concurrency_limit", "destination_recipient_limit", "destination_rate_delay"];

/// The parameter of the host layer with the transport and next hops of a way.
pub(super) fn parameter(way: &SenderWay<'_>) -> String {
    format!("relay_way_{}", way.name.replace('-', "_"))
}

/// The service of master.cf.
fn service(way: &SenderWay<'_>) -> String {
    format!("smarthost-{}", way.name)
}

/// A smarthost of a way, as sasl_passwd and the host command name it: two accounts may be at the same server.
fn endpoint(way: &SenderWay<'_>, host: &Smarthost) -> String {
    format!("{}/{}", way.name, server(&host.host, host.port))
}

/// Adds the transport of single senders, which Postfix looks up before that of all others.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let mut ways = relay.sender_ways();
    ways.retain(|way| !way.senders.is_empty());
    if ways.is_empty() {
        return;
    }
    layer.section(
        "Senders with separate smarthosts. `mail-relay apply` sets the next hops of each, see transport(5).",
    );
    let rows: Vec<String> =
        ways.iter().map(|way| format!("{{{} = ${}}}", way.name, parameter(way))).collect();
    layer.set(
        "sender_dependent_default_transport_maps",
        &format!("pipemap:{{$default_database_type:/etc/postfix/{TABLE}, inline:{{ {} }}}}", rows.join(", ")),
    );
}

/// Limits of the services: those of the smarthosts for all other senders.
pub(super) fn limits<'a>(
    relay: &'a Relay,
    sets: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (String, String)> + 'a {
    let ways = relay.sender_ways();
    let set: Vec<&str> = LIMITS.iter().copied().filter(|limit| sets(&format!("smtp_{limit}"))).collect();
    ways.into_iter().flat_map(move |way| {
        let service = service(&way);
        let rows = set.iter().map(|limit| (format!("{service}_{limit}"), format!("$smtp_{limit}")));
        rows.collect::<Vec<_>>()
    })
}

/// Edits of master.cf.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    relay.sender_ways().iter().map(|way| edit(way, relay)).collect()
}

fn edit(way: &SenderWay<'_>, relay: &Relay) -> String {
    let service = service(way);
    let wrapped = way.smarthosts.iter().any(|host| host.mode == TlsMode::Implicit);
    // While credentials are missing, main.cf has a different filter.
    let filter = if next_hops::has_any(relay) { next_hops::FILTER } else { "" };
    let mut options = vec![
        format!("syslog_name=postfix/{service}"),
        format!("smtp_tls_wrappermode={}", if wrapped { "yes" } else { "no" }),
        format!("smtp_delivery_status_filter={filter}"),
    ];
    if relay.has_fallback() {
        options.push("smtp_fallback_relay=".to_owned());
    }
    let logging_in: Vec<&&Smarthost> = way.smarthosts.iter().filter(|host| host.auth != Auth::None).collect();
    match logging_in.first() {
        None => options.push("smtp_sasl_auth_enable=no".to_owned()),
        Some(first) => {
            let accounts: Vec<String> = logging_in
                .iter()
                .map(|host| format!("{{{} = {}}}", server(&host.host, host.port), endpoint(way, host)))
                .collect();
            let clear = if relay.tls.cleartext_password && !relay.sends_directly() {
                "noanonymous"
            } else {
                "noplaintext,noanonymous"
            };
            options.extend([
                "smtp_sasl_auth_enable=yes".to_owned(),
                format!(
                    "{{smtp_sasl_password_maps=pipemap:{{inline:{{ {} }}, $default_database_type:/etc/postfix/sasl_passwd}}}}",
                    accounts.join(", ")
                ),
                format!("smtp_sasl_security_options={clear}"),
                "smtp_sasl_tls_security_options=noanonymous".to_owned(),
                // All smarthosts of a way have the same mechanisms.
                format!("smtp_sasl_mechanism_filter={}", first.mechanisms.join(",")),
            ]);
        }
    }
    let options: Vec<String> = options.iter().map(|option| format!(" -o {option}")).collect();
    format!("M {service}/unix={service} unix - - n - - smtp{}", options.concat())
}

/// The table of senders and their ways.
pub(super) fn tables(relay: &Relay) -> Result<Option<Table>, PlanError> {
    let mut ways = relay.sender_ways();
    ways.retain(|way| !way.senders.is_empty());
    let rows = || {
        let mut rows = Lookup::new(
            "The smarthosts of single senders, see postconf(5), sender_dependent_default_transport_maps.",
        );
        for way in &ways {
            for sender in way.senders {
                rows.insert(sender, way.name)?;
            }
        }
        Ok(rows)
    };
    (!ways.is_empty()).then(|| table(TABLE, Kind::Indexed, rows())).transpose()
}

/// The parameters of the host layer if all credentials are present.
pub(super) fn host_rows(relay: &Relay) -> Vec<(String, String)> {
    let row = |way: &SenderWay<'_>| {
        let hops: Vec<String> = way.smarthosts.iter().map(|host| server(&host.host, host.port)).collect();
        (parameter(way), format!("{}:{}", service(way), hops.join(", ")))
    };
    relay.sender_ways().iter().map(row).collect()
}
