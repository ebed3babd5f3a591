//! Changes of a repository: publications, promotions, rollbacks, removals, new signatures. All of them end in one function,
//! which builds the indexes of every suite that changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use wildmatch::WildMatch;

use super::format::{self as repository, Signature};
use super::keys::Keys;
use super::names::Name;
use super::package::{Prepared, pool_name, prepare};
use super::settings::Settings;
use super::site::{Files, Site};
use super::state::{Item, Publication, SIGNATURE, STATE, State};
use super::{RepoError, apt, clients, day, dnf, pacman, page, sha256};
use crate::build::{self, Artifact};
use crate::platform::Format;
use crate::sign::{self, Kind, Signer, armored, unarmored, verify};

/// The tolerance of apt for dates in the future, in seconds.
const TOLERANCE: u64 = 10;

/// Selection of packages by patterns with `*` and `?` for their names; all without a pattern.
#[derive(Debug, Clone, Default)]
pub struct Selection(Vec<WildMatch>);

impl Selection {
    /// The packages that match one of the patterns.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| WildMatch::new(pattern)).collect())
    }

    /// Whether a package is meant.
    pub fn has(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(name))
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The number of the newest publication.
    pub serial: u64,
    /// Packages that the suite has now and had not before, with their versions.
    pub added: Vec<(Format, String, String)>,
    /// Packages that it had and has no more.
    pub removed: Vec<(Format, String, String)>,
}

/// A repository that can be changed.
#[derive(Debug)]
pub struct Repository<'r> {
    /// Settings of the repository.
    pub settings: &'r Settings,
    /// Its keys.
    pub keys: &'r Keys,
    /// The folder of the published tree.
    pub root: PathBuf,
    /// The time of the clock, in seconds since 1970 UTC: nothing may be dated later.
    pub now: u64,
    /// The date of publications, instead of that of the newest package.
    pub date: Option<u64>,
}

/// The new content of a suite, and the reason.
struct Change {
    suite: Name,
    items: BTreeSet<u64>,
    what: String,
    /// Whether it is a publication even if the suite has just these packages.
    always: bool,
}

impl Change {
    fn new(suite: &Name, items: BTreeSet<u64>, what: impl Into<String>) -> Self {
        Self { suite: suite.clone(), items, what: what.into(), always: false }
    }
}

