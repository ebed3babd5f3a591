use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::Failure;
use super::input;
use super::output::{Format, Terminal, human_size};
use crate::build::{self, Artifact, Job, Progress};
use crate::plan::Companion;
use crate::target;
use crate::template::Templates;

/// Build packages.
///
/// Without a SPEC it builds the example that is part of postpack. Packages appear in the output folder all at
/// once, or not at all; the same input gives the same bytes on any machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Specs to build; `-` reads standard input.
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Folder for the packages.
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
    /// Only these formats, out of those that the spec's targets need.
    #[arg(long, value_delimiter = ',', value_name = "FORMAT,...")]
    package_format: Vec<target::Format>,
    /// How many packages are built at a time; the result is the same with any number.
    #[arg(short, long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Folder with templates that replace ours of the same name.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Form of the report.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    input::stdin_once(&args.specs)?;
    let sources = if args.specs.is_empty() {
        vec![input::example()]
    } else {
        args.specs.iter().map(|name| input::read(name)).collect::<Result<_, _>>()?
    };
    let templates = templates(args.templates.as_deref())?;
    let mut jobs = Vec::new();
    let mut wrong = false;
    for source in sources {
        let name = source.name.clone();
        // Every spec is judged before the first package is made: the user sees all that is wrong at once.
        match input::load(source, terminal) {
            Ok(checked) => {
                let checked = Arc::new(checked);
                for format in formats(&name, &checked.formats, &args.package_format)? {
                    jobs.push(Job::package(format, &checked));
                }
                jobs.extend(Companion::of(&checked).into_iter().map(|kind| Job::companion(kind, &checked)));
            }
            Err(failure) if failure.message.is_empty() => wrong = true,
            Err(failure) => return Err(failure),
        }
    }
    if wrong {
        return Err(Failure::already_said());
    }
    let bar = Bar::new(jobs.len(), terminal);
    let artifacts = build::build(&jobs, &args.output, args.jobs, &templates, &bar)?;
    bar.finish();
    report(&artifacts, args, terminal)
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

/// Our templates, with the user's before them.
pub(super) fn templates(own: Option<&std::path::Path>) -> Result<Templates, Failure> {
    match own {
        None => Ok(Templates::builtin()),
        Some(folder) => Ok(Templates::with_overrides(folder)?),
    }
}

fn report(artifacts: &[Artifact], args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    match args.format {
        Format::Json => terminal.json(&serde_json::json!({ "output": args.output, "artifacts": artifacts })),
        Format::Text => {
            for artifact in artifacts {
                let path = args.output.join(&artifact.file_name);
                terminal.done("Built", &path.display().to_string(), &human_size(artifact.size));
            }
            Ok(())
        }
    }
}

/// A bar on a terminal when there is something to wait for.
struct Bar(Option<ProgressBar>);

impl Bar {
    /// Fewer packages than this are done before a bar can be read.
    const WORTH_A_BAR: usize = 50;

    fn new(jobs: usize, terminal: &Terminal) -> Self {
        if jobs < Self::WORTH_A_BAR || !terminal.is_interactive() {
            return Self(None);
        }
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} packages, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(Some(ProgressBar::new(jobs as u64).with_style(style)))
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn one_done(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }
}
