//! The name of a file in an output folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diag::is_odd;

/// One plain component of a path. Names come from specs, inventories and manifests, and a path that is joined from them must
/// stay in its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// The reason why a text is not a [`FileName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the name of a file in a folder", .0.escape_debug())]
pub struct NotAFileName(String);

impl FileName {
    /// NAME_MAX of Linux, in bytes.
    const LONGEST: usize = 255;

    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, too long, `.` or `..`, or contains a separator, a control character or an invisible one.
    pub fn new(name: impl Into<String>) -> Result<Self, NotAFileName> {
        let name = name.into();
        let plain = !name.is_empty()
            && name.len() <= Self::LONGEST
            && !matches!(name.as_str(), "." | "..")
            && !name.contains(|c| matches!(c, '/' | '\\') || is_odd(c));
        if plain { Ok(Self(name)) } else { Err(NotAFileName(name)) }
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = NotAFileName;

    fn try_from(name: String) -> Result<Self, NotAFileName> {
        Self::new(name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl From<NotAFileName> for std::io::Error {
    fn from(error: NotAFileName) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error.to_string())
    }
}

impl AsRef<Path> for FileName {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_components_are_names() {
        for good in ["a", "acme_1.0.0-1_all.deb", "..a", ".hidden", "ä b", "-x"] {
            assert!(FileName::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(256);
        for bad in [
            "",
            ".",
            "..",
            "/",
            "/etc/passwd",
            "../x",
            "../../x",
            "a/b",
            "a/",
            "./a",
            "a\\b",
            "..\\x",
            "a\nb",
            "a\0b",
            "\u{1b}[31m",
            "a\u{202e}b",
            "a\u{85}b",
            &long,
        ] {
            assert!(FileName::new(bad).is_err(), "{bad:?}");
            let json = serde_json::to_string(bad).unwrap();
            assert!(serde_json::from_str::<FileName>(&json).is_err(), "{bad:?}");
        }
    }
}
