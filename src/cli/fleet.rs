//! From the files of a fleet to units that can be built.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::build::program_inputs;
use super::error::Failure;
use super::input;
use super::output::Terminal;
use crate::build::{Job, Unit, Units};
use crate::diag::{Diagnostic, Source, has_errors};
use crate::fleet::{Files, Fleet, Refused, Selector, Setting, Shard};
use crate::plan::{self, Memory, Planned};
use crate::relay::Providers;
use crate::target::Format;

/// Which rows of a fleet are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Only {
    /// Use only the rows of a fleet that match, such as `site=berlin*,role!=db`.
    ///
    /// May be given several times: a row is used if it matches one of them. Each of them must match a row.
    #[arg(long, value_name = "COLUMN=PATTERN,...")]
    pub(super) only: Vec<Selector>,
}

/// Which hosts of a fleet are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Selection {
    #[command(flatten)]
    pub(super) rows: Only,
    /// Only one of N equal parts of a fleet, such as 2/8; `postpack merge` puts them together.
    #[arg(long, value_name = "K/N")]
    pub(super) shard: Option<Shard>,
}

impl Selection {
    /// Whether anything was asked for.
    pub(super) fn is_any(&self) -> bool {
        !self.rows.only.is_empty() || self.shard.is_some()
    }
}

/// The files of a fleet whose own file is given.
pub(super) fn gather(
    source: Source,
    settings: &[Setting],
    terminal: &mut Terminal,
) -> Result<Files, Failure> {
    let read = |path: &Path| {
        let name = path.display().to_string();
        let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
        input::decode(&name, bytes).map(|source| source.text).map_err(|failure| failure.message)
    };
    Files::gather(source, settings, read).map_err(|refused| say(&refused, terminal))
}

/// Understands the files of a fleet.
pub(super) fn read<'f>(files: &'f Files, terminal: &mut Terminal) -> Result<Fleet<'f>, Failure> {
    Fleet::read(files).map_err(|refused| say(&refused, terminal))
}

fn say(refused: &Refused, terminal: &mut Terminal) -> Failure {
    terminal.findings(refused);
    Failure::already_said()
}

/// The rows of a fleet that are to be built.
#[derive(Debug)]
pub(super) struct Rows<'f> {
    fleet: &'f Fleet<'f>,
    /// Those that are meant, by their index in the fleet.
    meant: Vec<usize>,
    /// The others, if they are only left out this time.
    others: Vec<usize>,
    /// Names of the packages of those that are meant, and versions by name of the packages of the others.
    names: (HashSet<String>, HashMap<String, Vec<String>>),
    formats: Vec<Format>,
    /// Whether packages of the host program are built after the rows.
    has_program: bool,
    time: Option<u64>,
    providers: Providers,
    plans: Arc<Memory>,
    findings: Mutex<Vec<(usize, Vec<Diagnostic>)>>,
}

impl<'f> Rows<'f> {
    /// The rows that are meant, none of which makes the same package as another.
    pub(super) fn new(
        fleet: &'f Fleet<'f>,
        selection: &Selection,
        formats: &[Format],
        terminal: &mut Terminal,
    ) -> Result<Self, Failure> {
        let rows = fleet.select(&selection.rows.only, selection.shard).map_err(Failure::input)?;
        // Those of other shards count, too: the parts are put together in the end.
        let all = fleet.select(&selection.rows.only, None).map_err(Failure::input)?;
        let collisions = fleet.collisions(&all);
        if !collisions.is_empty() {
            return Err(say(&fleet.sort_out(collisions), terminal));
        }
        let meant: HashSet<usize> = all.into_iter().collect();
        let others: Vec<usize> = match selection.shard {
            None => (0..fleet.len()).filter(|row| !meant.contains(row)).collect(),
            Some(_) => Vec::new(),
        };
        let mut names: (HashSet<String>, HashMap<String, Vec<String>>) = Default::default();
        if !others.is_empty() {
            names.0 = rows.iter().filter_map(|row| fleet.package(*row)).map(|[name, _]| name).collect();
            for [name, version] in others.iter().filter_map(|row| fleet.package(*row)) {
                names.1.entry(name).or_default().push(version);
            }
        }
        let is_first = selection.shard.is_none_or(Shard::is_first);
        let has_program = is_first && fleet.shares_program();
        Ok(Self {
            fleet,
            has_program,
            meant: rows,
            others,
            names,
            formats: formats.to_vec(),
            time: input::source_date_epoch()?,
            providers: Providers::builtin(),
            plans: Arc::default(),
            findings: Mutex::default(),
        })
    }

    /// How many rows are meant.
    pub(super) fn len(&self) -> usize {
        self.meant.len()
    }

    /// Judges a row and keeps what there is to say of it.
    pub(super) fn check(&self, unit: usize) -> Option<Planned> {
        let row = self.meant[unit];
        let (checked, mut findings) = self.fleet.check(row, &self.providers);
        let planned = checked.map(|checked| Planned::among(checked, &self.plans));
        if let Some(planned) = &planned {
            findings.extend(plan::check(planned));
        }
        let good = !has_errors(&findings);
        if !findings.is_empty() {
            self.findings.lock().unwrap_or_else(PoisonError::into_inner).push((row, findings));
        }
        planned.filter(|_| good).map(|mut planned| {
            planned.checked.time = self.time.unwrap_or(planned.checked.time);
            planned
        })
    }

    /// Rows may be for different formats, so the host program comes in all of them, or in those that were asked for.
    fn program_formats(&self) -> Vec<Format> {
        if self.formats.is_empty() { Format::ALL.to_vec() } else { self.formats.clone() }
    }

    /// What was found, by file, each said once however many rows it is about.
    pub(super) fn findings(&self) -> Refused {
        let mut findings = std::mem::take(&mut *self.findings.lock().unwrap_or_else(PoisonError::into_inner));
        findings.sort_by_key(|(row, _)| *row);
        self.fleet.sort_out(findings)
    }

    /// Says what was found.
    pub(super) fn say(&self, terminal: &mut Terminal) {
        terminal.findings(&self.findings());
    }
}

impl Units for Rows<'_> {
    fn count(&self) -> usize {
        self.meant.len() + usize::from(self.has_program)
    }

    fn jobs(&self, unit: usize) -> Option<Vec<Job>> {
        if unit == self.meant.len() {
            return Some(Job::programs(&self.program_formats()));
        }
        let planned = self.check(unit)?;
        let asked = |format: &Format| self.formats.is_empty() || self.formats.contains(format);
        let formats: Vec<Format> = planned.checked.formats.iter().copied().filter(asked).collect();
        Some(Job::all(planned, &formats))
    }

    fn inputs(&self, unit: usize) -> String {
        match self.meant.get(unit) {
            Some(row) => self.fleet.digest(*row),
            None => program_inputs(&self.program_formats()),
        }
    }

    fn keeps(&self, before: &Unit) -> bool {
        let (meant, others) = &self.names;
        let is_of = |version: &String| before.version.starts_with(&format!("{version}-"));
        // Where several rows make packages of one name, the version tells them apart.
        others
            .get(&before.package)
            .is_some_and(|versions| !meant.contains(&before.package) || versions.iter().any(is_of))
    }

    fn rest(&self) -> Vec<String> {
        self.others.par_iter().map(|row| self.fleet.digest(*row)).collect()
    }
}
