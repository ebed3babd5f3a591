//! Reading a pacman package that nobody vouches for: nothing is written anywhere, everything has a limit.

use crate::archive::{decompressor, list};
use crate::package::{Inspection, ReadError};

const SCRIPTS: [&str; 1] = [".INSTALL"];
const HOOKS: &str = "usr/share/libalpm/hooks/";

/// Reads the content of a pacman package: compressed with zstd, xz or gzip, or not compressed.
///
/// # Errors
/// It is no pacman package, or is damaged, or would need more room than any relay package.
pub(super) fn read(bytes: &[u8]) -> Result<Inspection, ReadError> {
    let unpacked = decompressor(bytes).map_err(|_| ReadError::Unknown)?;
    let describes = |name: &str| name.starts_with('.') && !name.contains('/');
    let is_hook = |name: &str| name.starts_with(HOOKS);
    let listing = list(unpacked, |name| describes(name) || is_hook(name)).map_err(|error| match error {
        // Without a compressor's mark in front, a broken tar may be anything at all.
        ReadError::Damaged(_) if bytes.get(257..262) != Some(b"ustar") && !is_compressed(bytes) => {
            ReadError::Unknown
        }
        error => error,
    })?;
    let text_of = |name: &str| {
        let found = listing.texts.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| String::from_utf8_lossy(text).into_owned())
    };
    let info = text_of(".PKGINFO").ok_or(ReadError::Unknown)?;
    let hooks = listing.texts.iter().map(|(name, _)| name.as_str()).filter(|name| is_hook(name));
    let scripts = SCRIPTS.into_iter().chain(hooks).filter_map(|name| Some((name.to_owned(), text_of(name)?)));
    let (fields, scripts) = (fields(&info), scripts.collect());
    let mut files = listing.files;
    files.retain(|file| !describes(&file.path[1..]));
    Ok(Inspection { format: "pacman", fields, files, scripts })
}

/// The files in a pacman package, with their bytes.
///
/// # Errors
/// Those of [`read`], and that it has more bytes than any relay package.
pub(super) fn contents(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
    Ok(list(decompressor(bytes).map_err(|_| ReadError::Unknown)?, |_| true)?.texts)
}

pub(super) fn is_compressed(bytes: &[u8]) -> bool {
    [&b"\x28\xb5\x2f\xfd"[..], b"\xfd7zXZ\0", b"\x1f\x8b"].iter().any(|mark| bytes.starts_with(mark))
}

/// The `key = value` lines of .PKGINFO.
fn fields(info: &str) -> Vec<(String, String)> {
    info.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}
