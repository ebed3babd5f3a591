//! Many packages: built in parallel, checksummed, and put into the output folder all at once or not at all.

mod job;
mod manifest;
mod merge;
mod stage;
mod tree;
mod verify;

pub use job::Job;
pub use manifest::{MANIFEST, Manifest, Unit};
pub use merge::{MergeError, merge};
pub use tree::{TreeError, write_tree};
pub use verify::{Mismatch, Verdict, verify};

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::attest::Request;
use crate::package::{Inspection, ReadError, WriteError};
use crate::plan::PlanError;
use crate::template::Templates;
use crate::{deb, pacman, rpm};
use stage::Stage;

/// The list of checksums, in the format of sha256sum(1).
pub const SUMS: &str = "SHA256SUMS";

/// What is to be built: specs, or the rows of a fleet. Each is read when its turn comes, so that a fleet is never in
/// memory as a whole.
pub trait Units: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// What the files of one are made by; nothing if something is wrong with it, which the units keep to be said later.
    fn jobs(&self, unit: usize) -> Option<Vec<Job>>;

    /// A digest of what one is made of.
    fn inputs(&self, unit: usize) -> String;
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifact {
    /// Its name in the output folder.
    pub file_name: String,
    /// `deb`, `rpm`, `pacman`, `sbom`, `provenance` or `file`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Of a package that a bill of materials names: its version as the format writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// And what it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is in the output folder now.
    pub manifest: Manifest,
    /// How many of its units were built; the others were there already.
    pub built: usize,
}

/// Why a build failed. The output folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Two jobs would make the same file.
    #[error("two of the specs would both make {0}")]
    Collision(String),
    /// Something is wrong with a unit; it has kept what.
    #[error("something is wrong with the input")]
    Refused,
    /// Somebody asked to stop.
    #[error("interrupted: nothing was changed")]
    Interrupted,
    /// A package cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A package cannot be written.
    #[error("{file_name}: {error}")]
    Write {
        /// The file that was to be made.
        file_name: String,
        /// Why.
        error: WriteError,
    },
    /// The output folder cannot be written to.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The threads cannot be started.
    #[error("{0}")]
    Threads(String),
}

/// Hears how far a build is, and may end it.
pub trait Progress: Sync {
    /// One more unit is made, or was there already.
    fn one_done(&self);

    /// Whether somebody wants it to stop.
    fn is_over(&self) -> bool {
        false
    }
}

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How many threads; one for each processor without it.
    pub threads: Option<NonZeroUsize>,
    /// Whether what is there already, made of the same inputs, stays as it is.
    pub reuse: bool,
    /// What the bytes depend on beside the units: options, and the user's templates.
    pub context: String,
    /// What all units are made of, and which of them are meant.
    pub inputs: String,
    /// Which part of a whole this is: `2/8`.
    pub shard: Option<String>,
    /// What is to be said of it.
    pub attest: Request,
}

impl Options {
    /// A digest of inputs together with what else the bytes depend on.
    fn digest(&self, inputs: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        // A bill of materials stands beside each package, or needs words that stand in the manifest.
        let sbom = match self.attest.sbom.as_slice() {
            [] => String::new(),
            scopes => format!(" {scopes:?}"),
        };
        format!("{:x}", Sha256::digest(format!("{version}\0{}{sbom}\0{inputs}", self.context)))
    }
}

/// What is in the output folder, if that is what would be built: nothing has to be read but its manifest.
pub fn unchanged(out: &Path, options: &Options) -> Option<Report> {
    let (manifest, written) = Manifest::read(out).filter(|_| options.reuse)?;
    let same = manifest.inputs == options.digest(&options.inputs)
        && manifest.shard == options.shard
        && manifest.attest == options.attest;
    (same && manifest.is_whole(out, written)).then_some(Report { manifest, built: 0 })
}

/// So many threads; one for each processor without a number.
fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, BuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, NonZeroUsize::get))
        .build()
        .map_err(|error| BuildError::Threads(error.to_string()))
}

