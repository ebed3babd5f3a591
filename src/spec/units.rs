//! `[systemd]`: units that Postfix starts after.

use super::judge::Judge;
use super::values::{self, Fault};
use crate::keys::SystemdSection;

/// Suffixes of units that Postfix can wait for.
const KINDS: &[&str] = &["service", "socket", "device", "target", "mount"];

/// The units.
pub(super) fn after(judge: &mut Judge, section: Option<&SystemdSection>) -> Vec<String> {
    let list = section.and_then(|section| section.after.as_ref());
    let mut units: Vec<String> = Vec::new();
    for spot in judge.read_all("unit", "systemd.after", "names of systemd units", list, unit) {
        if !units.contains(&spot.value) {
            units.push(spot.value);
        }
    }
    units
}

/// The characters are those of systemd.unit(5).
fn unit(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if let Some(odd) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || ":-_.\\@".contains(*c))) {
        return Err(Fault::new(format!("{} is not allowed here", values::character(odd))));
    }
    match text.rsplit_once('.') {
        Some((name, kind)) if !name.is_empty() && KINDS.contains(&kind) => Ok(text.to_owned()),
        _ => Err(Fault::new("its suffix is not a type of unit")
            .hint(format!("write `{}.service`", values::shown(text)))),
    }
}
