//! Options of `build` and `verify` that select packages and formats.

use std::path::PathBuf;

use super::changes::Changes;
use super::error::Failure;
use super::fleet::Selection;
use super::input;
use super::progress::Style;
use crate::build::Options;
use crate::platform;
use crate::template::Templates;

/// Selection of packages, and options of the build.
#[derive(Debug, clap::Args)]
pub(super) struct Making {
    /// Build only these formats of those that the targets of the spec need.
    #[arg(short = 'p', long, visible_alias = "packager", value_delimiter = ',', value_name = "FORMAT,...")]
    pub(super) package_format: Vec<platform::Format>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Use the embedded example.
    #[arg(long, conflicts_with = "specs")]
    pub(super) example: bool,
    /// Number of parallel jobs; the result does not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
    /// Folder with templates that replace built-in ones with the same name.
    #[arg(long, value_name = "DIR")]
    pub(super) templates: Option<PathBuf>,
    /// Form of progress on standard error.
    #[arg(long, default_value = "auto", value_name = "STYLE")]
    pub(super) progress: Style,
}

impl Making {
    /// Options of a build, without the selection.
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
