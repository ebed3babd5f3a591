//! The differences between the repositories of the package formats, behind one trait.

use super::keys::Keys;
use super::names::Name;
use super::package::Prepared;
use super::settings::Settings;
use super::{RepoError, apt, dnf, pacman};
use crate::build::FileName;
use crate::formats::rpm::Signed;
use crate::package::{Entry, EntryKind, ReadError};
use crate::platform::Format;
use crate::sign::Signer;

/// The repository of one package format. Adding a format means adding a module with an implementation.
pub(super) trait RepositoryFormat: Sync {
    /// The folder of packages in the tree.
    fn pool(&self) -> &'static str;

    /// The place of the signatures of packages.
    fn signature(&self) -> Signature;

    /// Reads, signs and describes a package. `file` is its name in the pool.
    ///
    /// # Errors
    /// The bytes are not a package of this format, or the signer fails.
    fn prepare(&self, file: FileName, bytes: Vec<u8>, signer: &dyn Signer) -> Result<Prepared, RepoError>;

    /// The path of the file on hosts that contains the keys of the repository. It never changes, because the configuration of
    /// an administrator may name it.
    fn keyring(&self, repository: &Name) -> String;

    /// The files of the release package.
    fn client_files(&self, settings: &Settings, keys: &Keys) -> ClientFiles;
}

/// The repository of a format.
pub(super) fn of(format: Format) -> &'static dyn RepositoryFormat {
    match format {
        Format::Deb => &apt::Apt,
        Format::Rpm => &dnf::Dnf,
        Format::Pacman => &pacman::Pacman,
    }
}

/// The place of a package's signature.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signature {
    /// Packages are not signed; the index has their digests.
    Index,
    /// In the package. The function returns the signature and the bytes that it covers.
    Package(fn(&[u8]) -> Result<Option<Signed>, ReadError>),
    /// In a file next to the package, with `.sig` appended to its name.
    File,
}

/// The files of a release package.
#[derive(Debug, Default)]
pub(super) struct ClientFiles {
    pub(super) entries: Vec<Entry>,
    /// Name of a keyring of pacman.
    pub(super) keyring: Option<String>,
}

impl ClientFiles {
    /// Adds a file.
    pub(super) fn file(&mut self, path: String, content: Vec<u8>) {
        self.add(path, EntryKind::File(content.into()));
    }

    /// Adds a file that the administrator may edit.
    pub(super) fn config(&mut self, path: String, text: String) {
        self.add(path, EntryKind::Config(text.into_bytes().into()));
    }

    fn add(&mut self, path: String, kind: EntryKind) {
        self.entries.push(Entry { path, mode: 0o644, kind, common: false });
    }
}
