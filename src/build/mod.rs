//! Many packages: built in parallel, checksummed, and put into the output folder all at once or not at all.

mod stage;
mod tree;

pub use tree::{TreeError, write_tree};

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::package::{Inspection, ReadError, WriteError};
use crate::plan::{self, Companion, PlanError};
use crate::spec::Checked;
use crate::target::Format;
use crate::template::Templates;
use crate::{deb, pacman, rpm};
use stage::Stage;

/// The list of checksums, in the format of sha256sum(1).
pub const SUMS: &str = "SHA256SUMS";

/// Something to put into the output folder.
#[derive(Debug)]
pub struct Job {
    file_name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Package(Format, Arc<Checked>),
    Companion(Companion, Arc<Checked>),
    Bytes(Vec<u8>),
}

impl Job {
    /// The package of a spec in a format. It is planned when its turn comes: side by side with others, and so
    /// that a fleet is never in memory as a whole.
    pub fn package(format: Format, checked: &Arc<Checked>) -> Self {
        let file_name = match format {
            Format::Deb => deb::file_name(&checked.meta),
            Format::Rpm => rpm::file_name(&checked.meta),
            Format::Pacman => pacman::file_name(&checked.meta),
        };
        Self { file_name, content: Content::Package(format, Arc::clone(checked)) }
    }

    /// A file beside the packages of a spec.
    pub fn companion(kind: Companion, checked: &Arc<Checked>) -> Self {
        Self { file_name: kind.file_name(checked), content: Content::Companion(kind, Arc::clone(checked)) }
    }

    /// A file that is there already.
    pub fn file(file_name: String, bytes: Vec<u8>) -> Self {
        Self { file_name, content: Content::Bytes(bytes) }
    }

    fn kind(&self) -> &'static str {
        match &self.content {
            Content::Package(format, _) => format.name(),
            Content::Companion(..) | Content::Bytes(_) => "file",
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// A template fails, or a value does not fit into the format.
    pub fn bytes(&self, templates: &Templates) -> Result<Vec<u8>, BuildError> {
        let (format, checked) = match &self.content {
            Content::Package(format, checked) => (*format, checked),
            Content::Companion(kind, checked) => return Ok(kind.render(checked, templates)?),
            Content::Bytes(bytes) => return Ok(bytes.clone()),
        };
        let package = plan::package(checked, format, templates)?;
        let written = match format {
            Format::Deb => deb::write(&package, templates),
            Format::Rpm => rpm::write(&package, templates),
            Format::Pacman => pacman::write(&package, templates),
        };
        written.map_err(|error| BuildError::Write { file_name: self.file_name.clone(), error })
    }
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifact {
    /// Its name in the output folder.
    pub file_name: String,
    /// `deb`, `rpm`, `pacman` or `file`.
    pub kind: &'static str,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Why a build failed. The output folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Two jobs would make the same file.
    #[error("two of the specs would both make {0}")]
    Collision(String),
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

/// Hears how far a build is.
pub trait Progress: Sync {
    /// One more file is made.
    fn one_done(&self);
}

/// Makes all files. The result, and every byte of it, is the same for any number of threads.
///
/// # Errors
/// Nothing appears in `out` then: files are made in a folder of their own inside of it, and renamed at the end.
pub fn build(
    jobs: &[Job],
    out: &Path,
    threads: Option<NonZeroUsize>,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Vec<Artifact>, BuildError> {
    let mut names = BTreeSet::new();
    for job in jobs {
        if !names.insert(job.file_name.as_str()) {
            return Err(BuildError::Collision(job.file_name.clone()));
        }
    }
    let stage = Stage::new(out)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, NonZeroUsize::get))
        .build()
        .map_err(|error| BuildError::Threads(error.to_string()))?;
    let mut artifacts: Vec<Artifact> = pool.install(|| {
        // One at a time: packages take milliseconds, and the slowest format should not wait for its turn.
        jobs.par_iter()
            .with_max_len(1)
            .map(|job| {
                let artifact = make(job, stage.path(), templates)?;
                progress.one_done();
                Ok(artifact)
            })
            .collect::<Result<_, BuildError>>()
    })?;
    artifacts.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    let mut sums = String::new();
    for artifact in &artifacts {
        let _ = writeln!(sums, "{}  {}", artifact.sha256, artifact.file_name);
    }
    write_new(&stage.path().join(SUMS), sums.as_bytes())?;
    stage.publish(artifacts.iter().map(|artifact| artifact.file_name.as_str()).chain([SUMS]))?;
    Ok(artifacts)
}

fn make(job: &Job, stage: &Path, templates: &Templates) -> Result<Artifact, BuildError> {
    let bytes = job.bytes(templates)?;
    write_new(&stage.join(&job.file_name), &bytes)?;
    Ok(Artifact {
        file_name: job.file_name.clone(),
        kind: job.kind(),
        size: bytes.len() as u64,
        sha256: format!("{:x}", Sha256::digest(&bytes)),
    })
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
mod tests {
    use super::*;

    struct Silent;

    impl Progress for Silent {
        fn one_done(&self) {}
    }

    fn run(jobs: &[Job], out: &Path) -> Result<Vec<Artifact>, BuildError> {
        build(jobs, out, None, &Templates::builtin(), &Silent)
    }

    #[test]
    fn files_appear_with_their_sums_and_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        let jobs = [Job::file("b".into(), b"2".to_vec()), Job::file("a".into(), b"1".to_vec())];
        let artifacts = run(&jobs, out.path()).unwrap();
        let names: Vec<_> = artifacts.iter().map(|artifact| artifact.file_name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let mut present: Vec<_> =
            fs_err::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        present.sort();
        assert_eq!(present, [SUMS, "a", "b"]);
        insta::assert_snapshot!(fs_err::read_to_string(out.path().join(SUMS)).unwrap());
    }

    #[test]
    fn a_collision_is_found_before_anything_is_written() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("dist");
        let jobs = [Job::file("a".into(), Vec::new()), Job::file("a".into(), b"1".to_vec())];
        assert!(matches!(run(&jobs, &out), Err(BuildError::Collision(name)) if name == "a"));
        assert!(!out.exists());
    }

    #[test]
    fn what_fails_leaves_the_folder_as_it_was() {
        let out = tempfile::tempdir().unwrap();
        fs_err::write(out.path().join("a"), "old").unwrap();
        let jobs = [Job::file("a".into(), b"new".to_vec()), Job::file("no/such/folder".into(), Vec::new())];
        assert!(run(&jobs, out.path()).is_err());
        assert_eq!(fs_err::read_to_string(out.path().join("a")).unwrap(), "old");
        assert_eq!(fs_err::read_dir(out.path()).unwrap().count(), 1);
    }
}
