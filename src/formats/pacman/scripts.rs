//! The .INSTALL script and the alpm hook, see PKGBUILD(5) "Install/upgrade/remove scripting" and alpm-hooks(5).

use serde_json::{Value, json};

use crate::package::{Lifecycle, Meta, Package, WriteError};
use crate::template::Templates;

/// The name of the hook file: after systemd's own hooks, which make users, folders and reload units.
pub(super) fn hook_name(meta: &Meta) -> String {
    format!("50-{}.hook", meta.name)
}

/// The functions that pacman calls before and after our files change; empty if nothing happens.
pub(super) fn install(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    let lifecycle = &package.lifecycle;
    match &lifecycle.keyring {
        Some(keyring) => Ok(templates.render("pacman/keyring", &json!({ "keyring": keyring }))?),
        None if lifecycle.has_commands() => Ok(templates.render("pacman/install", &values(package))?),
        None => Ok(String::new()),
    }
}

/// The hook that runs after transactions in which we, or a watched package, came in or changed.
pub(super) fn hook(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    Ok(templates.render("pacman/hook", &values(package))?)
}

fn values(package: &Package) -> Value {
    let lifecycle = &package.lifecycle;
    json!({
        "name": package.meta.name,
        "hook": hook_name(&package.meta),
        "watched": lifecycle.watch.iter().map(|watch| &watch.package).collect::<Vec<_>>(),
        "configure": lifecycle.configure,
        "trigger": lifecycle.trigger,
        "remove": lifecycle.remove,
        "in_system": Lifecycle::in_system(),
        "units": lifecycle.units,
        "waiting": lifecycle.waiting(),
        "purge": lifecycle.purge,
    })
}
