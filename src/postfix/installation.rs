//! Which Postfix a system has.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A Postfix release series, such as 3.7: features come with a series, never with a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
}

impl Series {
    /// The series `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl FromStr for Series {
    type Err = String;

    /// Reads `3.7`; of `3.7.11` the first two numbers.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = text.splitn(3, '.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(format!("`{text}` is no Postfix version")),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The Postfix of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Installation {
    /// The whole version, such as `3.7.11`.
    pub version: String,
    /// The type of the tables that postmap writes when none is named.
    pub default_database_type: String,
    /// Indexed table types that work without a further package.
    pub indexed: Vec<String>,
}

impl Installation {
    /// The release series; distributions patch within it.
    pub fn series(&self) -> Series {
        // The data of all distributions is read by a test.
        self.version.parse().unwrap_or(Series::new(0, 0))
    }
}
