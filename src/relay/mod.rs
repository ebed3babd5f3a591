//! The domain model of a relay, without file formats and names of Postfix parameters.

mod content;
mod direct;
mod host;
mod inbound;
mod mailboxes;
mod postscreen;
mod provider;
mod recipients;
mod rewriting;
mod senders;
mod server;
mod service;
mod submission;
mod tables;
mod transports;

pub use content::{Content, LineAction, Milter, MilterAction, Milters, Notices, Rule};
pub use direct::Direct;
pub use host::{Firewall, FirewallTool, Hardening, Host, Metrics};
pub use inbound::{Abuse, Greylisting, IMPLICIT_TLS_PORTS, Inbound, Named, NextHop, Recipients};
pub use mailboxes::{
    Database, Delivery, Directory, Listed, Mailboxes, Queries, Results, Source, Sql, SqlKind, Store,
};
pub use postscreen::Postscreen;
pub use provider::{Provider, ProviderNote, ProviderPort, Providers, SenderRule};
pub use recipients::Recipient;
pub use rewriting::{NamedAddress, Sender};
pub use senders::SenderWay;
pub use server::{Access, Action, ClientAuth, Rates, Restriction, Restrictions, Server, ServerTls};
pub use service::{Placed, ServiceOverride};
pub use submission::{Submission, SubmissionPort};
pub use tables::{OwnTable, Rows, TableKind, table_references};
pub use transports::{Transport, Way, way_of};

use crate::diag::Span;
use crate::postfix::Parameter;

/// A checked mail relay: every value can be rendered without further checks.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The kind of relay.
    pub profile: Profile,
    /// Name of the provider preset, `custom` without one.
    pub provider: String,
    /// Smarthosts for all senders, then those for single senders; each list in order of failover.
    pub smarthosts: Vec<Smarthost>,
    /// Mail to MX hosts; `None` if it goes to the smarthosts. The smarthosts for all senders are then a fallback.
    pub direct: Option<Direct>,
    /// Mail that bypasses the smarthosts.
    pub transports: Vec<Transport>,
    /// How the connection to the smarthosts is protected.
    pub tls: Tls,
    /// Host name, domain, and senders.
    pub identity: Identity,
    /// Recipients of mail to local names.
    pub local: LocalMail,
    /// Headers to remove.
    pub headers: Headers,
    /// Sizes, times and rates.
    pub limits: Limits,
    /// Internet protocols, and the form of lines.
    pub network: Network,
    /// The only recipients of mail, besides those of local names and of the relay's domains. Empty: all.
    pub allowed_recipients: Vec<Recipient>,
    /// Address that receives the mail for all other recipients, on a staging host.
    pub all_mail_to: Option<String>,
    /// Settings for clients; `None` if there are none.
    pub server: Option<Server>,
    /// Mail from other servers; `None` if the relay accepts none.
    pub inbound: Option<Inbound>,
    /// Submission by authenticated users; `None` if there are none.
    pub submission: Option<Submission>,
    /// Mailboxes; `None` if there are none.
    pub mailboxes: Option<Mailboxes>,
    /// postscreen, if it is enabled.
    pub postscreen: Option<Postscreen>,
    /// Header and body checks.
    pub content: Content,
    /// Milters.
    pub milters: Option<Milters>,
    /// Notices to the postmaster.
    pub notices: Notices,
    /// Whether SMTPUTF8 (RFC 6531) is used for UTF-8 addresses and headers. False if the provider does not support it.
    pub smtputf8: bool,
    /// Lookup tables of the user.
    pub tables: Vec<OwnTable>,
    /// Changes of master.cf services.
    pub services: Vec<ServiceOverride>,
    /// Other Postfix parameters.
    pub parameters: Vec<Parameter>,
    /// Lookup tables that the administrator provides.
    pub own_files: Vec<String>,
}

/// The kind of relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Sends only: accepts mail from the host itself, delivers nothing locally.
    NullClient,
    /// Also sends the mail of hosts in trusted networks.
    LanRelay,
    /// Accepts mail from other servers for its domains, and relays it to backends.
    MailGateway,
    /// Sends mail of authenticated users, who may be anywhere.
    Submission,
    /// Accepts mail for its mailboxes, and sends mail of their owners.
    MailServer,
}

impl Profile {
    /// All kinds.
    pub const ALL: &'static [Self] =
        &[Self::NullClient, Self::LanRelay, Self::MailGateway, Self::Submission, Self::MailServer];

