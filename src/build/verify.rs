//! Builds again what is in a folder and compares it byte for byte.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::manifest::{Manifest, Unit};
use super::{BuildError, MANIFEST, Options, Progress, SUMS, Units, inspect, job, pool};
use crate::attest::{self, Provenance, Request};
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

/// What was made again of a unit, and what is wrong with the files in the folder.
type Compared = (Unit, Vec<Mismatch>);

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
/// Bills of materials and provenance are made again if the folder's manifest asks for them; of what, is said by
/// `options`, and only the name of the builder is taken from there.
///
/// # Errors
/// Something is wrong with the units, or the folder cannot be read.
pub fn verify(
    units: &dyn Units,
    folder: &Path,
    whole: bool,
    options: &Options,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Verdict, BuildError> {
    let before = Manifest::read(folder).map(|(manifest, _)| manifest);
    let attest = before.as_ref().map(|before| request(&before.attest, options)).unwrap_or_default();
    // Its list of files says whether some rows are all; of the whole nobody asks.
    let before = before.filter(|_| !whole);
    let compared: Vec<Option<Compared>> = pool(options.threads)?.install(|| {
        (0..units.count())
            .into_par_iter()
            .with_max_len(1)
            .map(|unit| {
                if progress.is_over() {
                    return Err(BuildError::Interrupted);
                }
                let Some(jobs) = units.jobs(unit) else { return Ok(None) };
                let files = jobs.par_iter().with_max_len(1).map(|job| {
                    let made = job.make(templates, &attest.sbom)?.into_iter().map(|made| {
                        let mismatch = compare(&made.artifact.file_name, &made.bytes, folder)?;
                        Ok((made.artifact, mismatch))
                    });
                    made.collect::<Result<Vec<_>, BuildError>>()
                });
                let files: Vec<Vec<_>> = files.collect::<Result<_, BuildError>>()?;
                let (files, mismatches): (Vec<_>, Vec<_>) = files.into_iter().flatten().unzip();
                progress.one_done();
                let unit = job::unit(&jobs, String::new(), files, &attest.sbom);
                Ok(Some((unit, mismatches.into_iter().flatten().collect())))
            })
            .collect::<Result<_, BuildError>>()
    })?;
    if compared.iter().any(Option::is_none) {
        return Err(BuildError::Refused);
    }
    let (units, mismatches): (Vec<Unit>, Vec<Vec<Mismatch>>) = compared.into_iter().flatten().unzip();
    let mut mismatches = mismatches.concat();
    let mut made = Manifest::new(String::new(), options.shard.clone(), attest, units);
    // What is said of all that was built can be made again only of all.
    if whole || before.is_some_and(|before| names(&before.units) == names(&made.units)) {
        for document in made.documents()? {
            mismatches.extend(compare(&document.artifact.file_name, &document.bytes, folder)?);
        }
    }
    let names: BTreeSet<&str> = made.files().map(|file| file.file_name.as_str()).collect();
    if whole {
        mismatches.extend(foreign(folder, &names)?);
    }
    mismatches.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    Ok(Verdict { compared: names.len(), mismatches })
}

/// What is to be said again of what is built again.
fn request(before: &Request, options: &Options) -> Request {
    let origin = options.attest.provenance.as_ref().map(|provenance| provenance.origin.clone());
    let provenance = before.provenance.as_ref().zip(origin);
    Request {
        sbom: before.sbom.clone(),
        provenance: provenance
            .map(|(before, origin)| Provenance { builder_id: before.builder_id.clone(), origin }),
    }
}

fn names(units: &[Unit]) -> BTreeSet<&str> {
    units.iter().flat_map(|unit| &unit.files).map(|file| file.file_name.as_str()).collect()
}

/// Files in the list of checksums that the inputs do not make, and documents that are in no list.
fn foreign(folder: &Path, names: &BTreeSet<&str>) -> std::io::Result<Vec<Mismatch>> {
    let sums = match fs_err::read_to_string(folder.join(SUMS)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        sums => sums?,
    };
    let listed: BTreeSet<&str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    // An old document beside a new package would tell lies about it.
    let documents = [attest::SBOM, attest::PROVENANCE].map(str::to_owned).into_iter();
    let stray = documents
        .chain(names.iter().map(|name| format!("{name}{}", attest::SBOM_EXTENSION)))
        .filter(|name| !listed.contains(name.as_str()) && folder.join(name).exists())
        .map(|name| (name, format!("it is there, and {SUMS} does not list it")));
    let listed = listed
        .iter()
        .map(|name| ((*name).to_owned(), format!("{SUMS} lists it, and nothing in the input makes it")));
    Ok(listed
        .chain(stray)
        .filter(|(name, _)| !names.contains(name.as_str()) && *name != MANIFEST)
        .map(|(file_name, why)| Mismatch { file_name, byte: None, what: vec![why] })
        .collect())
}

fn compare(name: &str, ours: &[u8], folder: &Path) -> std::io::Result<Option<Mismatch>> {
    let path = folder.join(name);
    match fs_err::File::open(&path) {
        Ok(theirs) if is_same(&theirs, ours)? => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = vec!["it is not there".to_owned()];
            return Ok(Some(Mismatch { file_name: name.to_owned(), byte: None, what }));
        }
        Err(error) => return Err(error),
    }
    let theirs = fs_err::read(&path)?;
    let same = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let mut what = vec![];
    if theirs.len() != ours.len() {
        what.push(format!("{} bytes, where the input makes {}", theirs.len(), ours.len()));
    }
    match (inspect(&theirs), inspect(ours)) {
        (Ok(theirs), Ok(ours)) => what.extend(differences(&theirs, &ours)),
        (Err(error), Ok(_)) => what.push(format!("it is damaged: {error}")),
        _ => what.extend(json_difference(&theirs, ours)),
    }
    Ok(Some(Mismatch { file_name: name.to_owned(), byte: Some(same as u64), what }))
}

