//! `[tls]`: how outgoing connections are protected.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Spot};

/// How outgoing connections are protected.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// Level of verification.
    ///
    /// Every level below `secure` loses something; `postpack check` reports what.
    #[schemars(extend(
        "default" = "secure",
        "examples" = ["encrypt"],
        "x-decides" = ["smtp_tls_security_level", "smtp_dns_support_level"],
        "x-adds-to" = ["smtp_tls_policy_maps"],
    ))]
    pub(crate) level: Option<Spot<Level>>,
    /// Oldest protocol version to use.
    #[schemars(extend(
        "default" = "1.2",
        "examples" = ["1.3"],
        "x-decides" = ["smtp_tls_mandatory_protocols", "smtp_tls_protocols"],
    ))]
    pub(crate) min_version: Option<Spot<MinVersion>>,
    /// CA bundle on the host, in place of the distribution's: an absolute path.
    #[schemars(extend(
        "examples" = ["/etc/ssl/acme-ca.pem"],
        "x-decides" = ["smtp_tls_CAfile", "relay_ca_file"],
        "x-replaces" = ["tls_append_default_CA"],
    ))]
    pub(crate) ca_file: Option<Spot<String>>,
    /// Names to accept in the certificate instead of the smarthost's own.
    ///
    /// `mail.acme.example` is one name, `.acme.example` matches all names below.
    #[serde(rename = "match")]
    #[schemars(extend(
        "examples" = [["mail.acme.example"]],
        "x-decides" = ["smtp_tls_secure_cert_match", "smtp_tls_verify_cert_match"],
        "x-with" = "tls.level = 'secure'",
    ))]
    pub(crate) matches: Option<Many<String>>,
    /// Domains with their own TLS policy.
    ///
    /// It applies to mail that does not go through the smarthost. The value is a level, with names of the
    /// certificate after it: `"partner.example" = "secure mx.partner.example"`. `".partner.example"` matches
    /// everything below a domain.
    #[schemars(extend(
        "examples" = [{"partner.example": "secure"}],
        "x-decides" = ["smtp_tls_policy_maps"],
        "x-adds-to" = ["smtp_dns_support_level"],
        "x-with" = "transports.'partner.example' = 'direct'",
    ))]
    pub(crate) policies: Option<Entries<String>>,
    /// Follow the MTA-STS policies that domains publish, for mail that does not go through the smarthost.
    ///
    /// postfix-mta-sts-resolver looks them up on `127.0.0.1:8461`; Debian and Ubuntu have it. While it does not
    /// answer, mail waits.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-adds-to" = ["smtp_tls_policy_maps"],
        "x-profiles" = "inbound",
        "x-with" = "package.targets = 'deb'",
    ))]
    pub(crate) mta_sts: Option<Spot<bool>>,
    /// Client certificate on the host: an absolute path.
    #[schemars(extend(
        "examples" = ["/etc/ssl/relay.pem"],
        "x-decides" = ["smtp_tls_cert_file"],
        "x-adds-to" = ["smtp_tls_key_file"],
        "x-replaces" = ["smtp_tls_chain_files"],
    ))]
    pub(crate) client_cert: Option<Spot<String>>,
    /// Key of the client certificate.
    ///
    /// The default is the file of the certificate.
    #[schemars(extend(
        "examples" = ["/etc/ssl/relay.key"],
        "x-decides" = ["smtp_tls_key_file"],
        "x-with" = "tls.client-cert = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) client_key: Option<Spot<String>>,
    /// Keep connections open between messages.
    #[schemars(extend("default" = true, "examples" = [false], "x-decides" = ["smtp_tls_connection_reuse"]))]
    pub(crate) connection_reuse: Option<Spot<bool>>,
    /// Amount of logging about TLS.
    #[schemars(range(min = 0, max = 4))]
    #[schemars(extend(
        "default" = 1,
        "examples" = [2],
        "x-decides" = ["smtp_tls_loglevel"],
    ))]
    pub(crate) log_level: Option<Spot<i64>>,
    /// Accept that the password can travel in the clear, where the level permits it.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-decides" = ["smtp_sasl_security_options"],
        "x-replaces" = ["lmtp_sasl_security_options"],
        "x-with" = "tls.level = 'may'",
    ))]
    pub(crate) allow_cleartext_password: Option<Spot<bool>>,
}

/// TLS security level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Level {
    Secure,
    Verify,
    Dane,
    #[serde(rename = "dane-only")]
    DaneOnly,
    Encrypt,
    May,
    None,
}

/// TLS protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) enum MinVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}