    /// The name in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::NullClient => "null-client",
            Self::LanRelay => "lan-relay",
            Self::MailGateway => "mail-gateway",
            Self::Submission => "submission",
            Self::MailServer => "mail-server",
        }
    }

    /// One line for lists.
    pub fn summary(self) -> &'static str {
        match self {
            Self::NullClient => "sends only: mail of the host leaves through a smarthost; it receives none",
            Self::LanRelay => "sends for a network: mail of trusted hosts leaves through a smarthost",
            Self::MailGateway => "receives for domains: rejects abuse, and relays the rest to backends",
            Self::Submission => {
                "sends for users: accepts mail from authenticated users on 587 and 465, and relays it"
            }
            Self::MailServer => {
                "a mail server: delivers to mailboxes in Dovecot, and sends mail of their owners"
            }
        }
    }

    /// Whether it has clients other than the host itself.
    pub fn has_clients(self) -> bool {
        self != Self::NullClient
    }

    /// Whether it accepts mail from other servers for its domains.
    pub fn receives(self) -> bool {
        matches!(self, Self::MailGateway | Self::MailServer)
    }

    /// Whether mail goes directly to MX hosts if the spec has neither a provider nor a smarthost. For a host that only sends, the
    /// spec must say so, because other servers seldom trust a host that receives no mail.
    pub fn may_send_directly(self) -> bool {
        self.receives()
    }
}

/// A server that accepts the mail of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smarthost {
    /// Name for `relay.env` keys (`RELAY_<NAME>_PASSWORD`): `[a-z][a-z0-9-]*`.
    pub name: String,
    /// Host name, or an address literal without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How TLS starts.
    pub mode: TlsMode,
    /// How the relay authenticates there.
    pub auth: Auth,
    /// SASL mechanisms that may be tried, by their names in Postfix; none for [`Auth::None`].
    pub mechanisms: Vec<String>,
    /// Where access tokens come from; for [`Auth::Xoauth2`].
    pub oauth2: Option<OAuth2>,
    /// Senders whose mail it takes: addresses and `@domain` in lower case. Empty: all senders that no other smarthost lists.
    pub senders: Vec<String>,
    /// The name of its list, if it takes only mail that `[transports]` sends there.
    pub list: Option<String>,
}

impl Smarthost {
    /// Whether it takes the mail that nothing else decides about.
    pub fn is_usual(&self) -> bool {
        self.senders.is_empty() && self.list.is_none()
    }

    /// Whether both are in the same list of failover.
    pub fn shares_list(&self, other: &Self) -> bool {
        self.senders == other.senders && self.list == other.list
    }
}

/// Where access tokens come from (RFC 6749).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2 {
    /// URL of the token endpoint, `https://`.
    pub endpoint: String,
    /// Scope of a refresh token; empty for the granted one.
    #[serde(default)]
    pub scope: String,
    /// Scope of an application without a refresh token; empty if that is not possible.
    #[serde(default)]
    pub app_scope: String,
    /// The place in the spec.
    #[serde(skip)]
    pub place: Span,
}

/// How TLS starts on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// By the STARTTLS command (RFC 3207).
    StartTls,
    /// Implicit TLS, as on port 465 (RFC 8314).
    Implicit,
}

impl TlsMode {
    /// The name in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
        }
    }
}

/// How the relay authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// User name and password, from `relay.env`.
    Password,
    /// An access token in place of the password, by the SASL mechanism XOAUTH2.
    Xoauth2,
    /// None: the smarthost accepts the IP address of the relay.
    None,
}

/// TLS policy for the smarthosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Level of verification.
    pub level: TlsLevel,
    /// Oldest protocol version.
    pub min_version: TlsVersion,
    /// Names to accept in the certificate instead of the name of the smarthost.
    pub match_names: Vec<String>,
    /// Policies of single domains, for mail that does not go to a smarthost.
    pub policies: Vec<TlsPolicy>,
    /// Whether policies that domains publish apply (MTA-STS, RFC 8461), with the place in the spec.
    pub mta_sts: Option<Span>,
    /// CA bundle in place of that of the distribution: an absolute path on the host.
    pub ca_file: Option<String>,
    /// Client certificate and key: absolute paths on the host.
    pub client_certificate: Option<(String, String)>,
    /// Whether connections are kept open between messages.
    pub connection_reuse: bool,
    /// Whether a password may be sent without encryption; the spec must allow that explicitly.
    pub cleartext_password: bool,
    /// Postfix TLS log level, 0 to 4.
    pub log_level: u8,
}

impl Tls {
    /// The TLS policy of a transport.
    pub fn policy_of(&self, transport: &Transport, all: &[Transport]) -> Option<&TlsPolicy> {
        self.policies.iter().find(|policy| {
            way_of(all, &policy.domain)
                .is_some_and(|it| it.key == transport.key || it.shares_server(transport))
        })
    }
}

/// The TLS policy of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPolicy {
    /// The domain, `.domain` for its subdomains, or an address with an entry in `[transports]`.
    pub domain: String,
    /// Level of verification.
    pub level: TlsLevel,
    /// Names to accept in the certificate instead of those from DNS and domain.
    pub match_names: Vec<String>,
}

