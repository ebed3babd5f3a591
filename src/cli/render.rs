use std::path::PathBuf;

use super::error::Failure;
use super::input;
use super::output::Terminal;
use crate::build::write_tree;
use crate::plan;
use crate::target::Distribution;

/// Write the files as a host of a distribution will have them, nothing packed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec to render; `-` reads standard input.
    spec: String,
    /// Distribution, such as debian-13; `postpack targets` lists them.
    #[arg(long, value_name = "T")]
    target: String,
    /// Folder that becomes the root of the host's file tree; it must not exist, or be empty.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
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
    let planned = input::load(input::read(&args.spec)?, terminal)?;
    let templates = input::templates(args.templates.as_deref())?;
    let files = plan::render(&planned, distribution, &templates)?;
    write_tree(&files, &args.output)?;
    let detail = format!("{} files for {}", files.len(), distribution.title);
    terminal.done("Rendered", &args.output.display().to_string(), &detail);
    Ok(())
}
