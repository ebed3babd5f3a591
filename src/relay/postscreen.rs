//! The guard in front of the port for other servers.

/// What is asked of servers before Postfix speaks to them, see POSTSCREEN_README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postscreen {
    /// Block lists of DNS, each with its weight; a list of those who are known to be good has one below zero.
    pub lists: Vec<(String, i32)>,
    /// The sum of weights from which on a client is refused.
    pub threshold: u32,
}
