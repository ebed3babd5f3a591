//! `[relay]`, `[rewrite]` and `[headers]`: identity, senders, and message headers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Spot};

/// The kind of relay, and the sender of its mail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RelaySection {
    /// Kind of relay.
    ///
    /// `postpack profiles` lists the profiles.
    #[schemars(extend("default" = "null-client", "examples" = ["null-client"]))]
    pub(crate) profile: Option<Spot<String>>,
    /// Mail provider.
    ///
    /// `postpack providers` lists the providers. `custom` is a smarthost of your own. `direct` is no smarthost: mail goes
    /// to the MX hosts of its recipients. That is also the default of a gateway and a mail server without [smarthost].
    #[schemars(extend(
        "default" = "custom",
        "examples" = ["ses"],
        "x-decides" = ["smtputf8_enable"],
        "x-adds-to" = ["relayhost", "relay_smarthosts"],
        "x-with" = "relay.region = 'eu-west-1'",
    ))]
    pub(crate) provider: Option<Spot<String>>,
    /// Region of the provider, if it has several.
    #[schemars(extend(
        "examples" = ["eu-west-1"],
        "x-adds-to" = ["relayhost", "relay_smarthosts"],
        "x-with" = "relay.provider = 'ses'",
    ))]
    pub(crate) region: Option<Spot<String>>,
    /// Sender of the host's mail: `noreply@acme.example`, or `@acme.example` to keep the local part.
    #[schemars(extend(
        "examples" = ["noreply@acme.example"],
        "x-decides" = ["sender_canonical_maps", "sender_canonical_classes", "smtp_generic_maps", "relay_from", "relay_return"],
        "x-replaces" = ["masquerade_domains", "lmtp_generic_maps"],
    ))]
    pub(crate) from: Option<Spot<String>>,
    /// Recipients of mail to root and to every local name without an alias.
    ///
    /// The default is `from`, if that is a full address.
    #[schemars(extend(
        "examples" = ["ops@acme.example"],
        "x-decides" = ["recipient_canonical_maps", "recipient_canonical_classes", "relay_root_mail_to", "relay_root_address"],
        "x-adds-to" = ["virtual_alias_maps"],
        "x-replaces" = ["alias_maps", "alias_database", "local_transport", "luser_relay", "mydestination"],
    ))]
    pub(crate) root_mail_to: Option<Many<String>>,
    /// Domains whose addresses are local names.
    ///
    /// Bare names, localhost and technical names of the host (`web1.acme.example`, `web1.lan`) always are. A host
    /// name that is also a mail domain (`acme.example`) is not.
    #[schemars(extend("examples" = [["printers.lan"]]))]
    pub(crate) local_domains: Option<Many<String>>,
    /// Domains with mailboxes on other servers.
    ///
    /// Their addresses are never local, even if the host has the same name.
    #[schemars(extend("examples" = [["acme.example"]]))]
    pub(crate) mail_domains: Option<Many<String>>,
    /// Full name (FQDN) of the relay.
    ///
    /// The default is the name of the host.
    #[schemars(extend("examples" = ["relay.acme.example"], "x-decides" = ["myhostname"]))]
    pub(crate) hostname: Option<Spot<String>>,
    /// Domain of addresses that have none.
    #[schemars(extend("examples" = ["acme.example"], "x-decides" = ["myorigin"]))]
    pub(crate) origin: Option<Spot<String>>,
    /// Name in EHLO.
    ///
    /// The default is `hostname`.
    #[schemars(extend("examples" = ["relay.acme.example"], "x-decides" = ["smtp_helo_name"]))]
    pub(crate) helo_name: Option<Spot<String>>,
    /// Sources of lookup tables that the administrator puts on each host, for `[main-cf]`, `[restrictions]` or
    /// `[services]`.
    ///
    /// The host compiles and opens them, and applies each change. Mail waits until they exist.
    #[schemars(extend("examples" = [["/etc/mail-relay/blocked"]]))]
    pub(crate) own_files: Option<Many<String>>,
}

/// Sender addresses in addition to `from`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RewriteSection {
    /// Senders that get another address.
    ///
    /// Keys are local names (`www-data = "web@acme.example"`), whole addresses (`"printer@printer.lan" =
    /// "scans@acme.example"`), patterns (`"scan*@printer.lan"`), all addresses of a domain (`"@printer.lan" =
    /// "scans@acme.example"`) or of the domains below it (`"@.lan"`), or all others (`"*" = "ACME Alerts
    /// <noreply@acme.example>"`). The value `"@acme.example"` keeps the local part, as masquerading does. Only senders
    /// change: the envelope sender, `From` and `Sender`. Bounces keep their empty sender. A display name replaces the
    /// one in the header. A message without `From` gets the address alone.
    #[schemars(extend(
        "examples" = [{"www-data": "web@acme.example", "@printer.lan": "scans@acme.example"}],
        "x-decides" = ["canonical_maps", "canonical_classes"],
        "x-adds-to" = ["sender_canonical_maps", "sender_canonical_classes"],
        "x-replaces" = ["masquerade_domains", "smtp_generic_maps", "lmtp_generic_maps"],
    ))]
    pub(crate) senders: Option<Entries<String>>,
    /// Rewrite and complete the headers of clients' mail like those of the host's own mail.
    ///
    /// This concerns local names, and a missing Date or Message-ID.
    #[schemars(extend(
        "default" = true,
        "examples" = [false],
        "x-decides" = ["local_header_rewrite_clients", "always_add_missing_headers"],
        "x-profiles" = "clients",
    ))]
    pub(crate) client_headers: Option<Spot<bool>>,
}

/// Message headers that do not leave the host.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct HeadersSection {
    /// Names of headers to remove.
    ///
    /// `received` removes those that the host itself and private networks added.
    #[schemars(extend(
        "default" = ["received"],
        "examples" = [["received", "user-agent"]],
        "x-decides" = ["smtp_header_checks"],
    ))]
    pub(crate) strip: Option<Many<String>>,
    /// POSIX extended regular expressions for headers to remove, ignoring case.
    #[schemars(extend("examples" = [["^X-Internal:"]], "x-adds-to" = ["smtp_header_checks"]))]
    pub(crate) patterns: Option<Many<String>>,
}
