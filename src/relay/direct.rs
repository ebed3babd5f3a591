//! Mail that goes directly to MX hosts.

use std::net::IpAddr;

/// Mail of all senders without a separate smarthost, which goes to MX hosts. The other smarthosts are a fallback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Direct {
    /// Whether the spec says so, so that the host checks what other servers expect.
    pub is_stated: bool,
    /// Addresses that other servers see. Empty: those of the host.
    pub addresses: Vec<IpAddr>,
    /// DNS block lists.
    pub block_lists: Vec<String>,
}
