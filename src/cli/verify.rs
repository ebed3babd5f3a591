use std::fmt::Write as _;
use std::path::PathBuf;

use super::error::Failure;
use super::fleet::{self, Rows, Selection};
use super::output::{Format, Terminal};
use super::progress::{Progress, Style};
use super::{build as building, input};
use crate::build::{self, BuildError, Units, Verdict};
use crate::fleet::is_fleet;
use crate::target;

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
    /// Only these formats, as they were given to `build`.
    #[arg(long, value_delimiter = ',', value_name = "FORMAT,...")]
    package_format: Vec<target::Format>,
    #[command(flatten)]
    selection: Selection,
    /// How many packages are built at a time.
    #[arg(short, long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Folder with templates that replace ours of the same name.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// How to show progress, on standard error.
    #[arg(long, default_value = "auto", value_name = "STYLE")]
    progress: Style,
    /// Form of the verdict.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut sources = building::sources(&args.specs)?;
    building::one_kind(&sources, &args.selection)?;
    let verdict = if is_fleet(&sources[0].text) {
        let files = fleet::gather(sources.remove(0), terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let rows = Rows::new(&fleet, &args.selection, &args.package_format, terminal)?;
        let verdict = verify(&rows, args, terminal);
        rows.say(terminal);
        verdict
    } else {
        verify(&building::judged(sources, &args.package_format, terminal)?, args, terminal)
    };
    match verdict {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        verdict => say(&verdict?, args, terminal),
    }
}

fn verify(units: &dyn Units, args: &Args, terminal: &Terminal) -> Result<Verdict, BuildError> {
    // What is wrong with a template is said as in `build`.
    let templates = input::templates(args.templates.as_deref())
        .map_err(|error| BuildError::Plan(crate::plan::PlanError::Template(error)))?;
    let progress = Progress::new(units.count(), args.progress, terminal);
    let verdict =
        build::verify(units, &args.dist, !args.selection.is_any(), args.jobs, &templates, &progress);
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
