//! The parts of a package that do not decide where mail goes: the sandbox, metrics, and files for other programs.

use std::collections::BTreeSet;

use crate::diag::Span;
use crate::platform::Integration;

/// Everything in a package that does not decide where mail goes.
#[derive(Debug, Clone)]
pub struct Host {
    /// Units that Postfix starts after, if they exist on the host.
    pub after: Vec<String>,
    /// The systemd sandbox.
    pub hardening: Hardening,
    /// Metrics for Prometheus.
    pub metrics: Option<Metrics>,
    /// Programs whose messages reach root, with their places in the spec.
    pub integrations: Vec<(Integration, Span)>,
    /// Files for firewalls.
    pub firewall: Firewall,
}

/// A program that keeps a firewall's rules.
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
    /// The tools it is shipped for.
    pub tools: BTreeSet<FirewallTool>,
    /// Whether only Postfix may connect to port 25 of other hosts.
    pub exclusive: bool,
}

/// The systemd sandbox around Postfix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// Whether the drop-in is shipped.
    pub enabled: bool,
    /// The user's own `[Service]` directives, applied last.
    pub service: Vec<(String, Vec<String>)>,
}

/// Metrics for Prometheus, written by a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The folder of node_exporter's textfile collector.
    pub folder: String,
    /// Interval in seconds.
    pub every: u64,
}

impl Metrics {
    /// The file they are in.
    pub fn file(&self) -> String {
        format!("{}/mail-relay.prom", self.folder)
    }
}
