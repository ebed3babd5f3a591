//! `[inbound]`, `[abuse]` and `[postscreen]`: mail from other servers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Spot, Time};
use super::tls::Level;

/// Mail from other servers: the domains that the relay accepts mail for, and where it goes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "inbound"))]
pub(crate) struct InboundSection {
    /// Domains, each with the backend that gets its mail: `"acme.example" = "mail.acme.lan"`.
    ///
    /// An address, or a port other than 25, is possible as well: `"10.0.0.5:2525"`, `"[fd00::5]:2525"`.
    #[schemars(extend(
        "examples" = [{"acme.example": "10.0.0.5"}],
        "x-decides" = ["relay_domains"],
        "x-adds-to" = ["transport_maps"],
        "x-replaces" = ["mydestination", "parent_domain_matches_subdomains"],
    ))]
    pub(crate) domains: Option<Entries<Many<String>>>,
    /// How the connection to the backends is protected.
    #[schemars(extend(
        "default" = "may",
        "examples" = ["secure"],
        "x-with" = "inbound.domains.'acme.example' = 'mail.acme.lan'",
    ))]
    pub(crate) tls: Option<Spot<Level>>,
    /// Addresses that exist: a list, `verify` or `any`.
    ///
    /// `@acme.example` in a list is every address of the domain. With `verify`, Postfix queries the backend. With
    /// `any`, the backend has to return mail that it does not want, often to innocent people.
    #[schemars(extend(
        "default" = "verify",
        "examples" = [["jane@acme.example"]],
        "x-decides" = ["relay_recipient_maps", "unverified_recipient_reject_code"],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
        "x-with" = "inbound.domains.'acme.example' = '10.0.0.5'",
    ))]
    pub(crate) recipients: Option<Many<String>>,
    /// Domains that only have the addresses of `aliases`.
    #[schemars(extend(
        "examples" = [["old.example"]],
        "x-decides" = ["virtual_alias_domains"],
        "x-with" = "inbound.aliases.'info@old.example' = 'info@acme.example'",
    ))]
    pub(crate) alias_domains: Option<Many<String>>,
    /// Addresses whose mail goes to others: `"info@acme.test" = "sales@acme.example"`, or a list.
    ///
    /// `"@acme.test"` stands for every address of the domain that has no alias.
    #[schemars(extend(
        "examples" = [{"info@acme.test": "sales@acme.example"}],
        "x-adds-to" = ["virtual_alias_maps"],
        "x-with" = "inbound.alias-domains = 'acme.test'",
    ))]
    pub(crate) aliases: Option<Entries<Many<String>>>,
}

/// Protection from spam and abuse. Trusted hosts are exempt, and `postmaster` and `abuse` always accept mail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "inbound"))]
pub(crate) struct AbuseSection {
    /// DNS lists of client addresses (DNSBL), with the answers that count: `zen.spamhaus.org=127.0.0.[2..11]`.
    #[schemars(extend(
        "examples" = [["zen.spamhaus.org=127.0.0.[2..11]"]],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
    ))]
    pub(crate) block_lists: Option<Many<String>>,
    /// DNS lists of names (RHSBL), for the domain of the sender, the client, and its name in EHLO.
    #[schemars(extend("examples" = [["dbl.spamhaus.org"]], "x-adds-to" = ["smtpd_recipient_restrictions"]))]
    pub(crate) name_lists: Option<Many<String>>,
    /// Text for listed clients, after the name of the list: `see https://acme.example/blocked`.
    #[schemars(extend(
        "examples" = ["see https://acme.example/blocked"],
        "x-decides" = ["default_rbl_reply"],
        "x-with" = "abuse.block-lists = ['zen.spamhaus.org']",
    ))]
    pub(crate) block_words: Option<Spot<String>>,
    /// Reject unauthenticated clients that use a domain of the relay in the envelope sender.
    ///
    /// This also rejects messages that were sent from a domain of the relay, forwarded by another server, and come
    /// back with their sender unchanged.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
    ))]
    pub(crate) reject_own_senders: Option<Spot<bool>>,
    /// Check with SPF (RFC 7208) whether the client may send for the sender's domain.
    ///
    /// A policy daemon of the distribution does it.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-decides" = ["policyd-spf_time_limit"],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
        "x-with" = "package.targets = 'deb'",
    ))]
    pub(crate) spf: Option<Spot<bool>>,
    /// Policy services of your own, in their order: `inet:127.0.0.1:10040`, `unix:private/policy`.
    #[schemars(extend(
        "examples" = [["unix:private/policy"]],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
    ))]
    pub(crate) policies: Option<Many<String>>,
    /// Defer mail from clients that are not known yet, with postgrey.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
    ))]
    pub(crate) greylisting: Option<Spot<bool>>,
    /// Time before such a client may try again: `5m`.
    #[schemars(extend("default" = "5m", "examples" = ["2m"], "x-with" = "abuse.greylisting = true"))]
    pub(crate) greylist_delay: Option<Spot<Time>>,
    /// Text for such a client.
    ///
    /// `%s` is the number of seconds left.
    #[schemars(extend("examples" = ["come back in %s seconds"], "x-with" = "abuse.greylisting = true"))]
    pub(crate) greylist_words: Option<Spot<String>>,
    /// Clients that are not greylisted: domains with everything below them, addresses and networks.
    #[schemars(extend("examples" = [["partner.example"]], "x-with" = "abuse.greylisting = true"))]
    pub(crate) greylist_exempt: Option<Many<String>>,
}

/// postscreen(8) on port 25. It rejects clients that talk before the greeting, or that DNS lists contain. Clients
/// that passed are not tested again for some days.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "inbound"))]
pub(crate) struct PostscreenSection {
    /// Run postscreen.
    #[schemars(extend("default" = true, "examples" = [false]))]
    pub(crate) enabled: Option<Spot<bool>>,
    /// DNS lists, each with its weight: `"zen.spamhaus.org=127.0.0.[2..11]" = 3`.
    ///
    /// A weight below zero is for lists of good clients. The lists must answer the resolver of the host.
    #[schemars(extend(
        "examples" = [{"zen.spamhaus.org=127.0.0.[2..11]": 3}],
        "x-decides" = ["postscreen_dnsbl_sites"],
    ))]
    pub(crate) lists: Option<Entries<i64>>,
    /// Sum of weights that rejects a client.
    #[schemars(range(min = 1, max = 1000))]
    #[schemars(extend(
        "default" = 1,
        "examples" = [3],
        "x-decides" = ["postscreen_dnsbl_threshold"],
        "x-with" = "postscreen.lists.'zen.spamhaus.org' = 3",
    ))]
    pub(crate) threshold: Option<Spot<i64>>,
}
