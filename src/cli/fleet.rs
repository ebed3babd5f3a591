//! From the files of a fleet to units that can be built.

use super::error::Failure;
use super::input;
use super::output::Terminal;
use crate::diag::Source;
use crate::fleet::{Files, Fleet, Refused, Selector, Setting, Shard};
use crate::pipeline::{Rows, RowsError};
use crate::platform::Format;

/// Selection of rows of a fleet.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Only {
    /// Use only the rows of a fleet that match, such as `site=berlin*,role!=db`.
    ///
    /// May be given several times. A row is used if it matches one of them, and each of them must match a row.
    #[arg(long, value_name = "COLUMN=PATTERN,...")]
    pub(super) only: Vec<Selector>,
}

/// Selection of hosts of a fleet.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Selection {
    #[command(flatten)]
    pub(super) rows: Only,
    /// Build one of N equal parts of a fleet, such as 2/8; `postpack merge` joins them.
    #[arg(long, value_name = "K/N")]
    pub(super) shard: Option<Shard>,
}

impl Selection {
    /// Whether there is a selection.
    pub(super) fn is_any(&self) -> bool {
        !self.rows.only.is_empty() || self.shard.is_some()
    }
}

/// The files of a fleet, from the path of the fleet file.
pub(super) fn gather(
    source: Source,
    settings: &[Setting],
    terminal: &mut Terminal,
) -> Result<Files, Failure> {
    Files::gather(source, settings, input::named_file).map_err(|refused| say(&refused, terminal))
}

/// Parses the files of a fleet.
pub(super) fn read<'f>(files: &'f Files, terminal: &mut Terminal) -> Result<Fleet<'f>, Failure> {
    Fleet::read(files).map_err(|refused| say(&refused, terminal))
}

fn say(refused: &Refused, terminal: &mut Terminal) -> Failure {
    terminal.findings(refused);
    Failure::already_said()
}

/// The selected rows.
pub(super) fn rows<'f>(
    fleet: &'f Fleet<'f>,
    selection: &Selection,
    formats: &[Format],
    terminal: &mut Terminal,
) -> Result<Rows<'f>, Failure> {
    let time = input::source_date_epoch()?;
    Rows::new(fleet, &selection.rows.only, selection.shard, formats, time).map_err(|error| match error {
        RowsError::Selection(why) => Failure::input(why),
        RowsError::Collision(refused) => say(&refused, terminal),
    })
}
