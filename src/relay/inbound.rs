//! Mail from anybody: for whom it is, and where it goes.

/// What a relay takes from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Domains whose mail goes to a server behind; empty where it is for mailboxes alone.
    pub domains: Vec<(String, NextHop)>,
}

impl Inbound {
    /// Whether mail to this domain is taken.
    pub fn receives_for(&self, domain: &str) -> bool {
        self.domains.iter().any(|(own, _)| own.eq_ignore_ascii_case(domain))
    }
}

/// A server behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// Host name, or an address literal without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}
