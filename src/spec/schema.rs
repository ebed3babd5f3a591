//! The words of the spec. What stands here becomes the JSON Schema and the reference.

mod inbound;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::inbound::{
    AbuseSection, ContentSection, InboundSection, MilterActionName, MilterSection, NoticeClass,
    NoticesSection,
};
use super::mailboxes::{DatabaseSection, MailboxesSection};
use super::postscreen::PostscreenSection;
use super::services::ServiceSection;
use super::spot::{Entries, Many, Scalar, Size, Spot, Time};
use super::submission::SubmissionSection;
use super::units::SystemdSection;

/// A mail relay and the package that carries it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "postpack spec")]
pub(super) struct Spec {
    #[schemars(required)]
    pub(super) package: Option<Spot<PackageSection>>,
    #[schemars(required)]
    pub(super) relay: Option<Spot<RelaySection>>,
    pub(super) smarthost: Option<Many<SmarthostSection>>,
    /// Domains (`".acme.example"` is all below one) and addresses whose mail goes another way than the rest:
    /// `"partner.example" = "[mx.partner.example]:25"` to a server; `"direct"` to the servers that DNS names; back to the sender
    /// with `"error 5.1.2 this domain has moved"`; nowhere for now with `"retry 4.3.2 back on Monday"`; or `"discard"`. Nobody
    /// logs in there, and TLS is that of `[tls]`, or of the domain's line in `[tls.policies]`.
    pub(super) transports: Option<Entries<String>>,
    pub(super) tls: Option<TlsSection>,
    /// Local names with targets of their own: `webmaster = "web@acme.example"`, or a list. A target is an address or
    /// another local name. Mail to names that are not here goes to `root-mail-to`.
    pub(super) aliases: Option<Entries<Many<String>>>,
    pub(super) rewrite: Option<RewriteSection>,
    pub(super) headers: Option<HeadersSection>,
    pub(super) limits: Option<LimitsSection>,
    pub(super) network: Option<NetworkSection>,
    pub(super) server: Option<ServerSection>,
    pub(super) inbound: Option<InboundSection>,
    pub(super) abuse: Option<AbuseSection>,
    pub(super) content: Option<ContentSection>,
    pub(super) milter: Option<MilterSection>,
    pub(super) notices: Option<NoticesSection>,
    pub(super) access: Option<AccessSection>,
    pub(super) restrictions: Option<RestrictionsSection>,
    pub(super) submission: Option<Spot<SubmissionSection>>,
    pub(super) mailboxes: Option<Spot<MailboxesSection>>,
    pub(super) database: Option<Spot<DatabaseSection>>,
    pub(super) postscreen: Option<Spot<PostscreenSection>>,
    /// Services of master.cf, each by its name and type. What is not said of one stays as the distribution, or another
    /// section, has it.
    pub(super) services: Option<Entries<ServiceSection>>,
    pub(super) systemd: Option<SystemdSection>,
    pub(super) hardening: Option<HardeningSection>,
    pub(super) metrics: Option<MetricsSection>,
    /// Any other Postfix parameter by its own name. `postpack check` refuses what another section decides, and what would undo
    /// the relay: parameters.md lists these parameters.
    pub(super) main_cf: Option<Entries<Scalar>>,
    pub(super) dependencies: Option<DependenciesSection>,
    pub(super) integrations: Option<IntegrationsSection>,
    pub(super) firewall: Option<FirewallSection>,
}

