//! What stands in an output folder and what it was made of: so that nothing is built twice.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::job::Made;
use super::{Artifact, SUMS, regular};
use crate::attest::{self, Document, Packaged, Request, Scope, Statement, Words};

/// Name of the manifest in the output folder.
pub const MANIFEST: &str = "manifest.json";

/// What a build has made, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of postpack that made it.
    pub postpack: String,
    /// SHA-256 of all inputs and options, hexadecimal: the same digest, the same bytes.
    pub inputs: String,
    /// Which part of a fleet it is; nothing for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// What was to be said of it.
    #[serde(default, skip_serializing_if = "Request::is_empty")]
    pub attest: Request,
    /// What is said of all of it: bill of materials and provenance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Artifact>,
    /// What was built, in the order of the file names.
    pub units: Vec<Unit>,
}

/// What was made of one spec, or of one row of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unit {
    /// Name of the package.
    pub package: String,
    /// Its version with the release.
    pub version: String,
    /// SHA-256 of everything that its bytes depend on, hexadecimal.
    pub inputs: String,
    /// What a bill of materials says of it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// Its files, by name.
    pub files: Vec<Artifact>,
}

/// Why there is no manifest in a folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoManifest {
    /// There is no such file.
    #[error("it is missing")]
    Missing,
    /// It cannot be read, or is not what a build writes.
    #[error("not the manifest of a build: {0}")]
    Damaged(String),
}

/// When a file was written, and when anything about it changed last. Anybody can set the first, only the kernel the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    written: SystemTime,
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Moment {
    fn of(metadata: &Metadata) -> std::io::Result<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Ok(Self {
            written: metadata.modified()?,
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    fn is_until(self, other: Self) -> bool {
        #[cfg(unix)]
        if self.changed > other.changed {
            return false;
        }
        self.written <= other.written
    }
}

impl Manifest {
    /// A manifest of these units.
    pub(super) fn new(inputs: String, shard: Option<String>, attest: Request, mut units: Vec<Unit>) -> Self {
        let first = |unit: &Unit| unit.files.first().map(|file| file.file_name.clone());
        units.sort_by_cached_key(first);
        let postpack = env!("CARGO_PKG_VERSION").to_owned();
        Self { postpack, inputs, shard, attest, documents: Vec::new(), units }
    }

    /// Makes what is to be said of all that was built, and lists it.
    pub(super) fn documents(&mut self) -> std::io::Result<Vec<Made>> {
        let mut made = Vec::new();
        if self.attest.sbom.contains(&Scope::Build) {
            let packages: Vec<Packaged<'_>> = self
                .units
                .iter()
                .flat_map(|unit| unit.files.iter().filter_map(|file| unit.packaged(file)))
                .collect();
            made.push(Made::new(attest::SBOM, "sbom", Document::new("sbom", &packages).to_json()?)?);
        }
        self.documents = made.iter().map(|made| made.artifact.clone()).collect();
        if let Some(provenance) = &self.attest.provenance {
            let mut subjects: Vec<(&str, &str)> =
                self.files().map(|file| (file.file_name.as_str(), file.sha256.as_str())).collect();
            subjects.sort_unstable();
            let (sbom, shard) = (self.attest.sbom.as_slice(), self.shard.as_deref());
            let text = Statement { subjects, provenance, sbom, shard }.to_json()?;
            let statement = Made::new(attest::PROVENANCE, "provenance", text)?;
            self.documents.push(statement.artifact.clone());
            made.push(statement);
        }
        Ok(made)
    }

    /// Checksums of all files, in the format of sha256sum(1) and the order of the names.
    pub(super) fn sums(&self) -> String {
        let mut files: Vec<&Artifact> = self.files().collect();
        files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        files
            .into_iter()
            .fold(String::new(), |sums, file| sums + &file.sha256 + "  " + file.file_name.as_str() + "\n")
    }

    /// The manifest of a folder, with the time it was written.
    ///
    /// # Errors
    /// There is none that we understand: then nothing is known of the folder.
    pub(super) fn read(folder: &Path) -> Result<(Self, Moment), NoManifest> {
        // That of 10,000 hosts in three formats has 12 MB.
        const LARGEST: u64 = 1 << 30;
        let path = folder.join(MANIFEST);
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => NoManifest::Missing,
            _ => NoManifest::Damaged(error.to_string()),
        };
        let bytes = regular::read(&path, LARGEST).map_err(failed)?;
        let written = std::fs::symlink_metadata(&path).and_then(|metadata| Moment::of(&metadata));
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| NoManifest::Damaged(error.to_string()))?;
        let mut names = HashSet::from([SUMS, MANIFEST]);
        if let Some(file) = manifest.files().find(|file| !names.insert(file.file_name.as_str())) {
            return Err(NoManifest::Damaged(format!("it lists {} twice", file.file_name)));
        }
        Ok((manifest, written.map_err(failed)?))
    }

    /// One unit a line: a fleet's manifest is read by people with grep, too.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        let empty = Self {
            postpack: self.postpack.clone(),
            inputs: self.inputs.clone(),
            shard: self.shard.clone(),
            attest: self.attest.clone(),
            documents: self.documents.clone(),
            units: Vec::new(),
        };
        let mut text = serde_json::to_string(&empty)?;
        text.truncate(text.len() - "]}".len());
        for (index, unit) in self.units.iter().enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&serde_json::to_string(unit)?);
        }
        text.push_str("\n]}\n");
        Ok(text)
    }

    /// All files, unit by unit, and what is said of all of them.
    pub fn files(&self) -> impl Iterator<Item = &Artifact> + Clone {
        self.units.iter().flat_map(|unit| &unit.files).chain(&self.documents)
    }

    /// Whether all of its files are there as they were made.
    pub(super) fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        self.units.par_iter().all(|unit| unit.is_whole(folder, written))
            && self.documents.iter().all(|file| file.is_whole(folder, written))
    }
}

impl Unit {
    /// Whether its files are there, of the same size, and not written to since the manifest was.
    pub(super) fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        self.files.iter().all(|file| file.is_whole(folder, written))
    }

    /// One of its files as a bill of materials describes it; nothing if it is no package.
    fn packaged<'a>(&'a self, file: &'a Artifact) -> Option<Packaged<'a>> {
        Some(Packaged {
            format: file.kind.parse().ok()?,
            name: &self.package,
            version: file.version.as_deref()?,
            file_name: file.file_name.as_str(),
            sha256: &file.sha256,
            words: self.words.as_ref()?,
            depends: &file.depends,
            files: Vec::new(),
        })
    }
}

impl Artifact {
    /// Whether it is there, of the same size, and not written to since the manifest was.
    fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        std::fs::symlink_metadata(folder.join(&self.file_name)).is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.len() == self.size
                && Moment::of(&metadata).is_ok_and(|moment| moment.is_until(written))
        })
    }

    /// Whether its bytes are those that the manifest lists.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        regular::sha256(&folder.join(&self.file_name), self.size).as_ref() == Some(&self.sha256)
    }

    /// Whether it is a package.
    pub fn is_package(&self) -> bool {
        self.kind.parse::<crate::platform::Format>().is_ok()
    }
}
