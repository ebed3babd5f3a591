//! A package on its way into a repository: read once, signed if its format has signatures, described for its index.

use super::format::of;
use super::{RepoError, sha256};
use crate::build::FileName;
use crate::package::ReadError;
use crate::platform::Format;
use crate::sign::{self, Kind, Signer};

/// A package as it is published.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) format: Format,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) time: u64,
    pub(super) file: FileName,
    pub(super) bytes: Vec<u8>,
    /// The separate signature file, if the format has one.
    pub(super) signature: Option<Vec<u8>>,
    pub(super) entry: String,
}

/// Data about a file for an index.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) file: &'a FileName,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl<'a> Placed<'a> {
    /// The data about a file with these bytes.
    pub(super) fn new(file: &'a FileName, bytes: &[u8]) -> Self {
        Self { file, size: bytes.len() as u64, sha256: sha256(bytes) }
    }
}

/// The name of a package's file in the pool. Object stores and CDNs read `+`, `~` and `:` in addresses differently, so none
/// of them is in it.
pub(super) fn pool_name(file: &str) -> Result<FileName, RepoError> {
    Ok(FileName::new(file.replace('+', "__").replace(['~', ':'], "_"))?)
}

/// Reads, signs and describes a package.
///
/// # Errors
/// It is not a package of this format, or the signer fails.
pub(super) fn prepare(
    format: Format,
    file: &str,
    bytes: Vec<u8>,
    signer: &dyn Signer,
) -> Result<Prepared, RepoError> {
    of(format).prepare(pool_name(file)?, bytes, signer).map_err(|error| match error {
        RepoError::Package { error, .. } => RepoError::Package { file: file.to_owned(), error },
        error => error,
    })
}

/// A signature over bytes of this time, in seconds since 1970 UTC, as an OpenPGP packet.
///
/// # Errors
/// The signer fails.
pub(super) fn sign(signer: &dyn Signer, bytes: &[u8], time: u64) -> Result<Vec<u8>, RepoError> {
    let time = sign::time_of(signer.certificate(), time);
    signer.sign(Kind::Binary, bytes, time).map_err(RepoError::Sign)
}

/// The error for a package without a required field.
pub(super) fn missing(field: &str) -> RepoError {
    ReadError::Damaged(format!("it has no {field}")).into()
}
