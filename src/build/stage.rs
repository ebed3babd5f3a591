//! All at once or not at all: a folder in which files are made, and from which they are renamed at the end. Where there
//! was no output folder, it becomes that folder: one rename for a fleet of thousands.

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
        let beside = out.parent().filter(|_| stage.is_new());
        let room =
            beside.map_or(out, |folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        let made = tempfile::Builder::new().prefix(".postpack-").tempdir_in(room)?;
        if stage.is_new() {
            // Open to whom the output folder was to be open, and not to its maker alone.
            fs_err::set_permissions(made.path(), fs_err::metadata(out)?.permissions())?;
        }
        stage.made = Some(made);
        Ok(stage)
    }

    /// Whether there was no output folder.
    fn is_new(&self) -> bool {
        self.new_folders.first() == Some(&self.out)
    }

    /// The folder to make things in.
    pub(super) fn path(&self) -> &Path {
        self.made.as_ref().map_or(&self.out, TempDir::path)
    }

    /// Puts things into the output folder, by their names in the stage.
    pub(super) fn publish<'a>(mut self, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        // It may replace a folder that is still empty; where something is in it by now, files go in one by one.
        if self.is_new() && fs_err::rename(self.path(), &self.out).is_ok() {
            // Where it was, nothing is left to be removed.
            let _out = self.made.take().map(TempDir::keep);
            self.new_folders.clear();
            return Ok(());
        }
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
