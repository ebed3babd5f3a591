//! Header and body checks, milters, and notices to the postmaster.

/// Rules for lines of messages, the first match wins; patterns as in [`super::Headers`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Headers of the message.
    pub headers: Vec<Rule>,
    /// Headers of its parts (MIME); default: the rules for headers of the message.
    pub mime_headers: Vec<Rule>,
    /// Headers of nested messages; default: the rules for headers of the message.
    pub nested_headers: Vec<Rule>,
    /// Lines of its body.
    pub body: Vec<Rule>,
    /// Headers that a milter adds.
    pub milter_headers: Vec<Rule>,
}

/// A pattern, and an action for the line or its message.
pub type Rule = (String, LineAction);

/// Action for a line, or for its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineAction {
    /// Reject the message, with text.
    Reject(String),
    /// Accept and delete it, with text for the log.
    Discard(String),
    /// Keep it in the queue until the administrator decides.
    Hold(String),
    /// Log it.
    Warn(String),
    /// Remove the line.
    Ignore,
    /// Insert a line before it.
    Prepend(String),
    /// Replace the line.
    Replace(String),
    /// Send the message to this address instead.
    Redirect(String),
    /// No action: an exception from later rules.
    Permit,
}

/// Programs that inspect messages while Postfix receives them (milters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milters {
    /// The milters in their order.
    pub servers: Vec<Milter>,
    /// Action for mail while a milter does not answer.
    pub without: MilterAction,
    /// Whether they also inspect mail of local programs.
    pub local: bool,
    /// Timeouts for a connection, the answer to a command, and the answer to a message, seconds.
    pub timeouts: [Option<u64>; 3],
}

/// A milter, with settings that override those of the section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Milter {
    /// `inet:HOST:PORT` or `unix:PATH`.
    pub place: String,
    /// Action for mail while it does not answer.
    pub without: Option<MilterAction>,
    /// Timeouts, as in the section.
    pub timeouts: [Option<u64>; 3],
}

/// Action for mail while a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilterAction {
    /// Defer it.
    Tempfail,
    /// Reject it.
    Reject,
    /// Accept it as without the milter.
    Accept,
    /// Accept it, and keep it in the queue until the administrator decides.
    Quarantine,
}

impl MilterAction {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Tempfail, Self::Reject, Self::Accept, Self::Quarantine];

    /// The name in Postfix and in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tempfail => "tempfail",
            Self::Reject => "reject",
            Self::Accept => "accept",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Messages to the postmaster about trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// Kinds of trouble, by their names in Postfix; empty for the default of Postfix.
    pub classes: Vec<String>,
    /// Recipients of notices about bounces, bounces of bounces, delays, and everything else.
    pub to: [Option<String>; 4],
}
