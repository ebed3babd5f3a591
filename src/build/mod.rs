//! Builds many packages in parallel, with checksums, and moves all of them into the output folder at once.

mod contents;
mod job;
mod manifest;
mod merge;
mod name;
mod regular;
mod stage;
mod tree;
mod verify;

pub use contents::{contents, text};
pub use job::Job;
pub use manifest::{MANIFEST, Manifest, Unit};
pub use merge::{MergeError, merge};
pub use name::{FileName, NotAFileName};
pub use tree::{TreeError, Trees};
pub use verify::{Demands, Mismatch, Verdict, verify};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::attest::Request;
use crate::package::WriteError;
use crate::plan::PlanError;
use crate::template::Templates;
use job::Made;
use stage::Stage;

/// The list of checksums, in the format of sha256sum(1).
pub const SUMS: &str = "SHA256SUMS";

/// The units to build: specs, or the rows of a fleet. Each is read when its turn comes, so that a fleet is never completely in
/// memory.
pub trait Units: Sync {
    /// The number of units.
    fn count(&self) -> usize;

    /// The jobs of a unit; `None` if the unit is wrong. The units keep the findings for later.
    fn jobs(&self, unit: usize) -> Option<Vec<Job>>;

    /// A digest of the inputs of a unit.
    fn inputs(&self, unit: usize) -> String;

    /// Whether an earlier unit belongs to the whole but is not selected this time, so that it stays in the lists.
    fn keeps(&self, _before: &Unit) -> bool {
        false
    }

    /// The inputs of the units that are not selected.
    fn rest(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifact {
    /// Its name in the output folder.
    pub file_name: FileName,
    /// `deb`, `rpm`, `pacman`, `sbom`, `provenance` or `file`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// For a package in a bill of materials: its version in the syntax of the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its dependencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<String>,
}

/// The result of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The content of the output folder.
    pub manifest: Manifest,
    /// The files that were written; the others existed with the same bytes.
    pub written: BTreeSet<FileName>,
    /// Packages whose earlier file with the same name and version had different bytes.
    pub replaced: Vec<FileName>,
    /// Files that still exist but are no longer listed.
    pub left: Vec<FileName>,
}

impl Report {
    /// Whether a file of a unit was written.
    pub fn is_built(&self, unit: &Unit) -> bool {
        unit.files.iter().any(|file| self.written.contains(&file.file_name))
    }

    /// The number of built units.
    pub fn built(&self) -> usize {
        self.manifest.units.iter().filter(|unit| self.is_built(unit)).count()
    }
}

/// The reason why a build failed. The output folder is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Documents about the whole build would describe packages that it did not make.
    #[error(
        "{0} and the other packages in the folder are not part of this build, so no document can describe them"
    )]
    Unmade(String),
    /// Two jobs would make the same file.
    #[error("two of the specs would both make {0}")]
    Collision(String),
    /// A unit is wrong; it keeps the findings.
    #[error("something is wrong with the input")]
    Refused,
    /// The user interrupted the build.
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
        /// The reason.
        error: WriteError,
    },
    /// The output folder cannot be written to.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The threads cannot be started.
    #[error("{0}")]
    Threads(String),
}

/// Receives the progress of a build, and can end it.
pub trait Progress: Sync {
    /// A unit is built or was reused.
    fn one_done(&self);

    /// Whether the build should stop.
    fn is_over(&self) -> bool {
        false
    }
}

/// Options of a build.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Number of threads; default: one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// Whether existing files with the same inputs are reused.
    pub reuse: bool,
    /// Inputs other than the units: options and templates of the user.
    pub context: String,
    /// The inputs of the whole.
    pub inputs: String,
    /// The selection; empty for all.
    pub part: String,
    /// The shard: `2/8`.
    pub shard: Option<String>,
    /// The requested documents.
    pub attest: Request,
}

impl Options {
    /// A digest of inputs and options.
    fn digest(&self, inputs: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        // A bill of materials needs a file per package, or metadata from the manifest.
        let sbom = match self.attest.sbom.as_slice() {
            [] => String::new(),
            scopes => format!(" {scopes:?}"),
        };
        format!("{:x}", Sha256::digest(format!("{version}\0{}{sbom}\0{inputs}", self.context)))
    }

