use std::fmt::Write as _;
use std::path::PathBuf;

use super::attest::{self, Attest};
use super::build as building;
use super::error::Failure;
use super::fleet;
use super::input;
use super::making::Making;
use super::output::{Format, Terminal};
use super::progress::Progress;
use crate::attest::{Origin, Provenance, Request};
use crate::build::{self, BuildError, Options, Units, Verdict};
use crate::diag::printable;
use crate::fleet::is_fleet;
use crate::template::Templates;

/// Rebuild the packages in a folder, and compare them byte for byte.
///
/// Writes nothing. For each file that differs, it reports the first byte, and the fields, files and scripts of the package
/// that differ. It also rebuilds checksums, manifest and documents, and reports every other file of the folder except
/// signatures. With --sbom, --provenance or --builder-id, these documents must exist. Exit status 1 if anything differs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the packages.
    #[arg(value_name = "DIST")]
    dist: PathBuf,
    /// Specs of the packages; default: ./relay.toml, ./fleet.toml, or the embedded example.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    attest: Attest,
    /// Format of the report.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut sources = building::sources(&args.specs, &args.making, terminal)?;
    building::one_kind(&sources, &args.making.selection)?;
    let templates = input::templates(args.making.templates.as_deref())?;
    let verdict = if is_fleet(&sources[0].text) {
        let files = fleet::gather(sources.remove(0), &args.making.changes.settings(), terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let rows = fleet::rows(&fleet, &args.making.selection, &args.making.package_format, terminal)?;
        let origin = attest::origin_of_fleet(&files, &args.making, &templates)?;
        let verdict = verify(&rows, files.digest(), origin, args, &templates, terminal)?;
        terminal.findings(&rows.findings());
        verdict
    } else {
        let specs = building::judged(&sources, &args.making, terminal)?;
        let origin = attest::origin(&sources, specs.files(), &args.making, &templates)?;
        verify(&specs, specs.inputs(), origin, args, &templates, terminal)?
    };
    match verdict {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        verdict => say(&verdict?, args, terminal),
    }
}

fn verify(
    units: &dyn Units,
    inputs: String,
    origin: Origin,
    args: &Args,
    templates: &Templates,
    terminal: &Terminal,
) -> Result<Result<Verdict, BuildError>, Failure> {
    let provenance = Provenance { builder_id: String::new(), origin };
    let options = Options {
        inputs,
        attest: Request { provenance: Some(provenance), ..Request::default() },
        ..args.making.options(templates)?
    };
    let progress = Progress::new(units.count(), args.making.progress, terminal);
    let verdict = build::verify(units, &args.dist, &args.attest.demands(), &options, templates, &progress);
    progress.finish();
    Ok(verdict)
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
        terminal.result(&printable(&text))?;
    }
    if verdict.mismatches.is_empty() {
        let detail = format!("{} files, byte for byte", verdict.compared);
        terminal.done("Verified", &args.dist.display().to_string(), &detail);
        return Ok(());
    }
    Err(Failure::differs())
}
