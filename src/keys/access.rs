//! `[access]` and `[restrictions]`: which clients, senders and recipients are rejected.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many};

/// Clients, senders and recipients to reject. Actions are `reject` and `defer`, each with text for the client
/// after it, `discard`, `hold`, and `permit` for an exception from a wider entry.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct AccessSection {
    /// Clients by address or network: `"10.1.2.3" = "reject Broken scanner"`.
    #[schemars(extend(
        "examples" = [{"10.1.2.3": "reject Broken scanner"}],
        "x-adds-to" = ["smtpd_client_restrictions"],
        "x-profiles" = "clients",
    ))]
    pub(crate) clients: Option<Entries<String>>,
    /// Envelope senders by address or domain: `"bad.example" = "reject"`.
    #[schemars(extend(
        "examples" = [{"bad.example": "reject"}],
        "x-adds-to" = ["smtpd_sender_restrictions"],
        "x-profiles" = "clients",
    ))]
    pub(crate) senders: Option<Entries<String>>,
    /// Recipients by address or domain.
    #[schemars(extend(
        "examples" = [{"old@acme.example": "reject"}],
        "x-adds-to" = ["smtpd_recipient_restrictions"],
        "x-profiles" = "clients",
    ))]
    pub(crate) recipients: Option<Entries<String>>,
    /// The only senders that clients may use: addresses, and domains with everything below them.
    ///
    /// The null sender of bounces and the host itself are exempt.
    #[schemars(extend(
        "examples" = [["acme.example"]],
        "x-adds-to" = ["smtpd_sender_restrictions"],
        "x-profiles" = "clients",
    ))]
    pub(crate) allowed_senders: Option<Many<String>>,
    /// The only recipients that mail may go to: addresses, `@domain`, and domains with everything below them.
    ///
    /// All other mail is rejected, also that of the host itself and of authenticated users. Mail to `root-mail-to`, to
    /// targets of `[aliases]`, and to domains that the relay receives for is always allowed.
    #[schemars(extend(
        "examples" = [["acme.example", "ops@partner.example"]],
        "x-adds-to" = ["transport_maps"],
        "x-since" = "0.2.0",
    ))]
    pub(crate) allowed_recipients: Option<Many<String>>,
}

/// Restrictions in the syntax of Postfix, in their order, after those of `[access]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "clients"))]
pub(crate) struct RestrictionsSection {
    /// Restrictions when a client connects.
    ///
    /// They come before trusted networks are permitted.
    #[schemars(extend(
        "examples" = [["reject_unknown_reverse_client_hostname"]],
        "x-decides" = ["smtpd_client_restrictions"],
    ))]
    pub(crate) client: Option<Many<String>>,
    /// Restrictions at HELO and EHLO: `reject_invalid_helo_hostname`.
    ///
    /// The host itself is exempt.
    #[schemars(extend(
        "examples" = [["reject_invalid_helo_hostname"]],
        "x-decides" = ["smtpd_helo_restrictions"],
    ))]
    pub(crate) helo: Option<Many<String>>,
    /// Restrictions at MAIL FROM: `reject_unknown_sender_domain`.
    #[schemars(extend(
        "examples" = [["reject_unknown_sender_domain"]],
        "x-decides" = ["smtpd_sender_restrictions"],
    ))]
    pub(crate) sender: Option<Many<String>>,
    /// Restrictions at RCPT TO: `reject_unknown_recipient_domain`.
    #[schemars(extend(
        "examples" = [["reject_unknown_recipient_domain"]],
        "x-decides" = ["smtpd_recipient_restrictions"],
        "x-replaces" = ["smtpd_relay_restrictions"],
    ))]
    pub(crate) recipient: Option<Many<String>>,
}
