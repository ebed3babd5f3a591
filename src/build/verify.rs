//! Rebuilds the content of a folder and compares it byte for byte. Nothing in the folder is trusted: neither a file nor a list
//! of files.

mod lists;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::manifest::{Manifest, NoManifest, Unit};
use super::{BuildError, MANIFEST, Options, Progress, SUMS, Units, job, pool, regular};
use crate::attest::{self, Provenance, Scope};
use crate::template::Templates;

/// A file that differs from its rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mismatch {
    /// Its name in the folder.
    pub file_name: String,
    /// The first byte that differs, from 0; `None` if the file is missing or unknown.
    pub byte: Option<u64>,
    /// The differences, each a sentence: fields, files and scripts of a package.
    pub what: Vec<String>,
}

impl Mismatch {
    fn new(file_name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file_name: file_name.into(), byte: None, what: vec![what.into()] }
    }
}

/// Documents that must be in the folder, even if its manifest does not list them.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// Bills of materials.
    pub sbom: Vec<Scope>,
    /// The provenance.
    pub provenance: bool,
    /// The builder that the provenance names.
    pub builder_id: Option<String>,
}

/// The rebuild of a unit, and the faults of the files in the folder.
type Compared = (Unit, Vec<Mismatch>);

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// The number of rebuilt files.
    pub compared: usize,
    /// The differing files, by name.
    pub mismatches: Vec<Mismatch>,
}