/// Postfix's TLS security levels, see TLS_README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsLevel {
    /// Certificate verified, and matched with the configured name.
    Secure,
    /// Certificate verified, and matched with the name from DNS.
    Verify,
    /// Certificate verified by DNSSEC TLSA records, if there are any (RFC 7672).
    Dane,
    /// Certificate verified by DNSSEC TLSA records; without them, mail waits.
    DaneOnly,
    /// Encrypted, without verification.
    Encrypt,
    /// Encrypted if the other server supports it.
    May,
    /// Not encrypted.
    None,
}

impl TlsLevel {
    /// Whether Postfix looks up TLSA records.
    pub fn asks_for_tlsa(self) -> bool {
        matches!(self, Self::Dane | Self::DaneOnly)
    }

    /// Whether a password could be sent on an unencrypted connection at this level.
    pub fn password_may_travel_in_clear(self) -> bool {
        matches!(self, Self::May | Self::None)
    }
}

/// A TLS protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    V1_2,
    /// TLS 1.3, RFC 8446.
    V1_3,
}

/// Public names and addresses of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The FQDN of the relay; default: that of the host. Never that of the build machine.
    pub hostname: Option<String>,
    /// The domain of unqualified addresses; default: the host name.
    pub origin: Option<String>,
    /// The name in EHLO; default: the host name.
    pub helo_name: Option<String>,
    /// Replacement of local sender addresses.
    pub from: Option<From>,
    /// Senders and their new addresses; a new address is never rewritten again.
    pub senders: Vec<(Sender, NamedAddress)>,
}

impl Identity {
    /// Whether the spec has senders with a domain.
    pub fn rewrites_addresses(&self) -> bool {
        self.senders.iter().any(|(sender, _)| !matches!(sender, Sender::Local(_)))
    }
}

/// Replacement of local sender addresses in outgoing mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// One address for all: `noreply@acme.example`.
    Address(String),
    /// The local part kept, the domain replaced: `acme.example`.
    Domain(String),
}

impl From {
    /// The domain of the sender.
    pub fn domain(&self) -> &str {
        match self {
            Self::Address(address) => address.rsplit_once('@').map_or("", |(_, domain)| domain),
            Self::Domain(domain) => domain,
        }
    }
}

/// Recipients of mail to the names of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalMail {
    /// Recipients of mail to root and to every local name without an alias.
    pub root_mail_to: Vec<String>,
    /// Local names and their targets: addresses or other local names.
    pub aliases: Vec<(String, Vec<String>)>,
    /// Domains whose addresses are local names, in addition to the technical names of the host.
    pub domains: Vec<String>,
    /// Domains with mailboxes on other servers, even if the host has the same name.
    pub mail_domains: Vec<String>,
}

/// Headers to remove from outgoing mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Whether to remove the Received headers of the host and of private hops.
    pub strip_received: bool,
    /// Header names to remove, such as `User-Agent`.
    pub strip: Vec<String>,
    /// POSIX extended regular expressions, matched against whole header lines, case-insensitively.
    pub patterns: Vec<String>,
}

/// Sizes, times and rates; `None` leaves Postfix's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Largest message, bytes.
    pub message_size: Option<u64>,
    /// Largest header, bytes.
    pub header_size: Option<u64>,
    /// Queue lifetime of mail, seconds.
    pub queue_lifetime: Option<u64>,
    /// Queue lifetime of bounces, seconds.
    pub bounce_lifetime: Option<u64>,
    /// Time after which the sender is notified of a delay, seconds.
    pub delay_warning: Option<u64>,
    /// Parallel connections to the smarthost.
    pub concurrency: Option<u32>,
    /// Recipients per message.
    pub recipients: Option<u32>,
    /// Pause between two messages, seconds; Postfix then delivers serially.
    pub rate_delay: Option<u64>,
    /// Maximum number of hops before a message is a loop.
    pub hops: Option<u32>,
}

/// Settings of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Internet protocols.
    pub ip: IpVersion,
    /// Whether a line of a message may end with LF alone, which lets its text hide a second message.
    pub bare_newlines: bool,
}

/// Internet protocols in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4 and IPv6, if the host has them.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Relay {
    /// Whether mail goes directly to MX hosts, without a smarthost.
    pub fn sends_directly(&self) -> bool {
        self.direct.is_some()
    }

    /// Whether smarthosts take the mail that MX hosts do not accept now.
    pub fn has_fallback(&self) -> bool {
        self.sends_directly() && self.usual_smarthosts().next().is_some()
    }

    /// Whether any smarthost uses this authentication.
    pub fn uses(&self, auth: Auth) -> bool {
        self.smarthosts.iter().any(|host| host.auth == auth)
    }
}
