use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::clock;
use super::error::Failure;
use super::input;
use super::key;
use super::output::{Format, Terminal};
use crate::repo::{
    self, Fault, Keys, Name, Published, RepoError, Repository, Selection, Settings, Tool, Url,
};
use crate::sign::Certificate;

/// Publish signed repositories for apt, dnf, zypper and pacman as static files.
///
/// Settings are in repo.toml, and the published tree is the folder `site`. A change is atomic, even if the process is
/// killed. See docs/repository.md.
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    /// Settings of the repository.
    #[arg(long, short = 'c', global = true, default_value = "repo.toml", value_name = "FILE")]
    config: PathBuf,
    /// Folder of the published tree.
    #[arg(long, short, global = true, default_value = "site", value_name = "DIR")]
    site: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(Init),
    Publish(Publish),
    Promote(Promote),
    Remove(Remove),
    Rollback(Rollback),
    /// Sign every index again, with a newer date.
    ///
    /// Do this after a change of keys or addresses, and before an index with `valid-days` expires.
    Resign,
    /// Remove old publications, and the files that only they need.
    ///
    /// Run it a day after an upload, when clients no longer have an older index.
    Prune,
    Check(Report),
    Verify(Verify),
    UploadPlan(UploadPlan),
}

/// Write a settings file as a starting point.
#[derive(Debug, clap::Args)]
struct Init {
    /// Name of the repository in the configuration of hosts, such as acme.
    #[arg(value_name = "NAME")]
    name: Name,
    /// URL of the published tree.
    #[arg(value_name = "URL")]
    url: Url,
}

/// Add the packages of builds to a suite.
///
/// They replace packages with the same name. rpm and pacman packages are signed. A package whose bytes differ from those
/// published under the same version is rejected: raise its version or release.
#[derive(Debug, clap::Args)]
struct Publish {
    /// Folders that `postpack build` made.
    #[arg(default_value = "dist", value_name = "DIST")]
    dist: Vec<PathBuf>,
    /// Suite; default: the first one of repo.toml.
    #[arg(long, value_name = "SUITE")]
    suite: Option<Name>,
    /// Select packages by name; * and ? match any characters. May be given several times.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
}

/// Copy the packages of a suite to another, without a rebuild.
#[derive(Debug, clap::Args)]
struct Promote {
    /// Source suite.
    #[arg(value_name = "FROM")]
    from: Name,
    /// Destination suite.
    #[arg(value_name = "TO")]
    to: Name,
    /// Select packages by name; * and ? match any characters. May be given several times.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
}

/// Remove packages from a suite.
#[derive(Debug, clap::Args)]
struct Remove {
    /// Suite.
    #[arg(value_name = "SUITE")]
    suite: Name,
    /// Names of packages; * and ? match any characters.
    #[arg(required = true, value_name = "PATTERN")]
    only: Vec<String>,
}

/// Restore the packages of an earlier publication.
///
/// Hosts that have a newer version keep it, because package managers downgrade only on request.
#[derive(Debug, clap::Args)]
struct Rollback {
    /// Suite.
    #[arg(value_name = "SUITE")]
    suite: Name,
    /// Number of the publication; index.html lists them.
    #[arg(long, value_name = "SERIAL")]
    to: u64,
}

/// Report keys and indexes that expire, dates in the future, and missing files.
///
/// Exit status 1 if there is a problem now, or one within 60 days.
#[derive(Debug, clap::Args)]
struct Report {
    /// Format of the report.
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Rebuild every index, and verify every digest and signature of the tree.
///
/// Exit status 1 if anything differs.
#[derive(Debug, clap::Args)]
struct Verify {
    /// Certificates to verify with, instead of the keys of repo.toml. May be given several times.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Format of the report.
    #[arg(long, default_value = "text")]
    format: Format,
}

/// List the files to upload, in order, with cache headers.
#[derive(Debug, clap::Args)]
struct UploadPlan {
    /// Publication on the server; its files are skipped.
    #[arg(long, value_name = "SERIAL")]
    since: Option<u64>,
    /// Expected state.json on the server; the script stops if it differs.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write a shell script for this tool instead of JSON.
    #[arg(long, value_name = "TOOL")]
    tool: Option<Tool>,
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        let message = error.to_string();
        match error {
            RepoError::Changed(_) => Self::input(message).hint(
                "raise the version, or build with --release: hosts with this version would not upgrade",
            ),
            RepoError::Dist(_) => {
                Self::input(message).hint("name a folder with the packages of `postpack build`")
            }
            RepoError::Unknown(_)
            | RepoError::Rejected(_)
            | RepoError::Package { .. }
            | RepoError::Name(_)
            | RepoError::Write(_) => Self::input(message),
            RepoError::Locked(_) => Self::failed(message).hint("wait until it has ended"),
            RepoError::State(_) => {
                Self::failed(message).hint("fetch state.json and state.json.asc from the server again")
            }
            RepoError::Sign(error) => error.into(),
            RepoError::Io(error) => error.into(),
        }
    }
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    if let Verb::Init(init) = &args.verb {
        return init_settings(&args.config, init, terminal);
    }
    if let Verb::Verify(verify) = &args.verb {
        let settings = settings(&args.config, terminal)?;
        let keys = certificates(&settings, &verify.key)?;
        let faults = repo::verify(&settings, &keys, &args.site)?;
        return report(&faults, verify.format, "Verified", &args.site, terminal);
    }
    let (settings, keys) = open(&args.config, terminal)?;
    let repository = Repository {
        settings: &settings,
        keys: &keys,
        root: args.site.clone(),
        now: clock::now(),
        date: clock::source_date()?,
    };
    let first = || settings.repository.suites[0].clone();
    let (done, suite, verb) = match &args.verb {
        Verb::Init(_) | Verb::Verify(_) => return Ok(()),
        Verb::Publish(publish) => {
            for signer in keys.all() {
                key::concerns(signer.certificate(), terminal);
            }
            let suite = publish.suite.clone().unwrap_or_else(first);
            (repository.publish(&publish.dist, &suite, &Selection::new(&publish.only))?, suite, "Published")
        }
        Verb::Promote(promote) => {
            let only = Selection::new(&promote.only);
            (repository.promote(&promote.from, &promote.to, &only)?, promote.to.clone(), "Promoted")
        }
        Verb::Remove(remove) => (
            repository.remove(&remove.suite, &Selection::new(&remove.only))?,
            remove.suite.clone(),
            "Removed",
        ),
        Verb::Rollback(back) => (repository.rollback(&back.suite, back.to)?, back.suite.clone(), "Restored"),
        Verb::Resign => (repository.resign()?, first(), "Signed"),
        Verb::Prune => {
            let count = repository.prune()?;
            terminal.done("Pruned", &args.site.display().to_string(), &format!("{count} files removed"));
            return Ok(());
        }
        Verb::Check(check) => {
            let faults = repo::check(&settings, &keys, &args.site, clock::now())?;
            return report(&faults, check.format, "Checked", &args.site, terminal);
        }
        Verb::UploadPlan(plan) => return upload_plan(&repository, plan, terminal),
    };
    say(&done, &suite, verb, terminal);
    Ok(())
}

