//! Signed repositories for apt, dnf, zypper and pacman, as one tree of static files.
//!
//! [`Settings`] is what a person wrote (`repo.toml`), [`State`] what was published so far, and a [`Repository`] is the
//! tree with both. The bytes of a tree follow from state, settings, keys and packages; only times of modification do not,
//! because apt and pacman compare them. No package is read twice: its entries in the indexes are part of the state.

mod apt;
mod check;
mod clients;
mod dnf;
mod format;
mod keys;
mod names;
mod package;
mod pacman;
mod page;
mod publish;
mod settings;
mod site;
mod state;
#[cfg(test)]
mod tests;
mod upload;

pub use check::{Fault, check, verify};
pub use keys::Keys;
pub use names::{Label, Name, Url};
pub use publish::{Published, Repository, Selection};
pub use settings::{KeySource, Settings, Use, starter};
pub use state::State;
pub use upload::{Plan, Step, Tool, upload_plan};

use crate::build::NotAFileName;
use crate::package::{ReadError, WriteError};
use crate::sign::SignError;

/// Why a repository cannot be changed or read. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// A folder is not what `postpack build` makes.
    #[error("{0}")]
    Dist(String),
    /// A package has other bytes than the one that was published under the same name and version.
    #[error("{0} was published with other bytes under the same version")]
    Changed(String),
    /// A suite, publication or package that does not exist.
    #[error("{0}")]
    Unknown(String),
    /// Another process is changing the repository.
    #[error("another process is changing {0}")]
    Locked(String),
    /// The state is damaged, or its signature is wrong.
    #[error("{0}")]
    State(String),
    /// Clients would reject the publication.
    #[error("{0}")]
    Rejected(String),
    /// A package cannot be read.
    #[error("{file}: {error}")]
    Package {
        /// Its file.
        file: String,
        /// Why.
        error: ReadError,
    },
    /// A name cannot be that of a file.
    #[error(transparent)]
    Name(#[from] NotAFileName),
    /// The release package cannot be made.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<ReadError> for RepoError {
    fn from(error: ReadError) -> Self {
        Self::Package { file: "package".to_owned(), error }
    }
}

/// A time of a repository (seconds since 1970 UTC) as apt writes it.
pub(crate) fn http_date(time: u64) -> String {
    zoned(time).strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

/// A time of a repository as people read it.
pub(crate) fn day(time: u64) -> String {
    zoned(time).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn zoned(time: u64) -> jiff::Zoned {
    let second = i64::try_from(time).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC)
}

/// SHA-256, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    format!("{:x}", sha2::Sha256::digest(bytes))
}

/// A text in which XML and HTML see no markup.
pub(crate) fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
