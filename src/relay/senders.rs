//! Smarthosts for the mail of single senders.

use super::{Relay, Smarthost};

/// A list of smarthosts for the mail of some senders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderWay<'a> {
    /// Name of its first smarthost.
    pub name: &'a str,
    /// Addresses and `@domain`, in lower case.
    pub senders: &'a [String],
    /// In order of failover.
    pub smarthosts: Vec<&'a Smarthost>,
}

impl Relay {
    /// The smarthosts for all senders that no list names, in order of failover.
    pub fn usual_smarthosts(&self) -> impl Iterator<Item = &Smarthost> {
        self.smarthosts.iter().filter(|host| host.senders.is_empty())
    }

    /// The ways of single senders. Each sender has at most one.
    pub fn sender_ways(&self) -> Vec<SenderWay<'_>> {
        let mut ways: Vec<SenderWay<'_>> = Vec::new();
        for host in self.smarthosts.iter().filter(|host| !host.senders.is_empty()) {
            match ways.iter_mut().find(|way| way.senders == host.senders) {
                Some(way) => way.smarthosts.push(host),
                None => {
                    ways.push(SenderWay { name: &host.name, senders: &host.senders, smarthosts: vec![host] });
                }
            }
        }
        ways
    }
}
