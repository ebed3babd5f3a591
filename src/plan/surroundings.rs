//! Files for other programs: drop-ins for those that write to root, rules for firewalls.

use std::collections::BTreeSet;

use include_dir::include_dir;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::json;

use super::entry::{SHARE, common, file, folder, render};
use super::transports;
use super::{PlanError, Planned};
use crate::diag::{Diagnostic, Severity};
use crate::package::{Entry, EntryKind};
use crate::platform::{Format, FormatFacts, IntegrationFacts};
use crate::relay::{Firewall, FirewallTool, Host, Inbound, Relay};
use crate::spec::Checked;
use crate::template::Templates;

/// Scripts that programs call: the same on every host, no template.
static SCRIPTS: include_dir::Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/host/integrations");

/// The entries for the programs and firewalls that the spec names.
pub(super) fn entries(
    checked: &Checked,
    facts: &FormatFacts,
    templates: &Templates,
) -> Result<Vec<Entry>, PlanError> {
    let mut entries = integrations(&checked.host, facts, templates)?;
    entries.extend(firewall(&checked.host.firewall, &checked.relay, templates)?);
    Ok(entries)
}

fn integrations(host: &Host, facts: &FormatFacts, templates: &Templates) -> Result<Vec<Entry>, PlanError> {
    let own = format!("{SHARE}/integrations");
    let mut entries = Vec::new();
    for (path, name) in chosen(host, facts).flat_map(|integration| &integration.files) {
        let content = match SCRIPTS.get_file(name).and_then(include_dir::File::contents_utf8) {
            Some(script) => script.to_owned(),
            None => render(templates, &format!("integrations/{name}"), &json!({}))?,
        };
        if path.starts_with("/etc/") {
            entries.extend(linked(path, &own, name, content));
        } else {
            entries.push(file(path, content));
        }
    }
    Ok(with_folder(entries, &own).into_iter().map(common).collect())
}

/// Files of a format for the programs in the spec.
fn chosen<'f>(host: &Host, facts: &'f FormatFacts) -> impl Iterator<Item = &'f IntegrationFacts> {
    host.integrations.iter().filter_map(|(name, _)| facts.integrations.get(name))
}

/// The entries, with the folder of ours that some of them are in.
fn with_folder(mut entries: Vec<Entry>, own: &str) -> Vec<Entry> {
    if entries.iter().any(|entry| entry.path.starts_with(own)) {
        entries.push(folder(own, 0o755));
    }
    entries
}