impl Repository<'_> {
    /// The state in the tree, whose signature must be by a key of the repository; that of an empty one if there is none.
    ///
    /// # Errors
    /// It is damaged, or somebody else signed it.
    pub fn state(&self) -> Result<State, RepoError> {
        state(self.settings, self.keys, &self.root)
    }

    /// Adds the packages of build folders to a suite. They replace those of the same name.
    ///
    /// # Errors
    /// A package was published with other bytes under its version, is damaged, or cannot be signed.
    pub fn publish(
        &self,
        folders: &[PathBuf],
        suite: &Name,
        only: &Selection,
    ) -> Result<Published, RepoError> {
        self.known(suite)?;
        self.keys.refuse_bad(self.now)?;
        let tree = Site::lock(&self.root)?;
        let mut state = self.state()?;
        let (known, new) = sort_out(folders, only, &state)?;
        let signer = self.keys.first()?;
        let prepared: Vec<(Prepared, String)> = new
            .par_iter()
            .map(|(folder, format, artifact)| {
                let bytes = build::artifact(folder, artifact)?;
                let prepared = prepare(*format, artifact.file_name.as_str(), bytes, signer)?;
                Ok((prepared, artifact.sha256.clone()))
            })
            .collect::<Result<_, RepoError>>()?;
        let mut files = Files::default();
        let mut ids = known;
        for (prepared, source) in prepared {
            ids.push(self.take_in(&mut state, &mut files, prepared, source)?);
        }
        if ids.is_empty() {
            return Err(RepoError::Unknown("no package matches".to_owned()));
        }
        let count = ids.len();
        let items = with(&state, suite, &ids);
        let what = format!("published {count} packages");
        self.commit(&tree, state, vec![Change::new(suite, items, what)], files)
    }

    /// Gives a suite the packages of another one: the same files, so the same bytes.
    ///
    /// # Errors
    /// No package matches, or a file cannot be written.
    pub fn promote(&self, from: &Name, to: &Name, only: &Selection) -> Result<Published, RepoError> {
        self.known(from)?;
        self.known(to)?;
        let tree = Site::lock(&self.root)?;
        let state = self.state()?;
        let ids = current(&state, from).into_iter().filter(|id| only.has(&state.items[id].name));
        let ids: Vec<u64> = ids.collect();
        if ids.is_empty() {
            return Err(RepoError::Unknown(format!("no package of {from} matches")));
        }
        let items = with(&state, to, &ids);
        let what = format!("promoted from {from}");
        self.commit(&tree, state, vec![Change::new(to, items, what)], Files::default())
    }

    /// Removes packages from a suite.
    ///
    /// # Errors
    /// No package matches, or a file cannot be written.
    pub fn remove(&self, suite: &Name, only: &Selection) -> Result<Published, RepoError> {
        self.known(suite)?;
        let tree = Site::lock(&self.root)?;
        let state = self.state()?;
        let before = current(&state, suite);
        let release = clients::package_name(self.settings);
        let goes = |id: &u64| state.items[id].name != release && only.has(&state.items[id].name);
        let items: BTreeSet<u64> = before.iter().copied().filter(|id| !goes(id)).collect();
        if items == before {
            return Err(RepoError::Unknown(format!("no package of {suite} matches")));
        }
        let what = format!("removed {} packages", before.len() - items.len());
        self.commit(&tree, state, vec![Change::new(suite, items, what)], Files::default())
    }

    /// Gives a suite the packages of an earlier publication, under a newer date: clients ignore an older one.
    ///
    /// # Errors
    /// There is no such publication any more, or a file cannot be written.
    pub fn rollback(&self, suite: &Name, to: u64) -> Result<Published, RepoError> {
        self.known(suite)?;
        let tree = Site::lock(&self.root)?;
        let state = self.state()?;
        let publications =
            state.suites.get(suite).map(|suite| suite.publications.as_slice()).unwrap_or_default();
        let Some(earlier) = publications.iter().find(|publication| publication.serial == to) else {
            let all: Vec<String> = publications.iter().map(|one| one.serial.to_string()).collect();
            let error = format!("{suite} has no publication {to}; it has {}", all.join(", "));
            return Err(RepoError::Unknown(error));
        };
        let items = earlier.items.clone();
        let what = format!("rolled back to publication {to}");
        self.commit(&tree, state, vec![Change::new(suite, items, what)], Files::default())
    }

    /// Signs every index again, with a newer date. Packages keep the signatures that they have.
    ///
    /// # Errors
    /// Nothing has been published, or a file cannot be written.
    pub fn resign(&self) -> Result<Published, RepoError> {
        self.keys.refuse_bad(self.now)?;
        let tree = Site::lock(&self.root)?;
        let state = self.state()?;
        let changes = |suite: &Name| Change {
            always: true,
            ..Change::new(suite, current(&state, suite), "signed again")
        };
        let changes: Vec<Change> = state.suites.keys().map(changes).collect();
        if changes.is_empty() {
            return Err(RepoError::Unknown("nothing has been published yet".to_owned()));
        }
        self.commit(&tree, state, changes, Files::default())
    }

    /// Forgets old publications, and removes files that no publication needs. Returns how many files it removed.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn prune(&self) -> Result<usize, RepoError> {
        let tree = Site::lock(&self.root)?;
        let mut state = self.state()?;
        if state.release.1 != clients::digest(self.settings, self.keys) {
            let error = "keys or addresses in repo.toml have changed: publish or resign first".to_owned();
            return Err(RepoError::Unknown(error));
        }
        state.forget(self.settings.repository.keep);
        let mut files = Files::default();
        self.finish(&state, &mut files)?;
        tree.write(&files)?;
        let needed = needed(&state);
        let surplus: Vec<String> = Site::list(&self.root)?
            .into_iter()
            .filter(|path| is_kept_by_state(path) && !needed.contains(path))
            .collect();
        let count = surplus.len();
        tree.remove(surplus)?;
        Ok(count)
    }

    fn known(&self, suite: &Name) -> Result<(), RepoError> {
        let suites = &self.settings.repository.suites;
        if suites.contains(suite) {
            return Ok(());
        }
        let all: Vec<&str> = suites.iter().map(Name::as_str).collect();
        Err(RepoError::Unknown(format!("there is no suite `{suite}`; repo.toml has {}", all.join(", "))))
    }

    /// Puts a package into the pool and into the state, under a new number.
    fn take_in(
        &self,
        state: &mut State,
        files: &mut Files,
        prepared: Prepared,
        source: String,
    ) -> Result<u64, RepoError> {
        let Prepared { format, name, version, time, file, bytes, signature, entry } = prepared;
        let id = state.items.last_key_value().map_or(1, |(id, _)| id + 1);
        let key = match repository::of(format).signature() {
            Signature::Index => None,
            Signature::Package(_) | Signature::File => Some(self.keys.first()?.certificate().fingerprint()),
        };
        let (size, sha256) = (bytes.len() as u64, sha256(&bytes));
        let serial = state.serial + 1;
        let item = Item { format, name, version, file, size, sha256, source, time, serial, key, entry };
        let path = path_of(&item);
        if let Some(signature) = signature {
            files.fix(format!("{path}.sig"), signature);
        }
        files.fix(path, bytes);
        state.items.insert(id, item);
        Ok(id)
    }

    /// Makes new publications of suites, and writes them.
    fn commit(
        &self,
        site: &Site,
        mut state: State,
        changes: Vec<Change>,
        mut files: Files,
    ) -> Result<Published, RepoError> {
        let before: BTreeMap<Name, BTreeSet<u64>> =
            state.suites.keys().map(|suite| (suite.clone(), current(&state, suite))).collect();
        let changes = self.with_release(&mut state, changes, &mut files)?;
        let Change { suite, items: wanted, .. } = changes.first().ok_or_else(nothing)?;
        let old = before.get(suite).cloned().unwrap_or_default();
        let named = |ids: Vec<&u64>, state: &State| {
            let item = |id: &&u64| {
                state.items.get(id).map(|item| (item.format, item.name.clone(), item.version.clone()))
            };
            ids.iter().filter_map(item).collect()
        };
        let added = named(wanted.difference(&old).collect(), &state);
        let removed = named(old.difference(wanted).collect(), &state);
        let differs = |change: &Change| change.always || before.get(&change.suite) != Some(&change.items);
        for change in changes.into_iter().filter(differs) {
            self.index(&mut state, change, &mut files)?;
        }
        self.finish(&state, &mut files)?;
        site.write(&files)?;
        Ok(Published { serial: state.serial, added, removed })
    }

    /// Adds the release packages. If they changed, every suite gets the new ones, so that hosts learn new keys.
    fn with_release(
        &self,
        state: &mut State,
        mut changes: Vec<Change>,
        files: &mut Files,
    ) -> Result<Vec<Change>, RepoError> {
        let digest = clients::digest(self.settings, self.keys);
        let name = clients::package_name(self.settings);
        if state.release.1 != digest {
            state.release = (state.release.0 + 1, digest);
            for suite in state.suites.keys() {
                if !changes.iter().any(|change| change.suite == *suite) {
                    let items = current(state, suite);
                    changes.push(Change::new(suite, items, "new keys or addresses"));
                }
            }
            for (format, file, bytes) in clients::packages(self.settings, self.keys, state.release.0)? {
                let source = sha256(&bytes);
                let prepared = prepare(format, &file, bytes, self.keys.first()?)?;
                self.take_in(state, files, prepared, source)?;
            }
        }
        // The newest ones: numbers only grow.
        let newest: BTreeMap<Format, u64> = state
            .items
            .iter()
            .filter(|(_, item)| item.name == name)
            .map(|(id, item)| (item.format, *id))
            .collect();
        for change in &mut changes {
            change.items.retain(|id| state.items[id].name != name);
            change.items.extend(newest.values());
        }
        Ok(changes)
    }

    /// Makes a publication of a suite and its indexes.
    fn index(&self, state: &mut State, change: Change, files: &mut Files) -> Result<(), RepoError> {
        let Change { suite, items, what, always: _ } = change;
        let newest =
            items.iter().filter_map(|id| state.items.get(id)).map(|item| item.time).max().unwrap_or_default();
        let wanted = match (self.date, self.settings.repository.valid_days) {
            (Some(date), _) => date,
            // An index that expires must be valid from now on.
            (None, Some(_)) => self.now,
            (None, None) => newest,
        };
        let last = state.suites.get(&suite).and_then(|suite| suite.current()).map_or(0, |last| last.date);
        let date = wanted.max(last + 1);
        if date > self.now + TOLERANCE {
            return Err(RepoError::Rejected(format!(
                "{suite} would be dated {}, which is in the future: apt rejects that. Is a package dated so, or the \
                 clock slow?",
                day(date)
            )));
        }
        state.serial += 1;
        let mut publication = Publication { serial: state.serial, date, what, items, files: BTreeSet::new() };
        let (first, all, key_file) = (self.keys.first()?, self.keys.all(), self.keys.to_armor());
        write_indexes(self.settings, first, &all, &key_file, state, &suite, &mut publication, files)?;
        state.suites.entry(suite).or_default().publications.push(publication);
        Ok(())
    }

    /// Files that exist once: files for hosts, the page, and the state with its signature.
    fn finish(&self, state: &State, files: &mut Files) -> Result<(), RepoError> {
        for (path, bytes) in clients::files(self.settings, self.keys, state.release.0)? {
            files.point(path, bytes);
        }
        files.point("index.html", page::html(self.settings, self.keys, state, files)?);
        let signer = self.keys.first()?;
        let newest = state.suites.values().filter_map(|suite| suite.current()).map(|last| last.date).max();
        let time = sign::time_of(signer.certificate(), newest.unwrap_or_default());
        let text = state.to_json()?;
        let signature = signer.sign(Kind::Binary, text.as_bytes(), time)?;
        files.point(SIGNATURE, armored("SIGNATURE", &signature));
        files.point(STATE, text);
        Ok(())
    }
}

