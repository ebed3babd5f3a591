//! Keys that are set on the command line: `--set package.version=1.4.0`. They override every spec, and their spans point into
//! the option.

use std::path::Path;
use std::str::FromStr;

use toml::de::DeTable;

use super::inventory::Cell;
use super::tables::{self, Read, Starts};
use super::{MOST_PARTS, overlay};
use crate::diag::{Diagnostic, Source, Sources, Span};
use crate::relay::Providers;
use crate::spec::{self, Checked};

/// A key and its value from an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    path: String,
    /// The option, for findings about the value.
    source: Source,
    /// Start of the value in the option.
    start: usize,
}

impl Setting {
    /// The release of the package, from `--release`.
    pub fn release(option: &str, value: &str) -> Self {
        let source = Source { name: option.to_owned(), text: value.to_owned() };
        Self { path: "package.release".to_owned(), source, start: 0 }
    }

    fn value(&self) -> &str {
        &self.source.text[self.start..]
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not SECTION.KEY=VALUE, such as package.version=1.4.0");
        let (path, _) = text.split_once('=').ok_or_else(wrong)?;
        let start = path.len() + 1;
        let path = path.trim();
        let is_bare = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        if !(2..=MOST_PARTS).contains(&path.split('.').count()) || !path.split('.').all(is_bare) {
            return Err(wrong());
        }
        let source = Source { name: "--set".to_owned(), text: text.to_owned() };
        Ok(Self { path: path.to_owned(), source, start })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.path, self.value())
    }
}

/// A setting whose option is part of the text that spans point into.
#[derive(Debug)]
pub(super) struct Placed {
    path: String,
    /// Place of the key.
    span: Span,
    cell: Cell,
}

impl Placed {
    /// Adds the options to the sources.
    pub(super) fn all(settings: &[Setting], sources: &mut Sources) -> Vec<Self> {
        let place = |setting: &Setting| {
            let begin = sources.add(setting.source.clone());
            let start = begin + setting.start;
            let text = setting.value().to_owned();
            let span = start..start + text.len();
            let key = if setting.start == 0 { span.clone() } else { begin..start - 1 };
            Self { path: setting.path.clone(), span: key, cell: Cell { text, is_text: true, span } }
        };
        settings.iter().map(place).collect()
    }

    /// Sets the key in a table. The value is read like a cell of an inventory.
    pub(super) fn put<'f>(&self, table: &mut DeTable<'f>, text: &'f str) {
        overlay::set(table, &self.path, overlay::value(&self.path, &self.cell, text), &self.span);
    }
}

/// Reads and checks one spec with overriding settings. `read` returns the text of a file that the spec names, or the reason why
/// it cannot be read. Findings point into the sources: the spec, the settings, and then the files.
pub fn load(
    source: Source,
    settings: &[Setting],
    providers: &Providers,
    read: Read<'_>,
) -> (Option<Checked>, Vec<Diagnostic>, Sources) {
    let folder = Path::new(&source.name).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut sources = Sources::default();
    let is_example = source.name == spec::EXAMPLE_NAME;
    let start = sources.add(source);
    let placed = Placed::all(settings, &mut sources);
    let mut starts = Starts::new();
    let mut files = Vec::new();
    let mut next = sources.text().len();
    let mut add = |file: Source| {
        let begin = next;
        next += file.text.len() + 1;
        files.push(file);
        begin
    };
    // Most specs have no tables, and are parsed once.
    let missing = match sources.text().contains("tables").then(|| table(&sources, start, &placed)) {
        Some(Ok(table)) => tables::read(&table, &folder, read, &mut starts, &mut add),
        _ => Vec::new(),
    };
    if !missing.is_empty() {
        return (None, missing, sources);
    }
    for file in files {
        sources.add(file);
    }
    let (checked, findings) = match table(&sources, start, &placed) {
        Ok(mut table) => {
            let findings = tables::put(&mut table, &sources, &starts);
            if findings.is_empty() {
                let load = if is_example { spec::load_table } else { spec::load_own_table };
                load(table, sources.text(), providers)
            } else {
                (None, findings)
            }
        }
        Err(findings) => (None, findings),
    };
    (checked, findings, sources)
}

/// The spec with its settings.
fn table<'f>(sources: &'f Sources, start: usize, placed: &[Placed]) -> Result<DeTable<'f>, Vec<Diagnostic>> {
    let mut table = spec::parse(sources.part(start))?;
    for setting in placed {
        setting.put(&mut table, sources.text());
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_path_and_a_value() {
        for good in ["package.version=1", "relay.from=", "main-cf.x_y=a=b", "a.b.c = d"] {
            assert!(good.parse::<Setting>().is_ok(), "{good}");
        }
        let deep = "a.".repeat(MOST_PARTS) + "b=1";
        for bad in
            ["", "version=1", "package.version", ".x=1", "a.=1", "a..b=1", "a.\"b\"=1", "[a].b=1", &deep]
        {
            assert!(bad.parse::<Setting>().is_err(), "{bad}");
        }
    }
}
