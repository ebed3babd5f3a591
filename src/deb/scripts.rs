//! The maintainer scripts, see deb-postinst(5) and Debian policy 6.5, and what lintian is to know.

use serde_json::json;

use crate::package::{EntryKind, Package, WriteError};
use crate::template::Templates;

/// Rendered from `templates/deb/`; a script that a user's template leaves empty is not put in.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// The scripts by name.
pub(super) fn render(
    package: &Package,
    templates: &Templates,
) -> Result<Vec<(&'static str, String)>, WriteError> {
    let lifecycle = &package.lifecycle;
    let path = Package::program(&lifecycle.configure)?;
    let values = json!({
        "name": package.meta.name,
        "path": path,
        "program": by_name(path),
        "configure": by_name(&lifecycle.configure),
        "trigger": by_name(&lifecycle.trigger),
        "remove": by_name(&lifecycle.remove),
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

/// What lintian would say and why it is meant to be so; empty if there is nothing.
pub(super) fn lintian_overrides(package: &Package, templates: &Templates) -> Result<String, WriteError> {
    let folders = package.entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
    let private: Vec<_> = folders
        .filter(|entry| entry.mode != 0o755)
        .map(|entry| json!({ "path": entry.path[1..], "mode": format!("{:04o}", entry.mode) }))
        .collect();
    // lintian says nothing of instance units.
    let mut drop_ins = Vec::new();
    for entry in &package.entries {
        if let Some((folder, _)) = entry.path.rsplit_once('/')
            && folder.ends_with(".service.d")
            && !folder.ends_with("@.service.d")
        {
            drop_ins.extend([format!("{}/", &folder[1..]), entry.path[1..].to_owned()]);
        }
    }
    drop_ins.dedup();
    let values = json!({ "name": package.meta.name, "private": private, "drop_ins": drop_ins });
    Ok(templates.render("deb/lintian-overrides", &values)?)
}
