use std::path::{Path, PathBuf};

use super::error::Failure;
use super::output::Terminal;
use crate::relay::{Profile, Providers};
use crate::spec;

/// Write a commented spec as a starting point.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Mail provider; `postpack providers` lists them.
    #[arg(short, long, default_value = "custom", value_name = "P")]
    provider: String,
    /// Kind of relay; `postpack profiles` lists them.
    #[arg(long, default_value = "null-client", value_name = "P")]
    profile: String,
    /// File to write; default: standard output. An existing file is never overwritten.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let providers = Providers::builtin();
    if providers.get(&args.provider).is_none() {
        return Err(unknown("provider", &args.provider, providers.names().into_iter()));
    }
    let profile =
        Profile::ALL.iter().copied().find(|profile| profile.name() == args.profile).ok_or_else(|| {
            unknown("profile", &args.profile, Profile::ALL.iter().map(|profile| profile.name()))
        })?;
    let text = spec::starter(&args.provider, profile);
    let Some(path) = &args.output else {
        return terminal.result(&text);
    };
    write_new(path, &text)?;
    let path = path.display().to_string();
    terminal.done("Wrote", &path, &format!("edit it, then: postpack build {path}"));
    Ok(())
}

/// Writes a file that must not exist yet.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::input(format!("{} already exists", path.display()))
        } else {
            error.into()
        }
    })?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(())
}

/// An error for a name that is not in a list.
pub(super) fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::input(format!("there is no {kind} `{name}`"));
    match crate::diag::nearest(name, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("`postpack {kind}s` lists them")),
    }
}
