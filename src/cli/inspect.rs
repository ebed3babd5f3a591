use std::fmt::Write as _;
use std::path::PathBuf;

use super::error::Failure;
use super::input;
use super::output::{Format, Terminal, human_size, table};
use crate::diag::printable;
use crate::package::Inspection;

/// Show metadata, files and scripts of a package in any of the three formats.
///
/// Reads the file only. It unpacks nothing and runs no script.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A .deb, .rpm or .pkg.tar.zst file.
    file: PathBuf,
    /// Format of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let inspection = read(&args.file)?;
    match args.format {
        Format::Json => terminal.json(&inspection),
        Format::Text => terminal.result(&printable(&text(&inspection))),
    }
}

/// Reads a package file.
pub(super) fn read(path: &std::path::Path) -> Result<Inspection, Failure> {
    let bytes = input::whole(path).map_err(|error| Failure::input(error.to_string()))?;
    crate::formats::inspect(&bytes).map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}

fn text(inspection: &Inspection) -> String {
    let mut text = format!("Format: {}\n", inspection.format);
    for (name, value) in &inspection.fields {
        let _ = writeln!(text, "{name}: {}", value.replace('\n', "\n    "));
    }
    let rows: Vec<Vec<String>> = inspection
        .files
        .iter()
        .map(|file| {
            let path = match &file.target {
                Some(target) => format!("{} -> {target}", file.path),
                None => file.path.clone(),
            };
            vec![file.mode.clone(), file.owner.clone(), human_size(file.size), path]
        })
        .collect();
    let _ = write!(text, "\n{}", table(&["MODE", "OWNER", "SIZE", "PATH"], &rows));
    for (name, script) in &inspection.scripts {
        let _ = write!(text, "\n--- {name}\n{}\n", script.trim_end());
    }
    text
}
