use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::error::Failure;
use super::input;
use super::output::Terminal;
use crate::build::Job;
use crate::diag::printable;
use crate::package::{Inspection, ReadError};
use crate::target::Format;
use crate::template::Templates;

/// Show what changes on a host between two specs or packages.
///
/// A spec is compared as the packages it would become, in every format that both sides have. Exit status 1 says
/// that they differ.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A spec (`-` reads standard input), or a package.
    a: String,
    /// Another one, of either kind.
    b: String,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    input::stdin_once([&args.a, &args.b])?;
    let (a, b) = (side(&args.a, terminal)?, side(&args.b, terminal)?);
    let mut text = String::new();
    let mut compared = false;
    for (format, before) in &a {
        if let Some(after) = b.get(format) {
            compared = true;
            text.push_str(&differences(before, after));
        }
    }
    if !compared {
        return Err(Failure::input("the two have no package format in common"));
    }
    if text.is_empty() {
        terminal.done("Same", &args.a, &args.b);
        return Ok(());
    }
    terminal.result(&printable(&text))?;
    Err(Failure::differs())
}

/// The packages behind a word on the command line, by format.
fn side(name: &str, terminal: &mut Terminal) -> Result<BTreeMap<&'static str, Inspection>, Failure> {
    let bytes = input::bytes(name)?;
    match crate::build::inspect(&bytes) {
        Ok(inspection) => return Ok(BTreeMap::from([(inspection.format, inspection)])),
        Err(error @ ReadError::Damaged(_)) => return Err(Failure::input(format!("{name}: {error}"))),
        // No package: then it is a spec, whatever it is called.
        Err(ReadError::Unknown) => {}
    }
    let planned = Arc::new(input::load(input::decode(name, bytes)?, terminal)?);
    let templates = Templates::builtin();
    let mut packages = BTreeMap::new();
    for format in Format::ALL.into_iter().filter(|format| planned.checked.formats.contains(format)) {
        let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("{name}: {error}"));
        let bytes = Job::package(format, &planned).bytes(&templates).map_err(|error| failed(&error))?;
        let inspection = crate::build::inspect(&bytes).map_err(|error| failed(&error))?;
        packages.insert(inspection.format, inspection);
    }
    Ok(packages)
}

/// What differs, a line each; empty if nothing does.
fn differences(a: &Inspection, b: &Inspection) -> String {
    let mut lines = Vec::new();
    compare(&mut lines, "", &pairs(&a.fields), &pairs(&b.fields));
    let files = |side: &Inspection| -> BTreeMap<String, String> {
        side.files
            .iter()
            .map(|file| {
                let content = file.sha256.as_deref().or(file.target.as_deref()).unwrap_or_default();
                (file.path.clone(), format!("{} {} {content}", file.mode, file.owner))
            })
            .collect()
    };
    compare(&mut lines, "", &files(a), &files(b));
    compare(&mut lines, "script ", &pairs(&a.scripts), &pairs(&b.scripts));
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{}:\n", a.format);
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn pairs(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}

fn compare(lines: &mut Vec<String>, kind: &str, a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        match (a.get(name), b.get(name)) {
            (Some(_), None) => lines.push(format!("- {kind}{name}")),
            (None, Some(_)) => lines.push(format!("+ {kind}{name}")),
            (Some(before), Some(after)) if before != after => {
                // A short value is shown; a file or a script is only named.
                let short = before.len() + after.len() < 100 && !name.starts_with('/') && kind.is_empty();
                let detail = if short { format!(": {before} -> {after}") } else { String::new() };
                lines.push(format!("~ {kind}{name}{detail}"));
            }
            _ => {}
        }
    }
}
