//! The command line: verbs, exit codes, progress, text or JSON. It does not depend on how packages are built.

mod attest;
mod build;
mod changes;
mod check;
mod clock;
mod completions;
mod diff;
mod error;
mod explain;
mod fleet;
mod image;
mod import;
mod init;
mod input;
mod inspect;
mod key;
mod making;
mod man;
mod merge;
mod output;
mod profiles;
mod progress;
mod providers;
mod render;
mod repo;
mod schema;
mod sign;
mod targets;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use output::{ColorChoice, Terminal};

/// Version number, with commit and date in release builds.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("POSTPACK_COMMIT"));

/// Build native packages of a Postfix mail relay from one short description.
#[derive(Debug, Parser)]
#[command(name = "postpack", version = VERSION, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 fine, 1 something failed, 2 the input is wrong and nothing was written.\n\
                  Documentation: https://github.com/postpack/postpack/tree/main/docs"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(Debug, clap::Args)]
struct Global {
    /// Print only errors.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

/// The verbs. Aliases are the names of other tools for the same action.
#[derive(Debug, Subcommand)]
enum Verb {
    #[command(alias = "new")]
    Init(init::Args),
    Import(import::Args),
    #[command(aliases = ["lint", "validate"])]
    Check(check::Args),
    Render(render::Args),
    Build(build::Args),
    Image(image::Args),
    Verify(verify::Args),
    Merge(merge::Args),
    Inspect(inspect::Args),
    #[command(alias = "plan")]
    Diff(diff::Args),
    Explain(explain::Args),
    Key(key::Args),
    Sign(sign::Args),
    Repo(repo::Args),
    Schema(schema::Args),
    Providers(providers::Args),
    Profiles(profiles::Args),
    Targets(targets::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The clap command, for completions, the man page and the reference in `docs/`.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments of the process, runs the verb, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut terminal = Terminal::new(cli.global.quiet, cli.global.color);
    let done = match cli.verb {
        Verb::Init(args) => init::run(&args, &mut terminal),
        Verb::Import(args) => import::run(&args, &mut terminal),
        Verb::Check(args) => check::run(&args, &mut terminal),
        Verb::Render(args) => render::run(&args, &mut terminal),
        Verb::Build(args) => build::run(&args, &mut terminal),
        Verb::Image(args) => image::run(&args, &mut terminal),
        Verb::Verify(args) => verify::run(&args, &mut terminal),
        Verb::Merge(args) => merge::run(&args, &mut terminal),
        Verb::Inspect(args) => inspect::run(&args, &mut terminal),
        Verb::Diff(args) => diff::run(&args, &mut terminal),
        Verb::Explain(args) => explain::run(&args, &mut terminal),
        Verb::Key(args) => key::run(&args, &mut terminal),
        Verb::Sign(args) => sign::run(&args, &mut terminal),
        Verb::Repo(args) => repo::run(&args, &mut terminal),
        Verb::Schema(args) => schema::run(&args, &mut terminal),
        Verb::Providers(args) => providers::run(&args, &mut terminal),
        Verb::Profiles(args) => profiles::run(&args, &mut terminal),
        Verb::Targets(args) => targets::run(&args, &mut terminal),
        Verb::Completions(args) => completions::run(&args, &mut terminal),
        Verb::Man(args) => man::run(&args, &mut terminal),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit_code()
        }
    }
}