/// Whether a file holds these bytes: a part at a time, because the documents of a fleet are large.
fn is_same(file: impl Read, mut bytes: &[u8]) -> std::io::Result<bool> {
    let mut file = BufReader::new(file);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(bytes.is_empty());
        }
        let Some(rest) = bytes.strip_prefix(part) else { return Ok(false) };
        bytes = rest;
        let length = part.len();
        file.consume(length);
    }
}

/// The first value that differs, where the input makes a document in JSON.
fn json_difference(theirs: &[u8], ours: &[u8]) -> Option<String> {
    // The document of a large fleet would take more memory than all else together; the byte says enough.
    const READABLE: usize = 16 << 20;
    if theirs.len().max(ours.len()) > READABLE {
        return None;
    }
    match (serde_json::from_slice(theirs), serde_json::from_slice(ours)) {
        (Ok(theirs), Ok(ours)) => value_difference("", &theirs, &ours),
        (Err(error), Ok(_)) => Some(format!("it is damaged: {error}")),
        (_, Err(_)) => None,
    }
}

/// Where two values differ first, as a JSON pointer.
fn value_difference(place: &str, theirs: &Value, ours: &Value) -> Option<String> {
    let next = |key: &str| format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) if theirs.keys().eq(ours.keys()) => theirs
            .iter()
            .zip(ours.values())
            .find_map(|((key, theirs), ours)| value_difference(&next(key), theirs, ours)),
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => theirs
            .iter()
            .zip(ours)
            .enumerate()
            .find_map(|(index, (theirs, ours))| value_difference(&next(&index.to_string()), theirs, ours)),
        _ if theirs == ours => None,
        _ => {
            let (theirs, ours) = (theirs.to_string(), ours.to_string());
            Some(if theirs.len() + ours.len() < 200 {
                format!("value {place}: `{theirs}`, where the input makes `{ours}`")
            } else {
                format!("value {place} is another")
            })
        }
    }
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
