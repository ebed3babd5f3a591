//! One file to be made.

use std::sync::Arc;

use super::BuildError;
use crate::package::Meta;
use crate::plan::{self, Companion, Planned};
use crate::target::Format;
use crate::template::Templates;
use crate::{deb, pacman, rpm};

/// Something to put into the output folder.
#[derive(Debug)]
pub struct Job {
    file_name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Package(Format, Arc<Planned>),
    Companion(Companion, Arc<Planned>),
    #[cfg(test)]
    Bytes(Vec<u8>, Box<Meta>),
}

impl Job {
    /// The package of a spec in a format. It is planned when its turn comes: side by side with others, and so
    /// that a fleet is never in memory as a whole.
    pub fn package(format: Format, planned: &Arc<Planned>) -> Self {
        let file_name = match format {
            Format::Deb => deb::file_name(&planned.checked.meta),
            Format::Rpm => rpm::file_name(&planned.checked.meta),
            Format::Pacman => pacman::file_name(&planned.checked.meta),
        };
        Self { file_name, content: Content::Package(format, Arc::clone(planned)) }
    }

    /// A file beside the packages of a spec.
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

    /// All files of a spec in these formats: packages, and what stands beside them.
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

    /// Words of the package that it belongs to.
    pub(super) fn meta(&self) -> &Meta {
        match &self.content {
            Content::Package(_, planned) | Content::Companion(_, planned) => &planned.checked.meta,
            #[cfg(test)]
            Content::Bytes(_, meta) => meta,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Package(format, _) => format.name(),
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
        let (format, planned) = match &self.content {
            Content::Package(format, planned) => (*format, planned),
            Content::Companion(kind, planned) => return Ok(kind.render(&planned.checked, templates)?),
            #[cfg(test)]
            Content::Bytes(bytes, _) => return Ok(bytes.clone()),
        };
        let package = plan::package(planned, format, templates)?;
        let written = match format {
            Format::Deb => deb::write(&package, templates),
            Format::Rpm => rpm::write(&package, templates),
            Format::Pacman => pacman::write(&package, templates),
        };
        written.map_err(|error| BuildError::Write { file_name: self.file_name.clone(), error })
    }
}
