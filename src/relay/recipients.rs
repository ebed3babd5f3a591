//! Limits on the recipients of mail that leaves the relay.

/// Recipients that mail may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// An address.
    Address(String),
    /// All addresses of a domain.
    Domain(String),
    /// All addresses of a domain and of its subdomains.
    Below(String),
}
