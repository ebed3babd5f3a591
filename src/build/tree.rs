//! A file tree on disk, for `render`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::stage::Stage;
use crate::plan::HostFile;

/// Why a tree was not written. The folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The folder is none, or holds something: nothing is overwritten.
    #[error("{0} is not an empty folder; render writes into a new or empty one only")]
    Occupied(String),
    /// The folder cannot be written to.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes files below a folder, which must be new or empty; all of them or none.
///
/// # Errors
/// The folder holds something, or cannot be written.
pub fn write_tree(files: &[HostFile], out: &Path) -> Result<(), TreeError> {
    if out.exists() && !(out.is_dir() && fs_err::read_dir(out)?.next().is_none()) {
        return Err(TreeError::Occupied(out.display().to_string()));
    }
    let stage = Stage::new(out)?;
    let mut tops = BTreeSet::new();
    for file in files {
        let relative = file.path.trim_start_matches('/');
        tops.extend(relative.split('/').next());
        let path = stage.path().join(relative);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(&path, &file.content)?;
        set_mode(&path, file.mode)?;
    }
    Ok(stage.publish(tops.iter().copied())?)
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
