//! The domain: what a relay is, free of file formats and of Postfix parameter names.

mod content;
mod inbound;
mod mailboxes;
mod postscreen;
mod provider;
mod senders;
mod server;
mod service;
mod submission;
mod surroundings;
mod transports;

pub use content::{Content, LineAction, Milter, MilterAction, Milters, Notices, Rule};
pub use inbound::{Abuse, Greylisting, IMPLICIT_TLS_PORTS, Inbound, Named, NextHop, Recipients};
pub use mailboxes::{
    Database, Delivery, Directory, Listed, Mailboxes, Queries, Results, Source, Sql, SqlKind, Store,
};
pub use postscreen::Postscreen;
pub use provider::{Provider, ProviderNote, ProviderPort, Providers, SenderRule};
pub use senders::SenderWay;
pub use server::{Access, Action, ClientAuth, Rates, Restriction, Restrictions, Server, ServerTls};
pub use service::{Placed, ServiceOverride};
pub use submission::{Submission, SubmissionPort};
pub use surroundings::{Firewall, FirewallTool, Integration};
pub use transports::{Transport, Way, way_of};

use crate::diag::Span;

/// A mail relay, checked: every value in here can be rendered without further questions.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The kind of relay; a set of defaults.
    pub profile: Profile,
    /// Name of the provider preset, `custom` without one.
    pub provider: String,
    /// Where mail goes: those for all senders first. None: straight to the servers that DNS names (MX).
    pub smarthosts: Vec<Smarthost>,
    /// Mail that goes another way.
    pub transports: Vec<Transport>,
    /// How the connection to the smarthosts is protected.
    pub tls: Tls,
    /// Who the host says it is.
    pub identity: Identity,
    /// Where mail to local names goes.
    pub local: LocalMail,
    /// Which headers leave the host.
    pub headers: Headers,
    /// Sizes, times and rates.
    pub limits: Limits,
    /// What it speaks.
    pub network: Network,
    /// What it is to others than its own host; `None` if they cannot reach it.
    pub server: Option<Server>,
    /// What it takes from anybody; `None` if nothing.
    pub inbound: Option<Inbound>,
    /// What users who have proved who they are can hand in; `None` if there are none.
    pub submission: Option<Submission>,
    /// Mailboxes that it takes mail for; `None` if it keeps none.
    pub mailboxes: Option<Mailboxes>,
    /// The guard in front of port 25, if there is one.
    pub postscreen: Option<Postscreen>,
    /// Units that Postfix starts after, where they are on the host.
    pub after: Vec<String>,
    /// What messages may hold.
    pub content: Content,
    /// Who else looks at them while they come in.
    pub milters: Option<Milters>,
    /// Who hears of trouble.
    pub notices: Notices,
    /// Whether UTF-8 addresses and headers may ask for SMTPUTF8 (RFC 6531). False where the provider lacks it.
    pub smtputf8: bool,
    /// The systemd sandbox.
    pub hardening: Hardening,
    /// Figures for Prometheus, if they are wanted.
    pub metrics: Option<Metrics>,
    /// Programs whose messages are brought to root, with where the spec says so.
    pub integrations: Vec<(Integration, Span)>,
    /// What is shipped for firewalls.
    pub firewall: Firewall,
    /// Services that are to be otherwise.
    pub services: Vec<ServiceOverride>,
    /// The user's own Postfix parameters.
    pub parameters: Vec<Parameter>,
    /// Files of the administrator that these refer to.
    pub own_files: Vec<String>,
}

/// The kind of relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Sends only: accepts mail from the host itself, delivers nothing locally.
    NullClient,
    /// Sends for others, too: hosts of trusted networks hand their mail to it.
    LanRelay,
    /// Takes mail from anybody for domains of its own, and hands it to the servers behind.
    MailGateway,
    /// Sends for users, who may be anywhere and prove who they are.
    Submission,
    /// Takes mail from anybody for mailboxes of its own, and sends for their owners.
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
            Self::NullClient => {
                "sends only: the host's own mail leaves through a smarthost, nothing comes in"
            }
            Self::LanRelay => {
                "sends for a network: hosts that are trusted hand their mail to it, and it leaves through a smarthost"
            }
            Self::MailGateway => {
                "receives for domains: takes their mail from anybody, keeps abuse out, and hands it to the servers behind"
            }
            Self::Submission => {
                "sends for users: wherever they are, who has proved who he is hands in mail on 587 and 465"
            }
            Self::MailServer => {
                "a mail server: takes mail for mailboxes, which Dovecot keeps, and sends that of their owners"
            }
        }
    }

    /// Whether others than the host itself speak to it.
    pub fn has_clients(self) -> bool {
        self != Self::NullClient
    }

    /// Whether it takes mail from anybody, for domains of its own.
    pub fn receives(self) -> bool {
        matches!(self, Self::MailGateway | Self::MailServer)
    }

    /// Whether mail may leave without a smarthost, straight to the servers that DNS names. What only sends is worth a
    /// smarthost: others seldom believe a host that receives nothing.
    pub fn may_send_directly(self) -> bool {
        self.receives()
    }
}

