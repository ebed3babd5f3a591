use super::error::Failure;
use super::input::{self, Judged};
use super::output::{Format, Terminal};
use crate::diag::{Diagnostic, Severity, Source, has_errors};

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
        if args.strict {
            for finding in findings.iter_mut().filter(|finding| finding.severity == Severity::Warning) {
                finding.severity = Severity::Error;
            }
        }
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

/// A spec that cannot be read is a finding, too: what is wrong with the others is still said.
fn judge(name: &str) -> Judged {
    match input::read(name) {
        Ok(source) => input::judge(source),
        Err(failure) => {
            let mut finding = Diagnostic::new(Severity::Error, "unreadable", None, failure.message);
            finding.hints = failure.hints;
            let source = Source { name: name.to_owned(), text: String::new() };
            Judged { source, checked: None, findings: vec![finding] }
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
