//! The package layer of main.cf.
//!
//! The construct was tested with Postfix 3.5, 3.7, 3.10 and 3.11; the reasons are next to the parameters. The
//! sources are postconf(5), STANDARD_CONFIGURATION_README ("Postfix on a null client"), ADDRESS_REWRITING_README,
//! TLS_README and SASL_README.

use super::PlanError;
use super::clients;
use super::content;
use super::inbound;
use super::layer::{Item, Layer};
use super::mailboxes;
use super::next_hops;
use super::postscreen;
use super::rewriting;
use super::senders;
use super::submission;
use super::tls_policies;
use super::transports;
use super::words::{OLD_PROTOCOLS, level_name};
use crate::postfix::MainCf;
use crate::relay::{Auth, Headers, Provider, Relay, TlsLevel, TlsVersion};

/// The master.cf entry of tlsproxy(8); without it, connection reuse stops all delivery. The two options keep
/// Postfix 3.10 from warning that it has no server certificate: it is a client here.
pub(super) const TLSPROXY: &str = "M tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy \
                                   -o tlsproxy_tls_security_level=may -o tlsproxy_tls_cert_file=none";
/// The same if it is also the server side of a postscreen that offers TLS.
pub(super) const TLSPROXY_OF_GUARD: &str = "M tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy";

/// The package layer of main.cf.
pub(super) fn main_cf(relay: &Relay) -> Result<MainCf, PlanError> {
    let mut layer = Layer::new(&relay.parameters);
    clients::network(&mut layer, relay);
    identity(&mut layer, relay);
    local_mail(&mut layer, relay);
    rewriting::recipients(&mut layer, relay);
    rewriting::senders(&mut layer, relay);
    outgoing_headers(&mut layer, relay);
    smarthosts(&mut layer, relay);
    senders::parameters(&mut layer, relay);
    transports::parameters(&mut layer, relay);
    next_hops::parameters(&mut layer, relay);
    tls(&mut layer, relay);
    authentication(&mut layer, relay);
    inbound::domains(&mut layer, relay);
    mailboxes::parameters(&mut layer, relay);
    content::checked(&mut layer, relay);
    clients::protection(&mut layer, relay);
    postscreen::parameters(&mut layer, relay);
    submission::parameters(&mut layer, relay);
    limits(&mut layer, relay);
    retries(&mut layer);
    own_parameters(&mut layer, relay);
    layer.finish()
}

fn identity(layer: &mut Layer<'_>, relay: &Relay) {
    rewriting::origin(layer, relay);
    if let Some(name) = &relay.identity.helo_name {
        layer.set("smtp_helo_name", name);
    }
}

fn local_mail(layer: &mut Layer<'_>, relay: &Relay) {
    layer.section(
        "No mailboxes. Postfix uses aliases only for local delivery, which is disabled here;\n\
         /etc/postfix/aliases is for people to read.",
    );
    layer.set("mydestination", "");
    let kind = match (&relay.mailboxes, &relay.inbound, &relay.server) {
        (Some(_), _, _) => "has no mailboxes of local users",
        (None, Some(_), _) => "is a gateway and has no mailboxes",
        (None, None, Some(_)) => "is a relay and has no mailboxes",
        (None, None, None) => "is send-only and has no mailboxes",
    };
    layer.set("local_transport", &format!("error:5.1.1 this host {kind}"));
    layer.set("alias_maps", "");
    layer.set("alias_database", "");
    let alias_domains =
        relay.inbound.as_ref().map(|inbound| inbound.alias_domains.as_slice()).unwrap_or_default();
    layer.list("virtual_alias_domains", alias_domains.iter().map(|domain| Item::from(domain.as_str())));
    layer.set("biff", "no");
}

fn outgoing_headers(layer: &mut Layer<'_>, relay: &Relay) {
    if relay.headers != Headers::default() {
        layer.section(
            "Headers that are removed from outgoing mail. Not earlier, because they stop mail loops.",
        );
        layer.set("smtp_header_checks", "regexp:/etc/postfix/header_checks");
    }
}

fn smarthosts(layer: &mut Layer<'_>, relay: &Relay) {
    if relay.sends_directly() {
        layer.section("Destination of mail: MX hosts.");
        layer.set("relayhost", "");
        if relay.has_fallback() {
            layer.section("The smarthosts that take what these do not accept now, or none while credentials are missing.");
            layer.set("smtp_fallback_relay", "$relay_fallback");
        }
        smtputf8_off(layer);
        return;
    }
    layer.section(
        "Destination of mail: the smarthosts in order of failover. Mail waits while credentials are missing.",
    );
    layer.set("relayhost", "$relay_smarthosts");
    // A relay with clients must not accept mail that the next server may reject: a custom smarthost, Dovecot 2.3, Exchange.
    let known = relay.provider != Provider::CUSTOM && relay.inbound.is_none() && relay.mailboxes.is_none();
    if !relay.smtputf8 {
        layer.section(
            "The smarthost does not support SMTPUTF8. If this were on, a message with a UTF-8 \
            subject would bounce, and so would the bounce.",
        );
        layer.set("smtputf8_enable", "no");
    } else if relay.server.is_some() && !known {
        smtputf8_off(layer);
    } else {
        layer.set("smtputf8_enable", "yes");
    }
}

/// SMTPUTF8_README: a client that is offered it hands over mail that the next server may not take, and that would bounce.
fn smtputf8_off(layer: &mut Layer<'_>) {
    layer.section(
        "SMTPUTF8 is not offered, because the next server may not support it, and accepted mail would bounce.",
    );
    layer.set("smtputf8_enable", "no");
}

