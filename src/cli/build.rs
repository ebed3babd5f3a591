use std::path::PathBuf;

use super::attest::{self, Attest};
use super::error::Failure;
use super::fleet::{self, Selection};
use super::input;
use super::making::Making;
use super::output::{Format, Terminal, human_size};
use super::progress::Progress;
use crate::build::{self, BuildError, FileName, Options, Report, Unit, Units as _};
use crate::diag::Source;
use crate::fleet::is_fleet;
use crate::pipeline::{MissingFormat, Specs};
use crate::template::Templates;

/// Build packages.
///
/// Without a SPEC it builds ./relay.toml or ./fleet.toml, or the embedded example if neither exists. A spec with [fleet]
/// is built for every row of its inventory. Rows whose inputs have not changed are not rebuilt, unless a bill of materials
/// or provenance is written. All packages appear in the output folder at the end, or none. The same input gives the same
/// bytes on any machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to build; `-` reads standard input. Default: ./relay.toml or ./fleet.toml.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Folder for the packages.
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    attest: Attest,
    /// Build all rows of a fleet, also those that have not changed.
    #[arg(long)]
    rebuild: bool,
    /// Format of the report.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut sources = sources(&args.specs, &args.making, terminal)?;
    one_kind(&sources, &args.making.selection)?;
    let templates = input::templates(args.making.templates.as_deref())?;
    let report = if is_fleet(&sources[0].text) {
        build_fleet(sources.remove(0), args, &templates, terminal)?
    } else {
        let specs = judged(&sources, &args.making, terminal)?;
        let attest =
            args.attest.request(|| attest::origin(&sources, specs.files(), &args.making, &templates))?;
        let options = Options { inputs: specs.inputs(), attest, ..args.making.options(&templates)? };
        let progress = Progress::new(specs.count(), args.making.progress, terminal);
        let report = build::build(&specs, &args.output, &options, &templates, &progress)?;
        progress.finish();
        report
    };
    say(&report, args, terminal)
}

/// The texts of the given specs, of the one in the current folder, or of the embedded example.
pub(super) fn sources(
    names: &[String],
    making: &Making,
    terminal: &mut Terminal,
) -> Result<Vec<Source>, Failure> {
    input::stdin_once(names)?;
    if names.is_empty() {
        let own = if making.example { None } else { input::of_folder(terminal)? };
        if own.is_none() && !making.example {
            terminal.done("Using", "the embedded example", "relay.toml and fleet.toml do not exist");
        }
        return own.map_or_else(|| Ok(vec![input::example()]), |name| Ok(vec![input::read(name)?]));
    }
    names.iter().map(|name| input::read(name)).collect()
}

/// Rejects impossible combinations: a fleet and other specs, or a selection of rows without a fleet.
pub(super) fn one_kind(sources: &[Source], selection: &Selection) -> Result<(), Failure> {
    match sources.iter().find(|source| is_fleet(&source.text)) {
        Some(fleet) if sources.len() > 1 => Err(Failure::input(format!(
            "{}: a fleet must be built alone, into a separate folder",
            fleet.name
        ))),
        None if selection.is_any() => {
            Err(Failure::input("--only and --shard need a fleet, and no SPEC has [fleet]"))
        }
        _ => Ok(()),
    }
}

/// Checks specs and shows the findings. All specs are checked before the first package is built, so that the user sees all
/// errors at once.
pub(super) fn judged(sources: &[Source], making: &Making, terminal: &mut Terminal) -> Result<Specs, Failure> {
    let settings = making.changes.settings();
    let mut specs = Specs::default();
    let mut wrong = false;
    for source in sources {
        match input::load(source.clone(), &settings, terminal) {
            Ok((planned, files)) => specs
                .add(planned, &source.text, &settings, files, &making.package_format)
                .map_err(|missing| not_of_spec(&source.name, &missing))?,
            Err(failure) if failure.message.is_empty() => wrong = true,
            Err(failure) => return Err(failure),
        }
    }
    if wrong { Err(Failure::already_said()) } else { Ok(specs) }
}

