use std::path::{Path, PathBuf};

use super::changes::Changes;
use super::error::Failure;
use super::fleet::{self, Only, Selection};
use super::input;
use super::output::Terminal;
use crate::build::{FileName, Trees};
use crate::diag::nearest;
use crate::fleet::is_fleet;
use crate::plan::{self, HostFile};
use crate::platform::Distribution;

/// Write the files of a host, as on a given distribution, without building a package.
///
/// For a fleet, each row has a folder with the name of its package. `--file` prints one file of one host.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec to render; `-` reads standard input. Default: ./relay.toml or ./fleet.toml.
    spec: Option<String>,
    /// Distribution, such as debian-13; `postpack targets` lists them.
    #[arg(short, long, value_name = "T")]
    target: String,
    /// Root folder for the file tree. It must not exist, or be empty.
    #[arg(short, long, value_name = "DIR", required_unless_present = "file")]
    output: Option<PathBuf>,
    /// Print this file to standard output instead, such as /etc/postfix/main.cf.
    #[arg(short, long, value_name = "PATH", conflicts_with = "output")]
    file: Option<String>,
    #[command(flatten)]
    rows: Only,
    #[command(flatten)]
    changes: Changes,
    /// Folder with templates that replace built-in ones with the same name.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let distribution = Distribution::get(&args.target).ok_or_else(|| {
        super::init::unknown(
            "target",
            &args.target,
            Distribution::all().iter().map(|known| known.id.as_str()),
        )
    })?;
    let name = args.spec.clone().map_or_else(|| input::default_spec(terminal), Ok)?;
    let (source, settings) = (input::read(&name)?, args.changes.settings());
    let templates = input::templates(args.templates.as_deref())?;
    let mut to = To::new(args)?;
    if is_fleet(&source.text) {
        let files = fleet::gather(source, &settings, terminal)?;
        let fleet = fleet::read(&files, terminal)?;
        let selection = Selection { rows: args.rows.clone(), shard: None };
        let rows = fleet::rows(&fleet, &selection, &[], terminal)?;
        let mut refused = false;
        for unit in 0..rows.len() {
            let Some(planned) = rows.check(unit) else {
                refused = true;
                continue;
            };
            let folder = FileName::new(planned.checked.meta.name.clone()).map_err(std::io::Error::from)?;
            to.add(Some(&folder), plan::render(&planned, distribution, &templates)?)?;
        }
        terminal.findings(&rows.findings());
        if refused {
            return Err(Failure::already_said());
        }
    } else {
        if !args.rows.only.is_empty() {
            return Err(Failure::input("--only needs a fleet, and the SPEC has no [fleet]"));
        }
        let (planned, _) = input::load(source, &settings, terminal)?;
        to.add(None, plan::render(&planned, distribution, &templates)?)?;
    }
    to.finish(distribution, terminal)
}

/// The destination of the files.
enum To<'a> {
    /// A folder.
    Folder(&'a Path, Trees),
    /// Standard output, for the file with this path of each host.
    Stdout(&'a str, Vec<Vec<HostFile>>),
}

impl<'a> To<'a> {
    fn new(args: &'a Args) -> Result<Self, Failure> {
        match (&args.file, &args.output) {
            (Some(path), _) => Ok(Self::Stdout(path, Vec::new())),
            (None, Some(folder)) => Ok(Self::Folder(folder, Trees::new(folder)?)),
            (None, None) => Err(Failure::input("--output or --file is required")),
        }
    }

    fn add(&mut self, folder: Option<&FileName>, files: Vec<HostFile>) -> Result<(), Failure> {
        match self {
            Self::Folder(_, trees) => trees.add(folder, &files)?,
            Self::Stdout(_, hosts) => hosts.push(files),
        }
        Ok(())
    }

    fn finish(self, distribution: &Distribution, terminal: &mut Terminal) -> Result<(), Failure> {
        let (path, hosts) = match self {
            Self::Folder(folder, trees) => {
                let detail = format!("{} files for {}", trees.publish()?, distribution.title);
                terminal.done("Rendered", &folder.display().to_string(), &detail);
                return Ok(());
            }
            Self::Stdout(path, hosts) => (path, hosts),
        };
        let [files] = hosts.as_slice() else {
            return Err(Failure::input(format!("--file prints one file, and {} hosts have it", hosts.len()))
                .hint("select one row of the fleet with --only, or write all files with --output"));
        };
        if let Some(file) = files.iter().find(|file| file.path == path) {
            terminal.result(&String::from_utf8_lossy(&file.content))
        } else {
            let failure = Failure::input(format!("the relay has no file `{path}` on {}", distribution.title));
            Err(match nearest(path, files.iter().map(|file| file.path.as_str())) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("use --output to write all files"),
            })
        }
    }
}
