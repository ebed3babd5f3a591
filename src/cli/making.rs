//! Options that `build` and `verify` share: they decide what is built.

use std::path::PathBuf;

use super::changes::Changes;
use super::error::Failure;
use super::fleet::Selection;
use super::input;
use super::progress::Style;
use crate::build::Options;
use crate::platform;
use crate::template::Templates;

/// What is made of the specs, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Making {
    /// Only these formats, out of those that the spec's targets need.
    #[arg(short = 'p', long, visible_alias = "packager", value_delimiter = ',', value_name = "FORMAT,...")]
    pub(super) package_format: Vec<platform::Format>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Use the example that is part of postpack.
    #[arg(long, conflicts_with = "specs")]
    pub(super) example: bool,
    /// How many packages are built at a time; the result is the same with any number.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
    /// Folder with templates that replace ours of the same name.
    #[arg(long, value_name = "DIR")]
    pub(super) templates: Option<PathBuf>,
    /// How to show progress, on standard error.
    #[arg(long, default_value = "auto", value_name = "STYLE")]
    pub(super) progress: Style,
}

impl Making {
    /// How to build, but for what is built.
    pub(super) fn options(&self, templates: &Templates) -> Result<Options, Failure> {
        let formats: Vec<&str> = self.package_format.iter().map(|format| format.name()).collect();
        let time = input::source_date_epoch()?;
        let only: Vec<String> = self.selection.rows.only.iter().map(ToString::to_string).collect();
        Ok(Options {
            threads: self.jobs,
            context: format!("{} {time:?} {formats:?}", templates.digest()),
            part: only.join("\0"),
            shard: self.selection.shard.map(|shard| shard.to_string()),
            ..Options::default()
        })
    }
}
