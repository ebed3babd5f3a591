//! Public keys, RFC 9580 section 5.5.2: RSA and Ed25519, version 4.

use aws_lc_rs::signature::{self as crypto, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use sha1::{Digest as _, Sha1};

use super::SignError;
use super::packet::{Reader, put_integer};

/// Public key algorithms (section 9.1).
pub(super) const RSA: u8 = 1;
const EDDSA_LEGACY: u8 = 22;
/// The object identifier of Ed25519 in keys of algorithm 22, with its length.
const ED25519_OID: [u8; 10] = [9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
/// Marks a native point of Edwards curves.
const NATIVE_POINT: u8 = 0x40;

/// Hash algorithms (section 9.5).
pub(super) const SHA1: u8 = 2;
pub(super) const SHA256: u8 = 8;
const SHA384: u8 = 9;
pub(super) const SHA512: u8 = 10;

/// The numbers of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519([u8; 32]),
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// Seconds since 1970 UTC.
    pub(super) created: u32,
    pub(super) material: Material,
    /// The body of its packet.
    pub(super) body: Vec<u8>,
    pub(super) fingerprint: [u8; 20],
}

impl PublicKey {
    pub(super) fn new(created: u32, material: Material) -> Self {
        let mut body = vec![4];
        body.extend(created.to_be_bytes());
        body.push(material.algorithm());
        match &material {
            Material::Rsa { modulus, exponent } => {
                put_integer(&mut body, modulus);
                put_integer(&mut body, exponent);
            }
            Material::Ed25519(point) => {
                body.extend(ED25519_OID);
                put_integer(&mut body, &[&[NATIVE_POINT], &point[..]].concat());
            }
        }
        let fingerprint = fingerprint(&body);
        Self { created, material, body, fingerprint }
    }

    /// Reads a public key from the front of a key packet, which goes on after it if the key is a secret one.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, SignError> {
        let refused = |what: &str, fails: &str| SignError::Key(format!("{what} cannot be used: {fails}"));
        match reader.byte()? {
            4 => {}
            6 => {
                return Err(refused(
                    "a key of OpenPGP version 6",
                    "apt before 3.0, dnf and pacman reject it",
                ));
            }
            _ => return Err(refused("a key before OpenPGP version 4", "package managers reject it")),
        }
        let created = reader.number(4)?;
        let material = match reader.byte()? {
            RSA => {
                let modulus = reader.integer()?.to_vec();
                Material::Rsa { modulus, exponent: reader.integer()?.to_vec() }
            }
            EDDSA_LEGACY => {
                if reader.take(ED25519_OID.len())? != ED25519_OID {
                    return Err(refused("an EdDSA key of an unknown curve", "no package manager reads it"));
                }
                let point = reader.integer()?;
                let point = point.strip_prefix(&[NATIVE_POINT]).and_then(|point| point.try_into().ok());
                Material::Ed25519(point.ok_or(SignError::Malformed("its Ed25519 point has a wrong length"))?)
            }
            17 => return Err(refused("a DSA key", "apt 3 has rejected DSA since February 2024")),
            19 => return Err(refused("an ECDSA key", "rpm before 4.20 (RHEL 8 and 9) cannot import it")),
            23.. => {
                let fails = "apt before 3.0, rpm before 4.20, dnf and pacman reject it; make an RSA key, or an \
                             Ed25519 key of algorithm 22";
                return Err(refused("a key of a new algorithm (27 or 28: Ed25519, Ed448)", fails));
            }
            _ => return Err(refused("a key that cannot sign", "it is for encryption only")),
        };
        let key = Self::new(created, material);
        match &key.material {
            Material::Rsa { modulus, .. } if modulus.len() < 256 => {
                let bits = modulus.len() * 8;
                Err(refused(&format!("an RSA key of {bits} bits"), "apt requires 2048 bits or more"))
            }
            _ => Ok(key),
        }
    }

    /// The data of a key that is hashed for signatures: section 5.2.4.
    pub(super) fn framed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[0x99], &length[..], &self.body].concat()
    }

    /// The fingerprint as people compare it: 40 hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        data_encoding::HEXUPPER.encode(&self.fingerprint)
    }

    pub(super) fn algorithm(&self) -> u8 {
        self.material.algorithm()
    }

    /// Whether the integers of a signature are by this key over this message. With RSA the library hashes the message;
    /// an Ed25519 signature is over the digest.
    pub(super) fn verifies(
        &self,
        hash: u8,
        message: &[u8],
        mut integers: Reader<'_>,
    ) -> Result<bool, SignError> {
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                let parameters: &RsaParameters = match hash {
                    SHA1 => &crypto::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    SHA256 => &crypto::RSA_PKCS1_2048_8192_SHA256,
                    SHA384 => &crypto::RSA_PKCS1_2048_8192_SHA384,
                    SHA512 => &crypto::RSA_PKCS1_2048_8192_SHA512,
                    _ => return Ok(false),
                };
                let Some(signature) = padded(integers.integer()?, modulus.len()) else { return Ok(false) };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                Ok(key.verify(parameters, message, &signature).is_ok())
            }
            Material::Ed25519(point) => {
                let halves = [integers.integer()?, integers.integer()?].map(|half| padded(half, 32));
                let [Some(r), Some(s)] = halves else { return Ok(false) };
                let Some(digest) = digest(hash, message) else { return Ok(false) };
                let key = UnparsedPublicKey::new(&crypto::ED25519, point);
                Ok(key.verify(&digest, &[r, s].concat()).is_ok())
            }
        }
    }
}

impl Material {
    fn algorithm(&self) -> u8 {
        match self {
            Self::Rsa { .. } => RSA,
            Self::Ed25519(_) => EDDSA_LEGACY,
        }
    }
}

/// The digest of a message by the number of the algorithm; nothing for algorithms that no package manager accepts.
pub(super) fn digest(hash: u8, message: &[u8]) -> Option<Vec<u8>> {
    match hash {
        SHA1 => Some(Sha1::digest(message).to_vec()),
        SHA256 => Some(sha2::Sha256::digest(message).to_vec()),
        SHA384 => Some(sha2::Sha384::digest(message).to_vec()),
        SHA512 => Some(sha2::Sha512::digest(message).to_vec()),
        _ => None,
    }
}

/// A number with zeros in front, up to this length; nothing if it is longer.
pub(super) fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(number.len())?;
    Some([&vec![0; zeros][..], number].concat())
}

fn fingerprint(body: &[u8]) -> [u8; 20] {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    Sha1::new().chain_update([0x99]).chain_update(length).chain_update(body).finalize().into()
}
