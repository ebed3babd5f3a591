//! Differences between the packages of one host.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Packages;
use crate::build::{self, Job};
use crate::cli::error::Failure;
use crate::formats;
use crate::package::{Difference, EntryKind, Inspection, Part, ReadError};
use crate::plan::{self, Planned};
use crate::platform::Format;
use crate::template::Templates;

/// A package with its known texts.
pub(super) struct Packed {
    inspection: Inspection,
    contents: BTreeMap<String, Vec<u8>>,
}

/// A difference, and the formats whose packages have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Change {
    pub(super) formats: Vec<&'static str>,
    #[serde(flatten)]
    pub(super) difference: Difference,
    /// A unified diff, if the value is a text of several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff: Option<String>,
}

impl Packed {
    /// Reads a package file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        Ok(Self { inspection: formats::inspect(bytes)?, contents: build::contents(bytes) })
    }

    /// The packages of a spec.
    pub(super) fn all(planned: Planned) -> Result<Packages, Failure> {
        Self::of(&Arc::new(planned))
    }

    /// The packages of a spec.
    pub(super) fn of(planned: &Arc<Planned>) -> Result<Packages, Failure> {
        let templates = Templates::builtin();
        let mut packages = BTreeMap::new();
        for format in Format::ALL.into_iter().filter(|format| planned.checked.formats.contains(format)) {
            let bytes = Job::package(format, planned).bytes(&templates)?;
            let mut packed =
                Self::read(&bytes).map_err(|error| Failure::failed(format!("{format}: {error}")))?;
            // The texts in an .rpm file cannot be read.
            let package = plan::package(planned, format, &templates)?;
            packed.contents.extend(package.entries.into_iter().filter_map(|entry| match entry.kind {
                EntryKind::File(content) | EntryKind::Doc(content) | EntryKind::Config(content) => {
                    Some((entry.path, content.to_vec()))
                }
                EntryKind::Directory | EntryKind::Symlink(_) => None,
            }));
            packages.insert(packed.format(), packed);
        }
        Ok(packages)
    }

    pub(super) fn format(&self) -> &'static str {
        self.inspection.format
    }

    /// The content of a file, if it is text.
    fn text(&self, path: &str) -> Option<String> {
        build::text(self.contents.get(path)?)
    }
}

/// The differences, each once with its formats.
pub(super) fn changes(before: &Packages, after: &Packages) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for (format, old) in before {
        let Some(new) = after.get(format) else { continue };
        for difference in old.inspection.differences(&new.inspection) {
            let diff = unified(&difference, old, new);
            let same = |change: &&mut Change| change.difference == difference && change.diff == diff;
            if let Some(known) = changes.iter_mut().find(same) {
                known.formats.push(format);
            } else {
                changes.push(Change { formats: vec![format], difference, diff });
            }
        }
    }
    changes.sort_by(|a, b| (&a.formats, &a.difference).cmp(&(&b.formats, &b.difference)));
    changes
}

/// The differing lines, with three lines of context.
fn unified(difference: &Difference, old: &Packed, new: &Packed) -> Option<String> {
    let Difference { kind, name, before, after } = difference;
    let (before, after) = match kind {
        Part::File => (old.text(name), new.text(name)),
        Part::Field | Part::Script => (before.clone(), after.clone()),
    };
    let is_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\n'));
    if !is_long(&before) && !is_long(&after) {
        return None;
    }
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let diff = similar::TextDiff::from_lines(&before, &after);
    let text = diff.unified_diff().missing_newline_hint(false).to_string();
    (!text.is_empty()).then_some(text)
}
