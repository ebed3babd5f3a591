//! `[systemd]`, `[hardening]`, `[metrics]`, `[integrations]` and `[firewall]`: the host around Postfix.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Scalar, Spot, Time};

/// The systemd sandbox around Postfix.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct HardeningSection {
    /// Run Postfix in the sandbox.
    #[schemars(extend("default" = true, "examples" = [false]))]
    pub(crate) enabled: Option<Spot<bool>>,
    /// `[Service]` directives of your own, applied last: `ProtectHome = "read-only"`, or a list.
    #[schemars(extend("examples" = [{"ProtectHome": "read-only"}]))]
    pub(crate) service: Option<Entries<Many<Scalar>>>,
}

/// Metrics of the relay for Prometheus, read by the textfile collector of node_exporter.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct MetricsSection {
    /// Write metrics, by a timer.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) enabled: Option<Spot<bool>>,
    /// Directory that the textfile collector reads.
    ///
    /// Nothing is written on hosts that do not have it.
    #[schemars(extend(
        "default" = "/var/lib/prometheus/node-exporter",
        "examples" = ["/var/lib/node_exporter"],
        "x-with" = "metrics.enabled = true",
    ))]
    pub(crate) folder: Option<Spot<String>>,
    /// Interval: `30s`, `1m`; at least `15s`.
    #[schemars(extend("default" = "1m", "examples" = ["30s"], "x-with" = "metrics.enabled = true"))]
    pub(crate) every: Option<Spot<Time>>,
}

/// How Postfix depends on other units.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SystemdSection {
    /// Units that start before Postfix and with it, on hosts that have them.
    ///
    /// Examples are `rspamd.service` and `sys-subsystem-net-devices-wg0.device`. When one of them stops, Postfix
    /// goes on, and mail waits.
    #[schemars(extend("examples" = [["rspamd.service"]]))]
    pub(crate) after: Option<Many<String>>,
}

/// Programs whose messages should reach root, and so `root-mail-to`. Each switch ships the settings that the
/// program needs, or reports that it needs none. See integrations.md.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct IntegrationsSection {
    /// Output of cron jobs.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) cron: Option<Spot<bool>>,
    /// Bans by fail2ban.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) fail2ban: Option<Spot<bool>>,
    /// Daily report of logwatch.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) logwatch: Option<Spot<bool>>,
    /// Disk warnings of smartd.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) smartd: Option<Spot<bool>>,
    /// Upgrades by unattended-upgrades, dnf-automatic or pacman.
    #[schemars(extend("default" = false, "examples" = [true]))]
    pub(crate) unattended_upgrades: Option<Spot<bool>>,
}

/// Rules for hosts whose firewall blocks outgoing mail. They are shipped and never activated: see
/// integrations.md.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct FirewallSection {
    /// Firewalls to ship rules for.
    ///
    /// The default is none.
    #[schemars(extend("examples" = [["nftables"]]))]
    pub(crate) tools: Option<Many<FirewallName>>,
    /// With `nftables`, also ship rules by which only Postfix can reach port 25 of other hosts.
    #[schemars(extend("default" = false, "examples" = [true], "x-with" = "firewall.tools = ['nftables']"))]
    pub(crate) exclusive: Option<Spot<bool>>,
}

/// A program that keeps a firewall's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum FirewallName {
    Ufw,
    Firewalld,
    Nftables,
}
