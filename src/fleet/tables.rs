//! Files of `[tables]`: each is read once, and its text replaces the name, so that findings point into the file.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::diag::{Diagnostic, Source, Sources, Span};

/// Where the text of each file begins, by its name in the spec.
pub(super) type Starts = BTreeMap<String, usize>;

/// Reads a file, or returns the reason why it cannot be read.
pub type Read<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// The names in `tables.*.file`, each with its place.
fn names(table: &DeTable<'_>) -> Vec<(String, Span)> {
    let Some(DeValue::Table(tables)) = table.get("tables").map(Spanned::get_ref) else { return Vec::new() };
    let file = |section: &Spanned<DeValue<'_>>| {
        let DeValue::Table(section) = section.get_ref() else { return None };
        let file = section.get("file")?;
        Some((file.get_ref().as_str()?.to_owned(), file.span()))
    };
    tables.values().filter_map(file).collect()
}

/// Reads the files of a table from a folder, and adds them to the sources. Files that are already known are not read again.
pub(super) fn read(
    table: &DeTable<'_>,
    folder: &Path,
    read: Read<'_>,
    starts: &mut Starts,
    add: &mut impl FnMut(Source) -> usize,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (name, span) in names(table) {
        if starts.contains_key(&name) {
            continue;
        }
        let path = folder.join(&name);
        match read(&path) {
            Ok(text) => {
                starts.insert(name, add(Source { name: path.display().to_string(), text }));
            }
            Err(why) => findings.push(
                Diagnostic::error("table", span, why)
                    .hint("write the name of a file, relative to the folder of the spec"),
            ),
        }
    }
    findings
}

/// Replaces `file` by `text`.
pub(super) fn put<'f>(table: &mut DeTable<'f>, sources: &'f Sources, starts: &Starts) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let Some(DeValue::Table(tables)) = table.get_mut("tables").map(Spanned::get_mut) else { return findings };
    for (_, section) in tables.iter_mut() {
        let DeValue::Table(section) = section.get_mut() else { continue };
        let Some((key, file)) = section.get_key_value("file").map(|(key, file)| (key.clone(), file.clone()))
        else {
            continue;
        };
        let Some(name) = file.get_ref().as_str() else { continue };
        let Some(start) = starts.get(name) else {
            let message = "the name of this file must be in the spec, the base or a group of the fleet";
            findings.push(
                Diagnostic::error("table", file.span(), message)
                    .hint("write the same name for all rows, and override `rows` in a [[group]]"),
            );
            continue;
        };
        if section.contains_key("text") {
            // The spec allows only one of them.
            continue;
        }
        section.remove("file");
        let text = sources.part(*start);
        let value = Spanned::new(*start..start + text.len(), DeValue::String(DeString::Borrowed(text)));
        section.insert(Spanned::new(key.span(), DeString::Borrowed("text")), value);
    }
    findings
}
