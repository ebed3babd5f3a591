//! The .INSTALL script and the alpm hook, see PKGBUILD(5) "Install/upgrade/remove scripting" and alpm-hooks(5).

use serde_json::json;

use crate::package::{Package, WriteError};
use crate::template::Templates;

/// The functions that pacman calls before and after our files change.
pub(super) fn install(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    let lifecycle = &package.lifecycle;
    let values = json!({
        "name": package.meta.name,
        "program": Package::program(&lifecycle.configure)?,
        "configure": lifecycle.configure,
        "remove": lifecycle.remove,
        "units": lifecycle.units,
        "enables": lifecycle.enables,
        "waiting": lifecycle.waiting(),
    });
    Ok(templates.render("pacman/install", &values)?)
}

/// The hook that runs after transactions in which a watched package changed.
pub(super) fn hook(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    let lifecycle = &package.lifecycle;
    let watched: Vec<&str> = lifecycle.watch.iter().map(|watch| watch.package.as_str()).collect();
    let values = json!({
        "name": package.meta.name,
        "watched": watched,
        "trigger": lifecycle.trigger,
    });
    Ok(templates.render("pacman/hook", &values)?)
}
