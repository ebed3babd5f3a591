//! The tree on disk. Files that never change are written first; then those that clients begin with, all of which are made
//! before the first of them is renamed. A journal lets the next run finish what a killed one began.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::RepoError;
use crate::build::FileName;

/// The folder of what is not published.
const PRIVATE: &str = ".postpack";
const JOURNAL: &str = "journal.json";

/// Files of a publication: paths in the tree, and their bytes.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Files that never change once they are there.
    pub(super) fixed: Vec<(String, Vec<u8>)>,
    /// Files that are replaced, in the order of the renames; without bytes, they are removed.
    pub(super) pointers: Vec<(String, Option<Vec<u8>>)>,
}

impl Files {
    pub(super) fn fix(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.fixed.push((path.into(), bytes.into()));
    }

    pub(super) fn point(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.pointers.push((path.into(), Some(bytes.into())));
    }
}

/// A tree that only this process changes.
#[derive(Debug)]
pub(super) struct Site {
    root: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

/// Entry of a file in the journal: the staged file that replaces it; `None` if it is removed.
#[derive(Debug, Serialize, Deserialize)]
struct Move {
    path: String,
    staged: Option<usize>,
}

impl Site {
    /// Locks a tree, and finishes what a killed process left.
    ///
    /// # Errors
    /// Another process has it, or a file cannot be written.
    pub(super) fn lock(root: &Path) -> Result<Self, RepoError> {
        let private = root.join(PRIVATE);
        fs_err::create_dir_all(&private)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(private.join("lock"))?;
        let taken = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive);
        taken.map_err(|_| RepoError::Locked(root.display().to_string()))?;
        let site = Self { root: root.to_path_buf(), _lock: lock };
        site.recover()?;
        Ok(site)
    }

    /// The bytes of a file; nothing if it is not there.
    pub(super) fn read(root: &Path, path: &str) -> Result<Option<Vec<u8>>, RepoError> {
        match fs_err::read(root.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(std::io::Error::new(error.kind(), format!("{path}: {error}")).into()),
        }
    }

    fn private(&self, name: &str) -> PathBuf {
        self.root.join(PRIVATE).join(name)
    }

    fn path(&self, path: &str) -> Result<PathBuf, RepoError> {
        let mut full = self.root.clone();
        for name in path.split('/') {
            full.push(FileName::new(name)?);
        }
        Ok(full)
    }

    /// Writes a publication. Until all of it is on disk, the tree shows what it showed before.
    ///
    /// # Errors
    /// A path leaves the tree, or a file cannot be written.
    pub(super) fn write(&self, files: &Files) -> Result<(), RepoError> {
        for (path, bytes) in &files.fixed {
            let full = self.path(path)?;
            // Other bytes are those of a publication that was killed before anybody saw it: the state knows the others.
            if Self::read(&self.root, path)?.as_ref() == Some(bytes) {
                continue;
            }
            let folder = full.parent().unwrap_or(&self.root);
            fs_err::create_dir_all(folder)?;
            let staged = self.private("file");
            fs_err::write(&staged, bytes)?;
            fs_err::rename(&staged, &full)?;
        }
        let mut moves = Vec::new();
        for (path, bytes) in &files.pointers {
            let full = self.path(path)?;
            let there = Self::read(&self.root, path)?;
            // The final state counts: a file can be removed first and then added again.
            let last = files.pointers.iter().rev().find(|(other, _)| other == path);
            if there.as_deref() == last.and_then(|(_, bytes)| bytes.as_deref()) {
                continue;
            }
            let Some(bytes) = bytes else {
                moves.push(Move { path: path.clone(), staged: None });
                continue;
            };
            fs_err::create_dir_all(full.parent().unwrap_or(&self.root))?;
            let staged = self.private(&moves.len().to_string());
            write_synced(&staged, bytes)?;
            // apt and pacman keep the file that they have if the new one is not newer, by whole seconds.
            if let Ok(old) = std::fs::metadata(&full).and_then(|metadata| metadata.modified()) {
                let newer = SystemTime::now().max(old + Duration::from_secs(1));
                OpenOptions::new().write(true).open(&staged)?.set_modified(newer)?;
            }
            moves.push(Move { path: path.clone(), staged: Some(moves.len()) });
        }
        if moves.is_empty() {
            return Ok(());
        }
        let journal = serde_json::to_vec(&moves).map_err(std::io::Error::from)?;
        write_synced(&self.private("journal"), &journal)?;
        // From here on the publication is made, even if this process is killed.
        fs_err::rename(self.private("journal"), self.private(JOURNAL))?;
        self.recover()
    }

    /// Does what the journal says, and empties the private folder.
    fn recover(&self) -> Result<(), RepoError> {
        if let Some(journal) = Self::read(&self.root, &format!("{PRIVATE}/{JOURNAL}"))? {
            let damaged =
                |error: serde_json::Error| RepoError::State(format!("{PRIVATE}/{JOURNAL}: {error}"));
            let moves: Vec<Move> = serde_json::from_slice(&journal).map_err(damaged)?;
            for Move { path, staged } in &moves {
                let full = self.path(path)?;
                let done = match staged {
                    Some(number) => fs_err::rename(self.private(&number.to_string()), &full),
                    None => fs_err::remove_file(&full),
                };
                // It was done before the kill.
                if let Err(error) = done
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    return Err(error.into());
                }
            }
            fs_err::remove_file(self.private(JOURNAL))?;
        }
        for entry in fs_err::read_dir(self.root.join(PRIVATE))? {
            let entry = entry?;
            if entry.file_name() != "lock" {
                fs_err::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes files, and folders that are empty then. Those that are not there are no error.
    pub(super) fn remove(&self, paths: impl IntoIterator<Item = String>) -> Result<(), RepoError> {
        for path in paths {
            let full = self.path(&path)?;
            match fs_err::remove_file(&full) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            let mut folder = full.parent();
            while let Some(empty) = folder.filter(|folder| *folder != self.root) {
                if std::fs::remove_dir(empty).is_err() {
                    break;
                }
                folder = empty.parent();
            }
        }
        Ok(())
    }

    /// All published files, by their paths in the tree.
    ///
    /// # Errors
    /// A folder cannot be read, or a name is not one that we write.
    pub(super) fn list(root: &Path) -> Result<Vec<String>, RepoError> {
        fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), RepoError> {
            for entry in fs_err::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if prefix.is_empty() && name == PRIVATE {
                    continue;
                }
                let path = format!("{prefix}{}", FileName::new(name)?);
                if entry.file_type()?.is_dir() {
                    walk(&entry.path(), &format!("{path}/"), found)?;
                } else {
                    found.push(path);
                }
            }
            Ok(())
        }
        let mut found = Vec::new();
        walk(root, "", &mut found)?;
        found.sort();
        Ok(found)
    }
}

/// Writes a file that a rename will put in place. It is on disk before.
fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), RepoError> {
    let mut file = fs_err::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}
