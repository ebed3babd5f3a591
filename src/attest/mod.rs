//! What a build says of itself to those who check supply chains: bills of materials in SPDX, and where everything is
//! from as an in-toto statement with SLSA's provenance. Both follow from the input alone, so they are reproducible.

mod purl;
mod spdx;
mod statement;

pub use spdx::{Document, File, Packaged};
pub use statement::Statement;

use serde::{Deserialize, Serialize};

/// Name of the bill of materials of a whole build.
pub const SBOM: &str = "sbom.spdx.json";

/// End of the name of a package's own bill of materials.
pub const SBOM_EXTENSION: &str = ".spdx.json";

/// Name of the provenance of a build.
pub const PROVENANCE: &str = "provenance.intoto.json";

/// The builder where nobody names one: some machine on which somebody ran postpack.
pub const BUILDER: &str = "https://github.com/postpack/postpack/blob/main/docs/supply-chain.md#builder";

/// What is to be written beside the packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// Bills of materials, of what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sbom: Vec<Scope>,
    /// The provenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

impl Request {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.sbom.is_empty() && self.provenance.is_none()
    }
}

/// What a bill of materials is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One of all that was built: each package with its digest, its version, and what it depends on.
    Build,
    /// One for each package, with the digests of all files in it.
    Packages,
}

/// Who built, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provenance {
    /// URI of the builder.
    pub builder_id: String,
    /// Of what.
    #[serde(flatten)]
    pub origin: Origin,
}

/// What a build was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// What it was told.
    pub parameters: Parameters,
    /// The files that it read.
    pub materials: Vec<Material>,
}

/// What a build was told, as far as the result depends on it. What was not told is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// Names of the specs, without folders.
    pub specs: Vec<String>,
    /// `--package-format`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub package_format: Vec<String>,
    /// `--only`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// `--set` and `--release`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// SOURCE_DATE_EPOCH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_date_epoch: Option<u64>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Its name, relative to the spec's folder.
    pub name: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What a bill of materials says of all packages of one spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// SPDX expression, or some other word.
    pub license: String,
    /// `Name <mail@domain>`.
    pub maintainer: String,
    /// Time stamp of the files, seconds since 1970 UTC.
    pub time: u64,
}

/// Serializes what a closure iterates over, so that a document of ten thousand hosts is never in memory.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item: Serialize>,
{
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
