//! Clients other than the host itself: who they are, what they are offered, what they may do.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::Span;

/// What a relay is to others than its own host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Addresses that it listens on beside the loopback; all of the host's if empty.
    pub listen: Vec<IpAddr>,
    /// Networks whose hosts may send anywhere through it; the loopback always may.
    pub trusted: Vec<IpNet>,
    /// TLS for clients.
    pub tls: ServerTls,
    /// Certificate with its chain, and key: absolute paths on the host.
    pub certificate: Option<(String, String)>,
    /// How clients from elsewhere prove who they are, if they can.
    pub auth: Option<ClientAuth>,
    /// Whether they can do so without TLS, for everybody on the way to read.
    pub cleartext_password: bool,
    /// Whether a proxy in front says where a client comes from (PROXY protocol of HAProxy).
    pub proxy_protocol: bool,
    /// What one client may do.
    pub rates: Rates,
    /// Who and what is refused, by the user's tables.
    pub access: Access,
    /// The user's own restrictions, by stage.
    pub restrictions: Restrictions,
    /// Whether headers of clients' mail are rewritten and completed like those of the host's own.
    pub complete_headers: bool,
}

/// TLS for clients, see `smtpd_tls_security_level` in postconf(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTls {
    /// Not offered.
    None,
    /// Offered.
    May,
    /// Nothing is taken without it.
    Encrypt,
}

/// How clients prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Dovecot answers for them, by its socket `private/auth` in Postfix's queue folder.
    Dovecot,
}

/// What one client may do in a minute; `None` is no limit. The host itself has none.
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

/// The user's tables: for each entry what becomes of it.
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

/// What becomes of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Refused for good, with words to say.
    Reject(String),
    /// Refused for now, with words to say.
    Defer(String),
    /// Taken and thrown away.
    Discard,
    /// Taken and kept in the queue until somebody looks at it.
    Hold,
    /// An exception from a wider entry.
    Permit,
}

/// Restrictions in Postfix's own words, by the stage of the dialogue.
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
    /// Where it stands in the spec.
    pub span: Span,
}
