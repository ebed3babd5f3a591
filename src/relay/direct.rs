//! Mail that goes directly to MX hosts.

use std::net::IpAddr;

/// What the host must check about mail that it sends to MX hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Direct {
    /// Addresses that other servers see. Empty: those of the host.
    pub addresses: Vec<IpAddr>,
    /// DNS block lists.
    pub block_lists: Vec<String>,
}
