//! `[content]`, `[milter]` and `[notices]`: what messages contain, and reports about trouble.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Spot, Time};

/// Rules for the lines of messages: POSIX extended regular expressions, ignoring case, each with an action.
/// `reject`, `discard`, `hold` and `warn` may have text after them. `ignore` removes the line, `prepend LINE`
/// adds one before it, and `replace LINE` replaces it (`$1` is the first group). `redirect ADDRESS` sends the
/// message elsewhere, and `permit` makes an exception. The first match wins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ContentSection {
    /// Rules for headers: `"^Subject: .*lottery" = "reject no lotteries here"`.
    #[schemars(extend(
        "examples" = [{"^Subject: .*lottery": "reject no lotteries here"}],
        "x-decides" = ["header_checks"],
    ))]
    pub(crate) headers: Option<Entries<String>>,
    /// Rules for headers of the parts of a message: `'name=[^ ]*\.exe' = "reject no programs here"`.
    ///
    /// The default is `headers`.
    #[schemars(extend(
        "examples" = [{"name=[^ ]*\\.exe": "reject no programs here"}],
        "x-decides" = ["mime_header_checks"],
    ))]
    pub(crate) mime_headers: Option<Entries<String>>,
    /// Rules for headers of messages in a message.
    ///
    /// The default is `headers`.
    #[schemars(extend("examples" = [{"^X-Bad:": "warn"}], "x-decides" = ["nested_header_checks"]))]
    pub(crate) nested_headers: Option<Entries<String>>,
    /// Rules for the lines of the body.
    ///
    /// Postfix does not decode encoded parts.
    #[schemars(extend("examples" = [{"win a prize": "hold"}], "x-decides" = ["body_checks"]))]
    pub(crate) body: Option<Entries<String>>,
    /// Rules for headers that a milter adds: `"^X-Spam: yes" = "hold"`.
    #[schemars(extend(
        "examples" = [{"^X-Spam: yes": "hold"}],
        "x-decides" = ["milter_header_checks"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) milter_headers: Option<Entries<String>>,
}

/// Milters that inspect messages as they arrive, such as rspamd or OpenDKIM.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct MilterSection {
    /// Milters in their order: `inet:127.0.0.1:11332`, or `unix:rspamd/milter.sock` in Postfix's queue directory.
    ///
    /// Settings of one milter follow its address: `inet:127.0.0.1:8891 default-action=accept connect-timeout=5s`.
    #[schemars(extend(
        "examples" = [["inet:127.0.0.1:11332"]],
        "x-decides" = ["smtpd_milters"],
        "x-adds-to" = ["non_smtpd_milters"],
    ))]
    pub(crate) servers: Option<Many<String>>,
    /// Action for mail while a milter does not answer.
    #[schemars(extend(
        "default" = "tempfail",
        "examples" = ["accept"],
        "x-decides" = ["milter_default_action"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) default_action: Option<Spot<MilterActionName>>,
    /// Also pass mail of the host's own programs to the milters.
    #[schemars(extend(
        "default" = true,
        "examples" = [false],
        "x-decides" = ["non_smtpd_milters"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) local: Option<Spot<bool>>,
    /// Longest wait for a connection: `30s`.
    #[schemars(extend(
        "examples" = ["5s"],
        "x-decides" = ["milter_connect_timeout"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) connect_timeout: Option<Spot<Time>>,
    /// Longest wait for the reply to a command: `30s`.
    #[schemars(extend(
        "examples" = ["5s"],
        "x-decides" = ["milter_command_timeout"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) command_timeout: Option<Spot<Time>>,
    /// Longest wait for the reply to a message: `5m`.
    #[schemars(extend(
        "examples" = ["5s"],
        "x-decides" = ["milter_content_timeout"],
        "x-with" = "milter.servers = 'inet:127.0.0.1:11332'",
    ))]
    pub(crate) content_timeout: Option<Spot<Time>>,
}

/// Action for mail while a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum MilterActionName {
    Tempfail,
    Reject,
    Accept,
    Quarantine,
}

/// Messages to the postmaster about trouble.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct NoticesSection {
    /// Kinds of trouble to report.
    ///
    /// If the provider rejects bounces, or it is unknown whether it accepts them, the default also contains
    /// `2bounce`.
    #[schemars(extend(
        "default" = ["resource", "software"],
        "examples" = [["resource"]],
        "x-decides" = ["notify_classes"],
    ))]
    pub(crate) classes: Option<Many<NoticeClass>>,
    /// Recipient of notices.
    ///
    /// The default is the postmaster, and so `root-mail-to`.
    #[schemars(extend(
        "examples" = ["ops@acme.example"],
        "x-decides" = ["error_notice_recipient"],
        "x-adds-to" = ["bounce_notice_recipient", "2bounce_notice_recipient", "delay_notice_recipient"],
    ))]
    pub(crate) to: Option<Spot<String>>,
    /// Recipient of copies of bounces and of rejected sessions.
    #[schemars(extend("examples" = ["ops@acme.example"], "x-decides" = ["bounce_notice_recipient"]))]
    pub(crate) bounces_to: Option<Spot<String>>,
    /// Recipient of bounces that could not be returned.
    #[schemars(extend("examples" = ["ops@acme.example"], "x-decides" = ["2bounce_notice_recipient"]))]
    pub(crate) double_bounces_to: Option<Spot<String>>,
    /// Recipient of notices about late mail.
    #[schemars(extend("examples" = ["ops@acme.example"], "x-decides" = ["delay_notice_recipient"]))]
    pub(crate) delays_to: Option<Spot<String>>,
}

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum NoticeClass {
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
