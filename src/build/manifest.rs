//! What stands in an output folder and what it was made of: so that nothing is built twice.

use std::path::Path;
use std::time::SystemTime;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Artifact;

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
    /// Its files, by name.
    pub files: Vec<Artifact>,
}

impl Manifest {
    /// A manifest of these units.
    pub(super) fn new(inputs: String, shard: Option<String>, mut units: Vec<Unit>) -> Self {
        let first = |unit: &Unit| unit.files.first().map(|file| file.file_name.clone());
        units.sort_by_cached_key(first);
        Self { postpack: env!("CARGO_PKG_VERSION").to_owned(), inputs, shard, units }
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
        let empty = Self { units: Vec::new(), ..self.clone() };
        let mut text = serde_json::to_string(&empty)?;
        text.truncate(text.len() - "]}".len());
        for (index, unit) in self.units.iter().enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&serde_json::to_string(unit)?);
        }
        text.push_str("\n]}\n");
        Ok(text)
    }

    /// All files, unit by unit.
    pub fn files(&self) -> impl Iterator<Item = &Artifact> + Clone {
        self.units.iter().flat_map(|unit| &unit.files)
    }

    /// Whether all of its files are there as they were made.
    pub(super) fn is_whole(&self, folder: &Path, written: SystemTime) -> bool {
        self.units.par_iter().all(|unit| unit.is_whole(folder, written))
    }
}

impl Unit {
    /// Whether its files are there, of the same size, and not written to since the manifest was.
    pub(super) fn is_whole(&self, folder: &Path, written: SystemTime) -> bool {
        self.files.iter().all(|file| {
            std::fs::symlink_metadata(folder.join(&file.file_name)).is_ok_and(|metadata| {
                metadata.is_file()
                    && metadata.len() == file.size
                    && metadata.modified().is_ok_and(|time| time <= written)
            })
        })
    }
}
