//! Smarthosts for the mail of single senders, and of single recipients.

use super::{Relay, Smarthost};

/// A list of smarthosts for some of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderWay<'a> {
    /// Name of its first smarthost.
    pub name: &'a str,
    /// Addresses and `@domain`, in lower case; empty for a list that only `[transports]` names.
    pub senders: &'a [String],
    /// In order of failover.
    pub smarthosts: Vec<&'a Smarthost>,
}

impl Relay {
    /// The smarthosts for all mail without a list, in order of failover.
    pub fn usual_smarthosts(&self) -> impl Iterator<Item = &Smarthost> {
        self.smarthosts.iter().filter(|host| host.is_usual())
    }

    /// The ways of single senders and recipients. Each sender has at most one.
    pub fn sender_ways(&self) -> Vec<SenderWay<'_>> {
        let mut ways: Vec<SenderWay<'_>> = Vec::new();
        for host in self.smarthosts.iter().filter(|host| !host.is_usual()) {
            match ways.iter_mut().find(|way| way.smarthosts.iter().all(|other| other.shares_list(host))) {
                Some(way) => way.smarthosts.push(host),
                None => {
                    ways.push(SenderWay { name: &host.name, senders: &host.senders, smarthosts: vec![host] });
                }
            }
        }
        ways
    }
}