/// Names and words of the package.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PackageSection {
    /// Package name, such as `acme-mail-relay`: lower-case letters, digits, `+`, `-` and `.`.
    #[schemars(required)]
    pub(super) name: Option<Spot<String>>,
    /// Version, such as `1.2.0`, `1.2.0-rc.1` or `2026.11.21`.
    #[schemars(required)]
    pub(super) version: Option<Spot<String>>,
    /// Package release: raised when the same version is packed again.
    #[schemars(extend("default" = 1), range(min = 1, max = 99_999))]
    pub(super) release: Option<Spot<i64>>,
    /// Raised once when the version scheme changes, so that the new one sorts after the old one.
    #[schemars(extend("default" = 0), range(min = 0, max = 99_999))]
    pub(super) epoch: Option<Spot<i64>>,
    /// Who answers for the package: `Name <mail@domain>`.
    #[schemars(required)]
    pub(super) maintainer: Option<Spot<String>>,
    /// SPDX licence expression of the package.
    #[schemars(extend("default" = "MIT OR Apache-2.0"))]
    pub(super) license: Option<Spot<String>>,
    /// One line, without a full stop.
    pub(super) summary: Option<Spot<String>>,
    /// Paragraphs, divided by empty lines.
    pub(super) description: Option<Spot<String>>,
    /// Web page.
    pub(super) homepage: Option<Spot<String>>,
    /// Day of the release, `YYYY-MM-DD`: the time stamp of every file. Without it the newest day of the changelog,
    /// else 2026-01-01; never the clock, so that the same spec gives the same bytes. `SOURCE_DATE_EPOCH` overrides it.
    #[schemars(extend("format" = "date"))]
    pub(super) date: Option<Spot<String>>,
    /// Releases, newest first. Without it, one entry for this version.
    pub(super) changelog: Option<Vec<Spot<ReleaseSection>>>,
    /// Package formats (`deb`, `rpm`, `pacman`) or distributions (`postpack targets`) to build for; all without it.
    pub(super) targets: Option<Many<String>>,
}

/// An entry of the changelog.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ReleaseSection {
    /// Version of this release.
    #[schemars(required)]
    pub(super) version: Option<Spot<String>>,
    /// Day of this release, `YYYY-MM-DD`.
    #[schemars(required, extend("format" = "date"))]
    pub(super) date: Option<Spot<String>>,
    /// `Name <mail@domain>`; the maintainer without it.
    pub(super) author: Option<Spot<String>>,
    /// What changed, one sentence each.
    #[schemars(required)]
    pub(super) changes: Option<Many<String>>,
}

/// What the relay is, and whose mail it sends.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RelaySection {
    /// Kind of relay; `postpack profiles` lists them.
    #[schemars(extend("default" = "null-client"))]
    pub(super) profile: Option<Spot<String>>,
    /// Mail provider; `postpack providers` lists them. `custom` is your own smarthost.
    #[schemars(extend("default" = "custom"))]
    pub(super) provider: Option<Spot<String>>,
    /// Region of the provider, where it has several.
    pub(super) region: Option<Spot<String>>,
    /// Sender of the host's mail: `noreply@acme.example`, or `@acme.example` to keep the local part.
    pub(super) from: Option<Spot<String>>,
    /// Who gets mail to root and to every local name without an alias: an address or a list. Without it `from`, if
    /// that is a full address.
    pub(super) root_mail_to: Option<Many<String>>,
    /// Domains whose addresses are local names. Bare names, localhost and technical names of the host (`web1.acme.example`,
    /// `web1.lan`) always are; a host name that is also a mail domain (`acme.example`) is not.
    pub(super) local_domains: Option<Many<String>>,
    /// Domains with mailboxes elsewhere. Their addresses are never local, whatever the host is called.
    pub(super) mail_domains: Option<Many<String>>,
    /// The relay's own name (FQDN); the host's without it.
    pub(super) hostname: Option<Spot<String>>,
    /// Domain of addresses without one.
    pub(super) origin: Option<Spot<String>>,
    /// Name said in EHLO; `hostname` without it.
    pub(super) helo_name: Option<Spot<String>>,
    /// Files that the administrator puts on each host, and that `[main-cf]`, `[restrictions]` or `[services]` refer to: the
    /// sources of lookup tables. The host compiles them, opens them, and applies each change. Mail waits until they exist.
    pub(super) own_files: Option<Many<String>>,
}

/// Where mail goes. Several (`[[smarthost]]`) are tried in order. With a provider, only what differs from its preset.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SmarthostSection {
    /// Short name for credentials of its own (`RELAY_<NAME>_PASSWORD`); `primary`, `backup`, `backup-2` without it.
    pub(super) name: Option<Spot<String>>,
    /// Host name or address.
    pub(super) host: Option<Spot<String>>,
    /// TCP port; the provider's first, else 587.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) port: Option<Spot<i64>>,
    /// How TLS starts; follows from the port without it.
    pub(super) tls: Option<Spot<TlsStart>>,
    /// How the relay proves who it is.
    #[schemars(extend("default" = "password"))]
    pub(super) auth: Option<Spot<AuthMethod>>,
    /// SASL mechanisms that may carry the password, with `auth = "password"`: `plain`, `login`, `cram-md5`, `digest-md5`, `ntlm`,
    /// `scram-sha-1` to `scram-sha-512`. Without it all but `ntlm`, whichever the smarthost offers. Smarthosts of one list have the same.
    pub(super) mechanisms: Option<Many<String>>,
    /// Where access tokens come from, with `auth = "xoauth2"`: an `https://` URL. Providers that have one are known.
    pub(super) oauth2_endpoint: Option<Spot<String>>,
    /// What they are asked for; the provider's own without it.
    pub(super) oauth2_scope: Option<Spot<String>>,
}

