//! Bills of materials as SPDX 2.3 in JSON, see <https://spdx.github.io/spdx-spec/v2.3/>.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::json;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::purl::purl;
use super::{Each, Words};
use crate::platform::Format;

const NOASSERTION: &str = "NOASSERTION";

/// Prefix of licences that SPDX does not list.
const LICENSE_REF: &str = "LicenseRef-";

/// A package file in a bill of materials.
#[derive(Debug)]
pub struct Packaged<'a> {
    /// Its format.
    pub format: Format,
    /// Name of the package.
    pub name: &'a str,
    /// Its version in the syntax of the format.
    pub version: &'a str,
    /// Name of the package file.
    pub file_name: &'a str,
    /// SHA-256 of the package file, hexadecimal.
    pub sha256: &'a str,
    /// Metadata that the packages of all formats share.
    pub words: &'a Words,
    /// Its dependencies, such as `postfix >= 3.4` or `postfix | exim4`.
    pub depends: &'a [String],
    /// Its files by path; `None` if only the package as a whole is described.
    pub files: Vec<File<'a>>,
}

/// A file in a package.
#[derive(Debug)]
pub struct File<'a> {
    /// Absolute path.
    pub path: &'a str,
    /// SHA-1, hexadecimal: SPDX 2.3 requires it.
    pub sha1: &'a str,
    /// SHA-256, hexadecimal.
    pub sha256: &'a str,
}

/// A bill of materials of some packages.
#[derive(Debug)]
pub struct Document<'a> {
    /// Its scope.
    name: &'a str,
    packages: &'a [Packaged<'a>],
    /// Dependencies of packages by format and relation, with their numbers in the document.
    dependencies: BTreeMap<(Format, &'a str), usize>,
    /// Licences that SPDX does not list, by their names in the document.
    licenses: BTreeMap<String, String>,
}

impl<'a> Document<'a> {
    /// A document of these packages.
    pub fn new(name: &'a str, packages: &'a [Packaged<'a>]) -> Self {
        let mut dependencies = BTreeMap::new();
        let mut licenses = BTreeMap::new();
        for package in packages {
            dependencies.extend(package.depends.iter().map(|text| ((package.format, text.as_str()), 0)));
            if !licenses.contains_key(&package.words.license) {
                licenses.extend(declared(&package.words.license).1);
            }
        }
        dependencies.values_mut().zip(1..).for_each(|(number, next)| *number = next);
        Self { name, packages, dependencies, licenses }
    }

    /// The text of the document.
    ///
    /// # Errors
    /// None that a caller could fix.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The time of the newest package, never the current time.
    fn created(&self) -> String {
        let time = self.packages.iter().map(|package| package.words.time).max().unwrap_or_default();
        let time = jiff::Timestamp::from_second(time.try_into().unwrap_or_default()).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A unique name of the document, because its content depends only on the bytes of the packages and the builder. SPDX provides
    /// this part of its web address for authors without a domain.
    fn namespace(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(TOOL);
        for package in self.packages {
            digest.update(package.sha256);
        }
        format!("https://spdx.org/spdxdocs/{}-{:x}", self.name, digest.finalize())
    }
}

/// The creators of the document.
const TOOL: &str = concat!("Tool: postpack-", env!("CARGO_PKG_VERSION"));

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("spdxVersion", "SPDX-2.3")?;
        document.serialize_entry("dataLicense", "CC0-1.0")?;
        document.serialize_entry("SPDXID", "SPDXRef-DOCUMENT")?;
        document.serialize_entry("name", self.name)?;
        document.serialize_entry("documentNamespace", &self.namespace())?;
        document
            .serialize_entry("creationInfo", &json!({ "created": self.created(), "creators": [TOOL] }))?;
        let packages = || self.packages.iter().zip(1..).map(|(package, number)| described(package, number));
        let dependencies = || self.dependencies.iter().map(|((_, text), number)| dependency(text, *number));
        document.serialize_entry("packages", &Each(|| packages().chain(dependencies())))?;
        let files = || self.packages.iter().flat_map(|package| &package.files);
        if files().next().is_some() {
            document
                .serialize_entry("files", &Each(|| files().zip(1..).map(|(file, n)| contained(file, n))))?;
        }
        if !self.licenses.is_empty() {
            document.serialize_entry(
                "hasExtractedLicensingInfos",
                &Each(|| self.licenses.iter().map(unlisted)),
            )?;
        }
        document.serialize_entry("relationships", &Each(|| self.relationships()))?;
        document.end()
    }
}

/// A relationship of SPDX: source, target and type.
#[derive(Serialize)]
struct Relationship<'a> {
    #[serde(rename = "spdxElementId")]
    from: String,
    #[serde(rename = "relatedSpdxElement")]
    to: String,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

impl Document<'_> {
    fn relationships(&self) -> impl Iterator<Item = Relationship<'_>> {
        let mut file = 0;
        self.packages.iter().zip(1..).flat_map(move |(package, number): (&Packaged<'_>, usize)| {
            let related =
                |from: &str, to, kind| Relationship { from: from.to_owned(), to, kind, comment: None };
            let own = package_id(number);
            let mut all = vec![related("SPDXRef-DOCUMENT", own.clone(), "DESCRIBES")];
            for _ in &package.files {
                file += 1;
                all.push(related(&own, file_id(file), "CONTAINS"));
            }
            for text in package.depends {
                let other =
                    self.dependencies.get(&(package.format, text.as_str())).copied().unwrap_or_default();
                // SPDX supports neither alternatives nor versions of dependencies.
                let comment = (preferred(text) != text).then_some(text.as_str());
                all.push(Relationship { comment, ..related(&own, dependency_id(other), "DEPENDS_ON") });
            }
            all
        })
    }
}

