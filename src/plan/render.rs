//! The files as a host of a distribution will have them once `mail-relay apply` has run.

use std::fmt::Write as _;

use super::clients;
use super::facts::from_text;
use super::host::entries;
use super::senders;
use super::words;
use super::{PlanError, Planned};
use crate::package::{Entry, EntryKind};
use crate::platform::Distribution;
use crate::postfix::Release;
use crate::postfix::catalogue::Catalogue;
use crate::relay::{Relay, TlsMode};
use crate::template::Templates;

/// A file on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFile {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its content.
    pub content: Vec<u8>,
}

/// Every file of the package, and the live files in /etc/postfix as a fresh host would have them. Compiled tables
/// and credentials are made on the host and are not here.
///
/// # Errors
/// If a template fails.
pub fn render(
    planned: &Planned,
    distribution: &Distribution,
    templates: &Templates,
) -> Result<Vec<HostFile>, PlanError> {
    let mut files: Vec<HostFile> = entries(planned, distribution.format, templates)?
        .into_iter()
        .filter_map(|Entry { path, mode, kind, .. }| match kind {
            EntryKind::File(content) | EntryKind::Doc(content) | EntryKind::Config(content) => {
                Some(HostFile { path, mode, content: content.to_vec() })
            }
            EntryKind::Directory | EntryKind::Symlink(_) => None,
        })
        .collect();
    let package_layer = String::from_utf8_lossy(planned.main_cf(templates)?);
    let main_cf = format!("{package_layer}\n{}", host_layer(&planned.checked.relay, distribution));
    files.push(HostFile {
        path: "/etc/postfix/main.cf".to_owned(),
        mode: 0o644,
        content: main_cf.into_bytes(),
    });
    for table in &planned.host()?.tables {
        let path = format!("/etc/postfix/{}", table.name);
        files.push(HostFile { path, mode: 0o644, content: table.text.to_vec() });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The host layer of this distribution. The host command computes the same from the same facts.
fn host_layer(relay: &Relay, distribution: &Distribution) -> String {
    let smarthosts: Vec<String> =
        relay.usual_smarthosts().map(|host| words::server(&host.host, host.port)).collect();
    let Release { major, minor, .. } = distribution.postfix.version;
    // Before 3.6 the level is a whole number.
    let level = if (major, minor) < (3, 6) { "2".to_owned() } else { format!("{major}.{minor}") };
    let wrapper = relay.usual_smarthosts().any(|host| host.mode == TlsMode::Implicit);
    let ca_file = relay.tls.ca_file.clone().unwrap_or_else(|| distribution.ca_file.clone());
    let mut rows = vec![
        ("compatibility_level", level),
        ("default_database_type", distribution.postfix.default_database_type.clone()),
    ];
    if !relay.sends_directly() {
        rows.push(("relay_smarthosts", smarthosts.join(", ")));
    } else if relay.has_fallback() {
        rows.push(("relay_fallback", smarthosts.join(", ")));
    }
    rows.push(("relay_ca_file", ca_file));
    if relay.identity.from.is_some() {
        let from = from_text(relay.identity.from.as_ref());
        rows.push(("relay_return", if from.starts_with('@') { format!("root{from}") } else { from.clone() }));
        rows.push(("relay_from", from));
    }
    if let Some(first) = relay.local.root_mail_to.first() {
        rows.push(("relay_root_mail_to", relay.local.root_mail_to.join(", ")));
        rows.push(("relay_root_address", first.clone()));
    }
    if let Some(name) = &relay.identity.hostname {
        rows.push(("myhostname", name.clone()));
    }
    rows.push(("relay_host_domain", "$myhostname".to_owned()));
    rows.push(("relay_system_name", "$myhostname".to_owned()));
    rows.push(("relay_system_domain", "$myhostname".to_owned()));
    rows.push(("smtp_tls_wrappermode", if wrapper { "yes" } else { "no" }.to_owned()));
    for (name, value) in clients::where_known(relay).into_iter().filter_map(|it| it.split_once('=')) {
        if Catalogue::get(name).is_some_and(|info| info.exists_in(distribution.postfix.version)) {
            rows.push((name, value.to_owned()));
        }
    }
    let mut text =
        format!("# Facts of the host, as {} has them with credentials in place.\n", distribution.title);
    let ways = senders::host_rows(relay);
    let ways = ways.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in rows.into_iter().chain(ways) {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}
