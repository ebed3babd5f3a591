//! From the files of a fleet to units that can be built.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::Failure;
use super::input;
use super::output::Terminal;
use crate::build::{Job, Units};
use crate::diag::{Diagnostic, Source, has_errors};
use crate::fleet::{Files, Fleet, Refused, Selector, Shard};
use crate::plan::{self, Memory, Planned};
use crate::relay::Providers;
use crate::target::Format;

/// Which hosts of a fleet are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Selection {
    /// Only the rows of a fleet for which this holds: `site=berlin*,role!=db`. May be given several times: a row is
    /// meant if one of them holds.
    #[arg(long, value_name = "COLUMN=PATTERN,...")]
    pub(super) only: Vec<Selector>,
    /// Only one of N equal parts of a fleet, such as 2/8; `postpack merge` puts them together.
    #[arg(long, value_name = "K/N")]
    pub(super) shard: Option<Shard>,
}

impl Selection {
    /// Whether anything was asked for.
    pub(super) fn is_any(&self) -> bool {
        !self.only.is_empty() || self.shard.is_some()
    }
}

/// The files of a fleet whose own file is given.
pub(super) fn gather(source: Source, terminal: &mut Terminal) -> Result<Files, Failure> {
    let read = |path: &Path| {
        let name = path.display().to_string();
        let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
        input::decode(&name, bytes).map(|source| source.text).map_err(|failure| failure.message)
    };
    Files::gather(source, read).map_err(|refused| say(&refused, terminal))
}

/// Understands the files of a fleet.
pub(super) fn read<'f>(files: &'f Files, terminal: &mut Terminal) -> Result<Fleet<'f>, Failure> {
    Fleet::read(files).map_err(|refused| say(&refused, terminal))
}

fn say(refused: &Refused, terminal: &mut Terminal) -> Failure {
    for (source, findings) in refused {
        terminal.diagnostics(findings, source);
    }
    Failure::already_said()
}

/// The rows of a fleet that are to be built.
#[derive(Debug)]
pub(super) struct Rows<'f> {
    fleet: &'f Fleet<'f>,
    /// Those that are meant, by their index in the fleet.
    meant: Vec<usize>,
    formats: Vec<Format>,
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
        let rows = fleet.select(&selection.only, selection.shard).map_err(Failure::input)?;
        // Those of other shards count, too: the parts are put together in the end.
        let all = fleet.select(&selection.only, None).map_err(Failure::input)?;
        let collisions = fleet.collisions(&all);
        if !collisions.is_empty() {
            return Err(say(&fleet.sort_out(collisions), terminal));
        }
        Ok(Self {
            fleet,
            meant: rows,
            formats: formats.to_vec(),
            time: input::source_date_epoch()?,
            providers: Providers::builtin(),
            plans: Arc::default(),
            findings: Mutex::default(),
        })
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

    /// What was found, by file, each said once however many rows it is about.
    pub(super) fn findings(&self) -> Refused {
        let mut findings = std::mem::take(&mut *self.findings.lock().unwrap_or_else(PoisonError::into_inner));
        findings.sort_by_key(|(row, _)| *row);
        self.fleet.sort_out(findings)
    }

    /// Says what was found.
    pub(super) fn say(&self, terminal: &mut Terminal) {
        for (source, findings) in self.findings() {
            terminal.diagnostics(&findings, &source);
        }
    }
}

impl Units for Rows<'_> {
    fn count(&self) -> usize {
        self.meant.len()
    }

    fn jobs(&self, unit: usize) -> Option<Vec<Job>> {
        let planned = self.check(unit)?;
        let asked = |format: &Format| self.formats.is_empty() || self.formats.contains(format);
        let formats: Vec<Format> = planned.checked.formats.iter().copied().filter(asked).collect();
        Some(Job::all(planned, &formats))
    }

    fn inputs(&self, unit: usize) -> String {
        self.fleet.digest(self.meant[unit])
    }
}
