//! The package formats: each one writes and reads its own bytes, behind one trait. Adding a format means adding a folder
//! here, a variant to [`Format`], and a file to `pkg/formats`.

pub mod deb;
pub mod pacman;
pub mod rpm;

pub use deb::Deb;
pub use pacman::Pacman;
pub use rpm::Rpm;

use crate::package::{Architecture, Entry, Inspection, Meta, Package, ReadError, Version, WriteError};
use crate::platform::Format;
use crate::template::Templates;

/// How packages of one format are named, written and read.
pub trait PackageFormat: Sync {
    /// The version as the package manager of the format orders it, with the epoch in front if there is one: `1:1.2.0~rc1-1`.
    fn version(&self, version: &Version) -> String;

    /// The format's name for a machine: `all`, `noarch`, `x86_64`.
    fn architecture(&self, architecture: Architecture) -> &'static str;

    /// The name of a package's file, as the tools of the format expect it.
    fn file_name(&self, meta: &Meta) -> String;

    /// The files that the format adds to those of the package.
    ///
    /// # Errors
    /// A template fails, or the format cannot express a value.
    fn added(&self, package: &Package, templates: &Templates) -> Result<Vec<Entry>, WriteError>;

    /// The bytes of a package, the same for the same input.
    ///
    /// # Errors
    /// A template fails, or the format cannot express a value.
    fn write(&self, package: &Package, templates: &Templates) -> Result<Vec<u8>, WriteError>;

    /// Whether these bytes begin like a package of the format.
    fn recognizes(&self, bytes: &[u8]) -> bool;

    /// The metadata, files and scripts of a package from an untrusted source: every read is limited, and nothing is
    /// written.
    ///
    /// # Errors
    /// The bytes are no package of the format, are damaged, or would need more memory than any relay package.
    fn read(&self, bytes: &[u8]) -> Result<Inspection, ReadError>;

    /// The files of a package and their bytes, by path without a leading slash. Empty if the format keeps them where
    /// postpack does not unpack them.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn contents(&self, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError>;

    /// How a package URL names packages of the format.
    fn purl(&self) -> PurlType;
}

/// The rules of a type of package URLs, from <https://github.com/package-url/purl-spec>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurlType {
    /// The type: `deb`, `rpm`, `alpm`.
    pub name: &'static str,
    /// Whether the epoch is a qualifier instead of a part of the version.
    pub epoch_is_qualifier: bool,
}

/// The implementation of a format.
pub fn of(format: Format) -> &'static dyn PackageFormat {
    match format {
        Format::Deb => &Deb,
        Format::Rpm => &Rpm,
        Format::Pacman => &Pacman,
    }
}

/// The format of these bytes. pacman packages have no magic number, so all bytes that no other format recognizes may be one.
pub fn recognize(bytes: &[u8]) -> &'static dyn PackageFormat {
    let mut all = Format::ALL.into_iter().map(of);
    all.find(|format| format.recognizes(bytes)).unwrap_or(&Pacman)
}

/// Reads a package of any format.
///
/// # Errors
/// The bytes are no package, or a damaged one.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ReadError> {
    recognize(bytes).read(bytes)
}

#[cfg(test)]
mod tests;
