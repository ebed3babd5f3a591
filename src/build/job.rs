//! One file to build.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::manifest::Unit;
use super::{Artifact, BuildError, FileName};
use crate::attest::{self, Document, Packaged, Scope, Words};
use crate::formats;
use crate::package::{Content as Text, Entry, EntryKind, Meta, Package, Relation, WriteError};
use crate::plan::{self, Companion, Planned};
use crate::platform::Format;
use crate::template::Templates;

/// A file for the output folder.
#[derive(Debug)]
pub struct Job {
    file_name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Package(Format, Arc<Planned>),
    Program(Format, Box<Meta>),
    Companion(Companion, Arc<Planned>),
    #[cfg(test)]
    Bytes(Vec<u8>, Box<Meta>),
}

/// A file that was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) artifact: Artifact,
    pub(super) bytes: Vec<u8>,
}

impl Made {
    pub(super) fn new(file_name: &str, kind: &str, bytes: Vec<u8>) -> std::io::Result<Self> {
        let artifact = Artifact {
            file_name: FileName::new(file_name)?,
            kind: kind.to_owned(),
            size: bytes.len() as u64,
            sha256: format!("{:x}", Sha256::digest(&bytes)),
            version: None,
            depends: Vec::new(),
        };
        Ok(Self { artifact, bytes })
    }
}

/// The results of the jobs of a spec.
pub(super) fn unit(jobs: &[Job], inputs: String, mut files: Vec<Artifact>, sbom: &[Scope]) -> Unit {
    files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    let first = jobs.first();
    let meta = first.map(Job::meta);
    Unit {
        package: meta.map(|meta| meta.name.clone()).unwrap_or_default(),
        version: meta.map(|meta| format!("{}-{}", meta.version, meta.version.revision)).unwrap_or_default(),
        inputs,
        words: first.filter(|_| !sbom.is_empty()).map(Job::words),
        files,
    }
}

impl Job {
    /// The package of a spec in a format. It is planned when its turn comes, in parallel with others, so that a fleet is never
    /// completely in memory.
    pub fn package(format: Format, planned: &Arc<Planned>) -> Self {
        let file_name = formats::of(format).file_name(&planned.checked.meta);
        Self { file_name, content: Content::Package(format, Arc::clone(planned)) }
    }

    /// The packages of the shared host program in these formats.
    pub fn programs(formats: &[Format]) -> Vec<Self> {
        let program = |format: &Format| {
            let meta = Box::new(plan::program::meta());
            let file_name = formats::of(*format).file_name(&meta);
            Self { file_name, content: Content::Program(*format, meta) }
        };
        formats.iter().map(program).collect()
    }

    /// An additional file of a spec.
    pub fn companion(kind: Companion, planned: &Arc<Planned>) -> Self {
        Self {
            file_name: kind.file_name(&planned.checked),
            content: Content::Companion(kind, Arc::clone(planned)),
        }
    }

    /// A file of known bytes.
    #[cfg(test)]
    pub(super) fn file(file_name: &str, bytes: &[u8]) -> Self {
        let meta = crate::package::sample::meta("1.0.0", 1);
        Self { file_name: file_name.to_owned(), content: Content::Bytes(bytes.to_vec(), Box::new(meta)) }
    }

    /// All files of a spec in these formats: packages and additional files.
    pub fn all(planned: Planned, formats: &[Format]) -> Vec<Self> {
        let planned = Arc::new(planned);
        let packages = formats.iter().map(|format| Self::package(*format, &planned));
        let companions = Companion::of(&planned.checked).into_iter();
        let companions = companions.map(|kind| Self::companion(kind, &planned));
        packages.chain(companions).collect()
    }

