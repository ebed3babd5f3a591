//! OpenPGP version 4 signatures (RFC 4880, RFC 9580), deterministic: the same key, bytes and time give the same signature.
//!
//! Package managers accept few of the kinds of signature that OpenPGP has. This module writes the one kind that all of them
//! accept, and names the distributions where a key fails. It knows nothing of what is signed.
//! `docs/adr/0001-openpgp.md` says why it is our own code, and what it was measured and compared with.

mod armor;
mod certificate;
mod cleartext;
mod key;
mod life;
mod packet;
mod secret;
mod signature;
mod signer;
#[cfg(test)]
mod tests;

pub use armor::{armored, unarmored};
pub use certificate::{Certificate, Concern, Gravity};
pub use cleartext::{Cleartext, cleartext};
pub use life::{Algorithm, Created, create, create_for, extend, revoke};
pub use secret::{Armor, SecretKey};
pub use signature::{Kind, verify};
pub use signer::{CommandSigner, FileSigner, GpgSigner, Signer};

/// Why something cannot be signed, or a key or signature cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The bytes are not OpenPGP.
    #[error("not OpenPGP data: {0}")]
    Malformed(&'static str),
    /// The key is of a kind that some package manager rejects, or that we cannot use.
    #[error("{0}")]
    Key(String),
    /// No signature is by one of the keys.
    #[error("signed by key {0}, which is not one of the repository's keys")]
    Stranger(String),
    /// The signature does not fit the data.
    #[error("the signature by key {0} does not match the data")]
    Mismatch(String),
    /// The signature was made outside of the validity of its key.
    #[error("{0}")]
    Time(String),
    /// The program that holds the key failed.
    #[error("{program}: {why}")]
    Program {
        /// Its name.
        program: String,
        /// What it reported.
        why: String,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library could not {0}")]
    Library(&'static str),
}

/// The time of a signature: that of the content, but never earlier than the newest self-signature of the key, because
/// apt 3 (Sequoia) and rpm 6 reject a signature that is older. Seconds since 1970 UTC.
pub fn time_of(certificate: &Certificate, content: u64) -> u64 {
    content.max(u64::from(certificate.newest_self_signature()))
}
