//! postscreen(8) on the port for other servers.

/// Tests of clients before smtpd(8) answers, see POSTSCREEN_README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postscreen {
    /// DNS lists, each with its weight; lists of good clients have a weight below zero.
    pub lists: Vec<(String, i32)>,
    /// The sum of weights that rejects a client.
    pub threshold: u32,
}
