//! A file tree on disk, for `render`.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::plan::HostFile;

/// Writes files below a folder, which must be new or empty.
///
/// # Errors
/// The folder holds something, or cannot be written; nothing is overwritten.
pub fn write_tree(files: &[HostFile], out: &Path) -> std::io::Result<()> {
    if out.exists() && fs_err::read_dir(out)?.next().is_some() {
        let message = format!("{} is not empty; render writes into a new folder only", out.display());
        return Err(Error::new(ErrorKind::AlreadyExists, message));
    }
    for file in files {
        let path = out.join(file.path.trim_start_matches('/'));
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(&path, &file.content)?;
        set_mode(&path, file.mode)?;
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