fn package_id(number: usize) -> String {
    format!("SPDXRef-Package-{number}")
}

fn dependency_id(number: usize) -> String {
    format!("SPDXRef-Dependency-{number}")
}

fn file_id(number: usize) -> String {
    format!("SPDXRef-File-{number}")
}

fn described(package: &Packaged<'_>, number: usize) -> serde_json::Value {
    let Words { license, maintainer, .. } = package.words;
    let mut value = json!({
        "SPDXID": package_id(number),
        "name": package.name,
        "versionInfo": package.version,
        "packageFileName": package.file_name,
        "supplier": supplier(maintainer),
        "downloadLocation": NOASSERTION,
        "filesAnalyzed": !package.files.is_empty(),
        "checksums": [{ "algorithm": "SHA256", "checksumValue": package.sha256 }],
        "licenseConcluded": NOASSERTION,
        "licenseDeclared": declared(license).0,
        "copyrightText": NOASSERTION,
        "primaryPackagePurpose": "INSTALL",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl(package.format, maintainer, package.name, package.version),
        }],
    });
    if !package.files.is_empty() {
        value["packageVerificationCode"] =
            json!({ "packageVerificationCodeValue": verification_code(&package.files) });
    }
    value
}

/// SPDX 2.3, 7.9.4: the SHA-1 of the sorted SHA-1s of all files.
fn verification_code(files: &[File<'_>]) -> String {
    let mut digests: Vec<&str> = files.iter().map(|file| file.sha1).collect();
    digests.sort_unstable();
    format!("{:x}", Sha1::digest(digests.concat()))
}

/// `Organization: Platform Team (platform@acme.example)`. The maintainer of a configuration package, a person or a team, acts
/// for an organization.
fn supplier(maintainer: &str) -> String {
    let (name, mail) = maintainer.split_once(" <").unwrap_or((maintainer, ""));
    format!("Organization: {name} ({})", mail.trim_end_matches('>'))
}

/// A dependency, whose version and supplier are known only on the host.
fn dependency(text: &str, number: usize) -> serde_json::Value {
    json!({
        "SPDXID": dependency_id(number),
        "name": preferred(text),
        "downloadLocation": NOASSERTION,
        "filesAnalyzed": false,
    })
}

/// The name of the first package in a relation such as `postfix >= 3.4 | exim4`.
fn preferred(text: &str) -> &str {
    text.split(' ').next().unwrap_or(text)
}

fn contained(file: &File<'_>, number: usize) -> serde_json::Value {
    json!({
        "SPDXID": file_id(number),
        "fileName": format!(".{}", file.path),
        "checksums": [
            { "algorithm": "SHA1", "checksumValue": file.sha1 },
            { "algorithm": "SHA256", "checksumValue": file.sha256 },
        ],
        "licenseConcluded": NOASSERTION,
        "copyrightText": NOASSERTION,
    })
}

/// A licence in the syntax of SPDX, and its parts that SPDX does not list, with their names in the document.
fn declared(license: &str) -> (String, Vec<(String, String)>) {
    let Ok(expression) = spdx::Expression::parse(license) else {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let id: String = LICENSE_REF.chars().chain(license.chars().map(plain)).collect();
        return (id.clone(), vec![(id, license.to_owned())]);
    };
    let own = expression.requirements().filter_map(|requirement| match &requirement.req.license {
        spdx::LicenseItem::Other(own) => Some((own.to_string(), own.to_string())),
        spdx::LicenseItem::Spdx { .. } => None,
    });
    (license.to_owned(), own.collect())
}

fn unlisted((id, license): (&String, &String)) -> serde_json::Value {
    json!({
        "licenseId": id,
        "extractedText": format!("The package names the licence `{license}`; its text is not known to postpack."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(license: &str) -> Words {
        let maintainer = "Platform Team <platform@acme.example>".to_owned();
        Words { license: license.to_owned(), maintainer, time: 1_700_000_000 }
    }

    #[test]
    fn the_verification_code_is_of_the_digests_in_their_order() {
        // sha1sum of "ab": the files a and b in any order.
        let file = |sha1| File { path: "/x", sha1, sha256: "" };
        let code = "da23614e02469a0d7c7bd1bdab5c9c474b1904dc";
        assert_eq!(verification_code(&[file("a"), file("b")]), code);
        assert_eq!(verification_code(&[file("b"), file("a")]), code);
    }

    #[test]
    fn licences_that_spdx_does_not_list_are_explained() {
        let names = |license| declared(license).1.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(declared("MIT OR Apache-2.0"), ("MIT OR Apache-2.0".to_owned(), vec![]));
        assert_eq!(names("MIT AND LicenseRef-Acme"), ["LicenseRef-Acme"]);
        assert_eq!(declared("Acme Proprietary").0, "LicenseRef-Acme-Proprietary");
        assert_eq!(names("Acme Proprietary"), ["LicenseRef-Acme-Proprietary"]);
    }

    #[test]
    fn a_document_names_what_it_depends_on_once() {
        let words = words("Proprietary");
        let depends = ["postfix >= 3.4".to_owned(), "ca-certificates | ca-bundle".to_owned()];
        let package = |file_name, sha256| Packaged {
            format: Format::Deb,
            name: "acme-relay",
            version: "1.0-1",
            file_name,
            sha256,
            words: &words,
            depends: &depends,
            files: vec![File { path: "/etc/a", sha1: "aa", sha256: "bb" }],
        };
        let packages = [package("a.deb", "11"), package("b.deb", "22")];
        let document = Document::new("sbom", &packages);
        insta::assert_snapshot!(String::from_utf8(document.to_json().unwrap()).unwrap());
    }
}
