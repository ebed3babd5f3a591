//! The deb format: an ar of two tars, see deb(5).

mod control;
mod read;
mod scripts;
#[cfg(test)]
mod tests;

pub use read::{control, time};

use crate::archive::{Effort, Member, Method, Parts, Tar, gzip};
use crate::formats::{PackageFormat, PurlType};
use crate::package::{
    Architecture, Entry, EntryKind, Inspection, Meta, Node, Package, ReadError, Tree, Version, WriteError,
};
use crate::template::Templates;

/// Writes and reads .deb files. They are compressed with gzip, which every dpkg reads. Adds the Debian changelog and the
/// overrides for lintian.
#[derive(Debug, Clone, Copy)]
pub struct Deb;

impl PackageFormat for Deb {
    fn version(&self, version: &Version) -> String {
        version.full("~")
    }

    fn architecture(&self, architecture: Architecture) -> &'static str {
        match architecture {
            Architecture::All => "all",
            Architecture::X86_64 => "amd64",
            Architecture::Aarch64 => "arm64",
        }
    }

    // Without the epoch, as is the custom.
    fn file_name(&self, meta: &Meta) -> String {
        let Meta { name, version, architecture, .. } = meta;
        format!(
            "{name}_{}-{}_{}.deb",
            version.upstream("~"),
            version.revision,
            self.architecture(*architecture)
        )
    }

    fn added(&self, package: &Package, templates: &Templates) -> Result<Vec<Entry>, WriteError> {
        let name = &package.meta.name;
        let added = [
            (
                format!("/usr/share/doc/{name}/changelog.Debian.gz"),
                gzip(control::changelog(&package.meta)?.as_bytes()),
            ),
            (
                format!("/usr/share/lintian/overrides/{name}"),
                scripts::lintian_overrides(package, templates)?.into_bytes(),
            ),
        ];
        Ok(added
            .into_iter()
            .filter(|(_, content)| !content.is_empty())
            .map(|(path, content)| Entry {
                path,
                mode: 0o644,
                kind: EntryKind::Doc(content.into()),
                common: false,
            })
            .collect())
    }

    fn write(&self, package: &Package, templates: &Templates) -> Result<Vec<u8>, WriteError> {
        package.validate()?;
        let added = self.added(package, templates)?;
        let tree = Tree::new(package.entries.iter().chain(&added))?;

        // Half of the time goes into compressing the files: the other half need not wait for it.
        let (data, control) = rayon::join(
            || data(&tree, package.time).compress(),
            || control_archive(package, &tree, templates),
        );
        let mut archive = Ar::new(package.time);
        archive.add("debian-binary", b"2.0\n");
        archive.add("control.tar.gz", &control?);
        archive.add("data.tar.gz", &data?);
        Ok(archive.bytes)
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        read::is_deb(bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<Inspection, ReadError> {
        read::read(bytes)
    }

    fn contents(&self, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        read::contents(bytes)
    }

    fn purl(&self) -> PurlType {
        PurlType { name: "deb", epoch_is_qualifier: false }
    }
}

fn control_archive(package: &Package, tree: &Tree<'_>, templates: &Templates) -> Result<Vec<u8>, WriteError> {
    let mut members = vec![
        ("control", 0o644, control::stanza(package, tree)),
        ("conffiles", 0o644, control::conffiles(tree)),
        ("md5sums", 0o644, control::md5sums(tree)),
        ("triggers", 0o644, control::triggers(package)),
    ];
    members.extend(scripts::render(package, templates)?.into_iter().map(|(name, text)| (name, 0o755, text)));
    members.sort_by_key(|(name, ..)| *name);
    let mut control = Tar::new(package.time, Method::Gzip, Effort::of_own(tree.iter()));
    control.add("./", 0o755, Member::Directory);
    for (name, mode, text) in members.iter().filter(|(.., text)| !text.is_empty()) {
        control.add(&format!("./{name}"), *mode, Member::File(text.as_bytes()));
    }
    Ok(control.finish().compress()?)
}

fn data(tree: &Tree<'_>, time: u64) -> Parts {
    let mut data = Tar::new(time, Method::Gzip, Effort::of_own(tree.iter()));
    let top = ("/", Node::Implied { common: true });
    data.add_nodes("./", std::iter::once(top).chain(tree.iter()));
    data.finish()
}

/// The outer archive, in the one form of ar that dpkg reads: names of up to 16 bytes in place.
struct Ar {
    bytes: Vec<u8>,
    time: u64,
}

impl Ar {
    fn new(time: u64) -> Self {
        Self { bytes: b"!<arch>\n".to_vec(), time }
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        let header =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", self.time, 0, 0, "100644", content.len());
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            self.bytes.push(b'\n');
        }
    }
}
