//! All at once or not at all: a folder inside of the output folder, from which files are renamed at the end.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Where files are made until all of them are there. Dropped before that, it leaves the disk as it was.
pub(super) struct Stage {
    out: PathBuf,
    /// `None` once published.
    made: Option<TempDir>,
    /// Folders that were not there before, the deepest first.
    new_folders: Vec<PathBuf>,
}

impl Stage {
    /// A stage for a folder, which is made if need be.
    pub(super) fn new(out: &Path) -> Result<Self> {
        let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let new_folders = out.ancestors().take_while(is_new).map(Path::to_path_buf).collect();
        let mut stage = Self { out: out.to_path_buf(), made: None, new_folders };
        fs_err::create_dir_all(out)?;
        stage.made = Some(tempfile::Builder::new().prefix(".postpack-").tempdir_in(out)?);
        Ok(stage)
    }

    /// The folder to make things in.
    pub(super) fn path(&self) -> &Path {
        self.made.as_ref().map_or(&self.out, TempDir::path)
    }

    /// Puts things into the output folder, by their names in the stage.
    pub(super) fn publish<'a>(mut self, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        // The one thing in the way that rename(2) would find only half-way through.
        if let Some(path) = names.clone().map(|name| self.out.join(name)).find(|path| path.is_dir()) {
            let message = format!("{} is a folder and in the way", path.display());
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        for name in names {
            fs_err::rename(self.path().join(name), self.out.join(name))?;
        }
        self.new_folders.clear();
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.made = None;
        for folder in &self.new_folders {
            // Only if it is empty: what another program put there meanwhile is not ours.
            let _ = fs_err::remove_dir(folder);
        }
    }
}
