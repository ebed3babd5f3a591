//! What `build` and `verify` must be told alike.

use std::path::PathBuf;

use super::fleet::Selection;
use super::progress::Style;
use crate::target;

/// What is made of the specs, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Making {
    /// Only these formats, out of those that the spec's targets need.
    #[arg(long, value_delimiter = ',', value_name = "FORMAT,...")]
    pub(super) package_format: Vec<target::Format>,
    #[command(flatten)]
    pub(super) selection: Selection,
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
