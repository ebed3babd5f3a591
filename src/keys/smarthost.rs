//! `[[smarthost]]`: where mail goes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Many, Spot};

/// Where mail goes. Several smarthosts (`[[smarthost]]`) are tried in order. With a provider, set only what
/// differs from its preset.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SmarthostSection {
    /// Short name of the smarthost, for separate credentials (`RELAY_<NAME>_PASSWORD`).
    ///
    /// The defaults are `primary`, `backup`, `backup-2`.
    #[schemars(extend("examples" = ["backup"], "x-with" = "smarthost.host = 'smtp.acme.example'"))]
    pub(crate) name: Option<Spot<String>>,
    /// Host name or address.
    #[schemars(extend(
        "examples" = ["smtp.acme.example"],
        "x-decides" = ["relayhost", "relay_smarthosts", "smtp_fallback_relay", "relay_fallback"],
        "x-replaces" = ["default_transport"],
    ))]
    pub(crate) host: Option<Spot<String>>,
    /// TCP port.
    ///
    /// The default is the first port of the provider, or 587.
    #[schemars(range(min = 1, max = 65535))]
    #[schemars(extend(
        "examples" = [465],
        "x-adds-to" = ["relayhost", "relay_smarthosts", "smtp_tls_wrappermode"],
        "x-replaces" = ["smtp_tcp_port"],
        "x-with" = "smarthost.host = 'smtp.acme.example'",
    ))]
    pub(crate) port: Option<Spot<i64>>,
    /// How TLS starts.
    ///
    /// The default follows from the port.
    #[schemars(extend(
        "examples" = ["implicit"],
        "x-decides" = ["smtp_tls_wrappermode"],
        "x-adds-to" = ["smtp_tls_security_level"],
        "x-with" = "smarthost.host = 'smtp.acme.example'\nsmarthost.port = 2465",
    ))]
    pub(crate) tls: Option<Spot<TlsStart>>,
    /// How the relay authenticates.
    #[schemars(extend(
        "default" = "password",
        "examples" = ["none"],
        "x-decides" = ["smtp_sasl_auth_enable", "smtp_sasl_password_maps"],
        "x-adds-to" = ["smtp_sasl_mechanism_filter"],
        "x-with" = "smarthost.host = 'smtp.acme.example'",
    ))]
    pub(crate) auth: Option<Spot<AuthMethod>>,
    /// Senders whose mail goes through this smarthost, with a separate account: addresses and `@domain`.
    ///
    /// Mail of all other senders, and bounces, go through the smarthosts without `senders`. For failover, give several
    /// smarthosts the same `senders`. Postfix compares the envelope sender after all rewriting.
    #[schemars(extend(
        "examples" = [["@shop.example", "billing@acme.example"]],
        "x-decides" = ["sender_dependent_default_transport_maps"],
        "x-replaces" = ["sender_dependent_relayhost_maps", "smtp_sender_dependent_authentication"],
        "x-since" = "0.2.0",
        "x-with" = "[[smarthost]]\nhost = 'smtp.acme.example'\n[[smarthost]]\nname = 'shop'\nhost = 'smtp.shop.example'",
    ))]
    pub(crate) senders: Option<Many<String>>,
    /// SASL mechanisms that may carry the password, with `auth = "password"`.
    ///
    /// These are `plain`, `login`, `cram-md5`, `digest-md5`, `ntlm`, and `scram-sha-1` to `scram-sha-512`. The
    /// default is all but `ntlm`. The smarthosts of one list must have the same.
    #[schemars(extend(
        "examples" = [["plain"]],
        "x-decides" = ["smtp_sasl_mechanism_filter"],
        "x-with" = "smarthost.host = 'smtp.acme.example'",
    ))]
    pub(crate) mechanisms: Option<Many<String>>,
    /// `https://` URL that issues access tokens, with `auth = "xoauth2"`.
    ///
    /// The presets of providers include it.
    #[schemars(extend(
        "examples" = ["https://login.acme.example/token"],
        "x-with" = "smarthost.host = 'smtp.acme.example'\nsmarthost.auth = 'xoauth2'\npackage.targets = 'fedora-44'",
    ))]
    pub(crate) oauth2_endpoint: Option<Spot<String>>,
    /// Scope of the access tokens.
    ///
    /// The default is that of the provider.
    #[schemars(extend(
        "examples" = ["https://mail.acme.example/"],
        "x-with" = "smarthost.host = 'smtp.acme.example'\nsmarthost.auth = 'xoauth2'\nsmarthost.oauth2-endpoint = 'https://login.acme.example/token'\npackage.targets = 'fedora-44'",
    ))]
    pub(crate) oauth2_scope: Option<Spot<String>>,
}

/// How TLS starts on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum TlsStart {
    Starttls,
    Implicit,
    None,
}

/// How the relay authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum AuthMethod {
    Password,
    Xoauth2,
    None,
}