/// How TLS starts on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum TlsStart {
    Starttls,
    Implicit,
    None,
}

/// How the relay proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum AuthMethod {
    Password,
    Xoauth2,
    None,
}

/// How the connection to the smarthost is protected.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TlsSection {
    /// How much is verified. Everything below `secure` loses something; `postpack check` says what.
    #[schemars(extend("default" = "secure"))]
    pub(super) level: Option<Spot<Level>>,
    /// Oldest protocol that is spoken.
    #[schemars(extend("default" = "1.2"))]
    pub(super) min_version: Option<Spot<MinVersion>>,
    /// Bundle of trusted authorities on the host, instead of the distribution's: an absolute path.
    pub(super) ca_file: Option<Spot<String>>,
    /// Names to accept in the certificate instead of the smarthost's own: `mail.acme.example`, or `.acme.example` for
    /// all names below.
    #[serde(rename = "match")]
    pub(super) matches: Option<Many<String>>,
    /// Domains that are spoken to otherwise, where mail goes straight to them, or by `[transports]`: `"partner.example" = "secure"`, with names
    /// that its certificate may have instead, `"secure mx.partner.example"`; `".partner.example"` is all below a domain.
    pub(super) policies: Option<Entries<String>>,
    /// Ask domains for the policy that they publish (MTA-STS), where mail goes straight to them: by postfix-mta-sts-resolver
    /// on `127.0.0.1:8461`, which Debian and Ubuntu have. While it does not answer, mail waits.
    #[schemars(extend("default" = false))]
    pub(super) mta_sts: Option<Spot<bool>>,
    /// Client certificate on the host: an absolute path.
    pub(super) client_cert: Option<Spot<String>>,
    /// Its key; the certificate's file without it.
    pub(super) client_key: Option<Spot<String>>,
    /// Keep connections open between messages.
    #[schemars(extend("default" = true))]
    pub(super) connection_reuse: Option<Spot<bool>>,
    /// What Postfix logs of TLS, 0 to 4.
    #[schemars(extend("default" = 1), range(min = 0, max = 4))]
    pub(super) log_level: Option<Spot<i64>>,
    /// Accept that anyone on the way can read the password, where the level allows it to travel in clear.
    #[schemars(extend("default" = false))]
    pub(super) allow_cleartext_password: Option<Spot<bool>>,
}

/// TLS security level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Level {
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
pub(super) enum MinVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

/// Sender addresses beside `from`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RewriteSection {
    /// Senders with an address of their own: local names (`www-data = "web@acme.example"`), whole addresses
    /// (`"printer@printer.lan" = "scans@acme.example"`), all of a domain (`"@printer.lan" = "scans@acme.example"`), or
    /// all others (`"*" = "ACME Alerts <noreply@acme.example>"`). Only senders change: the envelope sender, `From` and
    /// `Sender`. A display name replaces the one in the header; a message without `From` gets the address alone.
    pub(super) senders: Option<Entries<String>>,
    /// Rewrite and complete the headers of clients' mail like those of the host's own: local names, a missing Date or
    /// Message-ID. Only for relays that clients reach.
    #[schemars(extend("default" = true))]
    pub(super) client_headers: Option<Spot<bool>>,
}

/// What leaves the host in message headers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HeadersSection {
    /// Names of headers to take out. `received` takes out those that the host itself and private networks added.
    #[schemars(extend("default" = ["received"]))]
    pub(super) strip: Option<Many<String>>,
    /// POSIX extended regular expressions; header lines that match one are taken out, in any case of letters.
    pub(super) patterns: Option<Many<String>>,
}

