use std::fmt::Write as _;
use std::path::PathBuf;

use super::attest;
use super::build as building;
use super::error::Failure;
use super::fleet::{self, Rows};
use super::input;
use super::making::Making;
use super::output::{Format, Terminal};
use super::progress::Progress;
use crate::attest::{Origin, Provenance, Request};
use crate::build::{self, BuildError, Options, Units, Verdict};
use crate::fleet::is_fleet;
use crate::template::Templates;

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
    let templates = input::templates(args.making.templates.as_deref())?;
    let verdict = if is_fleet(&sources[0].text) {
        let files = fleet::gather(sources.remove(0), terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let rows = Rows::new(&fleet, &args.making.selection, &args.making.package_format, terminal)?;
        let origin = attest::origin_of_fleet(&files, &args.making, &templates)?;
        let verdict = verify(&rows, origin, args, &templates, terminal);
        rows.say(terminal);
        verdict
    } else {
        let origin = attest::origin(&sources, &args.making, &templates)?;
        let specs = building::judged(sources, &args.making.package_format, terminal)?;
        verify(&specs, origin, args, &templates, terminal)
    };
    match verdict {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        verdict => say(&verdict?, args, terminal),
    }
}

fn verify(
    units: &dyn Units,
    origin: Origin,
    args: &Args,
    templates: &Templates,
    terminal: &Terminal,
) -> Result<Verdict, BuildError> {
    let selection = &args.making.selection;
    let provenance = Provenance { builder_id: String::new(), origin };
    let options = Options {
        threads: args.making.jobs,
        shard: selection.shard.map(|shard| shard.to_string()),
        attest: Request { provenance: Some(provenance), ..Request::default() },
        ..Options::default()
    };
    let progress = Progress::new(units.count(), args.making.progress, terminal);
    let verdict = build::verify(units, &args.dist, !selection.is_any(), &options, templates, &progress);
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
