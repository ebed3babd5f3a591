//! Looking at a published tree: will it go on working (`check`), and is every byte and signature right (`verify`)?

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::format::{self as repository, Signature};
use super::keys::Keys;
use super::names::Name;
use super::publish::{is_kept_by_state, needed, path_of, state, write_indexes};
use super::settings::Settings;
use super::site::{Files, Site};
use super::state::{Item, Publication, State};
use super::{RepoError, day, sha256};
use crate::sign::{
    Certificate, Cleartext, Gravity, Kind, SignError, Signer, unarmored, verify as verify_signature,
};

/// How long ahead trouble is reported, in seconds: 60 days.
const AHEAD: u64 = 60 * 86_400;

/// Something that is wrong or soon will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Whether hosts are affected now.
    pub urgent: bool,
    /// What: a file, a suite or a key.
    pub subject: String,
    /// The fault.
    pub message: String,
    /// The fix; may be empty.
    pub hint: String,
}

impl Fault {
    fn new(urgent: bool, subject: &str, message: impl Into<String>, hint: &str) -> Self {
        Self { urgent, subject: subject.to_owned(), message: message.into(), hint: hint.to_owned() }
    }
}

/// Finds upcoming failures: keys and indexes that expire, dates in the future, packages whose key hosts no longer get, and
/// missing files. `now` is in seconds since 1970 UTC. Packages may be stored elsewhere, but either all or none.
///
/// # Errors
/// The state cannot be read.
pub fn check(settings: &Settings, keys: &Keys, root: &Path, now: u64) -> Result<Vec<Fault>, RepoError> {
    let state = state(settings, keys, root)?;
    let mut faults = Vec::new();
    // Where a kind of key fails was said when it was made.
    for concern in
        keys.concerns(now, AHEAD).into_iter().filter(|concern| concern.gravity > Gravity::Somewhere)
    {
        faults.push(Fault::new(concern.gravity == Gravity::Now, "keys", concern.message, &concern.hint));
    }
    for (name, suite) in &state.suites {
        let Some(current) = suite.current() else { continue };
        if current.date > now {
            let message =
                format!("dated {}, which is in the future: apt rejects it until then", day(current.date));
            faults.push(Fault::new(
                true,
                name.as_str(),
                message,
                "set the clock of the machine that publishes",
            ));
        }
        if let Some(days) = settings.repository.valid_days {
            let end = current.date + u64::from(days) * 86_400;
            let hint = "run `postpack repo resign`, and do so in a weekly job";
            if end <= now {
                faults.push(Fault::new(true, name.as_str(), "its index has expired: apt rejects it", hint));
            } else if end - now < u64::from(days) * 86_400 / 3 {
                let message = format!("its index expires {}", day(end));
                faults.push(Fault::new(false, name.as_str(), message, hint));
            }
        }
    }
    let known: BTreeSet<String> = keys.certificates().into_iter().map(Certificate::fingerprint).collect();
    let lost: BTreeSet<&String> = state
        .items
        .values()
        .filter_map(|item| item.key.as_ref())
        .filter(|key| !known.contains(*key))
        .collect();
    for key in lost {
        let message = format!("packages are signed by the key {key}, which hosts no longer get");
        faults.push(Fault::new(
            true,
            "keys",
            message,
            "add its certificate to repo.toml with `use = \"retire\"`",
        ));
    }
    let there: BTreeSet<String> = Site::list(root)?.into_iter().collect();
    let in_pool = |path: &String| is_kept_by_state(path);
    if there.iter().any(in_pool) {
        for path in needed(&state).difference(&there) {
            faults.push(Fault::new(true, path, "missing", "publish again, or upload it"));
        }
    }
    Ok(faults)
}

/// Compares every file of a tree with the state, makes every index again, and verifies every signature. Files that the
/// state does not know are not looked at. Needs only certificates.
///
/// # Errors
/// The state cannot be read.
pub fn verify(settings: &Settings, keys: &Keys, root: &Path) -> Result<Vec<Fault>, RepoError> {
    let state = state(settings, keys, root)?;
    let certificates = keys.certificates();
    let judge = Judge { root, certificates: &certificates };
    let mut faults: Vec<Fault> =
        state.items.values().par_bridge().filter_map(|item| judge.package(item)).collect();
    for (name, suite) in &state.suites {
        if let Some(current) = suite.current() {
            faults.extend(judge.indexes(settings, &certificates, &state, name, current)?);
        }
    }
    faults.sort_by(|a, b| a.subject.cmp(&b.subject));
    Ok(faults)
}

struct Judge<'j> {
    root: &'j Path,
    certificates: &'j [&'j Certificate],
}

/// Signs nothing: indexes are made with it to be compared, and their signatures are verified apart.
struct Mute<'c>(&'c Certificate);

impl Signer for Mute<'_> {
    fn certificate(&self) -> &Certificate {
        self.0
    }

    fn sign(&self, _: Kind, _: &[u8], _: u64) -> Result<Vec<u8>, SignError> {
        Ok(Vec::new())
    }
}

