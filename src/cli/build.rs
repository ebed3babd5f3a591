use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::attest::{self, Attest};
use super::error::Failure;
use super::fleet::{self, Rows, Selection};
use super::input;
use super::making::Making;
use super::output::{Format, Terminal, human_size};
use super::progress::Progress;
use crate::build::{self, BuildError, Job, Options, Report, Units};
use crate::diag::Source;
use crate::fleet::is_fleet;
use crate::target;
use crate::template::Templates;

/// Build packages.
///
/// Without a SPEC it builds the example that is part of postpack. A spec with [fleet] is built for every row of its
/// inventory; what is in the output folder already, made of the same inputs, is not made again. Packages appear in the
/// output folder all at once, or not at all; the same input gives the same bytes on any machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to build; `-` reads standard input.
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
    let mut sources = sources(&args.specs)?;
    one_kind(&sources, &args.making.selection)?;
    let templates = input::templates(args.making.templates.as_deref())?;
    let report = if is_fleet(&sources[0].text) {
        build_fleet(sources.remove(0), args, &templates, terminal)?
    } else {
        let attest = args.attest.request(|| attest::origin(&sources, &args.making, &templates))?;
        let specs = judged(sources, &args.making.package_format, terminal)?;
        let options = Options { inputs: specs.inputs.concat(), attest, ..options(args, &templates)? };
        let progress = Progress::new(specs.count(), args.making.progress, terminal);
        let report = build::build(&specs, &args.output, &options, &templates, &progress)?;
        progress.finish();
        report
    };
    say(&report, args, terminal)
}

/// The texts of the specs, or of the embedded example.
pub(super) fn sources(names: &[String]) -> Result<Vec<Source>, Failure> {
    input::stdin_once(names)?;
    if names.is_empty() {
        return Ok(vec![input::example()]);
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
    asked: &[target::Format],
    terminal: &mut Terminal,
) -> Result<Specs, Failure> {
    let mut specs = Specs::default();
    let mut wrong = false;
    for source in sources {
        let (name, text) = (source.name.clone(), source.text.clone());
        match input::load(source, terminal) {
            Ok(planned) => {
                let checked = &planned.checked;
                let formats = formats(&name, &checked.formats, asked)?;
                specs.inputs.push(format!("{text}{}", checked.time));
                specs.jobs.push(Mutex::new(Some(Job::all(planned, &formats))));
            }
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
    let files = fleet::gather(source, terminal)?;
    let options = Options {
        reuse: !args.rebuild,
        inputs: format!("{} {:?}", files.digest(), args.making.selection.only),
        shard: args.making.selection.shard.map(|shard| shard.to_string()),
        attest: args.attest.request(|| attest::origin_of_fleet(&files, &args.making, templates))?,
        ..options(args, templates)?
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

fn options(args: &Args, templates: &Templates) -> Result<Options, Failure> {
    let formats: Vec<&str> = args.making.package_format.iter().map(|format| format.name()).collect();
    let time = input::source_date_epoch()?;
    Ok(Options {
        threads: args.making.jobs,
        context: format!("{} {time:?} {formats:?}", templates.digest()),
        ..Options::default()
    })
}

/// Specs that were judged already.
#[derive(Default)]
pub(super) struct Specs {
    jobs: Vec<Mutex<Option<Vec<Job>>>>,
    inputs: Vec<String>,
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

/// Says what was built. Of a fleet only how much it is: nobody reads ten thousand lines.
fn say(report: &Report, args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    const READABLE: usize = 50;
    if args.format == Format::Json {
        let artifacts: Vec<_> = report.manifest.files().collect();
        return terminal.json(&serde_json::json!({
            "output": args.output,
            "built": report.built,
            "unchanged": report.manifest.units.len() - report.built,
            "artifacts": artifacts,
        }));
    }
    let units = &report.manifest.units;
    if report.built == 0 {
        terminal.done("Unchanged", &args.output.display().to_string(), &count(units.len(), "package"));
    } else if units.len() < READABLE {
        let mut files: Vec<_> = report.manifest.files().collect();
        files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        for file in files {
            let path = args.output.join(&file.file_name);
            terminal.done("Built", &path.display().to_string(), &human_size(file.size));
        }
    } else {
        let size: u64 = report.manifest.files().map(|file| file.size).sum();
        let files = count(report.manifest.files().count(), "file");
        let rest = units.len() - report.built;
        let detail = format!("{} built, {rest} unchanged, {files}, {}", report.built, human_size(size));
        terminal.done("Built", &args.output.display().to_string(), &detail);
    }
    Ok(())
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
