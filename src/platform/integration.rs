//! Programs of a host that send mail to root.

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
