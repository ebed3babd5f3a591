//! `[network]` and `[server]`: addresses and features for clients.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Many, Spot};

/// Protocols, addresses to listen on, and trusted networks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct NetworkSection {
    /// Internet protocols.
    #[schemars(extend(
        "default" = "any",
        "examples" = ["ipv4"],
        "x-decides" = ["inet_protocols"],
        "x-adds-to" = ["mynetworks"],
    ))]
    pub(crate) ip: Option<Spot<Ip>>,
    /// Accept LF alone as the end of a line of SMTP, as programs without CR LF send it.
    ///
    /// It removes the protection from SMTP smuggling: the author of one message can hide a second one in its text,
    /// with any sender.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-decides" = ["smtpd_forbid_bare_newline", "smtpd_forbid_bare_newline_exclusions"],
    ))]
    pub(crate) allow_bare_newlines: Option<Spot<bool>>,
    /// Addresses that clients connect to, in addition to the loopback, or `all`.
    #[schemars(extend(
        "default" = "all",
        "examples" = [["10.0.0.5"]],
        "x-decides" = ["inet_interfaces", "proxy_interfaces"],
        "x-profiles" = "clients",
    ))]
    pub(crate) listen: Option<Many<String>>,
    /// Networks and addresses whose hosts may send to any domain: `192.168.1.0/24`, `fd00:1::/64`.
    ///
    /// The loopback always may.
    #[schemars(extend(
        "examples" = [["192.168.1.0/24"]],
        "x-decides" = ["mynetworks"],
        "x-replaces" = ["smtpd_relay_restrictions"],
        "x-profiles" = "clients",
    ))]
    pub(crate) trusted: Option<Many<String>>,
}

/// Internet protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Ip {
    Any,
    Ipv4,
    Ipv6,
}

/// Features for clients: TLS, authentication, the PROXY protocol.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "clients"))]
pub(crate) struct ServerSection {
    /// Certificate on the host, with its chain: an absolute path.
    #[schemars(extend(
        "examples" = ["/etc/ssl/relay.pem"],
        "x-decides" = ["smtpd_tls_cert_file"],
        "x-adds-to" = ["smtpd_tls_security_level", "smtpd_tls_key_file"],
        "x-replaces" = ["smtpd_tls_chain_files"],
    ))]
    pub(crate) certificate: Option<Spot<String>>,
    /// Key of the certificate.
    ///
    /// The default is the file of the certificate.
    #[schemars(extend(
        "examples" = ["/etc/ssl/relay.key"],
        "x-decides" = ["smtpd_tls_key_file"],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) key: Option<Spot<String>>,
    /// Whether clients can use TLS, or must.
    ///
    /// The default is `may` with a certificate, and `none` without one.
    #[schemars(extend(
        "examples" = ["encrypt"],
        "x-decides" = ["smtpd_tls_security_level"],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) tls: Option<Spot<ServerLevel>>,
    /// Let authenticated clients send from anywhere, over TLS.
    ///
    /// `dovecot` uses the socket `private/auth` in Postfix's queue directory.
    #[schemars(extend(
        "examples" = ["dovecot"],
        "x-decides" = ["smtpd_sasl_auth_enable", "smtpd_sasl_type", "smtpd_sasl_path", "smtpd_relay_restrictions"],
        "x-adds-to" = ["smtpd_client_restrictions", "smtpd_tls_auth_only"],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) auth: Option<Spot<ServerAuth>>,
    /// Accept that clients can send their passwords without TLS.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-decides" = ["smtpd_tls_auth_only"],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'\nserver.auth = 'dovecot'",
    ))]
    pub(crate) allow_cleartext_password: Option<Spot<bool>>,
    /// Expect the PROXY protocol on the addresses of `listen`, which tells where clients come from.
    ///
    /// Only the proxy may reach port 25 there.
    #[schemars(extend(
        "default" = false,
        "examples" = [true],
        "x-decides" = ["smtpd_upstream_proxy_protocol", "postscreen_upstream_proxy_protocol"],
        "x-with" = "network.listen = ['10.0.0.5']",
    ))]
    pub(crate) proxy_protocol: Option<Spot<bool>>,
}

/// TLS for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum ServerLevel {
    None,
    May,
    Encrypt,
}

/// Service that verifies the passwords of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum ServerAuth {
    Dovecot,
}
