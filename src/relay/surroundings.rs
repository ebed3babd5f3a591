//! Other programs on a host: those that write to root, and firewalls.

use std::collections::BTreeSet;

use serde::Deserialize;

/// A program that can write to root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integration {
    /// Output of jobs.
    Cron,
    /// Bans.
    Fail2ban,
    /// A daily report of the logs.
    Logwatch,
    /// Disks that are about to fail.
    Smartd,
    /// Unattended upgrades.
    UnattendedUpgrades,
}

impl Integration {
    /// All programs.
    pub const ALL: [Self; 5] =
        [Self::Cron, Self::Fail2ban, Self::Logwatch, Self::Smartd, Self::UnattendedUpgrades];

    /// The name in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Fail2ban => "fail2ban",
            Self::Logwatch => "logwatch",
            Self::Smartd => "smartd",
            Self::UnattendedUpgrades => "unattended-upgrades",
        }
    }
}

/// A program that manages firewall rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirewallTool {
    /// ufw(8).
    Ufw,
    /// firewalld(1).
    Firewalld,
    /// nft(8).
    Nftables,
}

/// Rules for firewalls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Firewall {
    /// The tools that rules are shipped for.
    pub tools: BTreeSet<FirewallTool>,
    /// Whether only Postfix may connect to port 25 of other hosts.
    pub exclusive: bool,
}
