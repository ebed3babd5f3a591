//! Clients other than the host itself: access, TLS, authentication, limits.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::Span;

/// Settings for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Addresses to listen on in addition to the loopback; all addresses of the host if empty.
    pub listen: Vec<IpAddr>,
    /// Networks whose hosts may send to any domain; the loopback always may.
    pub trusted: Vec<IpNet>,
    /// TLS for clients.
    pub tls: ServerTls,
    /// Certificate with its chain, and key: absolute paths on the host.
    pub certificate: Option<(String, String)>,
    /// How other clients authenticate, if they can.
    pub auth: Option<ClientAuth>,
    /// Whether they can authenticate without TLS.
    pub cleartext_password: bool,
    /// Whether a proxy reports the addresses of clients (PROXY protocol of HAProxy).
    pub proxy_protocol: bool,
    /// Limits of a client.
    pub rates: Rates,
    /// Access tables of the user.
    pub access: Access,
    /// Restrictions of the user, by stage.
    pub restrictions: Restrictions,
    /// Whether headers in mail of clients are rewritten and completed like those of the host.
    pub complete_headers: bool,
}

/// TLS for clients, see `smtpd_tls_security_level` in postconf(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTls {
    /// Not offered.
    None,
    /// Offered.
    May,
    /// Required.
    Encrypt,
}

/// How clients authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Dovecot verifies passwords, by its socket `private/auth` in the queue folder of Postfix.
    Dovecot,
}

/// Limits of a client per minute; `None` is no limit. The host itself has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// New connections.
    pub connections: Option<u32>,
    /// Messages.
    pub messages: Option<u32>,
    /// Recipients.
    pub recipients: Option<u32>,
    /// Connections at the same time.
    pub sessions: Option<u32>,
}

/// Access tables of the user, with an action for each entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Addresses of clients, the narrowest networks first.
    pub clients: Vec<(IpNet, Action)>,
    /// Envelope senders: addresses and domains.
    pub senders: Vec<(String, Action)>,
    /// Recipients: addresses and domains.
    pub recipients: Vec<(String, Action)>,
    /// The only senders that clients may have, if there are any: addresses and domains.
    pub allowed_senders: Vec<String>,
}

/// Action for mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Reject it, with text.
    Reject(String),
    /// Defer it, with text.
    Defer(String),
    /// Accept and delete it.
    Discard,
    /// Keep it in the queue until the administrator decides.
    Hold,
    /// An exception from a wider entry.
    Permit,
}

/// Restrictions in Postfix syntax, by the stage of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// When a client connects.
    pub client: Vec<Restriction>,
    /// At HELO and EHLO.
    pub helo: Vec<Restriction>,
    /// At MAIL FROM.
    pub sender: Vec<Restriction>,
    /// At RCPT TO.
    pub recipient: Vec<Restriction>,
}

/// One restriction, with its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Its text.
    pub text: String,
    /// Its place in the spec.
    pub span: Span,
}
