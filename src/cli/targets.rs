use super::error::Failure;
use super::output::{Format, Terminal, table};
use crate::platform::Distribution;

/// List the supported distributions, with the facts about each.
///
/// TESTS shows where the packages were tested: `booted` on the system itself, `stand-in` on a Debian with its package manager and its
/// Postfix, or `never booted`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Format of the list.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    match args.format {
        Format::Json => terminal.json(&Distribution::all()),
        Format::Text => {
            let rows: Vec<_> = Distribution::all()
                .iter()
                .map(|known| {
                    vec![
                        known.id.clone(),
                        known.format.name().to_owned(),
                        known.postfix.version.to_string(),
                        known.unit.clone(),
                        known.postfix.default_database_type.clone(),
                        known.tests.summary().to_owned(),
                        known.title.clone(),
                    ]
                })
                .collect();
            terminal
                .result(&table(&["TARGET", "FORMAT", "POSTFIX", "UNIT", "TABLES", "TESTS", "TITLE"], &rows))
        }
    }
}
