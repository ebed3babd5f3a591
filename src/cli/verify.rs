use std::fmt::Write as _;
use std::path::PathBuf;

use super::build::{self as building, Making};
use super::error::Failure;
use super::fleet::{self, Rows};
use super::input;
use super::output::{Format, Terminal};
use super::progress::Progress;
use crate::build::{self, BuildError, Units, Verdict};
use crate::fleet::is_fleet;

/// Build again what is in a folder, and compare it byte for byte.
///
/// Nothing is written. For each file that differs it says at which byte, and which field, file or script of the package
/// is another. Exit status 1 if anything differs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with what was built.
    #[arg(value_name = "DIST")]
    dist: PathBuf,
    /// Specs that it was built of; the embedded example without one.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    #[command(flatten)]
    making: Making,
    /// Form of the verdict.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut sources = building::sources(&args.specs)?;
    building::one_kind(&sources, &args.making.selection)?;
    let verdict = if is_fleet(&sources[0].text) {
        let files = fleet::gather(sources.remove(0), terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let rows = Rows::new(&fleet, &args.making.selection, &args.making.package_format, terminal)?;
        let verdict = verify(&rows, args, terminal);
        rows.say(terminal);
        verdict
    } else {
        verify(&building::judged(sources, &args.making.package_format, terminal)?, args, terminal)
    };
    match verdict {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        verdict => say(&verdict?, args, terminal),
    }
}

fn verify(units: &dyn Units, args: &Args, terminal: &Terminal) -> Result<Verdict, BuildError> {
    // What is wrong with a template is said as in `build`.
    let templates = input::templates(args.making.templates.as_deref())
        .map_err(|error| BuildError::Plan(crate::plan::PlanError::Template(error)))?;
    let progress = Progress::new(units.count(), args.making.progress, terminal);
    let verdict = build::verify(
        units,
        &args.dist,
        !args.making.selection.is_any(),
        args.making.jobs,
        &templates,
        &progress,
    );
    progress.finish();
    verdict
}

fn say(verdict: &Verdict, args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    if args.format == Format::Json {
        terminal.json(verdict)?;
    } else {
        let mut text = String::new();
        for mismatch in &verdict.mismatches {
            let byte = mismatch.byte.map_or_else(String::new, |byte| format!(" from byte {byte}"));
            let _ = writeln!(text, "{} differs{byte}", mismatch.file_name);
            for what in &mismatch.what {
                let _ = writeln!(text, "    {what}");
            }
        }
        terminal.result(&text)?;
    }
    if verdict.mismatches.is_empty() {
        let detail = format!("{} files, byte for byte", verdict.compared);
        terminal.done("Verified", &args.dist.display().to_string(), &detail);
        return Ok(());
    }
    Err(Failure::differs())
}