/// A host that accepts our mail.
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
    /// Whether it wants credentials.
    pub auth: Auth,
    /// SASL mechanisms that may be tried, in the words of Postfix; none for [`Auth::None`].
    pub mechanisms: Vec<String>,
    /// Where access tokens come from; for [`Auth::Xoauth2`].
    pub oauth2: Option<OAuth2>,
    /// Whose mail it is for: addresses and `@domain` in lower case. Empty for all senders that no other smarthost names.
    pub senders: Vec<String>,
}

/// Where access tokens come from (RFC 6749).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2 {
    /// URL of the token endpoint, `https://`.
    pub endpoint: String,
    /// What a refresh token is asked for; empty for what it was granted.
    #[serde(default)]
    pub scope: String,
    /// What an application asks for in its own name, without a refresh token; empty where it cannot.
    #[serde(default)]
    pub app_scope: String,
    /// Where the spec asks for tokens.
    #[serde(skip)]
    pub place: Span,
}

/// How TLS starts on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// By the STARTTLS command (RFC 3207).
    StartTls,
    /// At once, as on port 465 (RFC 8314).
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

/// How the relay proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// User name and password, from `relay.env`.
    Password,
    /// An access token in place of the password, by the SASL mechanism XOAUTH2.
    Xoauth2,
    /// Not at all: the smarthost knows our address.
    None,
}

/// TLS policy towards the smarthosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// How much is verified.
    pub level: TlsLevel,
    /// Oldest protocol that is spoken.
    pub min_version: TlsVersion,
    /// Names to accept in the certificate instead of the smarthost's own.
    pub match_names: Vec<String>,
    /// Domains with a policy of their own, where mail does not go to a smarthost.
    pub policies: Vec<TlsPolicy>,
    /// Whether domains are asked for the policy that they publish (MTA-STS, RFC 8461), with where the spec says so.
    pub mta_sts: Option<Span>,
    /// Bundle of trusted authorities instead of the distribution's: an absolute path on the host.
    pub ca_file: Option<String>,
    /// Client certificate and key: absolute paths on the host.
    pub client_certificate: Option<(String, String)>,
    /// Whether connections are kept open between messages.
    pub connection_reuse: bool,
    /// Whether a password may travel in clear; the spec has to say so in as many words.
    pub cleartext_password: bool,
    /// Postfix TLS log level, 0 to 4.
    pub log_level: u8,
}

impl Tls {
    /// The policy of a way that mail goes.
    pub fn policy_of(&self, transport: &Transport, all: &[Transport]) -> Option<&TlsPolicy> {
        self.policies.iter().find(|policy| {
            way_of(all, &policy.domain)
                .is_some_and(|it| it.key == transport.key || it.shares_server(transport))
        })
    }
}

/// How one domain is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPolicy {
    /// The domain, or `.domain` for all below it; or an address that has a way of its own.
    pub domain: String,
    /// How much is verified.
    pub level: TlsLevel,
    /// Names to accept in the certificate instead of those that DNS and domain give.
    pub match_names: Vec<String>,
}

/// Postfix's TLS security levels, see TLS_README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsLevel {
    /// Certificate verified, name matched with the name we were told.
    Secure,
    /// Certificate verified, name matched with what DNS says.
    Verify,
    /// Certificate verified by DNSSEC TLSA records where there are any (RFC 7672).
    Dane,
    /// Certificate verified by DNSSEC TLSA records; nothing is sent where there are none.
    DaneOnly,
    /// Encrypted to whoever answers.
    Encrypt,
    /// Encrypted if the other side offers it.
    May,
    /// In clear.
    None,
}