impl Judge<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        match Site::read(self.root, path) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Fault::new(true, path, "missing", "publish again, or upload it")),
            Err(error) => Err(Fault::new(true, path, error.to_string(), "")),
        }
    }

    fn signature(&self, path: &str, kind: Kind, data: &[u8], signature: &[u8]) -> Option<Fault> {
        let verified = unarmored(signature)
            .and_then(|packets| verify_signature(self.certificates, kind, data, &packets).map(drop));
        verified.err().map(|error| Fault::new(true, path, error.to_string(), ""))
    }

    fn package(&self, item: &Item) -> Option<Fault> {
        let path = path_of(item);
        let bytes = match self.read(&path) {
            Ok(bytes) => bytes,
            Err(fault) => return Some(fault),
        };
        if sha256(&bytes) != item.sha256 {
            return Some(Fault::new(true, &path, "SHA-256 mismatch: not the file that was published", ""));
        }
        match repository::of(item.format).signature() {
            Signature::Index => None,
            Signature::Package(read) => match read(&bytes) {
                Ok(Some((packet, header))) => self.signature(&path, Kind::Binary, &header, &packet),
                Ok(None) => Some(Fault::new(true, &path, "the package has no signature", "")),
                Err(error) => Some(Fault::new(true, &path, error.to_string(), "")),
            },
            Signature::File => match self.read(&format!("{path}.sig")) {
                Ok(packet) => self.signature(&format!("{path}.sig"), Kind::Binary, &bytes, &packet),
                Err(fault) => Some(fault),
            },
        }
    }

    fn indexes(
        &self,
        settings: &Settings,
        certificates: &[&Certificate],
        state: &State,
        suite: &Name,
        current: &Publication,
    ) -> Result<Vec<Fault>, RepoError> {
        let mut faults = Vec::new();
        let mute: Vec<Box<dyn Signer + '_>> =
            certificates.iter().map(|key| Box::new(Mute(key)) as Box<dyn Signer + '_>).collect();
        let first = certificates.first().map(|key| Mute(key));
        let Some(first) = first else { return Ok(faults) };
        let signers: Vec<&dyn Signer> = mute.iter().map(AsRef::as_ref).collect();
        let mut files = Files::default();
        let mut again = current.clone();
        write_indexes(
            settings,
            &first,
            &signers,
            &armor(certificates),
            state,
            suite,
            &mut again,
            &mut files,
        )?;
        let pointers = files.pointers.into_iter().filter_map(|(path, bytes)| Some((path, bytes?)));
        for (path, bytes) in files.fixed.into_iter().chain(pointers) {
            let is_signature = [".asc", ".gpg", ".sig", "InRelease"].iter().any(|end| path.ends_with(end));
            // Hosts get the key file that was current at the time.
            if is_signature || path.rsplit('.').next() == Some("key") {
                continue;
            }
            match self.read(&path) {
                Ok(there) if there == bytes => {}
                Ok(_) => faults.push(Fault::new(true, &path, "it differs from what the state says", "")),
                Err(fault) => faults.push(fault),
            }
        }
        faults.extend(self.signatures(settings, suite, current));
        Ok(faults)
    }

    /// The signatures of the indexes of a suite.
    fn signatures(&self, settings: &Settings, suite: &Name, current: &Publication) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_first = settings.repository.suites.first() == Some(suite);
        let database = super::pacman::database(settings.repository.name.as_str(), suite.as_str(), is_first);
        let apt = format!("apt/dists/{suite}");
        let pairs = [
            (format!("{apt}/Release"), format!("{apt}/Release.gpg")),
            (
                format!("rpm/suites/{suite}/repodata/repomd.xml"),
                format!("rpm/suites/{suite}/repodata/repomd.xml.asc"),
            ),
            (
                format!("rpm/snapshots/{suite}-{}/repodata/repomd.xml", current.serial),
                format!("rpm/snapshots/{suite}-{}/repodata/repomd.xml.asc", current.serial),
            ),
            (format!("pacman/{database}.db"), format!("pacman/{database}.db.sig")),
        ];
        for (data, signature) in pairs {
            match (self.read(&data), self.read(&signature)) {
                (Ok(data), Ok(packets)) => {
                    faults.extend(self.signature(&signature, Kind::Binary, &data, &packets));
                }
                (data, packets) => faults.extend([data.err(), packets.err()].into_iter().flatten()),
            }
        }
        let path = format!("{apt}/InRelease");
        match (self.read(&path), self.read(&format!("{apt}/Release"))) {
            (Ok(bytes), Ok(release)) => {
                let text = String::from_utf8_lossy(&bytes);
                match Cleartext::parse(&text) {
                    Ok(signed) if signed.text.as_bytes() == release => {
                        faults.extend(self.signature(
                            &path,
                            Kind::Text,
                            &signed.signed(),
                            &signed.signatures,
                        ));
                    }
                    Ok(_) => faults.push(Fault::new(true, &path, "its text differs from Release", "")),
                    Err(error) => faults.push(Fault::new(true, &path, error.to_string(), "")),
                }
            }
            (bytes, release) => faults.extend([bytes.err(), release.err()].into_iter().flatten()),
        }
        faults
    }
}

fn armor(certificates: &[&Certificate]) -> String {
    certificates.iter().map(|key| key.to_armor()).collect()
}
