//! The words of relays that take mail from anybody, and of what is in messages.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spot::{Entries, Many, Spot, Time};
use super::Level;

/// Mail from anybody: for whom it is taken, and where it goes. Only for relays that receive.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct InboundSection {
    /// Domains, each with the server behind that gets its mail: `"acme.example" = "mail.acme.lan"`, or an address, with
    /// a port where it is not 25: `"10.0.0.5:2525"`, `"[fd00::5]:2525"`.
    pub(in super::super) domains: Option<Entries<String>>,
    /// How the connection to the servers behind is protected.
    #[schemars(extend("default" = "may"))]
    pub(in super::super) tls: Option<Spot<Level>>,
    /// Addresses of these domains that exist, and `@acme.example` for all of a domain. Or `verify`: the server behind is
    /// asked. Or `any`, by which it has to return what it does not want, often to who never sent it.
    #[schemars(extend("default" = "verify"))]
    pub(in super::super) recipients: Option<Many<String>>,
    /// Domains that have nothing but the addresses of `aliases`.
    pub(in super::super) alias_domains: Option<Many<String>>,
    /// Addresses that stand for others: `"info@acme.test" = "sales@acme.example"`, or a list; `"@acme.test"` is every
    /// address of the domain without an alias of its own.
    pub(in super::super) aliases: Option<Entries<Many<String>>>,
}

/// What is kept out of mail from anybody. Only for relays that receive. Hosts that are trusted are not asked, and
/// `postmaster` and `abuse` can always be written to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct AbuseSection {
    /// Lists in DNS of clients' addresses (DNSBL), with the answers that count: `zen.spamhaus.org=127.0.0.[2..11]`.
    pub(in super::super) block_lists: Option<Many<String>>,
    /// Lists in DNS of names (RHSBL): of the sender's domain, the client, and what it says in EHLO.
    pub(in super::super) name_lists: Option<Many<String>>,
    /// What who is on a list hears after the list's name: `see https://acme.example/blocked`.
    pub(in super::super) block_words: Option<Spot<String>>,
    /// Reject unauthenticated clients that use a domain of the relay in the envelope sender. This also rejects messages that were
    /// sent from a domain of the relay, forwarded by another server, and come back with their sender unchanged.
    #[schemars(extend("default" = false))]
    pub(in super::super) reject_own_senders: Option<Spot<bool>>,
    /// Ask SPF (RFC 7208) whether the client may send for the sender's domain, by a policy daemon of the distribution.
    #[schemars(extend("default" = false))]
    pub(in super::super) spf: Option<Spot<bool>>,
    /// Policy services of your own, in their order: `inet:127.0.0.1:10040`, `unix:private/policy`.
    pub(in super::super) policies: Option<Many<String>>,
    /// Have clients that are not known yet come again later, by postgrey.
    #[schemars(extend("default" = false))]
    pub(in super::super) greylisting: Option<Spot<bool>>,
    /// Not before this time: `5m`.
    #[schemars(extend("default" = "5m"))]
    pub(in super::super) greylist_delay: Option<Spot<Time>>,
    /// What they hear; `%s` stands for the seconds that are left.
    pub(in super::super) greylist_words: Option<Spot<String>>,
    /// Clients that need not come again: domains (with all below them), addresses and networks.
    pub(in super::super) greylist_exempt: Option<Many<String>>,
}

/// What lines of a message may be: POSIX extended regular expressions, matched in any case of letters, each with what
/// becomes of the line or the message: `reject`, `discard`, `hold` or `warn`, with words of your own behind it,
/// `ignore` (the line is taken out), `prepend LINE`, `replace LINE` (`$1` is what the first parentheses matched),
/// `redirect ADDRESS`, or `permit` for an exception. The first that matches wins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct ContentSection {
    /// Headers: `"^Subject: .*lottery" = "reject no lotteries here"`.
    pub(in super::super) headers: Option<Entries<String>>,
    /// Headers of the parts of a message: `'name=[^ ]*\.exe' = "reject no programs here"`. Those of `headers` without it.
    pub(in super::super) mime_headers: Option<Entries<String>>,
    /// Headers of messages in a message. Those of `headers` without it.
    pub(in super::super) nested_headers: Option<Entries<String>>,
    /// Lines of the body, as they travel: parts that are encoded are not decoded.
    pub(in super::super) body: Option<Entries<String>>,
    /// Headers that a milter adds: `"^X-Spam: yes" = "hold"`.
    pub(in super::super) milter_headers: Option<Entries<String>>,
}

/// Programs that look at messages while they come in, such as rspamd or OpenDKIM.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct MilterSection {
    /// Where they listen, in their order: `inet:127.0.0.1:11332`, or `unix:rspamd/milter.sock` below Postfix's queue folder.
    /// What is otherwise for one of them stands behind its place: `inet:127.0.0.1:8891 default-action=accept connect-timeout=5s`.
    pub(in super::super) servers: Option<Many<String>>,
    /// What becomes of mail while one does not answer.
    #[schemars(extend("default" = "tempfail"))]
    pub(in super::super) default_action: Option<Spot<MilterActionName>>,
    /// Show them mail of the host's own programs, too.
    #[schemars(extend("default" = true))]
    pub(in super::super) local: Option<Spot<bool>>,
    /// Longest wait for a connection: `30s`.
    pub(in super::super) connect_timeout: Option<Spot<Time>>,
    /// Longest wait for an answer to a command: `30s`.
    pub(in super::super) command_timeout: Option<Spot<Time>>,
    /// Longest wait for an answer to a message: `5m`.
    pub(in super::super) content_timeout: Option<Spot<Time>>,
}

/// What becomes of mail while a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in super::super) enum MilterActionName {
    Tempfail,
    Reject,
    Accept,
    Quarantine,
}

/// Messages to the postmaster about trouble.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct NoticesSection {
    /// Kinds of trouble: `resource`, `software`, `bounce`, `2bounce`, `data`, `delay`, `policy`, `protocol`.
    /// Where the provider refuses bounces, or nobody knows that it accepts them, `2bounce` is in the default as well.
    #[schemars(extend("default" = ["resource", "software"]))]
    pub(in super::super) classes: Option<Many<NoticeClass>>,
    /// Who hears of it; the postmaster, and so `root-mail-to`, without it.
    pub(in super::super) to: Option<Spot<String>>,
    /// Who gets copies of bounces and of sessions that were refused.
    pub(in super::super) bounces_to: Option<Spot<String>>,
    /// Who gets bounces that could not be returned.
    pub(in super::super) double_bounces_to: Option<Spot<String>>,
    /// Who hears of mail that is late.
    pub(in super::super) delays_to: Option<Spot<String>>,
}

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in super::super) enum NoticeClass {
    Bounce,
    #[serde(rename = "2bounce")]
    DoubleBounce,
    Data,
    Delay,
    Policy,
    Protocol,
    Resource,
    Software,
}
