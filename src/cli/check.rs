use rayon::prelude::*;

use super::error::Failure;
use super::fleet::{self, Rows, Selection};
use super::input::{self, Judged};
use super::output::{Format, Terminal};
use crate::build::Units as _;
use crate::diag::{Diagnostic, Severity, Source, has_errors};
use crate::fleet::is_fleet;

/// Say what is wrong with a spec, and what would be right.
///
/// Judges the spec itself and what the relay would do on every distribution it is built for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to check; `-` reads standard input.
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<String>,
    /// Form of the findings.
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
    for name in &args.specs {
        let Judged { source, mut findings, .. } = judge(name);
        if is_fleet(&source.text) {
            let good = check_fleet(source, args, &mut all, terminal)?;
            wrong |= !good;
            continue;
        }
        stricter(&mut findings, args.strict);
        let good = !has_errors(&findings);
        wrong |= !good;
        match args.format {
            Format::Text => {
                terminal.diagnostics(&findings, &source);
                if good {
                    terminal.done("Checked", &source.name, &warnings(&findings));
                }
            }
            Format::Json => all.push(serde_json::json!({
                "spec": source.name,
                "ok": good,
                "findings": crate::diag::to_json(&findings, &source),
            })),
        }
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

/// Judges every row of a fleet; whether all is well.
fn check_fleet(
    source: Source,
    args: &Args,
    all: &mut Vec<serde_json::Value>,
    terminal: &mut Terminal,
) -> Result<bool, Failure> {
    let name = source.name.clone();
    let files = fleet::gather(source, terminal)?;
    let fleet = fleet::read(&files, terminal)?;
    let rows = Rows::new(&fleet, &Selection::default(), &[], terminal)?;
    (0..rows.count()).into_par_iter().for_each(|unit| drop(rows.check(unit)));
    let mut by_file = rows.findings();
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
    } else {
        let mut said: Vec<Diagnostic> = Vec::new();
        for (source, findings) in by_file {
            terminal.diagnostics(&findings, &source);
            said.extend(findings);
        }
        if good {
            let detail = [format!("{} rows", rows.count()), warnings(&said)];
            terminal.done("Checked", &name, detail.join(" ").trim_end());
        }
    }
    Ok(good)
}

/// A spec that cannot be read is a finding, too: what is wrong with the others is still said.
fn judge(name: &str) -> Judged {
    match input::read(name) {
        Ok(source) => input::judge(source),
        Err(failure) => {
            let mut finding = Diagnostic::new(Severity::Error, "unreadable", None, failure.message);
            finding.hints = failure.hints;
            let source = Source { name: name.to_owned(), text: String::new() };
            Judged { source, planned: None, findings: vec![finding] }
        }
    }
}

fn warnings(findings: &[Diagnostic]) -> String {
    match findings.iter().filter(|finding| finding.severity == Severity::Warning).count() {
        0 => String::new(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    }
}