impl TlsLevel {
    /// Whether DNS is asked for TLSA records.
    pub fn asks_for_tlsa(self) -> bool {
        matches!(self, Self::Dane | Self::DaneOnly)
    }

    /// Whether a password can end up on an unencrypted connection at this level.
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

/// Names and addresses by which the host is known to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The relay's own FQDN; the host's own when not set. Never the build machine's.
    pub hostname: Option<String>,
    /// The domain of unqualified addresses; the host name when not set.
    pub origin: Option<String>,
    /// The name said in EHLO; the host name when not set.
    pub helo_name: Option<String>,
    /// What local sender addresses become.
    pub from: Option<From>,
    /// Senders with an address of their own; no address is itself rewritten.
    pub senders: Vec<(Sender, NamedAddress)>,
}

impl Identity {
    /// Whether the spec names senders with a domain.
    pub fn rewrites_addresses(&self) -> bool {
        self.senders.iter().any(|(sender, _)| !matches!(sender, Sender::Local(_)))
    }
}

/// An address, and the display name before it in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAddress {
    /// The address alone.
    pub address: String,
    /// The name as a header has it: quoted or encoded where it must be.
    pub name: Option<String>,
}

/// A sender that gets another address; in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sender {
    /// A local user name.
    Local(String),
    /// An address.
    Address(String),
    /// All addresses of a domain.
    Domain(String),
    /// All others.
    All,
}

/// What local sender addresses become when they leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// One address for all: `noreply@acme.example`.
    Address(String),
    /// The local part kept, the domain replaced: `acme.example`.
    Domain(String),
}

impl From {
    /// The domain mail comes from.
    pub fn domain(&self) -> &str {
        match self {
            Self::Address(address) => address.rsplit_once('@').map_or("", |(_, domain)| domain),
            Self::Domain(domain) => domain,
        }
    }
}

/// Where mail to the host's own names goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalMail {
    /// Receives mail to root and to every local name without an alias of its own.
    pub root_mail_to: Vec<String>,
    /// Local names with targets of their own: addresses or other local names.
    pub aliases: Vec<(String, Vec<String>)>,
    /// Domains whose addresses are local names, besides the host's technical names.
    pub domains: Vec<String>,
    /// Domains with mailboxes elsewhere, also where the host is called like one.
    pub mail_domains: Vec<String>,
}

/// What is taken out of the header of mail that leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Removes the Received headers of the host's own and private hops.
    pub strip_received: bool,
    /// Header names that are removed, such as `User-Agent`.
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
    /// How long undeliverable mail is kept, seconds.
    pub queue_lifetime: Option<u64>,
    /// How long undeliverable bounces are kept, seconds.
    pub bounce_lifetime: Option<u64>,
    /// After this time the sender is told of a delay, seconds.
    pub delay_warning: Option<u64>,
    /// Parallel connections to the smarthost.
    pub concurrency: Option<u32>,
    /// Recipients per message.
    pub recipients: Option<u32>,
    /// Pause between two messages, seconds; Postfix then delivers serially.
    pub rate_delay: Option<u64>,
    /// Servers that a message may have come through; with more it is in a loop.
    pub hops: Option<u32>,
}

/// What the relay speaks.
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
    /// IPv4 and IPv6, as the host has them.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// The systemd sandbox around Postfix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// Whether the drop-in is shipped.
    pub enabled: bool,
    /// The user's own `[Service]` directives, applied last.
    pub service: Vec<(String, Vec<String>)>,
}

/// Figures for Prometheus, written by a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The folder that node_exporter's textfile collector reads.
    pub folder: String,
    /// Seconds from one time to the next.
    pub every: u64,
}

impl Metrics {
    /// The file they are in.
    pub fn file(&self) -> String {
        format!("{}/mail-relay.prom", self.folder)
    }
}

/// A Postfix parameter the user wrote by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in postconf(5).
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where the name stands in the spec.
    pub name_span: Span,
    /// Where the value stands in the spec.
    pub value_span: Span,
}

impl Relay {
    /// Whether mail leaves straight to the servers that DNS names, without a smarthost.
    pub fn sends_directly(&self) -> bool {
        self.smarthosts.is_empty()
    }

    /// Whether any smarthost wants us to prove who we are in this way.
    pub fn uses(&self, auth: Auth) -> bool {
        self.smarthosts.iter().any(|host| host.auth == auth)
    }
}
