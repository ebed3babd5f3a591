//! `[integrations]` and `[firewall]`: other programs on the host.

use super::judge::Judge;
use crate::diag::{Diagnostic, Span};
use crate::keys::{FirewallName, FirewallSection, IntegrationsSection};
use crate::platform::Integration;
use crate::relay::{Firewall, FirewallTool};

/// The enabled programs, with their places.
pub(super) fn integrations(section: Option<&IntegrationsSection>) -> Vec<(Integration, Span)> {
    let Some(section) = section else { return Vec::new() };
    Integration::ALL
        .into_iter()
        .filter_map(|integration| {
            let switch = match integration {
                Integration::Cron => &section.cron,
                Integration::Fail2ban => &section.fail2ban,
                Integration::Logwatch => &section.logwatch,
                Integration::Smartd => &section.smartd,
                Integration::UnattendedUpgrades => &section.unattended_upgrades,
            };
            let on = switch.as_ref().filter(|switch| switch.value)?;
            Some((integration, on.span.clone()))
        })
        .collect()
}

/// Firewall tools to ship rules for.
pub(super) fn firewall(judge: &mut Judge, section: Option<&FirewallSection>) -> Firewall {
    let Some(section) = section else { return Firewall::default() };
    let named = section.tools.as_ref().map(|tools| tools.0.as_slice()).unwrap_or_default();
    let tool = |name: FirewallName| match name {
        FirewallName::Ufw => FirewallTool::Ufw,
        FirewallName::Firewalld => FirewallTool::Firewalld,
        FirewallName::Nftables => FirewallTool::Nftables,
    };
    let firewall = Firewall {
        tools: named.iter().map(|spot| tool(spot.value)).collect(),
        exclusive: section.exclusive.as_ref().is_some_and(|spot| spot.value),
    };
    if let Some(spot) = &section.exclusive
        && firewall.exclusive
        && !firewall.tools.contains(&FirewallTool::Nftables)
        && !judge.was_removed("firewall.tools")
    {
        judge.report(
            Diagnostic::error(
                "firewall",
                spot.span.clone(),
                "`firewall.exclusive` needs nftables: ufw and firewalld cannot distinguish programs",
            )
            .hint("add \"nftables\" to `tools`; its rules are in addition to those of the others"),
        );
    }
    firewall
}
