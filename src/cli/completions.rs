use clap::builder::PossibleValuesParser;
use clap_complete::Shell;

use super::error::Failure;
use super::output::Terminal;
use crate::explain;
use crate::relay::{Profile, Providers};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_names(), "postpack", &mut script);
    terminal.result(&String::from_utf8_lossy(&script))
}

/// The command with the names that its arguments take. The verbs themselves have better words for other names than a list.
fn with_names() -> clap::Command {
    let providers = Providers::builtin().names();
    let profiles = Profile::ALL.iter().map(|profile| profile.name());
    let takes = |command: clap::Command, verb: &'static str, argument: &'static str, names: Vec<String>| {
        let parser = PossibleValuesParser::new(names);
        command.mut_subcommand(verb, |verb| verb.mut_arg(argument, |it| it.value_parser(parser)))
    };
    let providers: Vec<String> = providers.into_iter().map(str::to_owned).collect();
    let command = takes(super::command(), "init", "provider", providers.clone());
    let command = takes(command, "init", "profile", profiles.map(str::to_owned).collect());
    let command = takes(command, "providers", "provider", providers);
    takes(command, "explain", "name", explain::names())
}