/// Sizes, times and rates. What is not set follows the provider, else Postfix.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LimitsSection {
    /// Largest message: `10MB`, `25MiB`. A number without a unit counts bytes, from 10000 on.
    pub(super) message_size: Option<Spot<Size>>,
    /// Largest header: `100kB`. A number without a unit counts bytes, from 10000 on.
    pub(super) header_size: Option<Spot<Size>>,
    /// How long mail that cannot be delivered is kept: `5d`, at most `100d`.
    pub(super) queue_lifetime: Option<Spot<Time>>,
    /// How long bounces that cannot be delivered are kept: `1d`, at most `100d`.
    pub(super) bounce_lifetime: Option<Spot<Time>>,
    /// After this time the sender is told that mail is late: `4h`.
    pub(super) delay_warning: Option<Spot<Time>>,
    /// Most connections to the smarthost at a time; what the provider allows, or 40 where it states no limit.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) concurrency: Option<Spot<i64>>,
    /// Most recipients of one message.
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) recipients: Option<Spot<i64>>,
    /// Pause between two messages, which then leave one by one: `1s`.
    pub(super) rate_delay: Option<Spot<Time>>,
    /// Most servers that a message may have come through; with more it is taken for a loop, and returned.
    #[schemars(extend("default" = 50), range(min = 5, max = 1000))]
    pub(super) hops: Option<Spot<i64>>,
    /// Connections that one client may open in a minute. No limit without it; the host itself never has one.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) client_connections: Option<Spot<i64>>,
    /// Messages that one client may send in a minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) client_messages: Option<Spot<i64>>,
    /// Recipients that one client may name in a minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) client_recipients: Option<Spot<i64>>,
    /// Connections that one client may have at a time; 50 without it.
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) client_sessions: Option<Spot<i64>>,
}

/// What the relay speaks, where it listens, and whom it trusts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NetworkSection {
    /// Internet protocols.
    #[schemars(extend("default" = "any"))]
    pub(super) ip: Option<Spot<Ip>>,
    /// Takes LF alone for the end of a line of SMTP, as programs without CR LF send it.
    ///
    /// It costs the defence against smuggled mail: who can write the text of one message can then hide a second one in it, with
    /// any sender.
    #[schemars(extend("default" = false))]
    pub(super) allow_bare_newlines: Option<Spot<bool>>,
    /// Addresses that clients reach it at, beside the loopback, or `all`. Only for relays that clients reach.
    #[schemars(extend("default" = "all"))]
    pub(super) listen: Option<Many<String>>,
    /// Networks and addresses whose hosts may send anywhere through it: `192.168.1.0/24`, `fd00:1::/64`. The
    /// loopback always may.
    pub(super) trusted: Option<Many<String>>,
}

/// What clients are offered. Only for relays that clients reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ServerSection {
    /// Certificate on the host, with its chain: an absolute path.
    pub(super) certificate: Option<Spot<String>>,
    /// Its key; the certificate's file without it.
    pub(super) key: Option<Spot<String>>,
    /// Whether clients can, or must, speak TLS; `may` with a certificate, else `none`.
    pub(super) tls: Option<Spot<ServerLevel>>,
    /// Lets clients from anywhere send after they have proved who they are, over TLS. `dovecot`: by the socket
    /// `private/auth` in Postfix's queue folder.
    pub(super) auth: Option<Spot<ServerAuth>>,
    /// Accept that anyone on the way can read the passwords of clients that log in without TLS.
    #[schemars(extend("default" = false))]
    pub(super) allow_cleartext_password: Option<Spot<bool>>,
    /// A proxy in front says where clients come from (PROXY protocol), to the addresses of `listen`. It must then be
    /// the only one that reaches port 25 there.
    #[schemars(extend("default" = false))]
    pub(super) proxy_protocol: Option<Spot<bool>>,
}

/// TLS for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum ServerLevel {
    None,
    May,
    Encrypt,
}

/// Who knows the clients' passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum ServerAuth {
    Dovecot,
}

/// Who and what is refused: `reject`, `defer` (for now), each with words of your own behind it, `discard`, `hold`, or
/// `permit` for an exception from a wider entry. Only for relays that clients reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AccessSection {
    /// Clients by address or network: `"10.1.2.3" = "reject Broken scanner"`.
    pub(super) clients: Option<Entries<String>>,
    /// Envelope senders by address or domain: `"bad.example" = "reject"`.
    pub(super) senders: Option<Entries<String>>,
    /// Recipients by address or domain.
    pub(super) recipients: Option<Entries<String>>,
    /// The only senders that clients may have: addresses and domains (with all below them). The null sender of
    /// bounces and the host itself are not asked.
    pub(super) allowed_senders: Option<Many<String>>,
}

