use rayon::prelude::*;

use super::changes::Changes;
use super::error::Failure;
use super::fleet::{self, Only, Selection};
use super::input;
use super::output::{Format, Terminal};
use crate::diag::{Diagnostic, Severity, Source, has_errors};
use crate::fleet::{Refused, is_fleet};
use crate::pipeline::{self, Judged};

/// Check a spec for errors, and suggest fixes.
///
/// Checks the spec itself, and the resulting configuration on every distribution that it is built for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to check; `-` reads standard input. Default: ./relay.toml or ./fleet.toml.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    #[command(flatten)]
    rows: Only,
    #[command(flatten)]
    changes: Changes,
    /// Format of the findings.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    input::stdin_once(&args.specs)?;
    let mut wrong = false;
    let mut all = Vec::new();
    let names = if args.specs.is_empty() { vec![input::default_spec(terminal)?] } else { args.specs.clone() };
    let sources: Vec<_> = names.iter().map(|name| read(name)).collect();
    let is_a_fleet = |source: &Result<Source, _>| source.as_ref().is_ok_and(|source| is_fleet(&source.text));
    if !args.rows.only.is_empty() && !sources.iter().any(is_a_fleet) {
        return Err(Failure::input("--only needs a fleet, and no SPEC has [fleet]"));
    }
    for source in sources {
        let good = match source {
            Ok(source) if is_fleet(&source.text) => check_fleet(source, args, &mut all, terminal)?,
            Ok(source) => {
                let name = source.name.clone();
                let Judged { findings, .. } =
                    pipeline::judge(source, &args.changes.settings(), None, &input::named_file);
                report(&name, "", findings, args, &mut all, terminal)
            }
            Err(unreadable) => {
                let (source, finding) = *unreadable;
                report(&source.name.clone(), "", vec![(source, vec![finding])], args, &mut all, terminal)
            }
        };
        wrong |= !good;
    }
    if args.format == Format::Json {
        terminal.json(&all)?;
    }
    if wrong { Err(Failure::already_said()) } else { Ok(()) }
}

/// With `--strict`, warnings are errors.
fn stricter(findings: &mut [Diagnostic], strict: bool) {
    for finding in findings.iter_mut().filter(|finding| strict && finding.severity == Severity::Warning) {
        finding.severity = Severity::Error;
    }
}

/// Checks every row of a fleet. Returns whether there are no errors.
fn check_fleet(
    source: Source,
    args: &Args,
    all: &mut Vec<serde_json::Value>,
    terminal: &mut Terminal,
) -> Result<bool, Failure> {
    let name = source.name.clone();
    let files = fleet::gather(source, &args.changes.settings(), terminal)?;
    let fleet = fleet::read(&files, terminal)?;
    let selection = Selection { rows: args.rows.clone(), shard: None };
    let rows = fleet::rows(&fleet, &selection, &[], terminal)?;
    (0..rows.len()).into_par_iter().for_each(|unit| drop(rows.check(unit)));
    Ok(report(&name, &format!("{} rows", rows.len()), rows.findings(), args, all, terminal))
}

/// Reports the findings of a spec. Returns whether there are no errors.
fn report(
    name: &str,
    detail: &str,
    mut by_file: Refused,
    args: &Args,
    all: &mut Vec<serde_json::Value>,
    terminal: &mut Terminal,
) -> bool {
    for (_, findings) in &mut by_file {
        stricter(findings, args.strict);
    }
    let good = !by_file.iter().any(|(_, findings)| has_errors(findings));
    if args.format == Format::Json {
        let found =
            |(source, findings): &(Source, Vec<Diagnostic>)| match crate::diag::to_json(findings, source) {
                serde_json::Value::Array(list) => list,
                _ => Vec::new(),
            };
        let findings: Vec<_> = by_file.iter().flat_map(found).collect();
        all.push(serde_json::json!({ "spec": name, "ok": good, "findings": findings }));
        return good;
    }
    terminal.findings(&by_file);
    if good {
        let said: Vec<Diagnostic> = by_file.into_iter().flat_map(|(_, findings)| findings).collect();
        terminal.done("Checked", name, format!("{detail} {}", warnings(&said)).trim());
    }
    good
}

/// A spec that cannot be read is also a finding, so that the others are still checked.
fn read(name: &str) -> Result<Source, Box<(Source, Diagnostic)>> {
    input::read(name).map_err(|failure| {
        let mut finding = Diagnostic::new(Severity::Error, "unreadable", None, failure.message);
        finding.hints = failure.hints;
        Box::new((Source { name: name.to_owned(), text: String::new() }, finding))
    })
}

fn warnings(findings: &[Diagnostic]) -> String {
    match findings.iter().filter(|finding| finding.severity == Severity::Warning).count() {
        0 => String::new(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    }
}
