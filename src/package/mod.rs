//! The neutral package: what deb, rpm and pacman packages have in common. It knows no format's bytes.

mod architecture;
mod content;
mod difference;
mod error;
#[cfg(test)]
pub(crate) mod host;
mod relation;
#[cfg(test)]
pub(crate) mod sample;
mod text;
mod tree;
mod version;

pub use architecture::Architecture;
pub use content::Content;
pub use difference::{Difference, Part};
pub use error::{ReadError, WriteError};
pub use relation::{Relation, Relations, Requirement};
pub(crate) use text::{WIDTH, paragraphs, wrap};
pub(crate) use tree::{Node, Tree, mode_text};
pub use version::{ParseVersionError, Version};

/// One package, before any format.
#[derive(Debug, Clone)]
pub struct Package {
    /// Metadata.
    pub meta: Meta,
    /// Time stamp of every file, seconds since 1970 UTC.
    pub time: u64,
    /// Files, folders and links, sorted by path. A folder need not be listed for the sake of what is in it.
    pub entries: Vec<Entry>,
    /// Dependencies and conflicts, by the package names of the format.
    pub relations: Relations,
    /// Actions on the host.
    pub lifecycle: Lifecycle,
}

/// Metadata of a package.
#[derive(Debug, Clone)]
pub struct Meta {
    /// Package name: `[a-z0-9][a-z0-9+.-]+` (Debian policy 5.6.1, the strictest of the three).
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Machine that it runs on.
    pub architecture: Architecture,
    /// `Name <mail@domain>`.
    pub maintainer: String,
    /// SPDX expression.
    pub license: String,
    /// One line, no final period.
    pub summary: String,
    /// Paragraphs.
    pub description: String,
    /// URL.
    pub homepage: Option<String>,
    /// Newest first, never empty.
    pub changelog: Vec<Release>,
}

/// An entry of the changelog.
#[derive(Debug, Clone)]
pub struct Release {
    /// Version with release number, as a person writes it.
    pub version: Version,
    /// Seconds since 1970 UTC.
    pub time: u64,
    /// `Name <mail@domain>`.
    pub author: String,
    /// One sentence each.
    pub changes: Vec<String>,
}

/// A file, folder or link of a package; owner is root, group is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
    /// Whether it is the same in most packages of a fleet, and may be packed once for all of them.
    pub common: bool,
}

/// Type of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A file with its bytes.
    File(Content),
    /// A file of documentation.
    Doc(Content),
    /// A configuration file: package managers keep what an administrator changed in it.
    Config(Content),
    /// A folder that belongs to the package.
    Directory,
    /// A symbolic link with its target.
    Symlink(String),
}

/// Actions on the host. The formats turn them into maintainer scripts, scriptlets and hooks. A package without commands has
/// none of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Command after install and upgrade, such as `/usr/sbin/mail-relay apply --package`. Commands are absolute
    /// paths of this package and plain words after them.
    pub configure: String,
    /// Command after a change of a watched package.
    pub trigger: String,
    /// Command before our files go away for good (not on upgrade).
    pub remove: String,
    /// Units of the package, enabled on install. Units that wait for events (`.path`, `.timer`, `.socket`) are also started.
    pub units: Vec<String>,
    /// Packages whose upgrade calls `trigger`.
    pub watch: Vec<Watch>,
    /// Folders that a purge removes.
    pub purge: Vec<String>,
    /// A file in each package of the same role: if it exists after a removal, another package replaced ours.
    pub mark: String,
    /// Name of a keyring in /usr/share/pacman/keyrings that pacman is to trust.
    pub keyring: Option<String>,
}

impl Lifecycle {
    /// The function `in_system` of sh, which the scripts and the host program have in common: whether systemd runs this root.
    pub(crate) fn in_system() -> &'static str {
        let text = include_str!("../../templates/host/lib/running.sh");
        // The first line is for shellcheck.
        text.split_once('\n').map_or(text, |(_, function)| function)
    }

    /// Whether anything of the package is called on the host.
    pub(crate) fn has_commands(&self) -> bool {
        !(self.configure.is_empty() && self.trigger.is_empty() && self.remove.is_empty())
    }

    /// Those of our units that do something only once they are started.
    pub(crate) fn waiting(&self) -> Vec<&str> {
        let waits = |unit: &&str| [".path", ".timer", ".socket"].iter().any(|end| unit.ends_with(end));
        self.units.iter().map(String::as_str).filter(waits).collect()
    }
}

/// A package whose changes concern us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Its name.
    pub package: String,
    /// A folder of its files, for formats whose triggers are on paths.
    pub path: String,
    /// Whether `remove` is called if that package is removed and ours stays, so that it leaves its original files.
    pub gives_back: bool,
}

/// The data about a package file of any format for `inspect`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// `deb`, `rpm` or `pacman`.
    pub format: &'static str,
    /// Metadata fields in the order of the file, by the format's own names.
    pub fields: Vec<(String, String)>,
    /// Files in the order of the file.
    pub files: Vec<InspectedFile>,
    /// Scripts, triggers and hooks, by the format's own names.
    pub scripts: Vec<(String, String)>,
}

/// A file in an inspected package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InspectedFile {
    /// Absolute path.
    pub path: String,
    /// Type and permission bits as `ls` shows them, such as `-rw-r--r--`.
    pub mode: String,
    /// `owner:group`.
    pub owner: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of a regular file's content, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Target of a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}
