//! (room being built)

use crate::package::{Inspection, Meta, Package, ReadError, WriteError};
use crate::template::Templates;

/// The name of the file.
pub fn file_name(meta: &Meta) -> String {
    format!("{}-{}-{}.noarch.rpm", meta.name, meta.version.upstream("~"), meta.version.revision)
}

/// Not yet.
///
/// # Errors
/// Always.
pub fn write(_: &Package, _: &Templates) -> Result<Vec<u8>, WriteError> {
    Err(WriteError::Value("rpm packages are being built".to_owned()))
}

/// Not yet.
///
/// # Errors
/// Always.
pub fn read(_: &[u8]) -> Result<Inspection, ReadError> {
    Err(ReadError::Unknown)
}

/// Whether the first bytes are those of an rpm.
pub(crate) fn is_rpm(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xed, 0xab, 0xee, 0xdb])
}
