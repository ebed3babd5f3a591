use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::Failure;
use super::init::unknown;
use super::output::{Format, Terminal};
use rayon::prelude::*;

use crate::import::{Answers, Fault, Imported, Source, SourceError, factor, import};
use crate::relay::{Profile, Providers};
use crate::target::Distribution;

/// Write a spec for a Postfix that was configured by hand.
///
/// Reads main.cf, master.cf and their tables, writes a spec, and reports what happens to every setting. It never changes
/// the source.
///
/// Exit status 0: the spec covers all settings. 1: something is lost, or a question is open (TODO in the spec). 2: the
/// source cannot be read, or Postfix would stop on it; nothing was written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with main.cf, root folder of a host, tar archive, or `-` for an archive or the output of `postconf -n`
    /// on standard input.
    #[arg(value_name = "SOURCE", required_unless_present = "collect")]
    sources: Vec<String>,
    /// File for the spec; default: standard output. An existing file is never overwritten.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// File for the whole report; by default only a summary is written to standard error.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Format of the report.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Address that receives mail to root, if the source has none. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    root_mail_to: Vec<String>,
    /// Sender of the host's mail, if the source has none.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Mail provider; default: the one of the smarthost.
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Kind of relay; default: the one that the settings suggest.
    #[arg(long, value_name = "P")]
    profile: Option<String>,
    /// Name of the package.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Distribution for the comparison; default: that of the source, or debian-13. May be given several times.
    #[arg(long, value_name = "T")]
    target: Vec<String>,
    /// Keep TLS levels below `secure` if `postpack check` allows them.
    #[arg(long)]
    keep: bool,
    /// Also write the accounts of the source to a file with mode 0600, for /etc/mail-relay/relay.env.
    ///
    /// The file must not be in a version-controlled folder.
    #[arg(long, value_name = "FILE")]
    relay_env: Option<PathBuf>,
    /// Print a script that packs the configuration of a host, without secrets, and exit.
    #[arg(long)]
    collect: bool,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    if args.collect {
        return terminal.result(crate::import::collector());
    }
    let answers = answers(args)?;
    for file in [&args.output, &args.report].into_iter().flatten() {
        if file.exists() {
            return Err(Failure::input(format!("{} already exists", file.display())));
        }
    }
    if let Some(file) = &args.relay_env {
        may_hold_secrets(file)?;
    }
    super::input::stdin_once(&args.sources)?;
    let [name] = args.sources.as_slice() else {
        return fleet(args, &args.sources, &answers, terminal);
    };
    if let Some(hosts) = folders(Path::new(name)) {
        return fleet(args, &hosts, &answers, terminal);
    }
    let source = read(name)?;
    let imported = match import(&source, &answers) {
        Ok(imported) => imported,
        Err(faults) => {
            refuse(&faults, args, terminal)?;
            return Err(Failure::input(format!("{}: nothing was written", source.name)));
        }
    };
    write(args, &imported, terminal)
}

/// The folders of hosts in a folder that is not itself a host.
fn folders(path: &Path) -> Option<Vec<String>> {
    let is_source =
        |path: &Path| path.join("main.cf").is_file() || path.join("etc/postfix/main.cf").is_file();
    if !path.is_dir() || is_source(path) {
        return None;
    }
    let mut found: Vec<String> = fs_err::read_dir(path)
        .ok()?
        .flatten()
        .filter(|entry| is_source(&entry.path()))
        .map(|entry| entry.path().display().to_string())
        .collect();
    found.sort();
    (!found.is_empty()).then_some(found)
}

/// Writes several hosts as a fleet in a new folder.
fn fleet(args: &Args, names: &[String], answers: &Answers, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(folder) = &args.output else {
        return Err(Failure::input("a fleet has several files").hint("name a new folder: -o DIR"));
    };
    if args.relay_env.is_some() {
        return Err(Failure::input("--relay-env is for one host")
            .hint("import the hosts one by one for their accounts"));
    }
    let read: Vec<_> =
        names.par_iter().map(|name| read(name).map(|source| (name, import(&source, answers)))).collect();
    let mut hosts: Vec<(String, Imported)> = Vec::new();
    for one in read {
        let (name, imported) = one?;
        match imported {
            Ok(imported) => {
                let host = host_name(name, &imported);
                let host = if hosts.iter().any(|(other, _)| *other == host) {
                    format!("{host}-{}", hosts.len() + 1)
                } else {
                    host
                };
                hosts.push((host, imported));
            }
            Err(faults) => {
                refuse(&faults, args, terminal)?;
                return Err(Failure::input(format!("{name}: nothing was written")));
            }
        }
    }
    let fleet = factor(&hosts);
    fs_err::create_dir_all(folder)?;
    for (file, text) in [
        ("fleet.toml", &fleet.fleet),
        ("base.toml", &fleet.base),
        ("hosts.csv", &fleet.hosts),
        ("report.txt", &fleet.report),
    ] {
        create(&folder.join(file), text, 0o644)?;
    }
    terminal.note(&fleet.report);
    terminal.done("Wrote", &folder.display().to_string(), &format!("a fleet of {} hosts", hosts.len()));
    if hosts.iter().all(|(_, imported)| imported.report.is_whole()) {
        Ok(())
    } else {
        Err(Failure::differs())
    }
}

