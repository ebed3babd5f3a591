//! Files that stand beside the packages in the output folder.

use serde_json::json;

use super::PlanError;
use crate::relay::{Auth, Relay};
use crate::spec::Checked;
use crate::target::Format;
use crate::template::Templates;

/// The debconf preseed and the cloud-init file: name and bytes.
///
/// # Errors
/// If a template fails.
pub fn companions(checked: &Checked, templates: &Templates) -> Result<Vec<(String, Vec<u8>)>, PlanError> {
    let name = &checked.meta.name;
    let debconf = checked.formats.contains(&Format::Deb);
    let values = json!({
        "package": name,
        "debconf": debconf,
        "keys": credential_keys(&checked.relay),
    });
    let render = |template: &str| templates.render(template, &values).map(String::into_bytes);
    let mut files = vec![(format!("{name}.cloud-init.yaml"), render("companion/cloud-init.yaml")?)];
    if debconf {
        files.push((format!("{name}.preseed"), render("companion/preseed")?));
    }
    Ok(files)
}

/// The keys of relay.env that this relay reads credentials from.
pub(super) fn credential_keys(relay: &Relay) -> Vec<String> {
    let wanting: Vec<&str> = relay
        .smarthosts
        .iter()
        .filter(|host| host.auth == Auth::Password)
        .map(|host| host.name.as_str())
        .collect();
    // One smarthost needs no name of its own; with several, each may have its own account.
    let prefixes: Vec<String> = match wanting.as_slice() {
        [] => Vec::new(),
        [_] => vec!["RELAY".to_owned()],
        names => {
            names.iter().map(|name| format!("RELAY_{}", name.to_uppercase().replace('-', "_"))).collect()
        }
    };
    prefixes.iter().flat_map(|prefix| [format!("{prefix}_USERNAME"), format!("{prefix}_PASSWORD")]).collect()
}
