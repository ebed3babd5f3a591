//! Reading a pacman package that nobody vouches for: nothing is written anywhere, everything has a limit.

use std::io::Read as _;

use crate::archive::{decompressor, list};
use crate::package::{Inspection, ReadError};

/// What is in a pacman package: a tar compressed by zstd, xz, gzip or not at all, with a .PKGINFO.
///
/// # Errors
/// It is none, or is damaged, or would need more room than any relay package.
pub fn read(bytes: &[u8]) -> Result<Inspection, ReadError> {
    let damaged = |error: std::io::Error| ReadError::Damaged(error.to_string());
    let is_text = |name: &str| matches!(name, ".PKGINFO" | ".BUILDINFO" | ".INSTALL" | ".MTREE");
    let listing = list(decompressor(bytes).map_err(damaged)?, is_text).map_err(|error| {
        // Whatever is neither a deb nor an rpm comes here, so that most of it is no package at all.
        if looks_compressed(bytes) { error } else { ReadError::Unknown }
    })?;
    let text = |wanted: &str| -> Option<String> {
        let (_, bytes) = listing.texts.iter().find(|(name, _)| name == wanted)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let info = text(".PKGINFO").ok_or(ReadError::Unknown)?;
    let fields = info
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let scripts = [".INSTALL", ".BUILDINFO"].into_iter();
    let scripts = scripts.filter_map(|name| Some((name.to_owned(), text(name)?)));
    let hooks = hooks(bytes).map_err(damaged)?;
    Ok(Inspection { format: "pacman", fields, scripts: scripts.chain(hooks).collect(), files: listing.files })
}

fn looks_compressed(bytes: &[u8]) -> bool {
    [&b"\xfd7zXZ\0"[..], &[0x28, 0xb5, 0x2f, 0xfd], &[0x1f, 0x8b]]
        .iter()
        .any(|magic| bytes.starts_with(magic))
}

/// Hook files, which are scripts in all but name.
fn hooks(bytes: &[u8]) -> std::io::Result<Vec<(String, String)>> {
    const LIMIT: u64 = 64 << 10;
    let mut hooks = Vec::new();
    for entry in tar::Archive::new(decompressor(bytes)?).entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name.starts_with("usr/share/libalpm/hooks/") && entry.header().entry_type().is_file() {
            let mut text = Vec::new();
            entry.take(LIMIT).read_to_end(&mut text)?;
            hooks.push((format!("/{name}"), String::from_utf8_lossy(&text).into_owned()));
        }
    }
    Ok(hooks)
}
