//! Supply-chain documents of a build: bills of materials in SPDX, and an in-toto statement with SLSA provenance. Both depend
//! only on the input, so they are reproducible.

mod purl;
mod spdx;
mod statement;

pub use spdx::{Document, File, Packaged};
pub use statement::Statement;

use serde::{Deserialize, Serialize};

/// Name of the bill of materials of a whole build.
pub const SBOM: &str = "sbom.spdx.json";

/// Suffix of the bill of materials of a single package.
pub const SBOM_EXTENSION: &str = ".spdx.json";

/// Name of the provenance of a build.
pub const PROVENANCE: &str = "provenance.intoto.json";

/// The default builder: any machine on which somebody ran postpack.
pub const BUILDER: &str = "https://github.com/postpack/postpack/blob/main/docs/supply-chain.md#builder";

/// Documents to write with the packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// Scopes of the bills of materials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sbom: Vec<Scope>,
    /// The provenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

impl Request {
    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.sbom.is_empty() && self.provenance.is_none()
    }
}

/// Scope of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One for the whole build: each package with its digest, version and dependencies.
    Build,
    /// One for each package, with the digests of all files in it.
    Packages,
}

/// The builder, and the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provenance {
    /// URI of the builder.
    pub builder_id: String,
    /// The inputs.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Inputs of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// Its options.
    pub parameters: Parameters,
    /// The input files.
    pub materials: Vec<Material>,
}

/// Options of a build that the result depends on. Options that were not set are absent.
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

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Its name, relative to the folder of the spec.
    pub name: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Metadata that the packages of a spec share in a bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// SPDX expression, or any other text.
    pub license: String,
    /// `Name <mail@domain>`.
    pub maintainer: String,
    /// Time stamp of the files, seconds since 1970 UTC.
    pub time: u64,
}

/// Serializes the items of an iterator, so that a document of ten thousand hosts is never in memory.
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
