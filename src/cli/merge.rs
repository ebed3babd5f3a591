use std::path::PathBuf;

use super::error::Failure;
use super::output::Terminal;
use crate::build::{self, MergeError};

/// Join the shards of a fleet.
///
/// The result has the same bytes as one build of the whole fleet. Every file is compared with the manifest of its shard.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of all shards, from `postpack build --shard K/N`.
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Folder for the joined packages.
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
