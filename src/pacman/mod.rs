//! The pacman format: a zstd tar with metadata files first, see alpm(7), PKGINFO(5), BUILDINFO(5), ALPM-MTREE(5).

mod metadata;
mod read;
mod scripts;
#[cfg(test)]
mod tests;

pub use read::{contents, read};

use crate::archive::{Member, Method, Tar};
use crate::package::{Content, Entry, EntryKind, Meta, Package, Tree, Version, WriteError};
use crate::template::Templates;

/// The version as vercmp(8) orders it: `1:1.2.0rc1-1`.
pub fn version(version: &Version) -> String {
    let epoch = if version.epoch == 0 { String::new() } else { format!("{}:", version.epoch) };
    format!("{epoch}{}-{}", version.upstream(""), version.revision)
}

/// The name of the file: `NAME-VERSION-REL-ARCH.pkg.tar.zst`; pacman keeps the epoch in it.
pub fn file_name(meta: &Meta) -> String {
    format!("{}-{}-{}.pkg.tar.zst", meta.name, version(&meta.version), meta.architecture.pacman())
}

/// The package as a .pkg.tar.zst. Adds the alpm hook that applies the configuration, and the changelog.
///
/// # Errors
/// A template fails, or a value cannot be part of a package.
pub fn write(package: &Package, templates: &Templates) -> Result<Vec<u8>, WriteError> {
    package.validate()?;
    let added = added(package, templates)?;
    let tree = Tree::new(package.entries.iter().chain(&added))?;

    let members = [
        (".BUILDINFO", metadata::buildinfo(package)?),
        (".CHANGELOG", metadata::changelog(&package.meta)),
        (".INSTALL", scripts::install(package, templates)?),
        (".PKGINFO", metadata::pkginfo(package, &tree)?),
    ];
    let members: Vec<(&str, Content)> = members
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name, text.into()))
        .collect();
    let (common, own) = metadata::mtree(&members, &tree, package.time);
    let mtree = [&*Method::Gzip.shared(&common)?, &*Method::Gzip.own(own.as_bytes())?].concat();

    let mut archive = Tar::new(package.time, Method::Zstd);
    // Metadata before files, so that pacman can stop reading early.
    for (name, text) in &members {
        archive.add(name, 0o644, Member::File(text));
    }
    archive.add(".MTREE", 0o644, Member::File(&mtree));
    archive.add_nodes("", tree.iter());
    Ok(archive.finish().compress()?)
}

/// The files that the format adds to those of the package.
///
/// # Errors
/// A template fails, or a value cannot be part of a package.
pub fn added(package: &Package, templates: &Templates) -> Result<Vec<Entry>, WriteError> {
    if !package.lifecycle.has_commands() {
        return Ok(Vec::new());
    }
    Ok(vec![Entry {
        path: format!("/usr/share/libalpm/hooks/{}", scripts::hook_name(&package.meta)),
        mode: 0o644,
        kind: EntryKind::File(scripts::hook(package, templates)?.into()),
        common: false,
    }])
}
