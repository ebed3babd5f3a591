//! What a message may hold, who else looks at it, and who hears of trouble.

/// Rules for lines of messages, the first match wins; patterns as in [`super::Headers`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Headers of the message.
    pub headers: Vec<Rule>,
    /// Headers of its parts (MIME); those of the message where there are none.
    pub mime_headers: Vec<Rule>,
    /// Headers of messages within it; those of the message where there are none.
    pub nested_headers: Vec<Rule>,
    /// Lines of its body.
    pub body: Vec<Rule>,
    /// Headers that a milter adds.
    pub milter_headers: Vec<Rule>,
}

/// A pattern, and an action for the line or its message.
pub type Rule = (String, LineAction);

/// What becomes of a line, or of the message that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineAction {
    /// The message is refused, with words to say.
    Reject(String),
    /// It is taken and thrown away, with words for the log.
    Discard(String),
    /// It waits in the queue until somebody looks at it.
    Hold(String),
    /// It is mentioned in the log.
    Warn(String),
    /// The line is taken out.
    Ignore,
    /// A line is put before it.
    Prepend(String),
    /// Another takes its place.
    Replace(String),
    /// The message goes to this address instead.
    Redirect(String),
    /// Nothing: an exception from a later rule.
    Permit,
}

/// Programs that look at messages while they come in (milters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milters {
    /// In their order.
    pub servers: Vec<Milter>,
    /// What becomes of mail while one does not answer.
    pub without: MilterAction,
    /// Whether they see mail of local programs, too.
    pub local: bool,
    /// Longest waits for a connection, an answer to a command, and an answer to a whole message, seconds.
    pub timeouts: [Option<u64>; 3],
}

/// One of them, with what is otherwise than for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Milter {
    /// `inet:HOST:PORT` or `unix:PATH`.
    pub place: String,
    /// What becomes of mail while it does not answer.
    pub without: Option<MilterAction>,
    /// Longest waits, as of all.
    pub timeouts: [Option<u64>; 3],
}

/// What becomes of mail while a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilterAction {
    /// Refused for now.
    Tempfail,
    /// Refused.
    Reject,
    /// Taken as if there were no milter.
    Accept,
    /// Taken, and kept in the queue until somebody looks at it.
    Quarantine,
}

impl MilterAction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tempfail, Self::Reject, Self::Accept, Self::Quarantine];

    /// Its name in Postfix and in a spec.
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
    /// Kinds of trouble, by Postfix's names; its own choice where there are none.
    pub classes: Vec<String>,
    /// Who hears of bounces, bounces of bounces, delays, and of everything else.
    pub to: [Option<String>; 4],
}
