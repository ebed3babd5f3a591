use super::error::Failure;
use super::input;
use super::output::{Format, Terminal};
use crate::diag::{Severity, has_errors};

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
    let mut wrong = false;
    let mut all = Vec::new();
    for name in &args.specs {
        let judged = input::judge(input::read(name)?);
        wrong |= has_errors(&judged.findings)
            || args.strict && judged.findings.iter().any(|finding| finding.severity == Severity::Warning);
        match args.format {
            Format::Text => {
                terminal.diagnostics(&judged.findings, &judged.source);
                if judged.checked.is_some() {
                    let warnings = judged
                        .findings
                        .iter()
                        .filter(|finding| finding.severity == Severity::Warning)
                        .count();
                    let detail = match warnings {
                        0 => String::new(),
                        1 => "1 warning".to_owned(),
                        n => format!("{n} warnings"),
                    };
                    terminal.done("Checked", name, &detail);
                }
            }
            Format::Json => all.push(serde_json::json!({
                "spec": judged.source.name,
                "ok": judged.checked.is_some(),
                "findings": crate::diag::to_json(&judged.findings, &judged.source),
            })),
        }
    }
    if args.format == Format::Json {
        terminal.json(&all)?;
    }
    if wrong { Err(Failure::already_said()) } else { Ok(()) }
}
