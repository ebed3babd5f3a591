//! The bytes of a file, held once however many packages they are in, with digests made once.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Content of a file. Cheap to clone; all formats share its digests.
#[derive(Debug, Clone)]
pub struct Content(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: Vec<u8>,
    md5: OnceLock<String>,
    sha1: OnceLock<String>,
    sha256: OnceLock<String>,
}

impl Content {
    /// MD5, hexadecimal: what dpkg and pacman 6.0 compare installed files with.
    pub(crate) fn md5(&self) -> &str {
        self.0.md5.get_or_init(|| format!("{:x}", Md5::digest(&self.0.bytes)))
    }

    /// SHA-1, hexadecimal: what SPDX names files by.
    pub(crate) fn sha1(&self) -> &str {
        self.0.sha1.get_or_init(|| format!("{:x}", Sha1::digest(&self.0.bytes)))
    }

    /// SHA-256, hexadecimal.
    pub(crate) fn sha256(&self) -> &str {
        self.0.sha256.get_or_init(|| format!("{:x}", Sha256::digest(&self.0.bytes)))
    }
}

impl<B: Into<Vec<u8>>> From<B> for Content {
    fn from(bytes: B) -> Self {
        Self(Arc::new(Shared {
            bytes: bytes.into(),
            md5: OnceLock::new(),
            sha1: OnceLock::new(),
            sha256: OnceLock::new(),
        }))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for Content {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // The test vectors of RFC 1321 and FIPS 180.
        let content = Content::from("abc");
        assert_eq!(content.md5(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(content.sha1(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(content.sha256().starts_with("ba7816bf8f01cfea"));
    }
}
