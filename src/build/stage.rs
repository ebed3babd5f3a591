//! Atomic output: a folder in which files are built, and from which they are renamed at the end. If the output folder does not
//! exist, the stage becomes that folder, with one rename for a fleet of thousands.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder for files until all of them exist. If it is dropped before that, the disk is unchanged.
pub(super) struct Stage {
    out: PathBuf,
    /// `None` once published.
    made: Option<TempDir>,
    /// Folders that did not exist before, the deepest first.
    new_folders: Vec<PathBuf>,
}

impl Stage {
    /// A stage for a folder, which is created if necessary.
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
            // With the usual permissions of a folder, and not only for its owner.
            fs_err::set_permissions(made.path(), fs_err::metadata(out)?.permissions())?;
        }
        stage.made = Some(made);
        Ok(stage)
    }

    /// Whether there was no output folder.
    fn is_new(&self) -> bool {
        self.new_folders.first() == Some(&self.out)
    }

    /// The folder to build in.
    pub(super) fn path(&self) -> &Path {
        self.made.as_ref().map_or(&self.out, TempDir::path)
    }

    /// Moves files into the output folder, by their names in the stage.
    pub(super) fn publish<'a>(mut self, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        // It may replace an empty folder. If that folder now has content, files are moved one by one.
        if self.is_new() && fs_err::rename(self.path(), &self.out).is_ok() {
            // Nothing is left to be removed.
            let _out = self.made.take().map(TempDir::keep);
            self.new_folders.clear();
            return Ok(());
        }
        // The only obstacle that rename(2) would find after some files are moved.
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
            // Only if it is empty: other programs may have written files there.
            let _ = fs_err::remove_dir(folder);
        }
    }
}