/// Makes all files. The result, and every byte of it, is the same for any number of threads.
///
/// # Errors
/// Nothing appears in `out` then: files are made in a folder of their own inside of it, and renamed at the end.
pub fn build(
    units: &dyn Units,
    out: &Path,
    options: &Options,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Report, BuildError> {
    let before = Manifest::read(out).filter(|_| options.reuse);
    let known = before.iter().flat_map(|(manifest, written)| {
        manifest
            .units
            .iter()
            .filter(|unit| unit.is_whole(out, *written))
            .map(|unit| (unit.inputs.as_str(), unit))
    });
    let stage = Stage::new(out)?;
    let work = Work {
        units,
        known: known.collect(),
        stage: stage.path(),
        options,
        templates,
        progress,
        refused: AtomicBool::new(false),
        names: Mutex::default(),
    };
    let made: Vec<Option<(Unit, bool)>> = pool(options.threads)?.install(|| {
        (0..units.count())
            .into_par_iter()
            // One at a time: nobody should wait for a thread that has all that is left.
            .with_max_len(1)
            .map(|unit| work.make(unit))
            .collect::<Result<_, BuildError>>()
    })?;
    if work.refused.load(Ordering::Relaxed) {
        return Err(BuildError::Refused);
    }
    let built = made.iter().flatten().filter(|(_, new)| *new).count();
    let new: Vec<String> = made
        .iter()
        .flatten()
        .filter(|(_, new)| *new)
        .flat_map(|(unit, _)| unit.files.iter().map(|file| file.file_name.clone()))
        .collect();
    let units = made.into_iter().flatten().map(|(unit, _)| unit).collect();
    let inputs = options.digest(&options.inputs);
    let mut manifest = Manifest::new(inputs, options.shard.clone(), options.attest.clone(), units);
    for document in manifest.documents()? {
        write_new(&stage.path().join(&document.artifact.file_name), &document.bytes)?;
    }
    write_new(&stage.path().join(SUMS), manifest.sums().as_bytes())?;
    write_new(&stage.path().join(MANIFEST), manifest.to_json().map_err(std::io::Error::from)?.as_bytes())?;
    // The lists come last: until then the old ones stand there.
    let documents = manifest.documents.iter().map(|file| file.file_name.as_str());
    stage.publish(new.iter().map(String::as_str).chain(documents).chain([SUMS, MANIFEST]))?;
    Ok(Report { manifest, built })
}

/// What the threads share.
struct Work<'a> {
    units: &'a dyn Units,
    /// What is there already, by its inputs.
    known: HashMap<&'a str, &'a Unit>,
    stage: &'a Path,
    options: &'a Options,
    templates: &'a Templates,
    progress: &'a dyn Progress,
    /// Something is wrong with a unit: the others are judged, too, but nothing is made any more.
    refused: AtomicBool,
    names: Mutex<HashSet<String>>,
}

impl Work<'_> {
    /// The unit, and whether it is new. Nothing if something is wrong with one.
    fn make(&self, index: usize) -> Result<Option<(Unit, bool)>, BuildError> {
        if self.progress.is_over() {
            return Err(BuildError::Interrupted);
        }
        let inputs = self.options.digest(&self.units.inputs(index));
        if let Some(unit) = self.known.get(inputs.as_str()) {
            self.claim(unit.files.iter().map(|file| file.file_name.as_str()))?;
            self.progress.one_done();
            return Ok(Some(((*unit).clone(), false)));
        }
        let Some(jobs) = self.units.jobs(index) else {
            self.refused.store(true, Ordering::Relaxed);
            return Ok(None);
        };
        if self.refused.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.claim(jobs.iter().map(Job::file_name))?;
        let files: Vec<Vec<Artifact>> =
            jobs.par_iter().with_max_len(1).map(|job| self.files(job)).collect::<Result<_, BuildError>>()?;
        self.progress.one_done();
        Ok(Some((job::unit(&jobs, inputs, files.concat(), &self.options.attest.sbom), true)))
    }

    /// Takes names for a unit: no other may have them.
    fn claim<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), BuildError> {
        let mut taken = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if !taken.insert(name.to_owned()) {
                return Err(BuildError::Collision(name.to_owned()));
            }
        }
        Ok(())
    }

    fn files(&self, job: &Job) -> Result<Vec<Artifact>, BuildError> {
        let made = job.make(self.templates, &self.options.attest.sbom)?.into_iter().map(|made| {
            write_new(&self.stage.join(&made.artifact.file_name), &made.bytes)?;
            Ok(made.artifact)
        });
        made.collect()
    }
}

/// Writes a file that was not there.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

/// Reads a package of any format.
///
/// # Errors
/// The bytes are no package, or a damaged one.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ReadError> {
    if deb::is_deb(bytes) {
        deb::read(bytes)
    } else if rpm::is_rpm(bytes) {
        rpm::read(bytes)
    } else {
        pacman::read(bytes)
    }
}

#[cfg(test)]
mod tests;