/// The state of a tree, whose signature is verified by the certificates of the keys.
pub(super) fn state(settings: &Settings, keys: &Keys, root: &Path) -> Result<State, RepoError> {
    let name = &settings.repository.name;
    let Some(bytes) = Site::read(root, STATE)? else { return Ok(State::new(name)) };
    let missing = || RepoError::State(format!("{STATE} has no signature: {SIGNATURE} is missing"));
    let signature = Site::read(root, SIGNATURE)?.ok_or_else(missing)?;
    let wrong = |error: sign::SignError| RepoError::State(format!("{STATE}: {error}"));
    let signature = unarmored(&signature).map_err(wrong)?;
    verify(&keys.certificates(), Kind::Binary, &bytes, &signature).map_err(wrong)?;
    let state = State::parse(&bytes)?;
    if state.name != *name {
        return Err(RepoError::State(format!(
            "{STATE} is that of `{}`, and repo.toml that of `{name}`",
            state.name
        )));
    }
    Ok(state)
}

/// The indexes of a publication in all formats.
#[expect(clippy::too_many_arguments, reason = "all of them are parts of one publication")]
pub(super) fn write_indexes(
    settings: &Settings,
    first: &dyn Signer,
    all: &[&dyn Signer],
    key_file: &str,
    state: &State,
    suite: &Name,
    publication: &mut Publication,
    files: &mut Files,
) -> Result<(), RepoError> {
    let description = &settings.repository;
    let mut items: Vec<&Item> = publication.items.iter().filter_map(|id| state.items.get(id)).collect();
    items.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let of = |format: Format| items.clone().into_iter().filter(move |item| item.format == format);
    let suite_name = suite.as_str();
    let is_first = description.suites.first() == Some(suite);
    let database = pacman::database(description.name.as_str(), suite_name, is_first);
    dnf::files(&description.url, suite_name, publication, of(Format::Rpm), first, key_file, files)?;
    pacman::files(&database, publication, of(Format::Pacman), first, files)?;
    apt::files(description, suite_name, publication, of(Format::Deb), all, files)
}

