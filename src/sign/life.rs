//! The life of a key: created, extended, revoked. Rotation adds a new key to the old one.

use super::SignError;
use super::armor::armored;
use super::certificate::{Certificate, certified};
use super::key::{Material, PublicKey};
use super::packet;
use super::secret::SecretKey;
use super::signature::{
    CERTIFICATION, CIPHERS, FEATURES, HASHES, KEY_EXPIRES, KEY_FLAGS, REASON, REVOCATION, Unsigned,
};

/// The kinds of key that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Algorithm {
    /// RSA with 3072 bits: accepted everywhere.
    Rsa3072,
    /// RSA with 4096 bits: accepted everywhere; half as fast.
    Rsa4096,
    /// Ed25519: fast and short, but rejected by rpm of RHEL 8 and 9.
    Ed25519,
}

/// Signs a digest with SHA-512: the raw signature.
type Raw<'a> = &'a dyn Fn(&[u8; 64]) -> Result<Vec<u8>, SignError>;

/// A new key.
#[derive(Debug)]
pub struct Created {
    /// The key with its certificate.
    pub key: SecretKey,
    /// Its revocation certificate, armored. Anyone who has it can revoke the key.
    pub revocation: String,
}

/// Makes a key for `user_id`, valid from `now` until `expires` (seconds since 1970 UTC) or for ever.
///
/// # Errors
/// The user ID is not one line, a time does not fit 32 bits, or the library fails.
pub fn create(
    algorithm: Algorithm,
    user_id: &str,
    now: u64,
    expires: Option<u64>,
) -> Result<Created, SignError> {
    let mut key = SecretKey::generate(algorithm, seconds(now)?)?;
    let sign = |digest: &[u8; 64]| key.raw(digest);
    let certificate = certify(key.certificate().clone(), user_id, now, expires, &sign)?;
    let revocation = revocation(certificate.key(), now, &sign)?;
    key.set_certificate(certificate);
    Ok(Created { key, revocation: armored("PUBLIC KEY BLOCK", &revocation) })
}

/// Makes the certificate of a key that another program holds: `public` is its `SubjectPublicKeyInfo` (DER) of an RSA key,
/// `sign` returns the raw signature of a SHA-512 digest.
///
/// # Errors
/// The public key is no RSA key, or the program fails.
pub fn create_for(
    modulus: &[u8],
    exponent: &[u8],
    user_id: &str,
    now: u64,
    expires: Option<u64>,
    sign: Raw<'_>,
) -> Result<Certificate, SignError> {
    let material = Material::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() };
    certify(Certificate::bare(PublicKey::new(seconds(now)?, material)), user_id, now, expires, sign)
}

/// Adds a self-signature with a new time of expiry. The old ones stay: they bind the key to what it has signed so far.
///
/// # Errors
/// A time does not fit 32 bits, the newest self-signature is not older, or the key cannot sign.
pub fn extend(
    certificate: &Certificate,
    now: u64,
    expires: Option<u64>,
    sign: Raw<'_>,
) -> Result<Certificate, SignError> {
    if certificate.is_revoked() {
        return Err(SignError::Key("a revoked key cannot be extended".to_owned()));
    }
    // Two self-signatures of one second would leave open which of them counts.
    let now = now.max(u64::from(certificate.newest_self_signature()) + 1);
    let user_id = certificate.user_id().to_owned();
    certify(certificate.clone(), &user_id, now, expires, sign)
}

/// Revokes a key: its certificate with the revocation in it.
///
/// # Errors
/// The key cannot sign.
pub fn revoke(certificate: &Certificate, now: u64, sign: Raw<'_>) -> Result<Certificate, SignError> {
    let packet = revocation(certificate.key(), now, sign)?;
    let mut revoked = certificate.clone();
    for (_, body) in packet::packets(&packet)? {
        revoked.add(None, body)?;
    }
    Ok(revoked)
}

fn certify(
    mut certificate: Certificate,
    user_id: &str,
    now: u64,
    expires: Option<u64>,
    sign: Raw<'_>,
) -> Result<Certificate, SignError> {
    if user_id.trim() != user_id || user_id.is_empty() || user_id.chars().any(char::is_control) {
        return Err(SignError::Key(
            "the user ID must be one line, such as `ACME packages <it@acme.example>`".into(),
        ));
    }
    let valid = match expires {
        None => None,
        Some(expires) if expires > now => Some(seconds(expires - certificate.created())?.to_be_bytes()),
        Some(_) => return Err(SignError::Time("the key would expire before it is valid".to_owned())),
    };
    // May certify and sign; prefers AES-256 and SHA-512, SHA-384, SHA-256; knows integrity protection.
    let mut said: Vec<(u8, &[u8])> =
        vec![(KEY_FLAGS, &[3]), (CIPHERS, &[9]), (HASHES, &[10, 9, 8]), (FEATURES, &[1])];
    if let Some(valid) = &valid {
        said.push((KEY_EXPIRES, valid));
    }
    let key = certificate.key().clone();
    let data = certified(&key, user_id.as_bytes());
    let unsigned = Unsigned::new(&key, CERTIFICATION, &data, seconds(now)?, &said);
    let raw = sign(&unsigned.digest)?;
    let before = certificate.tail().len();
    for (_, body) in packet::packets(&unsigned.packet(&key, &raw)?)? {
        certificate.add(Some(user_id.as_bytes()), body)?;
    }
    // The new signature is verified here, which detects a program that signs with a different key.
    if certificate.tail().len() == before {
        return Err(SignError::Key("the signer does not hold the key of this certificate".to_owned()));
    }
    Ok(certificate)
}

fn revocation(key: &PublicKey, now: u64, sign: Raw<'_>) -> Result<Vec<u8>, SignError> {
    // "No reason specified": the strictest, with which nothing that the key signed counts any more.
    let unsigned = Unsigned::new(key, REVOCATION, &key.framed(), seconds(now)?, &[(REASON, &[0])]);
    let raw = sign(&unsigned.digest)?;
    unsigned.packet(key, &raw)
}

fn seconds(time: u64) -> Result<u32, SignError> {
    u32::try_from(time)
        .map_err(|_| SignError::Time("a time is beyond the year 2106, where OpenPGP keys end".into()))
}
