//! Users who hand in mail from anywhere, once they have proved who they are.

use super::Headers;

/// What users are offered, beside the port for other servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Where they hand in mail; never empty.
    pub ports: Vec<SubmissionPort>,
    /// Senders with users of their own: addresses, and domains without `@`, each with the logins that may use it.
    pub senders: Vec<(String, Vec<String>)>,
    /// What is taken out of the headers that their programs wrote.
    pub headers: Headers,
}

/// A port for users' mail (RFC 6409, RFC 8314). Nothing is taken there without TLS and a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionPort {
    /// 587: TLS by STARTTLS.
    StartTls,
    /// 465: TLS from the first byte.
    Implicit,
}

impl SubmissionPort {
    /// All ports.
    pub const ALL: &'static [Self] = &[Self::StartTls, Self::Implicit];

    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
        }
    }
}
