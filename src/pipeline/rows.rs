//! The rows of a fleet.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::build::{Job, Unit, Units};
use crate::diag::Diagnostic;
use crate::fleet::{Fleet, Refused, Selector, Shard};
use crate::plan::{Memory, Planned};
use crate::platform::Format;
use crate::relay::Providers;

/// Why rows cannot be selected.
#[derive(Debug)]
pub enum RowsError {
    /// A selector matches nothing; the text says which.
    Selection(String),
    /// Rows make packages with the same file name.
    Collision(Refused),
}

/// Rows of a fleet that can be built.
#[derive(Debug)]
pub struct Rows<'f> {
    fleet: &'f Fleet<'f>,
    /// The selected rows, by their index in the fleet.
    meant: Vec<usize>,
    /// The other rows of the fleet; empty for a shard.
    others: Vec<usize>,
    /// Names of the packages of selected rows, and versions by name of the packages of the others.
    names: (HashSet<String>, HashMap<String, Vec<String>>),
    formats: Vec<Format>,
    /// Whether packages of the shared host program are built after the rows.
    has_program: bool,
    time: Option<u64>,
    providers: Providers,
    plans: Arc<Memory>,
    findings: Mutex<Vec<(usize, Vec<Diagnostic>)>>,
}

impl<'f> Rows<'f> {
    /// Selects rows: those that match one of `only`, in one part of the fleet. `formats` limits the packages, unless it is
    /// empty; `time` replaces the time stamps of the specs, in seconds since 1970.
    ///
    /// # Errors
    /// A selector matches no row, or two rows make the same package.
    pub fn new(
        fleet: &'f Fleet<'f>,
        only: &[Selector],
        shard: Option<Shard>,
        formats: &[Format],
        time: Option<u64>,
    ) -> Result<Self, RowsError> {
        let rows = fleet.select(only, shard).map_err(RowsError::Selection)?;
        // Rows of other shards count as well: `merge` puts the parts together.
        let all = fleet.select(only, None).map_err(RowsError::Selection)?;
        let collisions = fleet.collisions(&all);
        if !collisions.is_empty() {
            return Err(RowsError::Collision(fleet.sort_out(collisions)));
        }
        let meant: HashSet<usize> = all.into_iter().collect();
        let others: Vec<usize> = match shard {
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
        let is_first = shard.is_none_or(Shard::is_first);
        Ok(Self {
            fleet,
            has_program: is_first && fleet.shares_program(),
            meant: rows,
            others,
            names,
            formats: formats.to_vec(),
            time,
            providers: Providers::builtin(),
            plans: Arc::default(),
            findings: Mutex::default(),
        })
    }

    /// The number of selected rows.
    pub fn len(&self) -> usize {
        self.meant.len()
    }

    /// Whether no row is selected.
    pub fn is_empty(&self) -> bool {
        self.meant.is_empty()
    }

    /// The formats of the shared host program. Rows may differ in their formats, so it is built in all of them, or in those that
    /// were requested.
    fn program_formats(&self) -> Vec<Format> {
        super::selected(&Format::ALL, &self.formats)
    }

    /// Plans a row and keeps its findings; nothing if it has errors.
    pub fn check(&self, unit: usize) -> Option<Planned> {
        let row = self.meant[unit];
        let (checked, mut findings) = self.fleet.check(row, &self.providers);
        let planned = super::planned(checked, &self.plans, self.time, &mut findings);
        if !findings.is_empty() {
            self.findings.lock().unwrap_or_else(PoisonError::into_inner).push((row, findings));
        }
        planned
    }

    /// The findings so far, by file, without repetitions. Later calls return only what was found since.
    pub fn findings(&self) -> Refused {
        let mut findings = std::mem::take(&mut *self.findings.lock().unwrap_or_else(PoisonError::into_inner));
        findings.sort_by_key(|(row, _)| *row);
        self.fleet.sort_out(findings)
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
        let formats = super::selected(&planned.checked.formats, &self.formats);
        Some(Job::all(planned, &formats))
    }

    fn inputs(&self, unit: usize) -> String {
        match self.meant.get(unit) {
            Some(row) => self.fleet.digest(*row),
            None => super::program_inputs(&self.program_formats()),
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
