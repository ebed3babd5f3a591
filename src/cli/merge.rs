use std::path::PathBuf;

use super::error::Failure;
use super::output::Terminal;
use crate::build::{self, MergeError};

/// Put the shards of a fleet together.
///
/// The result is what one build of the whole fleet would have made, byte for byte. Every file is compared with the
/// manifest of its shard.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of all shards: what `postpack build --shard K/N` made.
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Folder for the whole.
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let whole = build::merge(&args.shards, &args.output).map_err(|error| match error {
        MergeError::Io(error) => Failure::from(error),
        MergeError::Damaged(_) => Failure::failed(error.to_string()),
        error => Failure::input(error.to_string()),
    })?;
    let detail = format!("{} packages of {} shards", whole.units.len(), args.shards.len());
    terminal.done("Merged", &args.output.display().to_string(), &detail);
    Ok(())
}
