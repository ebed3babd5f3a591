//! The state of the published tree: `state.json`, which is signed and part of the tree. With it, a publisher needs no packages
//! of earlier publications.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::RepoError;
use super::names::Name;
use crate::build::FileName;
use crate::platform::Format;

/// Names of the state and its signature in the tree.
pub(super) const STATE: &str = "state.json";
pub(super) const SIGNATURE: &str = "state.json.asc";

/// The form of the file; another number is a later postpack's.
const FORM: u32 = 1;

/// State of the published tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    form: u32,
    /// Name of the repository.
    pub name: Name,
    /// Number of the newest publication of any suite.
    pub serial: u64,
    /// Version of the release package, and the digest of what is in it.
    pub release: (u64, String),
    /// Packages by their numbers.
    pub items: BTreeMap<u64, Item>,
    /// Suites by name.
    pub suites: BTreeMap<Name, Suite>,
}

/// A package that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// Its format.
    pub format: Format,
    /// Its name.
    pub name: String,
    /// Its version as the format writes it.
    pub version: String,
    /// Its file in the pool.
    pub file: FileName,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 before it was signed: what `postpack build` made.
    pub source: String,
    /// When it was built, in seconds since 1970 UTC.
    pub time: u64,
    /// The publication that brought it.
    pub serial: u64,
    /// The fingerprint of the key that signed it; apt has no signatures of packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its entry in the index.
    pub entry: String,
}

/// A suite.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Publications, the newest last.
    pub publications: Vec<Publication>,
}

/// One publication of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Its number, which only grows.
    pub serial: u64,
    /// Its date in seconds since 1970 UTC, which only grows.
    pub date: u64,
    /// Description of the change, for people.
    pub what: String,
    /// Numbers of its packages.
    pub items: BTreeSet<u64>,
    /// Index files that only it has, by their paths in the tree.
    pub files: BTreeSet<String>,
}

impl Suite {
    /// The current content for clients.
    pub fn current(&self) -> Option<&Publication> {
        self.publications.last()
    }
}

impl State {
    /// The state of a repository without packages.
    pub(super) fn new(name: &Name) -> Self {
        Self {
            form: FORM,
            name: name.clone(),
            serial: 0,
            release: (0, String::new()),
            items: BTreeMap::new(),
            suites: BTreeMap::new(),
        }
    }

    /// Reads a state.
    ///
    /// # Errors
    /// It is none, or is not consistent.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, RepoError> {
        let damaged = |why: String| RepoError::State(format!("{STATE}: {why}"));
        let state: Self = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if state.form != FORM {
            return Err(damaged(format!("form {} is of another version of postpack", state.form)));
        }
        for publication in state.suites.values().flat_map(|suite| &suite.publications) {
            if let Some(missing) = publication.items.iter().find(|id| !state.items.contains_key(id)) {
                return Err(damaged(format!(
                    "publication {} has an unknown package {missing}",
                    publication.serial
                )));
            }
            // The one place where a path could leave the tree.
            for path in &publication.files {
                if path.split('/').any(|name| FileName::new(name).is_err()) {
                    return Err(damaged(format!("`{}` is not a path in the tree", path.escape_debug())));
                }
            }
        }
        Ok(state)
    }

    /// The text of the file: an item a line.
    pub(super) fn to_json(&self) -> Result<String, RepoError> {
        let failed = |error: serde_json::Error| RepoError::State(error.to_string());
        let mut text = format!(
            "{{\"form\":{},\"name\":{},\"serial\":{},\"release\":{},\"items\":{{",
            self.form,
            serde_json::to_string(&self.name).map_err(failed)?,
            self.serial,
            serde_json::to_string(&self.release).map_err(failed)?,
        );
        for (index, (id, item)) in self.items.iter().enumerate() {
            text.push_str(if index == 0 { "\n\"" } else { ",\n\"" });
            text.push_str(&id.to_string());
            text.push_str("\":");
            text.push_str(&serde_json::to_string(item).map_err(failed)?);
        }
        text.push_str("\n},\"suites\":");
        text.push_str(&serde_json::to_string(&self.suites).map_err(failed)?);
        text.push_str("}\n");
        Ok(text)
    }

    /// The packages of a publication.
    pub fn items_of<'s>(&'s self, publication: &'s Publication) -> impl Iterator<Item = &'s Item> + Clone {
        publication.items.iter().filter_map(|id| self.items.get(id))
    }

    /// Forgets all but the newest publications of each suite, and packages that no publication has.
    pub(super) fn forget(&mut self, keep: usize) {
        for suite in self.suites.values_mut() {
            let old = suite.publications.len().saturating_sub(keep);
            suite.publications.drain(..old);
        }
        let used: BTreeSet<u64> = self
            .suites
            .values()
            .flat_map(|suite| &suite.publications)
            .flat_map(|one| one.items.clone())
            .collect();
        self.items.retain(|id, _| used.contains(id));
    }
}