/// Rebuilds every file of the units in memory, and compares it with the one in the folder. Then it does the same for the
/// documents, the manifest and the checksums. Every other file of the folder is a mismatch, unless it is a signature.
///
/// If only some rows of a fleet, or one shard, are compared, the entries of the lists about the others are trusted. The name of
/// the builder in the provenance is read from the folder unless it is given.
///
/// # Errors
/// A unit is wrong, or the folder cannot be read.
pub fn verify(
    units: &dyn Units,
    folder: &Path,
    demands: &Demands,
    options: &Options,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Verdict, BuildError> {
    let read = Manifest::read(folder).map(|(manifest, _)| manifest);
    let before = read.as_ref().ok();
    let mut sbom: BTreeSet<Scope> = demands.sbom.iter().copied().collect();
    sbom.extend(before.iter().flat_map(|before| &before.attest.sbom));
    let sbom: Vec<Scope> = sbom.into_iter().collect();
    // The digest of inputs is the same as in `build` for the same request.
    let mut options = options.clone();
    options.attest.sbom = sbom;
    options.attest.provenance = provenance(before, demands, &options);
    let options = &options;
    let (made, mut mismatches) = compare_units(units, folder, options, templates, progress)?;
    let compared: usize = made.iter().map(|unit| unit.files.len()).sum();

    let kept = before.map(|before| lists::kept(before, &made, units, options)).unwrap_or_default();
    let partial = before.filter(|_| !kept.is_empty());
    let mut attest = options.attest.clone();
    let mut manifest = if let Some(before) = partial {
        // The inputs of all rows are unknown if only some are compared.
        if let (Some(ours), Some(theirs)) = (&mut attest.provenance, &before.attest.provenance) {
            ours.origin = theirs.origin.clone();
        }
        let units = made.into_iter().chain(kept.into_iter().cloned()).collect();
        Manifest::new(before.inputs.clone(), before.shard.clone(), attest, units)
    } else {
        let inputs = options.digest_of_all(options.part.is_empty());
        Manifest::new(inputs, options.shard.clone(), attest, made)
    };
    let mut documents = 0;
    if let Some(before) = partial {
        manifest.documents.clone_from(&before.documents);
    } else {
        for document in manifest.documents()? {
            documents += 1;
            mismatches.extend(compare(document.artifact.file_name.as_str(), &document.bytes, folder)?);
        }
    }
    mismatches.extend(lists::sums(&manifest, folder, &mismatches)?);
    mismatches.extend(match read {
        Err(error @ NoManifest::Damaged(_)) => Some(Mismatch::new(MANIFEST, error.to_string())),
        _ => lists::manifest(&manifest, folder, &mismatches)?,
    });
    mismatches.extend(lists::strangers(&manifest, folder, &mismatches)?);
    mismatches.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    Ok(Verdict { compared: compared + documents, mismatches })
}

fn compare_units(
    units: &dyn Units,
    folder: &Path,
    options: &Options,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<(Vec<Unit>, Vec<Mismatch>), BuildError> {
    let sbom = options.attest.sbom.as_slice();
    let compared: Vec<Option<Compared>> = pool(options.threads)?.install(|| {
        (0..units.count())
            .into_par_iter()
            .with_max_len(1)
            .map(|unit| {
                if progress.is_over() {
                    return Err(BuildError::Interrupted);
                }
                let inputs = options.digest(&units.inputs(unit));
                let Some(jobs) = units.jobs(unit) else { return Ok(None) };
                let files = jobs.par_iter().with_max_len(1).map(|job| {
                    let made = job.make(templates, sbom)?.into_iter().map(|made| {
                        let mismatch = compare(made.artifact.file_name.as_str(), &made.bytes, folder)?;
                        Ok((made.artifact, mismatch))
                    });
                    made.collect::<Result<Vec<_>, BuildError>>()
                });
                let files: Vec<Vec<_>> = files.collect::<Result<_, BuildError>>()?;
                let (files, mismatches): (Vec<_>, Vec<_>) = files.into_iter().flatten().unzip();
                progress.one_done();
                let unit = job::unit(&jobs, inputs, files, sbom);
                Ok(Some((unit, mismatches.into_iter().flatten().collect())))
            })
            .collect::<Result<_, BuildError>>()
    })?;
    if compared.iter().any(Option::is_none) {
        return Err(BuildError::Refused);
    }
    let (units, mismatches): (Vec<Unit>, Vec<Vec<Mismatch>>) = compared.into_iter().flatten().unzip();
    Ok((units, mismatches.concat()))
}

/// The required provenance, if any.
fn provenance(before: Option<&Manifest>, demands: &Demands, options: &Options) -> Option<Provenance> {
    let before = before.and_then(|before| before.attest.provenance.as_ref());
    if before.is_none() && !demands.provenance {
        return None;
    }
    let theirs = before.map(|before| before.builder_id.clone());
    let builder_id = demands.builder_id.clone().or(theirs).unwrap_or_else(|| attest::BUILDER.to_owned());
    let origin = options.attest.provenance.as_ref()?.origin.clone();
    Some(Provenance { builder_id, origin })
}

fn compare(name: &str, ours: &[u8], folder: &Path) -> std::io::Result<Option<Mismatch>> {
    // A file that is so much longer than the rebuild cannot be the same.
    const SPARE: usize = 64 << 20;
    let path = folder.join(name);
    let theirs = match regular::holds(&path, ours) {
        Ok(true) => return Ok(None),
        Ok(false) => regular::read(&path, (ours.len() + SPARE) as u64),
        Err(error) => Err(error),
    };
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return wrong_file(name, error).map(Some),
    };
    let same = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    Ok(Some(Mismatch { file_name: name.to_owned(), byte: Some(same as u64), what: words::of(&theirs, ours) }))
}

/// The fault of a file that was not read to its end.
fn wrong_file(name: &str, error: std::io::Error) -> std::io::Result<Mismatch> {
    use std::io::ErrorKind;
    let what = match error.kind() {
        ErrorKind::NotFound => "missing",
        ErrorKind::InvalidInput => "not a regular file",
        ErrorKind::FileTooLarge => "much longer than what the input makes",
        _ => return Err(error),
    };
    Ok(Mismatch::new(name, what))
}

/// Whether a file name is expected: a listed file, or a list.
fn listed(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.files().map(|file| file.file_name.as_str()).chain([SUMS, MANIFEST]).collect()
}
