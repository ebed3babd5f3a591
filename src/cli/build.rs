use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::attest::{self, Attest};
use super::error::Failure;
use super::fleet::{self, Rows, Selection};
use super::input;
use super::making::Making;
use super::output::{Format, Terminal, human_size};
use super::progress::Progress;
use crate::build::{self, BuildError, FileName, Job, Options, Report, Unit, Units};
use crate::diag::Source;
use crate::fleet::is_fleet;
use crate::keys::HostProgram;
use crate::target;
use crate::template::Templates;

/// Build packages.
///
/// Without a SPEC it builds ./relay.toml or ./fleet.toml; where neither is there, the example that is part of postpack. A
/// spec with [fleet] is built for every row of its inventory; a row whose inputs are the same as before is not built
/// again, unless a bill of materials or provenance is written. Packages appear in the output folder all at once, or not
/// at all; the same input gives the same bytes on any machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to build; `-` reads standard input. Without one, ./relay.toml or ./fleet.toml.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Folder for the packages.
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    attest: Attest,
    /// Build all of a fleet, whatever is in the output folder.
    #[arg(long)]
    rebuild: bool,
    /// Form of the report.
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
        let attest = args.attest.request(|| attest::origin(&sources, &args.making, &templates))?;
        let specs = judged(sources, &args.making, terminal)?;
        let options = Options { inputs: specs.digest(), attest, ..args.making.options(&templates)? };
        let progress = Progress::new(specs.count(), args.making.progress, terminal);
        let report = build::build(&specs, &args.output, &options, &templates, &progress)?;
        progress.finish();
        report
    };
    say(&report, args, terminal)
}

/// The texts of the specs, of the folder's own, or of the embedded example.
pub(super) fn sources(
    names: &[String],
    making: &Making,
    terminal: &mut Terminal,
) -> Result<Vec<Source>, Failure> {
    input::stdin_once(names)?;
    if names.is_empty() {
        let own = if making.example { None } else { input::of_folder(terminal)? };
        if own.is_none() && !making.example {
            terminal.done("Using", "the embedded example", "neither relay.toml nor fleet.toml is here");
        }
        return own.map_or_else(|| Ok(vec![input::example()]), |name| Ok(vec![input::read(name)?]));
    }
    names.iter().map(|name| input::read(name)).collect()
}

/// Refuses what cannot be together: a fleet and other specs, or a selection of rows and no fleet.
pub(super) fn one_kind(sources: &[Source], selection: &Selection) -> Result<(), Failure> {
    match sources.iter().find(|source| is_fleet(&source.text)) {
        Some(fleet) if sources.len() > 1 => {
            Err(Failure::input(format!("{}: a fleet is built alone, into a folder of its own", fleet.name)))
        }
        None if selection.is_any() => {
            Err(Failure::input("--only and --shard are for fleets, and no SPEC has [fleet]"))
        }
        _ => Ok(()),
    }
}

/// Judges specs and shows what there is to say. Every one is judged before the first package is made: the user sees all
/// that is wrong at once.
pub(super) fn judged(
    sources: Vec<Source>,
    making: &Making,
    terminal: &mut Terminal,
) -> Result<Specs, Failure> {
    let settings = making.changes.settings();
    let mut specs = Specs::default();
    let mut wrong = false;
    // The formats of those that share the host program.
    let mut shared = BTreeSet::new();
    for source in sources {
        let (name, text) = (source.name.clone(), source.text.clone());
        match input::load(source, &settings, terminal) {
            Ok(planned) => {
                let checked = &planned.checked;
                let formats = formats(&name, &checked.formats, &making.package_format)?;
                if checked.host_program == HostProgram::Shared {
                    shared.extend(formats.iter().copied());
                }
                let words: Vec<String> = settings.iter().map(ToString::to_string).collect();
                specs.inputs.push([text, words.join("\0"), checked.time.to_string()].join("\0"));
                specs.jobs.push(Mutex::new(Some(Job::all(planned, &formats))));
            }
            Err(failure) if failure.message.is_empty() => wrong = true,
            Err(failure) => return Err(failure),
        }
    }
    if !shared.is_empty() {
        let formats: Vec<_> = shared.into_iter().collect();
        specs.inputs.push(program_inputs(&formats));
        specs.jobs.push(Mutex::new(Some(Job::programs(&formats))));
    }
    if wrong { Err(Failure::already_said()) } else { Ok(specs) }
}

/// What the packages of the host program are made of, besides postpack itself.
pub(super) fn program_inputs(formats: &[target::Format]) -> String {
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    format!("host program\0{}", names.join(" "))
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
    let rows = Rows::new(&fleet, &args.making.selection, &args.making.package_format, terminal)?;
    let progress = Progress::new(rows.count(), args.making.progress, terminal);
    let report = build::build(&rows, &args.output, &options, templates, &progress);
    progress.finish();
    rows.say(terminal);
    match report {
        Err(BuildError::Refused) => Err(Failure::already_said()),
        report => Ok(report?),
    }
}

/// Specs that were judged already.
#[derive(Default)]
pub(super) struct Specs {
    jobs: Vec<Mutex<Option<Vec<Job>>>>,
    inputs: Vec<String>,
}

impl Specs {
    /// What all of them are made of.
    pub(super) fn digest(&self) -> String {
        self.inputs.concat()
    }
}

impl Units for Specs {
    fn count(&self) -> usize {
        self.jobs.len()
    }

    fn jobs(&self, unit: usize) -> Option<Vec<Job>> {
        self.jobs[unit].lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn inputs(&self, unit: usize) -> String {
        self.inputs[unit].clone()
    }
}

/// The formats of a spec, or those of them that were asked for: each of these must be one of the spec's.
fn formats(
    name: &str,
    of_spec: &[target::Format],
    asked: &[target::Format],
) -> Result<Vec<target::Format>, Failure> {
    if let Some(missing) = asked.iter().find(|format| !of_spec.contains(format)) {
        let names: Vec<&str> = of_spec.iter().map(|format| format.name()).collect();
        return Err(Failure::input(format!(
            "{name}: no {} package is made of it: its `targets` need {}",
            missing.name(),
            names.join(" and ")
        ))
        .hint("add a target of that format to `package.targets`, or ask for another --package-format"));
    }
    Ok(of_spec.iter().copied().filter(|format| asked.is_empty() || asked.contains(format)).collect())
}

/// Says what was built. Of a large fleet only how much it is: nobody reads ten thousand lines.
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
        let message = format!("other bytes under the same version as before: {names}");
        terminal.warn(
            &message,
            "a host that has this version will not upgrade: raise it in the spec, or with --release N or --set package.version=VERSION",
        );
    }
    Ok(())
}

/// Names with commas between them, as many as can be read.
fn shown(names: &[FileName], most: usize, show: impl Fn(&FileName) -> String) -> String {
    let mut words: Vec<String> = names.iter().take(most).map(show).collect();
    words.extend((names.len() > most).then(|| format!("and {} more", names.len() - most)));
    words.join(", ")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