fn firewall(firewall: &Firewall, relay: &Relay, templates: &Templates) -> Result<Vec<Entry>, PlanError> {
    const FIREWALLD: &str = "/usr/lib/firewalld";
    let own = format!("{SHARE}/firewall");
    let mut ports: BTreeSet<u16> = relay.smarthosts.iter().map(|host| host.port).collect();
    ports.extend(relay.sends_directly().then_some(25));
    ports.extend(transports::ports(relay));
    ports.extend(relay.inbound.iter().flat_map(Inbound::backends).map(|hop| hop.port));
    ports.extend(relay.inbound.iter().filter_map(|inbound| inbound.backup_domains().next().map(|_| 25)));
    // Where mail comes from anybody, port 25 is open to everybody.
    let anybody = [IpNet::from(Ipv4Net::default()), IpNet::from(Ipv6Net::default())];
    let trusted = relay.server.as_ref().map(|server| server.trusted.as_slice()).unwrap_or_default();
    let trusted = if relay.inbound.is_some() { &anybody } else { trusted };
    let families = trusted.iter().map(|network| {
        let (family, nft) = if network.addr().is_ipv4() { ("ipv4", "ip") } else { ("ipv6", "ip6") };
        json!({ "network": network.to_string(), "family": family, "nft": nft })
    });
    let families: Vec<_> = families.collect();
    // Users connect from anywhere and authenticate.
    let users: BTreeSet<u16> =
        relay.submission.iter().flat_map(|submission| &submission.ports).map(|port| port.number()).collect();
    let way_in = !trusted.is_empty() || !users.is_empty();
    let directions: &[&str] = if way_in { &["out", "in"] } else { &["out"] };
    let values = json!({
        "ports": ports, "smarthost": ports.contains(&25), "trusted": families, "users": users,
    });
    let text = |name: &str| render(templates, &format!("firewall/{name}"), &values);
    let mut entries = Vec::new();
    for tool in &firewall.tools {
        match tool {
            FirewallTool::Ufw => {
                let path = "/etc/ufw/applications.d/mail-relay";
                entries.extend(linked(path, &own, "ufw", text("ufw")?));
            }
            FirewallTool::Firewalld => {
                // A policy's name has at most 18 characters there.
                let policies = directions.iter().map(|way| ("policy", "policies", *way));
                let services = [("out", true), ("in", !trusted.is_empty()), ("users", !users.is_empty())];
                let services = services.into_iter().filter(|(_, there)| *there);
                for (kind, folder, name) in
                    services.map(|(name, _)| ("service", "services", name)).chain(policies)
                {
                    let path = format!("{FIREWALLD}/{folder}/mail-relay-{name}.xml");
                    entries.push(file(&path, text(&format!("firewalld-{kind}-{name}.xml"))?));
                }
            }
            FirewallTool::Nftables => {
                entries.push(file(&format!("{own}/egress.nft"), text("egress.nft")?));
                if way_in {
                    entries.push(file(&format!("{own}/ingress.nft"), text("ingress.nft")?));
                }
                if firewall.exclusive {
                    entries.push(file(&format!("{own}/exclusive.nft"), text("exclusive.nft")?));
                }
            }
        }
    }
    Ok(with_folder(entries, &own))
}

/// A file that a program reads in /etc. It is a link, because files in /etc belong to the administrator, and package managers
/// keep them after the removal of the package.
fn linked(path: &str, own: &str, name: &str, content: String) -> [Entry; 2] {
    let target = format!("{own}/{name}");
    let link = EntryKind::Symlink(target.clone());
    [Entry { path: path.to_owned(), mode: 0o777, kind: link, common: false }, file(&target, content)]
}

/// The roles of packages that the programs call.
pub(super) fn needs<'f>(host: &Host, facts: &'f FormatFacts) -> BTreeSet<&'f str> {
    chosen(host, facts).flat_map(|integration| &integration.needs).map(String::as_str).collect()
}

/// Notes about the programs that the spec enables, once for formats with the same note.
pub(super) fn notes(planned: &Planned) -> Vec<Diagnostic> {
    let checked = &planned.checked;
    let mut notes = Vec::new();
    for (integration, span) in &checked.host.integrations {
        let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
        for format in Format::ALL.into_iter().filter(|format| checked.formats.contains(format)) {
            let Some(note) = format.facts().integrations.get(integration).and_then(|it| it.note.as_deref())
            else {
                continue;
            };
            match said.iter_mut().find(|(other, _)| *other == note) {
                Some((_, formats)) => formats.push(format.name()),
                None => said.push((note, vec![format.name()])),
            }
        }
        notes.extend(said.into_iter().map(|(note, formats)| {
            let message = format!("{}: {note}", formats.join(", "));
            Diagnostic::new(Severity::Note, "integration", Some(span.clone()), message)
        }));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Integration;

    #[test]
    fn every_format_has_an_answer_for_every_program() {
        for format in Format::ALL {
            let facts = format.facts();
            for integration in Integration::ALL {
                let it = &facts.integrations[&integration];
                let what = format!("{format}: {}", integration.name());
                assert!(it.note.is_some() || !it.files.is_empty() || !it.needs.is_empty(), "{what}");
                assert!(it.needs.iter().all(|role| facts.relations.contains_key(role)), "{what}");
            }
        }
    }
}