/// Restrictions in Postfix's own words, in their order, behind those of `[access]`. Only for relays that clients reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RestrictionsSection {
    /// When a client connects: before trusted networks are let through.
    pub(super) client: Option<Many<String>>,
    /// At HELO and EHLO: `reject_invalid_helo_hostname`. The host itself is not asked.
    pub(super) helo: Option<Many<String>>,
    /// At MAIL FROM: `reject_unknown_sender_domain`.
    pub(super) sender: Option<Many<String>>,
    /// At RCPT TO: `reject_unknown_recipient_domain`.
    pub(super) recipient: Option<Many<String>>,
}

/// Internet protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Ip {
    Any,
    Ipv4,
    Ipv6,
}

/// The systemd sandbox around Postfix.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HardeningSection {
    /// Put Postfix into the sandbox.
    #[schemars(extend("default" = true))]
    pub(super) enabled: Option<Spot<bool>>,
    /// `[Service]` directives of your own, applied last: `ProtectHome = "read-only"`, or a list.
    pub(super) service: Option<Entries<Many<Scalar>>>,
}

/// Figures about the relay for Prometheus, by way of node_exporter's textfile collector.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MetricsSection {
    /// Write them, by a timer.
    #[schemars(extend("default" = false))]
    pub(super) enabled: Option<Spot<bool>>,
    /// Folder that the textfile collector reads. Where it does not exist on a host, nothing is written there.
    #[schemars(extend("default" = "/var/lib/prometheus/node-exporter"))]
    pub(super) folder: Option<Spot<String>>,
    /// How often: `30s`, `1m`; at least `15s`.
    #[schemars(extend("default" = "1m"))]
    pub(super) every: Option<Spot<Time>>,
}

/// Package relations beside those that postpack knows, per format, in the format's own words.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DependenciesSection {
    /// For .deb: `bsd-mailx | mailutils`, `postfix (>= 3.5)`.
    pub(super) deb: Option<RelationsSection>,
    /// For .rpm: `postfix >= 3.5`.
    pub(super) rpm: Option<RelationsSection>,
    /// For .pkg.tar.zst: `postfix>=3.5`.
    pub(super) pacman: Option<RelationsSection>,
}

/// Relations of one format.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RelationsSection {
    /// Must be there.
    pub(super) depends: Option<Many<String>>,
    /// Should be there.
    pub(super) recommends: Option<Many<String>>,
    /// Can be of use.
    pub(super) suggests: Option<Many<String>>,
    /// Must not be there.
    pub(super) conflicts: Option<Many<String>>,
}

/// Programs whose messages are to reach root, and so `root-mail-to`: each switch ships what is missing for that, or says
/// that nothing is. See integrations.md.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct IntegrationsSection {
    /// Output of cron jobs.
    #[schemars(extend("default" = false))]
    pub(super) cron: Option<Spot<bool>>,
    /// Bans by fail2ban.
    #[schemars(extend("default" = false))]
    pub(super) fail2ban: Option<Spot<bool>>,
    /// The daily report of logwatch.
    #[schemars(extend("default" = false))]
    pub(super) logwatch: Option<Spot<bool>>,
    /// Warnings of smartd about disks.
    #[schemars(extend("default" = false))]
    pub(super) smartd: Option<Spot<bool>>,
    /// What unattended-upgrades or dnf-automatic did, or a transaction of pacman upgraded.
    #[schemars(extend("default" = false))]
    pub(super) unattended_upgrades: Option<Spot<bool>>,
}

/// Ready-made rules for hosts whose firewall closes the way out. They are shipped, and never put in force: see
/// integrations.md.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FirewallSection {
    /// Programs to ship them for; none without it.
    pub(super) tools: Option<Many<FirewallName>>,
    /// With `nftables`: also rules by which no program but Postfix speaks to port 25 outside.
    #[schemars(extend("default" = false))]
    pub(super) exclusive: Option<Spot<bool>>,
}

/// A program that keeps a firewall's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum FirewallName {
    Ufw,
    Firewalld,
    Nftables,
}
