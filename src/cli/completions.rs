use clap_complete::Shell;

use super::error::Failure;
use super::output::Terminal;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "postpack", &mut script);
    terminal.result(&String::from_utf8_lossy(&script))
}
