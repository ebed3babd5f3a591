//! Helpers for entries of a package.

use super::PlanError;
use crate::package::{Content, Entry, EntryKind};
use crate::template::Templates;

/// The package's own folder.
pub(super) const SHARE: &str = "/usr/share/mail-relay";

/// Fills a template.
pub(super) fn render(
    templates: &Templates,
    name: &str,
    values: &serde_json::Value,
) -> Result<String, PlanError> {
    Ok(templates.render(name, values)?)
}

pub(super) fn folder(path: &str, mode: u32) -> Entry {
    Entry { path: path.to_owned(), mode, kind: EntryKind::Directory, common: false }
}

pub(super) fn file(path: &str, content: impl Into<Content>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o644, kind: EntryKind::File(content.into()), common: false }
}

pub(super) fn document(path: &str, content: impl Into<Content>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o644, kind: EntryKind::Doc(content.into()), common: false }
}

/// An entry that most relays have just so.
pub(super) fn common(entry: Entry) -> Entry {
    Entry { common: true, ..entry }
}
