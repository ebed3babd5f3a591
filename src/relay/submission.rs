//! Authenticated users who submit mail from anywhere.

use super::Headers;

/// Settings for users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Ports for submission; never empty.
    pub ports: Vec<SubmissionPort>,
    /// Senders (addresses, and domains without `@`), each with the logins that may use it.
    pub senders: Vec<(String, Vec<String>)>,
    /// Headers to remove from submitted mail.
    pub headers: Headers,
}

/// A port for submission (RFC 6409, RFC 8314). It requires TLS and a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionPort {
    /// 587: TLS by STARTTLS.
    StartTls,
    /// 465: implicit TLS.
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