/// Packages of build folders that were published before, by their numbers, and those that are new.
type Sorted<'f> = (Vec<u64>, Vec<(&'f Path, Format, Artifact)>);

fn sort_out<'f>(folders: &'f [PathBuf], only: &Selection, state: &State) -> Result<Sorted<'f>, RepoError> {
    let published: HashMap<(Format, &str), (u64, &Item)> =
        state.items.iter().map(|(id, item)| ((item.format, item.file.as_str()), (*id, item))).collect();
    let mut seen: HashMap<(Format, String), String> = HashMap::new();
    let mut sorted: Sorted<'f> = Default::default();
    for folder in folders {
        let manifest = build::manifest(folder).map_err(RepoError::Dist)?;
        for unit in manifest.units.iter().filter(|unit| only.has(&unit.package)) {
            for file in &unit.files {
                let Ok(format) = file.kind.parse::<Format>() else { continue };
                let name = pool_name(file.file_name.as_str())?;
                if let Some(other) = seen.insert((format, name.as_str().to_owned()), file.sha256.clone()) {
                    if other != file.sha256 {
                        return Err(RepoError::Dist(format!(
                            "two folders have a different {}",
                            file.file_name
                        )));
                    }
                    continue;
                }
                match published.get(&(format, name.as_str())) {
                    Some((id, item)) if item.source == file.sha256 => sorted.0.push(*id),
                    Some(_) => return Err(RepoError::Changed(file.file_name.to_string())),
                    None => sorted.1.push((folder, format, file.clone())),
                }
            }
        }
    }
    Ok(sorted)
}

