use super::error::Failure;
use super::output::Terminal;

/// Print the JSON Schema of the spec, for editors.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    terminal.json(&crate::keys::schema::published())
}