    /// A digest of the whole, or of the selected part.
    fn digest_of_all(&self, is_whole: bool) -> String {
        let part = if is_whole { "" } else { self.part.as_str() };
        self.digest(&format!("{}\0{part}", self.inputs))
    }

    /// Documents describe only files from the same run, even if a manifest lists older ones.
    fn may_reuse(&self) -> bool {
        self.reuse && self.attest.is_empty()
    }
}

/// The content of the output folder, if it is what would be built. Only the manifest has to be read.
pub fn unchanged(out: &Path, options: &Options) -> Option<Report> {
    let (manifest, written) = Manifest::read(out).ok().filter(|_| options.may_reuse())?;
    let same = manifest.inputs == options.digest_of_all(options.part.is_empty())
        && manifest.shard == options.shard
        && manifest.attest == options.attest;
    (same && manifest.is_whole(out, written)).then(|| Report {
        manifest,
        written: BTreeSet::new(),
        replaced: Vec::new(),
        left: Vec::new(),
    })
}

/// The manifest of a folder that a build made.
///
/// # Errors
/// There is no manifest, or it is damaged.
pub fn manifest(folder: &Path) -> Result<Manifest, String> {
    let named = |error| format!("{}: {error}", folder.join(MANIFEST).display());
    Manifest::read(folder).map(|(manifest, _)| manifest).map_err(named)
}

/// The bytes of a file that a manifest lists.
///
/// # Errors
/// It cannot be read, or differs from the built file.
pub fn artifact(folder: &Path, artifact: &Artifact) -> std::io::Result<Vec<u8>> {
    let path = folder.join(&artifact.file_name);
    let bytes = regular::read(&path, artifact.size)?;
    if format!("{:x}", Sha256::digest(&bytes)) == artifact.sha256 {
        return Ok(bytes);
    }
    let message = format!("{}: not the file that was built: SHA-256 mismatch", path.display());
    Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message))
}

/// A pool with a number of threads; default: one for each processor.
fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, BuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, NonZeroUsize::get))
        .build()
        .map_err(|error| BuildError::Threads(error.to_string()))
}

/// Builds all files. Every byte of the result is the same for any number of threads.
///
/// # Errors
/// Then nothing is written to `out`: files are built in a separate folder inside it, and renamed at the end.
pub fn build(
    units: &dyn Units,
    out: &Path,
    options: &Options,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Report, BuildError> {
    let before = Manifest::read(out).ok();
    let kept = kept(units, before.as_ref().map(|(manifest, _)| manifest), options)?;
    let known = before.iter().filter(|_| options.may_reuse()).flat_map(|(manifest, written)| {
        let whole = manifest.units.iter().filter(|unit| unit.is_whole(out, *written));
        whole.map(|unit| (unit.inputs.as_str(), unit))
    });
    let stage = Stage::new(out)?;
    let work = Work {
        units,
        out,
        known: known.collect(),
        stage: stage.path(),
        options,
        templates,
        progress,
        refused: AtomicBool::new(false),
        names: Mutex::default(),
        written: Mutex::default(),
    };
    let made: Vec<Option<Unit>> = pool(options.threads)?.install(|| {
        (0..units.count())
            .into_par_iter()
            // One at a time, so that no thread has all the remaining work at the end.
            .with_max_len(1)
            .map(|unit| work.make(unit))
            .collect::<Result<_, BuildError>>()
    })?;
    if work.refused.load(Ordering::Relaxed) {
        return Err(BuildError::Refused);
    }
    let mut listed: Vec<Unit> = made.into_iter().flatten().collect();
    let names = work.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let kept = kept.into_iter().filter(|unit| {
        unit.files.iter().all(|file| !names.contains(file.file_name.as_str()) && file.is_there(out))
    });
    let kept: Vec<Unit> = kept.cloned().collect();
    let is_whole = options.part.is_empty() || is_current(units, &kept, options);
    listed.extend(kept);
    let inputs = options.digest_of_all(is_whole);
    let mut manifest = Manifest::new(inputs, options.shard.clone(), options.attest.clone(), listed);
    for document in manifest.documents()? {
        work.write(&document)?;
    }
    write_new(&stage.path().join(SUMS), manifest.sums().as_bytes())?;
    write_new(&stage.path().join(MANIFEST), manifest.to_json().map_err(std::io::Error::from)?.as_bytes())?;
    let written = work.written.into_inner().unwrap_or_else(PoisonError::into_inner);
    let before = before.map(|(manifest, _)| manifest);
    let replaced = replaced(&manifest, &written, before.as_ref(), out);
    // The lists are renamed last; until then, the old ones are valid.
    stage.publish(written.iter().map(FileName::as_str).chain([SUMS, MANIFEST]))?;
    let listed: HashSet<&FileName> = manifest.files().map(|file| &file.file_name).collect();
    let left = before.iter().flat_map(Manifest::files).map(|file| &file.file_name);
    let left = left.filter(|name| !listed.contains(name) && fs_err::symlink_metadata(out.join(name)).is_ok());
    let left = left.cloned().collect();
    Ok(Report { manifest, written, replaced, left })
}

/// Units of the earlier manifest that stay in the lists, although they are not part of this build.
fn kept<'m>(
    units: &dyn Units,
    before: Option<&'m Manifest>,
    options: &Options,
) -> Result<Vec<&'m Unit>, BuildError> {
    let before = before.filter(|before| options.shard.is_none() && before.shard.is_none());
    let kept: Vec<&Unit> =
        before.iter().flat_map(|before| &before.units).filter(|unit| units.keeps(unit)).collect();
    match kept.first() {
        Some(unit) if !options.attest.is_empty() => Err(BuildError::Unmade(unit.package.clone())),
        _ => Ok(kept),
    }
}

