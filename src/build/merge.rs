//! Joins the shards of a fleet. The result is the same as one build of the whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{MANIFEST, Manifest, NoManifest};
use super::stage::Stage;
use super::{SUMS, regular, write_new};

/// The reason why shards cannot be joined. The output folder is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder has no manifest.
    #[error("{}: no {MANIFEST} of a build is there", .0.display())]
    NoManifest(PathBuf),
    /// A folder has an invalid manifest.
    #[error("{}: {why}", .manifest.display())]
    BadManifest {
        /// The manifest.
        manifest: PathBuf,
        /// Its fault.
        why: String,
    },
    /// The shards do not belong together.
    #[error("{}: {why}", .folder.display())]
    Foreign {
        /// The wrong shard.
        folder: PathBuf,
        /// The reason.
        why: String,
    },
    /// A shard is missing.
    #[error("shard {0} is missing")]
    Missing(String),
    /// A file differs from the manifest.
    #[error("{}: not the file that was built: SHA-256 mismatch", .0.display())]
    Damaged(PathBuf),
    /// Two shards have a file with the same name.
    #[error("{0} is in two of the parts")]
    Collision(String),
    /// Something cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Joins shards into `out`, and compares every file with the manifest of its shard.
///
/// # Errors
/// The shards do not belong together, one is missing, or a file was changed. Then nothing is written to `out`.
pub fn merge(parts: &[PathBuf], out: &Path) -> Result<Manifest, MergeError> {
    let mut manifests: BTreeMap<usize, (Manifest, &Path)> = BTreeMap::new();
    let mut count = 0;
    for folder in parts {
        let foreign = |why: String| MergeError::Foreign { folder: folder.clone(), why };
        let (manifest, _) = Manifest::read(folder).map_err(|error| match error {
            NoManifest::Missing => MergeError::NoManifest(folder.clone()),
            NoManifest::Damaged(_) => {
                MergeError::BadManifest { manifest: folder.join(MANIFEST), why: error.to_string() }
            }
        })?;
        let shard = manifest.shard.as_deref().and_then(|shard| shard.split_once('/'));
        let numbers = shard.and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let (number, of): (usize, usize) =
            numbers.ok_or_else(|| foreign("it is no shard, but the whole of a build".to_owned()))?;
        if let Some((first, other)) = manifests.values().next() {
            if of != count {
                return Err(foreign(format!(
                    "it is one of {of} shards, where {} is one of {count}",
                    other.display()
                )));
            }
            if manifest.attest != first.attest {
                return Err(foreign(format!(
                    "it has a different SBOM or provenance than {}",
                    other.display()
                )));
            }
            if manifest.inputs != first.inputs || manifest.postpack != first.postpack {
                return Err(foreign(format!("it was built of other inputs than {}", other.display())));
            }
        }
        count = of;
        if let Some((_, other)) = manifests.insert(number, (manifest, folder.as_path())) {
            return Err(foreign(format!("it is the same shard as {}", other.display())));
        }
    }
    if let Some(missing) = (1..=count).find(|number| !manifests.contains_key(number)) {
        return Err(MergeError::Missing(format!("{missing}/{count}")));
    }
    let stage = Stage::new(out)?;
    for (manifest, folder) in manifests.values() {
        // Documents about a shard do not apply to the whole.
        for file in manifest.units.iter().flat_map(|unit| &unit.files) {
            let path = folder.join(&file.file_name);
            let bytes = match regular::read(&path, file.size) {
                Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                    return Err(MergeError::Damaged(path));
                }
                bytes => bytes?,
            };
            if format!("{:x}", Sha256::digest(&bytes)) != file.sha256 {
                return Err(MergeError::Damaged(path));
            }
            let target = stage.path().join(&file.file_name);
            if target.exists() {
                return Err(MergeError::Collision(file.file_name.to_string()));
            }
            write_new(&target, &bytes)?;
        }
    }
    let first = manifests.values().next().map(|(manifest, _)| manifest);
    let (inputs, attest) =
        first.map(|first| (first.inputs.clone(), first.attest.clone())).unwrap_or_default();
    let units = manifests.into_values().flat_map(|(manifest, _)| manifest.units).collect();
    let mut whole = Manifest::new(inputs, None, attest, units);
    for document in whole.documents()? {
        write_new(&stage.path().join(&document.artifact.file_name), &document.bytes)?;
    }
    write_new(&stage.path().join(SUMS), whole.sums().as_bytes())?;
    let text = whole.to_json().map_err(std::io::Error::from)?;
    write_new(&stage.path().join(MANIFEST), text.as_bytes())?;
    stage.publish(whole.files().map(|file| file.file_name.as_str()).chain([SUMS, MANIFEST]))?;
    Ok(whole)
}
