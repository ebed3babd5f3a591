//! The pacman format: a zstd tar with metadata files first, see alpm(7), PKGINFO(5), BUILDINFO(5), ALPM-MTREE(5).

mod metadata;
mod read;
mod scripts;
#[cfg(test)]
mod tests;

use crate::archive::{Effort, Member, Method, Tar};
use crate::formats::{PackageFormat, PurlType};
use crate::package::{
    Architecture, Content, Entry, EntryKind, Inspection, Meta, Package, ReadError, Tree, Version, WriteError,
};
use crate::template::Templates;

/// Writes and reads .pkg.tar.zst files. Adds the alpm hook that applies the configuration, and the changelog.
#[derive(Debug, Clone, Copy)]
pub struct Pacman;

impl PackageFormat for Pacman {
    fn version(&self, version: &Version) -> String {
        version.full("")
    }

    fn architecture(&self, architecture: Architecture) -> &'static str {
        match architecture {
            Architecture::All => "any",
            Architecture::X86_64 => "x86_64",
            Architecture::Aarch64 => "aarch64",
        }
    }

    // pacman keeps the epoch in the file name.
    fn file_name(&self, meta: &Meta) -> String {
        format!(
            "{}-{}-{}.pkg.tar.zst",
            meta.name,
            self.version(&meta.version),
            self.architecture(meta.architecture)
        )
    }

    fn added(&self, package: &Package, templates: &Templates) -> Result<Vec<Entry>, WriteError> {
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

    fn write(&self, package: &Package, templates: &Templates) -> Result<Vec<u8>, WriteError> {
        package.validate()?;
        let added = self.added(package, templates)?;
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
        let effort = Effort::of_own(tree.iter());
        let (common, own) = metadata::mtree(&members, &tree, package.time);
        let mtree =
            [&*Method::Gzip.shared(&common)?, &*Method::Gzip.compress(own.as_bytes(), effort)?].concat();

        let mut archive = Tar::new(package.time, Method::Zstd, effort);
        // Metadata before files, so that pacman can stop reading early.
        for (name, text) in &members {
            archive.add(name, 0o644, Member::File(text));
        }
        archive.add(".MTREE", 0o644, Member::File(&mtree));
        archive.add_nodes("", tree.iter());
        Ok(archive.finish().compress()?)
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        read::is_compressed(bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<Inspection, ReadError> {
        read::read(bytes)
    }

    fn contents(&self, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        read::contents(bytes)
    }

    fn purl(&self) -> PurlType {
        PurlType { name: "alpm", epoch_is_qualifier: false }
    }
}
