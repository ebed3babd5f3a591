//! File trees on disk, for `render`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path};

use super::FileName;
use super::stage::Stage;
use crate::plan::HostFile;

/// The reason why a tree was not written. The folder is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The path is not a folder, or the folder is not empty: nothing is overwritten.
    #[error("{0} is not an empty folder; render writes into a new or empty one only")]
    Occupied(String),
    /// Two trees would have the same folder.
    #[error("two rows make a package of the name {0}")]
    Twice(FileName),
    /// The folder cannot be written to.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// File trees in a new or empty folder. Either all of them are written, or none.
#[allow(missing_debug_implementations, reason = "a folder under way says nothing")]
pub struct Trees {
    stage: Stage,
    tops: BTreeSet<String>,
    count: usize,
}

impl Trees {
    /// Begins without trees.
    ///
    /// # Errors
    /// The folder is not empty, or cannot be written.
    pub fn new(out: &Path) -> Result<Self, TreeError> {
        if out.exists() && !(out.is_dir() && fs_err::read_dir(out)?.next().is_none()) {
            return Err(TreeError::Occupied(out.display().to_string()));
        }
        Ok(Self { stage: Stage::new(out)?, tops: BTreeSet::new(), count: 0 })
    }

    /// Adds the files of a host, in a folder with this name, or as the only tree.
    ///
    /// # Errors
    /// Another tree has the folder, or a file cannot be written.
    pub fn add(&mut self, folder: Option<&FileName>, files: &[HostFile]) -> Result<(), TreeError> {
        if let Some(name) = folder
            && !self.tops.insert(name.to_string())
        {
            return Err(TreeError::Twice(name.clone()));
        }
        let root =
            folder.map_or_else(|| self.stage.path().to_path_buf(), |name| self.stage.path().join(name));
        for file in files {
            let relative = Path::new(file.path.trim_start_matches('/'));
            if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
                let message = format!("{} is not a path below a folder", file.path);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
            }
            if folder.is_none() {
                self.tops.extend(relative.iter().next().map(|top| top.to_string_lossy().into_owned()));
            }
            let path = root.join(relative);
            if let Some(parent) = path.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::write(&path, &file.content)?;
            set_mode(&path, file.mode)?;
            self.count += 1;
        }
        Ok(())
    }

    /// Moves all trees into the folder, and returns the number of their files.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn publish(self) -> Result<usize, TreeError> {
        self.stage.publish(self.tops.iter().map(String::as_str))?;
        Ok(self.count)
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