fn build_fleet(
    source: Source,
    args: &Args,
    templates: &Templates,
    terminal: &mut Terminal,
) -> Result<Report, Failure> {
    let files = fleet::gather(source, &args.making.changes.settings(), terminal)?;
    let options = Options {
        reuse: !args.rebuild,
        inputs: files.digest(),
        attest: args.attest.request(|| attest::origin_of_fleet(&files, &args.making, templates))?,
        ..args.making.options(templates)?
    };
    if let Some(report) = build::unchanged(&args.output, &options) {
        return Ok(report);
    }
    let fleet = fleet::read(&files, terminal)?;
    let rows = fleet::rows(&fleet, &args.making.selection, &args.making.package_format, terminal)?;
    let progress = Progress::new(rows.count(), args.making.progress, terminal);
    let report = build::build(&rows, &args.output, &options, templates, &progress);
    progress.finish();
    terminal.findings(&rows.findings());
    match report {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        report => Ok(report?),
    }
}

/// The error for a requested format that the targets of the spec do not need.
fn not_of_spec(name: &str, missing: &MissingFormat) -> Failure {
    let names: Vec<&str> = missing.of_spec.iter().map(|format| format.name()).collect();
    Failure::input(format!(
        "{name}: no {} package belongs to it: its `targets` need {}",
        missing.asked.name(),
        names.join(" and ")
    ))
    .hint("add a target of that format to `package.targets`, or select a different --package-format")
}

/// Reports the built packages, or only their number for a large fleet.
fn say(report: &Report, args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    const READABLE: usize = 50;
    let units = &report.manifest.units;
    let (built, path) = (report.built(), |name: &FileName| args.output.join(name).display().to_string());
    let status = |is_new: bool| if is_new { "built" } else { "unchanged" };
    if args.format == Format::Json {
        let unit = |unit: &Unit| {
            serde_json::json!({
                "package": unit.package,
                "version": unit.version,
                "status": status(report.is_built(unit)),
            })
        };
        let artifacts = report.manifest.files().map(|file| {
            let mut value = serde_json::to_value(file)?;
            value["status"] = status(report.written.contains(&file.file_name)).into();
            Ok(value)
        });
        let artifacts: Vec<_> = artifacts.collect::<serde_json::Result<_>>().map_err(std::io::Error::from)?;
        terminal.json(&serde_json::json!({
            "output": args.output,
            "built": built,
            "unchanged": units.len() - built,
            "packages": units.iter().map(unit).collect::<Vec<_>>(),
            "artifacts": artifacts,
            "same-version": report.replaced,
            "unlisted": report.left,
        }))?;
    } else if report.written.is_empty() {
        terminal.done("Unchanged", &args.output.display().to_string(), &count(units.len(), "package"));
    } else if units.len() < READABLE {
        let mut files: Vec<_> = report.manifest.files().collect();
        files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        for file in files {
            let verb = if report.written.contains(&file.file_name) { "Built" } else { "Unchanged" };
            terminal.done(verb, &path(&file.file_name), &human_size(file.size));
        }
    } else {
        let size: u64 = report.manifest.files().map(|file| file.size).sum();
        let files = count(report.manifest.files().count(), "file");
        let rest = units.len() - built;
        let detail = format!("{built} built, {rest} unchanged, {files}, {}", human_size(size));
        terminal.done("Built", &args.output.display().to_string(), &detail);
    }
    if !report.left.is_empty() {
        let names = shown(&report.left, READABLE, ToString::to_string);
        terminal.done("Unlisted", &names, "still in the folder, made by an earlier build");
    }
    if !report.replaced.is_empty() {
        let names = shown(&report.replaced, READABLE, path);
        let message = format!("different bytes under the same version as before: {names}");
        terminal.warn(
            &message,
            "hosts with this version will not upgrade: raise it in the spec, or with --release N or --set package.version=VERSION",
        );
    }
    Ok(())
}

/// Names separated by commas, shortened to a readable number.
fn shown(names: &[FileName], most: usize, show: impl Fn(&FileName) -> String) -> String {
    let mut words: Vec<String> = names.iter().take(most).map(show).collect();
    words.extend((names.len() > most).then(|| format!("and {} more", names.len() - most)));
    words.join(", ")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
