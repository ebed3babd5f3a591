use std::path::PathBuf;

use super::changes::Changes;
use super::error::Failure;
use super::fleet::{self, Only, Rows, Selection};
use super::input;
use super::output::Terminal;
use crate::build::{FileName, Trees, Units as _};
use crate::fleet::is_fleet;
use crate::plan;
use crate::target::Distribution;

/// Write the files as a host of a distribution will have them, nothing packed.
///
/// For a fleet, each row has a folder with the name of its package.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec to render; `-` reads standard input. Without one, ./relay.toml or ./fleet.toml.
    spec: Option<String>,
    /// Distribution, such as debian-13; `postpack targets` lists them.
    #[arg(long, value_name = "T")]
    target: String,
    /// Folder that becomes the root of the host's file tree; it must not exist, or be empty.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    rows: Only,
    #[command(flatten)]
    changes: Changes,
    /// Folder with templates that replace ours of the same name.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let distribution = Distribution::get(&args.target).ok_or_else(|| {
        super::init::unknown(
            "target",
            &args.target,
            Distribution::all().iter().map(|known| known.id.as_str()),
        )
    })?;
    let name = args.spec.clone().map_or_else(|| input::default_spec(terminal), Ok)?;
    let (source, settings) = (input::read(&name)?, args.changes.settings());
    let templates = input::templates(args.templates.as_deref())?;
    let mut trees = Trees::new(&args.output)?;
    if is_fleet(&source.text) {
        let files = fleet::gather(source, &settings, terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let selection = Selection { rows: args.rows.clone(), shard: None };
        let rows = Rows::new(&fleet, &selection, &[], terminal)?;
        let mut refused = false;
        for unit in 0..rows.count() {
            let Some(planned) = rows.check(unit) else {
                refused = true;
                continue;
            };
            let folder = FileName::new(planned.checked.meta.name.clone()).map_err(std::io::Error::from)?;
            trees.add(Some(&folder), &plan::render(&planned, distribution, &templates)?)?;
        }
        rows.say(terminal);
        if refused {
            return Err(Failure::already_said());
        }
    } else {
        if !args.rows.only.is_empty() {
            return Err(Failure::input("--only is for fleets, and the SPEC has no [fleet]"));
        }
        let planned = input::load(source, &settings, terminal)?;
        trees.add(None, &plan::render(&planned, distribution, &templates)?)?;
    }
    let count = trees.publish()?;
    let detail = format!("{count} files for {}", distribution.title);
    terminal.done("Rendered", &args.output.display().to_string(), &detail);
    Ok(())
}
