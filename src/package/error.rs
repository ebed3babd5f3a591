/// Why a package cannot be written. Specs are checked before, so this is about templates, or a defect.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A maintainer script or hook does not render.
    #[error(transparent)]
    Template(#[from] crate::template::Error),
    /// A value that the format cannot hold.
    #[error("{0}")]
    Value(String),
    /// A compressor or the rpm library failed.
    #[error("{0}")]
    Encode(String),
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self::Encode(error.to_string())
    }
}

/// Why a file cannot be read as a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The first bytes are those of no package format.
    #[error("it is not a deb, rpm or pacman package")]
    Unknown,
    /// It begins like a package but is none.
    #[error("the package is damaged: {0}")]
    Damaged(String),
}