fn nothing() -> RepoError {
    RepoError::Unknown("nothing was to be changed".to_owned())
}

/// The current packages of a suite.
fn current(state: &State, suite: &Name) -> BTreeSet<u64> {
    let current = state.suites.get(suite).and_then(|suite| suite.current());
    current.map(|publication| publication.items.clone()).unwrap_or_default()
}

/// The packages of a suite after these replace others with the same names.
fn with(state: &State, suite: &Name, ids: &[u64]) -> BTreeSet<u64> {
    let name = |id: &u64| state.items.get(id).map(|item| (item.format, item.name.as_str()));
    let new: BTreeSet<_> = ids.iter().filter_map(name).collect();
    let kept =
        current(state, suite).into_iter().filter(|id| name(id).is_some_and(|name| !new.contains(&name)));
    kept.chain(ids.iter().copied()).collect()
}

/// Where the file of a package is.
pub(super) fn path_of(item: &Item) -> String {
    format!("{}/{}", repository::of(item.format).pool(), item.file)
}

/// The files of a package: the package, and its signature if that is a separate file.
pub(super) fn files_of(item: &Item) -> impl Iterator<Item = String> + use<> {
    let path = path_of(item);
    let has_file = matches!(repository::of(item.format).signature(), Signature::File);
    let signature = has_file.then(|| format!("{path}.sig"));
    [Some(path), signature].into_iter().flatten()
}

/// The files of all packages and publications.
pub(super) fn needed(state: &State) -> BTreeSet<String> {
    let packages = state.items.values().flat_map(files_of);
    let publications = state.suites.values().flat_map(|suite| &suite.publications);
    packages.chain(publications.flat_map(|publication| publication.files.clone())).collect()
}

/// Whether a path is one of those that the state lists one by one: packages, and indexes of one publication.
pub(super) fn is_kept_by_state(path: &str) -> bool {
    let is_database = path.trim_end_matches(".sig").rsplit('.').next() == Some("db");
    path.starts_with("apt/pool/")
        || path.contains("/by-hash/")
        || path.starts_with("rpm/pool/")
        || path.starts_with("rpm/snapshots/")
        || (path.starts_with("rpm/suites/") && path.ends_with(".xml.gz"))
        || (path.starts_with("pacman/") && !is_database)
}
