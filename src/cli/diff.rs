mod change;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use self::change::{Change, Packed, changes};
use self::report::{Host, Outcome};
use super::error::Failure;
use super::fleet::{self, Only, Selection};
use super::input;
use super::output::{Format, Terminal};
use crate::diag::printable;
use crate::fleet::{Files, Fleet, is_fleet};
use crate::package::ReadError;
use crate::pipeline::Rows;
use crate::plan::Planned;

/// Show the changes on a host between two specs or packages, or on all hosts between two fleets.
///
/// A spec is compared by its packages, in every format that both sides have. Rows of fleets are paired by the name of their
/// package. Texts are shown as a unified diff, except those of an .rpm file. Exit status 1 if anything differs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The old side: a spec (`-` reads standard input), a fleet, or a package.
    a: String,
    /// The new side: a spec, a fleet, or a package. Default: ./relay.toml or ./fleet.toml.
    b: Option<String>,
    #[command(flatten)]
    rows: Only,
    /// Format of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Packages of one host, by format.
type Packages = BTreeMap<&'static str, Packed>;

/// One side, read without the other.
enum Side {
    One(Packages),
    Many(Files),
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let b = args.b.clone().map_or_else(|| input::default_spec(terminal), Ok)?;
    input::stdin_once([&args.a, &b])?;
    let (before, after) = (side(&args.a, terminal)?, side(&b, terminal)?);
    if !args.rows.only.is_empty() && matches!((&before, &after), (Side::One(_), _) | (_, Side::One(_))) {
        return Err(Failure::input("--only needs fleets on both sides"));
    }
    let hosts = match (&before, &after) {
        (Side::One(before), Side::One(after)) => {
            if !before.keys().any(|format| after.contains_key(format)) {
                return Err(Failure::input("the two sides have no common package format"));
            }
            vec![Host::compared(String::new(), changes(before, after))]
        }
        (Side::Many(before), Side::Many(after)) => {
            let (one, other) = (fleet::read(before, terminal)?, fleet::read(after, terminal)?);
            of_fleets(&one, &other, args, terminal)?
        }
        _ => {
            return Err(Failure::input("a fleet can only be compared with a fleet")
                .hint("`postpack render --only` writes the files of one row"));
        }
    };
    let differs = hosts.iter().any(|host| host.outcome != Outcome::Same);
    match args.format {
        Format::Json => terminal.json(&report::json(&args.a, &b, &hosts))?,
        Format::Text => terminal.result(&printable(&report::text(&hosts)))?,
    }
    if matches!(before, Side::Many(_)) {
        terminal.done("Compared", &format!("{} {b}", args.a), &report::summary(&hosts));
    } else if !differs {
        terminal.done("Same", &args.a, &b);
    }
    if differs { Err(Failure::differs()) } else { Ok(()) }
}

/// Reads one argument.
fn side(name: &str, terminal: &mut Terminal) -> Result<Side, Failure> {
    let bytes = input::bytes(name)?;
    match Packed::read(&bytes) {
        Ok(packed) => return Ok(Side::One(BTreeMap::from([(packed.format(), packed)]))),
        Err(error @ ReadError::Damaged(_)) => return Err(Failure::input(format!("{name}: {error}"))),
        // It is not a package, so it is a spec, with any file name.
        Err(ReadError::Unknown) => {}
    }
    let source = input::decode(name, bytes)?;
    if is_fleet(&source.text) {
        return Ok(Side::Many(fleet::gather(source, &[], terminal)?));
    }
    Ok(Side::One(Packed::all(input::load(source, &[], terminal)?.0)?))
}

/// The changes of every package that one of two fleets makes.
fn of_fleets(
    before: &Fleet<'_>,
    after: &Fleet<'_>,
    args: &Args,
    terminal: &mut Terminal,
) -> Result<Vec<Host>, Failure> {
    // Removed rows are not in the new inventory, and new rows not in the old one: one match is enough.
    let select = |fleet: &Fleet<'_>| fleet.select(&args.rows.only, None);
    let (old, new) = match (select(before), select(after)) {
        (Err(why), Err(_)) => return Err(Failure::input(why)),
        (old, new) => {
            let rows = |rows: Result<Vec<usize>, String>| BTreeSet::from_iter(rows.unwrap_or_default());
            (rows(old), rows(new))
        }
    };
    let selection = Selection::default();
    let (one, other) =
        (fleet::rows(before, &selection, &[], terminal)?, fleet::rows(after, &selection, &[], terminal)?);
    let (all_old, all_new) = (by_name(before), by_name(after));
    let meant = all_old.iter().filter(|(_, row)| old.contains(row));
    let meant: BTreeSet<&String> =
        meant.chain(all_new.iter().filter(|(_, row)| new.contains(row))).map(|(name, _)| name).collect();
    let pairs: Vec<_> = meant
        .into_iter()
        .map(|name| (name.clone(), (all_old.get(name).copied(), all_new.get(name).copied())))
        .collect();
    let plan = |rows: &Rows<'_>, row: Option<usize>| -> Result<Option<Arc<Planned>>, ()> {
        row.map(|row| rows.check(row).map(Arc::new).ok_or(())).transpose()
    };
    let hosts: Vec<Result<Result<Host, Failure>, ()>> = pairs
        .into_par_iter()
        .map(|(name, (old, new))| {
            let (old, new) = (plan(&one, old), plan(&other, new));
            Ok(host(name, old?, new?))
        })
        .collect();
    terminal.findings(&one.findings());
    terminal.findings(&other.findings());
    let hosts = hosts.into_iter().collect::<Result<Vec<_>, ()>>().map_err(|()| Failure::already_said())?;
    hosts.into_iter().collect()
}

fn host(name: String, old: Option<Arc<Planned>>, new: Option<Arc<Planned>>) -> Result<Host, Failure> {
    let packages = |planned: Arc<Planned>| Packed::of(&planned);
    Ok(match (old, new) {
        (Some(old), Some(new)) => Host::compared(name, changes(&packages(old)?, &packages(new)?)),
        (None, _) => Host::alone(name, Outcome::Added),
        (_, None) => Host::alone(name, Outcome::Removed),
    })
}

/// Rows by the names of their packages, with the version if several have the same name.
fn by_name(fleet: &Fleet<'_>) -> BTreeMap<String, usize> {
    let packages: Vec<([String; 2], usize)> =
        (0..fleet.len()).filter_map(|row| Some((fleet.package(row)?, row))).collect();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for ([name, _], _) in &packages {
        *count.entry(name).or_default() += 1;
    }
    let key = |[name, version]: &[String; 2]| {
        if count.get(name.as_str()) == Some(&1) { name.clone() } else { format!("{name} {version}") }
    };
    packages.iter().map(|(package, row)| (key(package), *row)).collect()
}
