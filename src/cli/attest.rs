//! Supply-chain documents of a build.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::Failure;
use super::input;
use super::making::Making;
use crate::attest::{BUILDER, Material, Origin, Parameters, Provenance, Request, Scope};
use crate::build::Demands;
use crate::diag::Source;
use crate::fleet::Files;
use crate::template::Templates;

/// Documents to write with the packages.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Attest {
    /// Write a bill of materials in SPDX: one for the whole build (`--sbom` alone), one for each package with its files
    /// (`--sbom=packages`), or both (`--sbom=build,packages`).
    #[arg(
        long,
        value_name = "SCOPE,...",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "build",
        value_delimiter = ','
    )]
    sbom: Vec<Scope>,
    /// Write the inputs and outputs of the build as an in-toto statement with SLSA provenance. It is not signed.
    #[arg(long)]
    provenance: bool,
    /// URI of the builder in the provenance, such as that of a CI system.
    #[arg(long, value_name = "URI", requires = "provenance", value_parser = uri)]
    builder_id: Option<String>,
}

/// Accepts an absolute URI without a password. The URI is not resolved.
fn uri(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme || rest.is_empty() || !rest.chars().all(|c| c.is_ascii_graphic()) {
        return Err("not a URI, such as https://ci.acme.example/packages".to_owned());
    }
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next());
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err("the documents are public: remove the account before the `@`".to_owned());
    }
    Ok(text.to_owned())
}

impl Attest {
    /// Documents that must be in a folder.
    pub(super) fn demands(&self) -> Demands {
        let Self { sbom, provenance, builder_id } = self.clone();
        Demands { sbom, provenance, builder_id }
    }

    /// The requested documents. Calls `origin` only if one of them needs it.
    pub(super) fn request(
        &self,
        origin: impl FnOnce() -> Result<Origin, Failure>,
    ) -> Result<Request, Failure> {
        let mut sbom = self.sbom.clone();
        sbom.sort_unstable();
        sbom.dedup();
        let builder_id = self.builder_id.clone().unwrap_or_else(|| BUILDER.to_owned());
        let provenance =
            self.provenance.then(|| Ok::<_, Failure>(Provenance { builder_id, origin: origin()? }));
        Ok(Request { sbom, provenance: provenance.transpose()? })
    }
}

/// The inputs of a build of specs: the specs, and the files that they name.
pub(super) fn origin(
    sources: &[Source],
    files: &[Source],
    making: &Making,
    templates: &Templates,
) -> Result<Origin, Failure> {
    let one = |source: &Source| material(last(Path::new(&source.name)), &source.text);
    let mut materials: Vec<Material> = sources.iter().map(one).collect();
    let specs = materials.iter().map(|material| material.name.clone()).collect();
    materials.extend(files.iter().map(one));
    told(specs, materials, making, templates)
}

/// The inputs of a build of a fleet.
pub(super) fn origin_of_fleet(
    files: &Files,
    making: &Making,
    templates: &Templates,
) -> Result<Origin, Failure> {
    let names: Vec<&Path> = files.iter().map(|(name, _)| Path::new(name)).collect();
    let own = names.first().copied().unwrap_or(Path::new(""));
    let folder = own.parent().unwrap_or(own);
    // The other files have the names that the fleet file uses.
    let short = |name: &'_ str| {
        let path = Path::new(name);
        path.strip_prefix(folder).map_or_else(|_| last(path), |inside| inside.display().to_string())
    };
    let materials = files.iter().map(|(name, text)| material(short(name), text)).collect();
    told(vec![last(own)], materials, making, templates)
}

fn told(
    specs: Vec<String>,
    mut materials: Vec<Material>,
    making: &Making,
    templates: &Templates,
) -> Result<Origin, Failure> {
    materials.extend(templates.own().map(|(name, text)| material(format!("templates/{name}"), text)));
    let parameters = Parameters {
        specs,
        package_format: making.package_format.iter().map(|format| format.name().to_owned()).collect(),
        only: making.selection.rows.only.iter().map(ToString::to_string).collect(),
        set: making.changes.settings().iter().map(ToString::to_string).collect(),
        source_date_epoch: input::source_date_epoch()?,
    };
    Ok(Origin { parameters, materials })
}

fn material(name: String, text: &str) -> Material {
    Material { name, sha256: format!("{:x}", Sha256::digest(text)) }
}

/// The last part of a path, without the folders of this machine.
fn last(path: &Path) -> String {
    Path::new(path.file_name().unwrap_or(path.as_os_str())).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_is_a_uri_without_an_account() {
        for good in ["https://ci.acme.example/packages", "urn:acme:ci", "https://acme.example/@ci#x"] {
            assert_eq!(uri(good).as_deref(), Ok(good));
        }
        for bad in
            ["", "ci", "https:", "a b:c", "https://ci example/", "1:x", "https://me:secret@ci.example/"]
        {
            assert!(uri(bad).is_err(), "{bad}");
        }
    }
}
