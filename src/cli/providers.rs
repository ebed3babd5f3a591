use super::error::Failure;
use super::output::{Format, Terminal, table};
use crate::relay::{Provider, Providers};

/// List the provider presets, or show one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show all details of this preset.
    provider: Option<String>,
    /// Format of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let providers = Providers::builtin();
    if let Some(name) = &args.provider {
        let provider = providers
            .get(name)
            .ok_or_else(|| super::init::unknown("provider", name, providers.names().into_iter()))?;
        return match args.format {
            Format::Json => terminal.json(&provider),
            Format::Text => terminal.result(&provider.to_string()),
        };
    }
    let all: Vec<Provider> = providers.all();
    match args.format {
        Format::Json => terminal.json(&all),
        Format::Text => {
            let rows: Vec<_> = all
                .iter()
                .map(|provider| {
                    vec![provider.name.clone(), provider.default_host_text(), provider.title.clone()]
                })
                .collect();
            terminal.result(&table(&["PROVIDER", "HOST", "TITLE"], &rows))
        }
    }
}
