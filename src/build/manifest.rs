//! What stands in an output folder and what it was made of: so that nothing is built twice.

use std::path::Path;
use std::time::SystemTime;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Artifact;
use super::job::Made;
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
            made.push(Made::new(attest::SBOM, "sbom", Document::new("sbom", &packages).to_json()?));
        }
        self.documents = made.iter().map(|made| made.artifact.clone()).collect();
        if let Some(provenance) = &self.attest.provenance {
            let mut subjects: Vec<(&str, &str)> =
                self.files().map(|file| (file.file_name.as_str(), file.sha256.as_str())).collect();
            subjects.sort_unstable();
            let (sbom, shard) = (self.attest.sbom.as_slice(), self.shard.as_deref());
            let text = Statement { subjects, provenance, sbom, shard }.to_json()?;
            let statement = Made::new(attest::PROVENANCE, "provenance", text);
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
            .fold(String::new(), |sums, file| sums + &file.sha256 + "  " + &file.file_name + "\n")
    }

    /// The manifest of a folder, with the time it was written; nothing where there is none that we understand: then
    /// everything is built.
    pub(super) fn read(folder: &Path) -> Option<(Self, SystemTime)> {
        let path = folder.join(MANIFEST);
        let time = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
        let manifest = serde_json::from_slice(&fs_err::read(&path).ok()?).ok()?;
        Some((manifest, time))
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
    pub(super) fn is_whole(&self, folder: &Path, written: SystemTime) -> bool {
        self.units.par_iter().all(|unit| unit.is_whole(folder, written))
            && self.documents.iter().all(|file| file.is_whole(folder, written))
    }
}

impl Unit {
    /// Whether its files are there, of the same size, and not written to since the manifest was.
    pub(super) fn is_whole(&self, folder: &Path, written: SystemTime) -> bool {
        self.files.iter().all(|file| file.is_whole(folder, written))
    }

    /// One of its files as a bill of materials describes it; nothing if it is no package.
    fn packaged<'a>(&'a self, file: &'a Artifact) -> Option<Packaged<'a>> {
        Some(Packaged {
            format: file.kind.parse().ok()?,
            name: &self.package,
            version: file.version.as_deref()?,
            file_name: &file.file_name,
            sha256: &file.sha256,
            words: self.words.as_ref()?,
            depends: &file.depends,
            files: Vec::new(),
        })
    }
}

impl Artifact {
    /// Whether it is there, of the same size, and not written to since the manifest was.
    fn is_whole(&self, folder: &Path, written: SystemTime) -> bool {
        std::fs::symlink_metadata(folder.join(&self.file_name)).is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.len() == self.size
                && metadata.modified().is_ok_and(|time| time <= written)
        })
    }
}