/// Whether the kept units are all units that are not selected, and have unchanged inputs.
fn is_current(units: &dyn Units, kept: &[Unit], options: &Options) -> bool {
    if kept.is_empty() {
        return false;
    }
    let rest = units.rest().into_par_iter().map(|inputs| options.digest(&inputs));
    let rest: HashSet<String> = rest.collect();
    rest.len() == kept.len() && kept.iter().all(|unit| rest.contains(&unit.inputs))
}

/// Packages whose bytes differ from the earlier file with the same name, according to the manifest or the file itself.
fn replaced(
    manifest: &Manifest,
    written: &BTreeSet<FileName>,
    before: Option<&Manifest>,
    out: &Path,
) -> Vec<FileName> {
    let listed: HashMap<&FileName, &str> = before
        .into_iter()
        .flat_map(Manifest::files)
        .map(|file| (&file.file_name, file.sha256.as_str()))
        .collect();
    let differs = |file: &&Artifact| match listed.get(&file.file_name) {
        Some(digest) => *digest != file.sha256,
        None => std::fs::symlink_metadata(out.join(&file.file_name)).is_ok(),
    };
    let packages = manifest.files().filter(|file| file.is_package() && written.contains(&file.file_name));
    packages.filter(differs).map(|file| file.file_name.clone()).collect()
}

/// State that the threads share.
struct Work<'a> {
    units: &'a dyn Units,
    out: &'a Path,
    /// Existing units by their inputs.
    known: HashMap<&'a str, &'a Unit>,
    stage: &'a Path,
    options: &'a Options,
    templates: &'a Templates,
    progress: &'a dyn Progress,
    /// A unit is wrong: the others are still checked, but nothing more is built.
    refused: AtomicBool,
    names: Mutex<HashSet<String>>,
    /// Files that the folder does not have with the same bytes.
    written: Mutex<BTreeSet<FileName>>,
}

impl Work<'_> {
    /// Builds a unit. `None` if any unit is wrong.
    fn make(&self, index: usize) -> Result<Option<Unit>, BuildError> {
        if self.progress.is_over() {
            return Err(BuildError::Interrupted);
        }
        let inputs = self.options.digest(&self.units.inputs(index));
        if let Some(unit) = self.known.get(inputs.as_str()) {
            self.claim(unit.files.iter().map(|file| file.file_name.as_str()))?;
            self.progress.one_done();
            return Ok(Some((*unit).clone()));
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
        Ok(Some(job::unit(&jobs, inputs, files.concat(), &self.options.attest.sbom)))
    }

    /// Reserves file names for a unit.
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
            self.write(&made)?;
            Ok(made.artifact)
        });
        made.collect()
    }

    /// Writes a file, unless the folder has it with the same bytes.
    fn write(&self, made: &Made) -> std::io::Result<()> {
        let name = &made.artifact.file_name;
        if regular::holds(&self.out.join(name), &made.bytes).unwrap_or(false) {
            return Ok(());
        }
        write_new(&self.stage.join(name), &made.bytes)?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        Ok(())
    }
}

/// Writes a new file.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests;