    /// The name of the file.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Metadata of its package.
    pub(super) fn meta(&self) -> &Meta {
        match &self.content {
            Content::Package(_, planned) | Content::Companion(_, planned) => &planned.checked.meta,
            Content::Program(_, meta) => meta,
            #[cfg(test)]
            Content::Bytes(_, meta) => meta,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Package(format, _) | Content::Program(format, _) => format.name(),
            Content::Companion(..) => "file",
            #[cfg(test)]
            Content::Bytes(..) => "file",
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// A template fails, or a value does not fit into the format.
    pub fn bytes(&self, templates: &Templates) -> Result<Vec<u8>, BuildError> {
        match &self.content {
            Content::Package(format, planned) => {
                self.write(*format, &plan::package(planned, *format, templates)?, templates)
            }
            Content::Program(format, _) => {
                self.write(*format, &plan::program::package(*format, templates)?, templates)
            }
            Content::Companion(kind, planned) => Ok(kind.render(&planned.checked, templates)?),
            #[cfg(test)]
            Content::Bytes(bytes, _) => Ok(bytes.clone()),
        }
    }

    /// The package in the file; `None` if the file is not a package.
    fn planned(&self, templates: &Templates) -> Result<Option<(Format, Package)>, BuildError> {
        Ok(match &self.content {
            Content::Package(format, planned) => Some((*format, plan::package(planned, *format, templates)?)),
            Content::Program(format, _) => Some((*format, plan::program::package(*format, templates)?)),
            Content::Companion(..) => None,
            #[cfg(test)]
            Content::Bytes(..) => None,
        })
    }

    /// The file, and the requested documents about it.
    pub(super) fn make(&self, templates: &Templates, sbom: &[Scope]) -> Result<Vec<Made>, BuildError> {
        let planned = if sbom.is_empty() { None } else { self.planned(templates)? };
        let Some((format, package)) = planned else {
            return Ok(vec![Made::new(&self.file_name, self.kind(), self.bytes(templates)?)?]);
        };
        let mut made = Made::new(&self.file_name, self.kind(), self.write(format, &package, templates)?)?;
        made.artifact.version = Some(formats::of(format).version(&package.meta.version));
        made.artifact.depends = package.relations.depends.iter().map(Relation::to_string).collect();
        if !sbom.contains(&Scope::Packages) {
            return Ok(vec![made]);
        }
        let name = format!("{}{}", self.file_name, attest::SBOM_EXTENSION);
        let text = self.sbom(format, &package, &made.artifact, templates)?;
        Ok(vec![made, Made::new(&name, "sbom", text)?])
    }

    /// The bill of materials of a package with its files.
    fn sbom(
        &self,
        format: Format,
        package: &Package,
        made: &Artifact,
        templates: &Templates,
    ) -> Result<Vec<u8>, BuildError> {
        let added = formats::of(format).added(package, templates).map_err(|error| self.failed(error))?;
        let mut files: Vec<(&str, &Text)> = package.entries.iter().chain(&added).filter_map(text).collect();
        files.sort_unstable_by_key(|(path, _)| *path);
        let words = self.words();
        let packaged = Packaged {
            format,
            name: &package.meta.name,
            version: made.version.as_deref().unwrap_or_default(),
            file_name: &self.file_name,
            sha256: &made.sha256,
            words: &words,
            depends: &made.depends,
            files: files
                .into_iter()
                .map(|(path, text)| attest::File { path, sha1: text.sha1(), sha256: text.sha256() })
                .collect(),
        };
        let document = Document::new(&self.file_name, std::slice::from_ref(&packaged)).to_json();
        Ok(document.map_err(std::io::Error::from)?)
    }

    fn write(&self, format: Format, package: &Package, templates: &Templates) -> Result<Vec<u8>, BuildError> {
        formats::of(format).write(package, templates).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: WriteError) -> BuildError {
        BuildError::Write { file_name: self.file_name.clone(), error }
    }

    /// The entry of a package in a bill of materials.
    fn words(&self) -> Words {
        let time = match &self.content {
            Content::Package(_, planned) | Content::Companion(_, planned) => planned.checked.time,
            Content::Program(_, meta) => meta.changelog[0].time,
            #[cfg(test)]
            Content::Bytes(..) => 0,
        };
        let Meta { license, maintainer, .. } = self.meta();
        Words { license: license.clone(), maintainer: maintainer.clone(), time }
    }
}

/// The path and bytes of an entry that is a file.
fn text(entry: &Entry) -> Option<(&str, &Text)> {
    match &entry.kind {
        EntryKind::File(text) | EntryKind::Doc(text) | EntryKind::Config(text) => Some((&entry.path, text)),
        EntryKind::Directory | EntryKind::Symlink(_) => None,
    }
}
