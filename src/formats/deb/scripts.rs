//! The maintainer scripts, see deb-postinst(5) and Debian policy 6.5, and what lintian is to know.

use serde_json::json;

use crate::package::{EntryKind, Lifecycle, Package, WriteError};
use crate::template::Templates;

/// Rendered from `templates/deb/`; a script that a user's template leaves empty is not put in.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// The scripts by name.
pub(super) fn render(
    package: &Package,
    templates: &Templates,
) -> Result<Vec<(&'static str, String)>, WriteError> {
    let lifecycle = &package.lifecycle;
    if !lifecycle.has_commands() {
        return Ok(Vec::new());
    }
    let path = Package::program(&lifecycle.configure)?;
    let values = json!({
        "name": package.meta.name,
        "mark": lifecycle.mark,
        "program": by_name(path),
        "configure": by_name(&lifecycle.configure),
        "trigger": by_name(&lifecycle.trigger),
        "remove": by_name(&lifecycle.remove),
        "in_system": Lifecycle::in_system(),
        "units": lifecycle.units,
        "waiting": lifecycle.waiting(),
        "purge": lifecycle.purge,
    });
    SCRIPTS.into_iter().map(|name| Ok((name, templates.render(&format!("deb/{name}"), &values)?))).collect()
}

/// A command by the name of its program, as policy 6.1 wants it: dpkg sets the PATH.
fn by_name(command: &str) -> &str {
    let end = command.find(' ').unwrap_or(command.len());
    command[..end].rfind('/').map_or(command, |slash| &command[slash + 1..])
}

/// Overrides for lintian, with their reasons; empty if there are none.
pub(super) fn lintian_overrides(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    let folders = package.entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
    let private: Vec<_> = folders
        .filter(|entry| entry.mode != 0o755)
        .map(|entry| json!({ "path": entry.path[1..], "mode": format!("{:04o}", entry.mode) }))
        .collect();
    let changelog = &package.meta.changelog;
    let values = json!({
        "name": package.meta.name,
        "private": private,
        "systemd": services_without_init_script(package),
        "first": changelog.len() == 1 && changelog[0].version.revision == 1,
    });
    Ok(templates.render("deb/lintian-overrides", &values)?)
}

/// The paths for which lintian wants an init script: services and their drop-ins, but no instance units, nor
/// those that a path or timer unit of the same name starts.
fn services_without_init_script(package: &Package) -> Vec<String> {
    const UNITS: &str = "/usr/lib/systemd/system/";
    let has = |path: String| package.entries.iter().any(|entry| entry.path == path);
    let mut paths = Vec::new();
    for entry in &package.entries {
        let Some((unit, rest)) = entry.path.strip_prefix(UNITS).and_then(|name| name.split_once(".service"))
        else {
            continue;
        };
        if unit.contains(['/', '@'])
            || has(format!("{UNITS}{unit}.path"))
            || has(format!("{UNITS}{unit}.timer"))
        {
            continue;
        }
        let path = &entry.path[1..];
        if rest.contains('/') {
            let folder = &path[..path.len() - rest.len() + rest.find('/').unwrap_or_default()];
            paths.push(format!("{folder}/"));
        }
        paths.push(path.to_owned());
    }
    paths.dedup();
    paths
}
