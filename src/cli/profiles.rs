use super::error::Failure;
use super::output::{Format, Terminal, table};
use crate::relay::Profile;

/// List the kinds of relay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Format of the list.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    match args.format {
        Format::Text => {
            let rows: Vec<_> = Profile::ALL
                .iter()
                .map(|profile| vec![profile.name().to_owned(), profile.summary().to_owned()])
                .collect();
            terminal.result(&table(&["PROFILE", "DESCRIPTION"], &rows))
        }
        Format::Json => {
            let rows: Vec<_> = Profile::ALL
                .iter()
                .map(|profile| serde_json::json!({ "name": profile.name(), "summary": profile.summary() }))
                .collect();
            terminal.json(&rows)
        }
    }
}
