//! The content of an output folder and its inputs, so that nothing is built twice.

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

/// The outputs and inputs of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of postpack that made it.
    pub postpack: String,
    /// SHA-256 of all inputs and options, hexadecimal. The same digest means the same bytes.
    pub inputs: String,
    /// The shard of a fleet; `None` for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The requested documents.
    #[serde(default, skip_serializing_if = "Request::is_empty")]
    pub attest: Request,
    /// The documents about the build: bill of materials and provenance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Artifact>,
    /// The units, in the order of the file names.
    pub units: Vec<Unit>,
}

/// The output of one spec, or of one row of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unit {
    /// Name of the package.
    pub package: String,
    /// Its version with the release.
    pub version: String,
    /// SHA-256 of all its inputs, hexadecimal.
    pub inputs: String,
    /// Its entry in a bill of materials, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// Its files, by name.
    pub files: Vec<Artifact>,
}

/// The reason why a folder has no valid manifest.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoManifest {
    /// There is no such file.
    #[error("it is missing")]
    Missing,
    /// It cannot be read, or was not written by a build.
    #[error("not the manifest of a build: {0}")]
    Damaged(String),
}

/// Times of the last write and of the last change (mtime and ctime). Anyone can set the first; only the kernel sets the second.
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

    /// Makes the documents about the build, and lists them.
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

    /// The manifest of a folder, with the time when it was written.
    ///
    /// # Errors
    /// There is no valid manifest, so the content of the folder is unknown.
    pub(super) fn read(folder: &Path) -> Result<(Self, Moment), NoManifest> {
        // The manifest of 10,000 hosts in three formats has 12 MB.
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

    /// Writes one unit per line, because people also read the manifest of a fleet with grep.
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

    /// All files, unit by unit, and then the documents.
    pub fn files(&self) -> impl Iterator<Item = &Artifact> + Clone {
        self.units.iter().flat_map(|unit| &unit.files).chain(&self.documents)
    }

    /// Whether all of its files exist unchanged.
    pub(super) fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        self.units.par_iter().all(|unit| unit.is_whole(folder, written))
            && self.documents.iter().all(|file| file.is_whole(folder, written))
    }
}

impl Unit {
    /// Whether its files exist with the same size, and were not written after the manifest.
    pub(super) fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        self.files.iter().all(|file| file.is_whole(folder, written))
    }

    /// The entry of one of its files in a bill of materials; `None` if it is not a package.
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
    /// Whether it exists with the same size, and was not written after the manifest.
    fn is_whole(&self, folder: &Path, written: Moment) -> bool {
        std::fs::symlink_metadata(folder.join(&self.file_name)).is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.len() == self.size
                && Moment::of(&metadata).is_ok_and(|moment| moment.is_until(written))
        })
    }

    /// Whether its digest is the one in the manifest.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        regular::sha256(&folder.join(&self.file_name), self.size).as_ref() == Some(&self.sha256)
    }

    /// Whether it is a package.
    pub fn is_package(&self) -> bool {
        self.kind.parse::<crate::platform::Format>().is_ok()
    }
}
