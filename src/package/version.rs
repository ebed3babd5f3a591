//! A package version, before any format.

/// A structured version. Each format writes it in its own way: a pre-release sorts before its release in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Epoch; 0 is not written.
    pub epoch: u32,
    /// Release numbers, at least one.
    pub numbers: Vec<u64>,
    /// Pre-release identifiers (`rc`, `1`), semver order; empty for a release.
    pub pre: Vec<String>,
    /// Build or post-release identifiers; sorts after the release.
    pub build: Vec<String>,
    /// Package release, from 1.
    pub revision: u32,
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseVersionError(pub String);
