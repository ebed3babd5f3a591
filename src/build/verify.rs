//! Builds again what is in a folder and compares it byte for byte.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::{BuildError, MANIFEST, Progress, SUMS, Units, inspect, pool};
use crate::package::Inspection;
use crate::template::Templates;

/// A file that is not what the inputs make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mismatch {
    /// Its name in the folder.
    pub file_name: String,
    /// The first byte that differs, from 0; nothing where the file is missing or not ours.
    pub byte: Option<u64>,
    /// What differs, each a sentence: fields, files and scripts of a package.
    pub what: Vec<String>,
}

/// Files that were made again, with what is wrong with each.
type Compared = Vec<(String, Option<Mismatch>)>;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// How many files were made again.
    pub compared: usize,
    /// Those that differ, by name.
    pub mismatches: Vec<Mismatch>,
}

/// Makes every file of the units again, in memory, and compares it with the one in the folder. If the units are the
/// `whole` of what was built, the folder must list nothing else.
///
/// # Errors
/// Something is wrong with the units, or the folder cannot be read.
pub fn verify(
    units: &dyn Units,
    folder: &Path,
    whole: bool,
    threads: Option<NonZeroUsize>,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Verdict, BuildError> {
    let compared: Vec<Option<Compared>> = pool(threads)?.install(|| {
        (0..units.count())
            .into_par_iter()
            .with_max_len(1)
            .map(|unit| {
                if progress.is_over() {
                    return Err(BuildError::Interrupted);
                }
                let Some(jobs) = units.jobs(unit) else { return Ok(None) };
                let files = jobs.par_iter().with_max_len(1).map(|job| {
                    let bytes = job.bytes(templates)?;
                    let name = job.file_name().to_owned();
                    let mismatch = compare(&name, &bytes, folder)?;
                    Ok((name, mismatch))
                });
                let files = files.collect::<Result<_, BuildError>>()?;
                progress.one_done();
                Ok(Some(files))
            })
            .collect::<Result<_, BuildError>>()
    })?;
    if compared.iter().any(Option::is_none) {
        return Err(BuildError::Refused);
    }
    let files: Compared = compared.into_iter().flatten().flatten().collect();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut mismatches = if whole { foreign(folder, &names)? } else { Vec::new() };
    let compared = files.len();
    mismatches.extend(files.into_iter().filter_map(|(_, mismatch)| mismatch));
    mismatches.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    Ok(Verdict { compared, mismatches })
}

/// Files in the list of checksums that the inputs do not make.
fn foreign(folder: &Path, names: &BTreeSet<&str>) -> std::io::Result<Vec<Mismatch>> {
    let sums = match fs_err::read_to_string(folder.join(SUMS)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        sums => sums?,
    };
    let listed = sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name);
    Ok(listed
        .filter(|name| !names.contains(name) && *name != MANIFEST)
        .map(|name| Mismatch {
            file_name: name.to_owned(),
            byte: None,
            what: vec![format!("{SUMS} lists it, and nothing in the input makes it")],
        })
        .collect())
}

fn compare(name: &str, ours: &[u8], folder: &Path) -> std::io::Result<Option<Mismatch>> {
    let theirs = match fs_err::read(folder.join(name)) {
        Ok(theirs) => theirs,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = vec!["it is not there".to_owned()];
            return Ok(Some(Mismatch { file_name: name.to_owned(), byte: None, what }));
        }
        Err(error) => return Err(error),
    };
    if theirs == ours {
        return Ok(None);
    }
    let same = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let mut what = vec![];
    if theirs.len() != ours.len() {
        what.push(format!("{} bytes, where the input makes {}", theirs.len(), ours.len()));
    }
    match (inspect(&theirs), inspect(ours)) {
        (Ok(theirs), Ok(ours)) => what.extend(differences(&theirs, &ours)),
        (Err(error), Ok(_)) => what.push(format!("it is damaged: {error}")),
        _ => {}
    }
    Ok(Some(Mismatch { file_name: name.to_owned(), byte: Some(same as u64), what }))
}

/// What differs between two packages, each a sentence.
fn differences(theirs: &Inspection, ours: &Inspection) -> Vec<String> {
    let mut what = Vec::new();
    let mut pairs = |kind: &str, theirs: &[(String, String)], ours: &[(String, String)]| {
        for (name, value) in ours {
            match theirs.iter().find(|(known, _)| known == name) {
                Some((_, other)) if other == value => {}
                Some((_, other)) if value.len() + other.len() < 200 => {
                    what.push(format!("{kind} {name}: `{other}`, where the input makes `{value}`"));
                }
                Some(_) => what.push(format!("{kind} {name} is another")),
                None => what.push(format!("{kind} {name} is missing")),
            }
        }
        for (name, _) in theirs.iter().filter(|(name, _)| !ours.iter().any(|(known, _)| known == name)) {
            what.push(format!("{kind} {name} is not made by the input"));
        }
    };
    pairs("field", &theirs.fields, &ours.fields);
    pairs("script", &theirs.scripts, &ours.scripts);
    let files = |inspection: &Inspection| -> Vec<(String, String)> {
        let row = |file: &crate::package::InspectedFile| {
            let digest = file.sha256.as_deref().or(file.target.as_deref()).unwrap_or_default();
            (file.path.clone(), format!("{} {} {} {digest}", file.mode, file.owner, file.size))
        };
        inspection.files.iter().map(row).collect()
    };
    pairs("file", &files(theirs), &files(ours));
    if what.is_empty() {
        what.push("the same fields, files and scripts, packed in another way".to_owned());
    }
    what
}