fn init_settings(path: &Path, init: &Init, terminal: &mut Terminal) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::input(format!("{} already exists", path.display())));
    }
    key::replace(path, repo::starter(&init.name, &init.url))?;
    terminal.done(
        "Wrote",
        &path.display().to_string(),
        "next: `postpack key new`, then `postpack repo publish`",
    );
    Ok(())
}

/// Settings and their keys.
pub(super) fn open(path: &Path, terminal: &mut Terminal) -> Result<(Settings, Keys), Failure> {
    let settings = settings(path, terminal)?;
    let keys = Keys::open(&settings, &|name| std::env::var(name).ok())?;
    Ok((settings, keys))
}

fn settings(path: &Path, terminal: &mut Terminal) -> Result<Settings, Failure> {
    if !path.exists() {
        return Err(Failure::input(format!("there is no {}", path.display()))
            .hint("`postpack repo init NAME URL` writes a starting point"));
    }
    let source = input::read(&path.display().to_string())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Settings::read(&source, folder).map_err(|findings| {
        terminal.diagnostics(&findings, &source);
        Failure::already_said()
    })
}

/// Certificates that verify a tree. No secret key is needed.
fn certificates(settings: &Settings, files: &[PathBuf]) -> Result<Keys, Failure> {
    if files.is_empty() {
        return Ok(Keys::open(settings, &|name| std::env::var(name).ok())?);
    }
    let read = |path: &PathBuf| {
        let named = |error| Failure::input(format!("{}: {error}", path.display()));
        Certificate::parse(&fs_err::read(path)?).map_err(named)
    };
    Ok(Keys::of(Vec::new(), Vec::new(), files.iter().map(read).collect::<Result<_, Failure>>()?))
}

fn say(done: &Published, suite: &Name, verb: &str, terminal: &mut Terminal) {
    for (sign, list) in [("+", &done.added), ("-", &done.removed)] {
        for (format, name, version) in list {
            terminal.done(sign, &format!("{name} {version}"), format.name());
        }
    }
    terminal.done(verb, suite.as_str(), &format!("publication {}", done.serial));
}

fn report(
    faults: &[Fault],
    format: Format,
    verb: &str,
    site: &Path,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if format == Format::Json {
        terminal.json(&faults)?;
    } else {
        for fault in faults {
            let hint = if fault.hint.is_empty() { String::new() } else { format!(" ({})", fault.hint) };
            let urgency = if fault.urgent { "error" } else { "warning" };
            terminal.result(&crate::diag::printable(&format!(
                "{urgency}: {}: {}{hint}",
                fault.subject, fault.message
            )))?;
        }
    }
    if faults.is_empty() {
        terminal.done(verb, &site.display().to_string(), "nothing is wrong");
        return Ok(());
    }
    Err(Failure::differs())
}

fn upload_plan(
    repository: &Repository<'_>,
    args: &UploadPlan,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let expected = args.expect.as_ref().map(fs_err::read).transpose()?;
    let state = repository.state()?;
    let plan = repo::upload_plan(&repository.root, &state, args.since, expected.as_deref())?;
    match args.tool {
        Some(tool) => terminal.result(&plan.script(tool, repository.settings.repository.url.as_str())),
        None => terminal.json(&plan),
    }
}
