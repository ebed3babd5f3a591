use std::sync::OnceLock;

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

/// The command with the possible values of its arguments. Only for completions: the verbs report unknown values with better errors.
fn with_names() -> clap::Command {
    static PROVIDERS: OnceLock<Providers> = OnceLock::new();
    let providers = PROVIDERS.get_or_init(Providers::builtin).names();
    let profiles = Profile::ALL.iter().map(|profile| profile.name()).collect();
    let taken = [
        ("init", "provider", providers.clone()),
        ("init", "profile", profiles),
        ("providers", "provider", providers),
        ("explain", "name", explain::names()),
    ];
    taken.into_iter().fold(super::command(), |command, (verb, argument, names)| {
        let parser = PossibleValuesParser::new(names);
        command.mut_subcommand(verb, |verb| verb.mut_arg(argument, |it| it.value_parser(parser)))
    })
}
