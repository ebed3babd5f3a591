//! The lists of files of a folder: the manifest, the checksums, and the folder itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Mismatch, compare, listed, words, wrong_file};
use crate::build::{FileName, MANIFEST, Manifest, Options, SUMS, Unit, Units, regular};

/// Suffixes of signatures, which are made after the build.
const SIGNATURES: [&str; 4] = [".asc", ".sig", ".sigstore.json", ".minisig"];

/// Maximum number of differing checksum lines to show.
const SHOWN: usize = 10;

/// Units of the manifest that are not compared: rows that are not selected, or other shards.
pub(super) fn kept<'m>(
    before: &'m Manifest,
    made: &[Unit],
    units: &dyn Units,
    options: &Options,
) -> Vec<&'m Unit> {
    let of_another_shard = options.shard.is_some() && before.shard.is_none();
    let made: BTreeSet<&FileName> =
        made.iter().flat_map(|unit| &unit.files).map(|file| &file.file_name).collect();
    let is_made = |unit: &Unit| unit.files.iter().any(|file| made.contains(&file.file_name));
    let kept = before.units.iter().filter(|unit| of_another_shard || units.keeps(unit));
    kept.filter(|unit| !is_made(unit)).collect()
}

/// Files with findings, for which differences in lists are not reported.
fn known(mismatches: &[Mismatch]) -> BTreeSet<&str> {
    mismatches.iter().map(|mismatch| mismatch.file_name.as_str()).collect()
}

/// Faults of the checksums.
pub(super) fn sums(
    manifest: &Manifest,
    folder: &Path,
    mismatches: &[Mismatch],
) -> std::io::Result<Vec<Mismatch>> {
    let ours = manifest.sums();
    let Some(mut whole) = compare(SUMS, ours.as_bytes(), folder)? else { return Ok(Vec::new()) };
    if whole.byte.is_none() {
        return Ok(vec![whole]);
    }
    // Twice the length of any list that could be shown.
    let text = match regular::read(&folder.join(SUMS), 2 * ours.len() as u64 + (1 << 20)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return wrong_file(SUMS, error).map(|mismatch| vec![mismatch]),
    };
    let (theirs, ours) = (by_name(&text), by_name(&ours));
    let known = known(mismatches);
    let mut what = Vec::new();
    for (name, digest) in ours.iter().filter(|(name, _)| !known.contains(*name)) {
        match theirs.get(name) {
            Some(other) if other == digest => {}
            Some(other) => what.push(format!("{name}: `{other}`, where the input makes `{digest}`")),
            None => what.push(format!("{name} is missing")),
        }
    }
    let foreign = theirs.keys().filter(|name| !ours.contains_key(*name) && **name != MANIFEST);
    let mut found: Vec<Mismatch> = foreign
        .map(|name| Mismatch::new(*name, format!("{SUMS} lists it, and nothing in the input makes it")))
        .collect();
    if what.is_empty() && found.is_empty() && known.is_empty() {
        what.push("the same checksums, written differently".to_owned());
    }
    if !what.is_empty() {
        let more = what.len().saturating_sub(SHOWN);
        what.truncate(SHOWN);
        what.extend((more > 0).then(|| format!("and {more} more")));
        whole.what = what;
        found.push(whole);
    }
    Ok(found)
}

/// Digests by name. Invalid lines have no name, so they are found only by the comparison of bytes.
fn by_name(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once("  ")).map(|(digest, name)| (name, digest)).collect()
}

/// Faults of the manifest.
pub(super) fn manifest(
    ours: &Manifest,
    folder: &Path,
    mismatches: &[Mismatch],
) -> std::io::Result<Option<Mismatch>> {
    let text = ours.to_json()?;
    let Some(mut whole) = compare(MANIFEST, text.as_bytes(), folder)? else { return Ok(None) };
    let Ok((theirs, _)) = Manifest::read(folder) else { return Ok(Some(whole)) };
    let known = known(mismatches);
    let comparable = |manifest: &Manifest| {
        let mut manifest = manifest.clone();
        manifest.units.retain(|unit| unit.files.iter().all(|file| !known.contains(file.file_name.as_str())));
        manifest.documents.retain(|file| !known.contains(file.file_name.as_str()));
        if !known.is_empty() {
            // Different inputs mean different files.
            manifest.inputs = String::new();
        }
        serde_json::to_value(manifest)
    };
    match words::value("", &comparable(&theirs)?, &comparable(ours)?) {
        Some(what) => whole.what = vec![what],
        None if known.is_empty() => whole.what = vec!["the same values, written differently".to_owned()],
        None => return Ok(None),
    }
    Ok(Some(whole))
}

/// Files of the folder that are in no list.
pub(super) fn strangers(
    manifest: &Manifest,
    folder: &Path,
    mismatches: &[Mismatch],
) -> std::io::Result<Vec<Mismatch>> {
    let (listed, known) = (listed(manifest), known(mismatches));
    let is_signature = |name: &str| {
        SIGNATURES.iter().any(|end| name.strip_suffix(end).is_some_and(|name| listed.contains(name)))
    };
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !listed.contains(name.as_str()) && !known.contains(name.as_str()) && !is_signature(&name) {
            found.push(Mismatch::new(name, "nothing in the input makes it"));
        }
    }
    Ok(found)
}
