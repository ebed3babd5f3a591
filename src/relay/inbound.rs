//! Mail from anybody: for whom it is, where it goes, and what is kept out.

use super::TlsLevel;
use crate::diag::Span;

/// What a relay takes from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Domains whose mail goes to a server behind; empty where it is for mailboxes alone.
    pub domains: Vec<(String, NextHop)>,
    /// How the connection to the servers behind is protected.
    pub tls: TlsLevel,
    /// Which addresses there are in these domains.
    pub recipients: Recipients,
    /// Domains that have nothing but addresses which stand for others.
    pub alias_domains: Vec<String>,
    /// Addresses that stand for others, and `@domain` for all that have none of their own.
    pub aliases: Vec<(String, Vec<String>)>,
    /// What is kept out.
    pub abuse: Abuse,
}

impl Inbound {
    /// Every domain whose mail is taken.
    pub fn own_domains(&self) -> impl Iterator<Item = &String> {
        self.domains.iter().map(|(own, _)| own).chain(&self.alias_domains)
    }

    /// Whether mail to this domain is taken.
    pub fn receives_for(&self, domain: &str) -> bool {
        self.own_domains().any(|own| own.eq_ignore_ascii_case(domain))
    }
}

/// A server behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// Host name, or an address literal without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Ports on which TLS starts at once: 465 (RFC 8314), and what providers offer where 465 is blocked.
pub const IMPLICIT_TLS_PORTS: &[u16] = &[443, 465, 2465, 8465];

impl NextHop {
    /// Whether TLS begins with the connection, and not by STARTTLS.
    pub fn begins_with_tls(&self) -> bool {
        IMPLICIT_TLS_PORTS.contains(&self.port)
    }
}

/// The addresses in the domains of servers behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Those that the server behind takes mail for: it is asked.
    Verified,
    /// These, and `@domain` for all of a domain.
    Listed(Vec<String>),
    /// All: the server behind returns what it does not want.
    Any,
}

/// What is kept out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abuse {
    /// Lists in DNS of addresses of clients (DNSBL).
    pub block_lists: Vec<Named>,
    /// Lists in DNS of names: of senders' domains, of clients, and of what these say in EHLO (RHSBL).
    pub name_lists: Vec<Named>,
    /// What is said to who is refused by a list.
    pub words: Option<String>,
    /// Whether unauthenticated clients must not use the relay's own domains in the envelope sender.
    pub reject_own_senders: bool,
    /// Whether SPF is asked (RFC 7208), with where the spec says so.
    pub spf: Option<Span>,
    /// Policy services, `inet:HOST:PORT` or `unix:PATH`, in their order.
    pub policies: Vec<Named>,
    /// Whether strangers must come twice.
    pub greylisting: Option<Greylisting>,
}

/// A list or a service in Postfix's words, with its place in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Where it stands in the spec.
    pub span: Span,
}

/// Who is unknown must come again (RFC 6647).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greylisting {
    /// Not before this time, seconds.
    pub delay: u64,
    /// What is said; `%s` stands for the seconds that are left.
    pub words: Option<String>,
    /// Clients that need not: domains, addresses and networks.
    pub exempt: Vec<String>,
}
