//! Mail from other servers: domains, backends, and checks.

use super::TlsLevel;
use crate::diag::Span;

/// Mail that a relay accepts from other servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Domains whose mail goes to backends, in order of failover; without backends, the relay is a backup for their MX hosts.
    pub domains: Vec<(String, Vec<NextHop>)>,
    /// How the connection to the backends is protected.
    pub tls: TlsLevel,
    /// Valid addresses in these domains.
    pub recipients: Recipients,
    /// Domains that contain only aliases.
    pub alias_domains: Vec<String>,
    /// Aliases, and `@domain` for all addresses without an alias.
    pub aliases: Vec<(String, Vec<String>)>,
    /// Protection from spam and abuse.
    pub abuse: Abuse,
}

impl Inbound {
    /// Every domain that the relay accepts mail for.
    pub fn own_domains(&self) -> impl Iterator<Item = &String> {
        self.domains.iter().map(|(own, _)| own).chain(&self.alias_domains)
    }

    /// Every backend, once for each domain.
    pub fn backends(&self) -> impl Iterator<Item = &NextHop> {
        self.domains.iter().flat_map(|(_, hops)| hops)
    }

    /// Domains for which the relay is a backup MX.
    pub fn backup_domains(&self) -> impl Iterator<Item = &String> {
        self.domains.iter().filter(|(_, hops)| hops.is_empty()).map(|(domain, _)| domain)
    }

    /// Whether the relay accepts mail for this domain.
    pub fn receives_for(&self, domain: &str) -> bool {
        self.own_domains().any(|own| own.eq_ignore_ascii_case(domain))
    }
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// Host name, or an address literal without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Ports with implicit TLS: 465 (RFC 8314), and those that providers offer as an alternative to it.
pub const IMPLICIT_TLS_PORTS: &[u16] = &[443, 465, 2465, 8465];

impl NextHop {
    /// Whether TLS is implicit, instead of STARTTLS.
    pub fn begins_with_tls(&self) -> bool {
        IMPLICIT_TLS_PORTS.contains(&self.port)
    }
}

/// The valid addresses in the domains of backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Those that the backend accepts, which Postfix queries.
    Verified,
    /// These, and `@domain` for all of a domain.
    Listed(Vec<String>),
    /// All: the backend bounces mail that it rejects.
    Any,
}

/// Protection from spam and abuse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abuse {
    /// DNS lists of client addresses (DNSBL).
    pub block_lists: Vec<Named>,
    /// DNS lists of names: domains of senders, clients, and their names in EHLO (RHSBL).
    pub name_lists: Vec<Named>,
    /// Text for clients that a list rejects.
    pub words: Option<String>,
    /// Whether unauthenticated clients must not use domains of the relay in the envelope sender.
    pub reject_own_senders: bool,
    /// Whether SPF is checked (RFC 7208), with the place in the spec.
    pub spf: Option<Span>,
    /// Policy services, `inet:HOST:PORT` or `unix:PATH`, in their order.
    pub policies: Vec<Named>,
    /// Greylisting.
    pub greylisting: Option<Greylisting>,
}

/// A list or a service in Postfix syntax, with its place in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The place in the spec.
    pub span: Span,
}

/// Greylisting: unknown clients must try again (RFC 6647).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greylisting {
    /// Minimum delay, seconds.
    pub delay: u64,
    /// Text for the client; `%s` stands for the remaining seconds.
    pub words: Option<String>,
    /// Exempt clients: domains, addresses and networks.
    pub exempt: Vec<String>,
}