fn tls(layer: &mut Layer<'_>, relay: &Relay) {
    let tls = &relay.tls;
    layer.section(
        "TLS for outgoing mail. The level decides which list of protocols applies, so both are the same.",
    );
    layer.set("smtp_tls_security_level", level_name(tls.level));
    if tls_policies::asks_for_tlsa(relay) {
        layer.set("smtp_dns_support_level", "dnssec");
    }
    let policies = tls_policies::maps(relay);
    if tls.level == TlsLevel::None && policies.is_empty() {
        return;
    }
    layer.set("smtp_tls_CAfile", "$relay_ca_file");
    if !policies.is_empty() {
        layer.list("smtp_tls_policy_maps", policies);
    }
    let match_parameter = match tls.level {
        TlsLevel::Secure => "smtp_tls_secure_cert_match",
        _ => "smtp_tls_verify_cert_match",
    };
    if !tls.match_names.is_empty() {
        layer.set(match_parameter, &tls.match_names.join(", "));
    }
    let protocols = match tls.min_version {
        TlsVersion::V1_2 => OLD_PROTOCOLS,
        TlsVersion::V1_3 => "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1, !TLSv1.2",
    };
    layer.set("smtp_tls_mandatory_protocols", protocols);
    layer.set("smtp_tls_protocols", protocols);
    if let Some((certificate, key)) = &tls.client_certificate {
        layer.set("smtp_tls_cert_file", certificate);
        layer.set("smtp_tls_key_file", key);
    }
    layer.set("smtp_tls_loglevel", &tls.log_level.to_string());
    if tls.connection_reuse {
        layer.section(
            "Connections are reused for several messages. tlsproxy(8), enabled in master.cf, keeps them open.",
        );
        layer.set("smtp_tls_connection_reuse", "yes");
    }
}

fn authentication(layer: &mut Layer<'_>, relay: &Relay) {
    if relay.sends_directly() && !relay.has_fallback() {
        return;
    }
    if relay.usual_smarthosts().all(|host| host.auth == Auth::None) {
        layer.section("No authentication: the smarthost accepts the IP address of this host.");
        layer.set("smtp_sasl_auth_enable", "no");
        return;
    }
    layer.section("Authentication: plain text mechanisms only over TLS.");
    layer.set("smtp_sasl_auth_enable", "yes");
    layer.set("smtp_sasl_password_maps", "$default_database_type:/etc/postfix/sasl_passwd");
    let clear = if relay.tls.cleartext_password && !relay.sends_directly() {
        "noanonymous"
    } else {
        "noplaintext, noanonymous"
    };
    layer.set("smtp_sasl_security_options", clear);
    layer.set("smtp_sasl_tls_security_options", "noanonymous");
    // All smarthosts that want a login have the same.
    let mechanisms =
        relay.usual_smarthosts().find(|host| host.auth != Auth::None).map(|host| &host.mechanisms);
    if let Some(mechanisms) = mechanisms {
        layer.set("smtp_sasl_mechanism_filter", &mechanisms.join(", "));
    }
}

/// Connections to a smarthost that states no limit, where Postfix has 20: 1,000 messages leave in two thirds of the time
/// over a round trip of 40 ms (ci/bench/relay). A smarthost that is Postfix takes 50 from one client
/// (smtpd_client_connection_count_limit), those among them that are just ending; what it refuses waits for minutes.
const CONNECTIONS: u32 = 40;

fn limits(layer: &mut Layer<'_>, relay: &Relay) {
    let limits = &relay.limits;
    // With a pause between messages they leave one by one.
    let unlimited = (limits.rate_delay.is_none() && !relay.sends_directly()).then_some(CONNECTIONS);
    let seconds = |value: Option<u64>| value.map(|seconds| format!("{seconds}s"));
    let rows = [
        ("message_size_limit", limits.message_size.map(|bytes| bytes.to_string())),
        ("header_size_limit", limits.header_size.map(|bytes| bytes.to_string())),
        ("maximal_queue_lifetime", seconds(limits.queue_lifetime)),
        ("bounce_queue_lifetime", seconds(limits.bounce_lifetime)),
        ("delay_warning_time", seconds(limits.delay_warning)),
        (
            "smtp_destination_concurrency_limit",
            limits.concurrency.or(unlimited).map(|count| count.to_string()),
        ),
        ("smtp_destination_recipient_limit", limits.recipients.map(|count| count.to_string())),
        ("smtp_destination_rate_delay", seconds(limits.rate_delay)),
        ("hopcount_limit", limits.hops.map(|count| count.to_string())),
    ];
    if rows.iter().any(|(_, value)| value.is_some()) {
        layer.section("Sizes, times and rates.");
    }
    for (name, value) in &rows {
        if let Some(value) = value {
            layer.set(name, value);
        }
    }
    let sets = |wanted: &str| rows.iter().any(|(name, value)| *name == wanted && value.is_some());
    for (name, value) in senders::limits(relay, sets) {
        layer.set(&name, &value);
    }
}

/// After an outage of seconds or minutes, waiting mail leaves within about as much time again: a wait doubles from half a
/// minute to a quarter of an hour, where Postfix has five minutes and more than an hour. To a server that does not answer, qmgr(8)
/// tries one connection, however many messages wait.
fn retries(layer: &mut Layer<'_>) {
    layer.section("Deferred mail is tried again soon.");
    layer.set("queue_run_delay", "30s");
    layer.set("minimal_backoff_time", "30s");
    layer.set("maximal_backoff_time", "15m");
}

fn own_parameters(layer: &mut Layer<'_>, relay: &Relay) {
    if !relay.parameters.is_empty() {
        layer.section("From [main-cf] of the spec.");
        layer.own();
    }
}