/// The name of a host, from its folder or archive, in characters that a package name can have.
fn host_name(source: &str, imported: &Imported) -> String {
    let path = Path::new(source);
    let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or(&imported.report.role);
    let stem = [".tar.gz", ".tar.zst", ".tgz", ".tar", ".env"]
        .iter()
        .find_map(|end| stem.strip_suffix(end))
        .unwrap_or(stem);
    let name: String =
        stem.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}

fn write(args: &Args, imported: &Imported, terminal: &mut Terminal) -> Result<(), Failure> {
    let report = &imported.report;
    match &args.output {
        Some(file) => {
            create(file, &imported.spec, 0o644)?;
            terminal.done("Wrote", &file.display().to_string(), "");
        }
        None => terminal.result(&imported.spec)?,
    }
    let text = match args.format {
        Format::Text => report.to_text(),
        Format::Json => {
            serde_json::to_string_pretty(&report.to_json())
                .map_err(|error| Failure::failed(error.to_string()))?
                + "\n"
        }
    };
    match &args.report {
        Some(file) => {
            create(file, &text, 0o644)?;
            terminal.done("Wrote", &file.display().to_string(), "the report");
        }
        None => terminal.note(&text),
    }
    if let Some(file) = &args.relay_env {
        let lines: String = imported.accounts.iter().map(super::super::import::Account::to_line).collect();
        create(file, &lines, 0o600)?;
        terminal.warn(
            &format!("{} holds passwords", file.display()),
            "move it to /etc/mail-relay/relay.env on the host, and note that the old files still contain them",
        );
    }
    terminal.done("Imported", &report.source, &report.summary());
    let defects = report.without_reason();
    if !defects.is_empty() {
        return Err(Failure::failed(format!(
            "these parameters differ for no known reason: {}",
            defects.join(", ")
        ))
        .hint("please report this: it is a bug of postpack import"));
    }
    if report.is_whole() { Ok(()) } else { Err(Failure::differs()) }
}

fn answers(args: &Args) -> Result<Answers, Failure> {
    let providers = Providers::builtin();
    if let Some(name) = args.provider.as_ref().filter(|name| providers.get(name).is_none()) {
        return Err(unknown("provider", name, providers.names().into_iter()));
    }
    let profile = match &args.profile {
        None => None,
        Some(name) => {
            let known = || Profile::ALL.iter().copied();
            let found = known().find(|profile| profile.name() == name);
            Some(found.ok_or_else(|| unknown("profile", name, known().map(Profile::name)))?)
        }
    };
    let targets = args.target.iter().map(|name| {
        Distribution::get(name)
            .ok_or_else(|| unknown("target", name, Distribution::all().iter().map(|one| one.id.as_str())))
    });
    Ok(Answers {
        root_mail_to: args.root_mail_to.clone(),
        from: args.from.clone(),
        provider: args.provider.clone(),
        profile,
        name: args.name.clone(),
        targets: targets.collect::<Result<_, _>>()?,
        keep: args.keep,
    })
}

fn read(name: &str) -> Result<Source, Failure> {
    let path = Path::new(name);
    let source = if name != "-" && path.is_dir() {
        Source::folder(path)
    } else {
        let bytes = super::input::bytes(name)?;
        Source::bytes(if name == "-" { "<stdin>" } else { name }, &bytes)
    };
    source.map_err(|error| match error {
        SourceError::Io(error) => Failure::input(format!("{name}: {error}")),
        error => Failure::input(error.to_string()),
    })
}

/// Shows why a source is rejected.
fn refuse(faults: &[Fault], args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    if args.format == Format::Json {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| serde_json::json!({ "code": fault.code, "place": fault.place, "message": fault.message, "hint": fault.hint, "fatal": fault.fatal }))
            .collect();
        return terminal.json(&serde_json::json!({ "faults": faults }));
    }
    for fault in faults {
        terminal.fault(
            &format!("{}:{}", fault.place, fault.place.column),
            &fault.message,
            &fault.hint,
            fault.fatal,
        );
    }
    Ok(())
}

/// Rejects a file for secrets in a version-controlled folder.
fn may_hold_secrets(file: &Path) -> Result<(), Failure> {
    if file == Path::new("-") {
        return Err(Failure::input("--relay-env writes secrets, so it cannot use standard output"));
    }
    let whole = std::path::absolute(file)?;
    let folder = whole.parent().map(Path::to_path_buf).unwrap_or_default();
    let folder = fs_err::canonicalize(&folder).unwrap_or(folder);
    let marks = [".git", ".hg", ".svn", ".bzr", ".jj", "_darcs", ".fslckout"];
    let controlled = folder.ancestors().find(|folder| marks.iter().any(|mark| folder.join(mark).exists()));
    match controlled {
        Some(root) => Err(Failure::input(format!(
            "{} is under version control, so secrets must not be written there",
            root.display()
        ))
        .hint("name a file outside of it")),
        None if file.exists() => Err(Failure::input(format!("{} already exists", file.display()))),
        None => Ok(()),
    }
}

/// Writes a new file.
fn create(file: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let opened = options.open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::input(format!("{} already exists", file.display())),
        _ => Failure::failed(format!("{}: {error}", file.display())),
    });
    opened?.write_all(text.as_bytes())?;
    Ok(())
}
