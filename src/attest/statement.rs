//! Provenance as an in-toto statement, see <https://in-toto.io/Statement/v1> and <https://slsa.dev/provenance/v1>.
//! It is not signed: the builder has the key and signs the file.

use serde::Serialize;
use serde_json::json;

use super::{Each, Material, Parameters, Provenance, Scope};

/// URI of the meaning of the build parameters, for verifiers.
const BUILD_TYPE: &str = "https://github.com/postpack/postpack/blob/main/docs/supply-chain.md#build-type-v1";

/// The outputs and inputs of a build.
#[derive(Debug)]
pub struct Statement<'a> {
    /// The files with their SHA-256, by name.
    pub subjects: Vec<(&'a str, &'a str)>,
    /// The builder, and the inputs.
    pub provenance: &'a Provenance,
    /// The scopes of the bills of materials.
    pub sbom: &'a [Scope],
    /// The shard of a fleet: `2/8`.
    pub shard: Option<&'a str>,
}

/// Parts of the statement that are copied from the options.
#[derive(Serialize)]
struct External<'a> {
    #[serde(flatten)]
    parameters: &'a Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Scope]>::is_empty")]
    sbom: &'a [Scope],
}

/// in-toto's ResourceDescriptor.
#[derive(Serialize)]
struct Resource<'a> {
    name: &'a str,
    digest: Digest<'a>,
}

#[derive(Serialize)]
struct Digest<'a> {
    sha256: &'a str,
}

fn resource<'a>(name: &'a str, sha256: &'a str) -> Resource<'a> {
    Resource { name, digest: Digest { sha256 } }
}

impl Statement<'_> {
    /// The text of the statement. It has no time and no run number, so the same build gives the same text.
    ///
    /// # Errors
    /// None that a caller could fix.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let Provenance { builder_id, origin } = self.provenance;
        let external = External { parameters: &origin.parameters, shard: self.shard, sbom: self.sbom };
        let materials = origin.materials.iter().map(|Material { name, sha256 }| resource(name, sha256));
        let predicate = json!({
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": external,
                "resolvedDependencies": materials.collect::<Vec<_>>(),
            },
            "runDetails": {
                "builder": { "id": builder_id, "version": { "postpack": env!("CARGO_PKG_VERSION") } },
            },
        });
        let subjects = || self.subjects.iter().map(|(name, sha256)| resource(name, sha256));
        let mut text = serde_json::to_vec_pretty(&Whole {
            kind: "https://in-toto.io/Statement/v1",
            subject: Each(subjects),
            predicate_type: "https://slsa.dev/provenance/v1",
            predicate,
        })?;
        text.push(b'\n');
        Ok(text)
    }
}

#[derive(Serialize)]
struct Whole<S> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: S,
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;

    #[test]
    fn a_statement_says_who_made_what_of_what() {
        let parameters = Parameters {
            specs: vec!["fleet.toml".to_owned()],
            only: vec!["site=berlin*".to_owned()],
            source_date_epoch: Some(0),
            ..Parameters::default()
        };
        let material = Material { name: "fleet.toml".to_owned(), sha256: "11".repeat(32) };
        let origin = Origin { parameters, materials: vec![material] };
        let statement = Statement {
            subjects: vec![("a.deb", "aa"), ("b.deb", "bb")],
            provenance: &Provenance { builder_id: "https://ci.acme.example/packages".to_owned(), origin },
            sbom: &[Scope::Build],
            shard: Some("2/8"),
        };
        insta::assert_snapshot!(String::from_utf8(statement.to_json().unwrap()).unwrap());
    }
}
