//! Secret keys without a passphrase: RFC 9580 section 5.5.3. Keys with one are for gpg to unlock.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA512, RsaKeyPair, RsaPublicKeyComponents,
};
use num_bigint::BigUint;

use super::SignError;
use super::armor::{armored, unarmored};
use super::certificate::Certificate;
use super::key::{Material, PublicKey, padded};
use super::life::Algorithm;
use super::packet::{self, Reader, put_integer, put_packet};

/// A secret key with its certificate. Nothing shows the secret.
pub struct SecretKey {
    pair: Pair,
    /// The integers of the secret part as the file has them.
    integers: Vec<u8>,
    certificate: Certificate,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey")
            .field("fingerprint", &self.certificate.fingerprint())
            .finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Reads a secret key, binary or armored.
    ///
    /// # Errors
    /// It is none, is protected by a passphrase, or is of a kind that some package manager rejects.
    pub fn parse(data: &[u8]) -> Result<Self, SignError> {
        let bytes = unarmored(data)?;
        let packets = packet::packets(&bytes)?;
        let body = match packets.first() {
            Some((packet::SECRET_KEY, body)) => *body,
            Some((packet::PUBLIC_KEY, _)) => {
                return Err(SignError::Key(
                    "this is the public key; the secret key is needed to sign".to_owned(),
                ));
            }
            _ => return Err(SignError::Malformed("it does not begin with a secret key")),
        };
        let mut reader = Reader(body);
        let key = PublicKey::read(&mut reader)?;
        if reader.byte()? != 0 {
            return Err(SignError::Key(
                "the secret key is protected by a passphrase; import it into gpg and use the signer `gpg`"
                    .to_owned(),
            ));
        }
        let (integers, sum) = reader
            .0
            .split_at_checked(reader.0.len().saturating_sub(2))
            .ok_or(SignError::Malformed("it ends too early"))?;
        if sum != checksum(integers) {
            return Err(SignError::Malformed("the checksum of the secret key differs"));
        }
        let pair = Pair::read(&key, Reader(integers))?;
        Ok(Self { pair, integers: integers.to_vec(), certificate: Certificate::read(&packets)? })
    }

    /// Makes a new key, which says nothing of itself yet. `created` is in seconds since 1970 UTC.
    pub(super) fn generate(algorithm: Algorithm, created: u32) -> Result<Self, SignError> {
        let mut integers = Vec::new();
        let (pair, material) = match algorithm {
            Algorithm::Ed25519 => {
                let failed = |_| SignError::Library("make a key");
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let point = pair.public_key().as_ref().try_into();
                let point = point.map_err(|_| SignError::Library("tell a public key"))?;
                let seed = pair.seed().map_err(failed)?;
                let seed = aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&seed).map_err(failed)?;
                put_integer(&mut integers, seed.as_ref());
                (Pair::Ed25519(pair), Material::Ed25519(point))
            }
            Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
                let failed = |_| SignError::Library("make a key");
                let size = if algorithm == Algorithm::Rsa3072 { KeySize::Rsa3072 } else { KeySize::Rsa4096 };
                let pair = RsaKeyPair::generate(size).map_err(failed)?;
                let der = pair.as_der().map_err(failed)?;
                let numbers = rsa_numbers(der.as_ref()).ok_or(SignError::Library("write a key"))?;
                let [modulus, exponent, d, p, q, inverse] = numbers;
                // OpenPGP has the inverse of p, PKCS #1 that of q: so the primes change places.
                for number in [d, q, p, inverse] {
                    put_integer(&mut integers, number);
                }
                let material = Material::Rsa {
                    modulus: packet::without_zeros(modulus).to_vec(),
                    exponent: exponent.to_vec(),
                };
                (Pair::Rsa(Box::new(pair)), material)
            }
        };
        Ok(Self { pair, integers, certificate: Certificate::bare(PublicKey::new(created, material)) })
    }

    /// Its public data.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(super) fn set_certificate(&mut self, certificate: Certificate) {
        self.certificate = certificate;
    }

    /// The key with another certificate, such as a longer one.
    #[must_use]
    pub fn with(&self, certificate: Certificate) -> Armor<'_> {
        Armor { integers: &self.integers, certificate }
    }

    /// The key as an armored file, which only its owner may read.
    pub fn to_armor(&self) -> String {
        self.with(self.certificate.clone()).to_armor()
    }

    /// The raw signature of a SHA-512 digest: the block of RSA PKCS #1 v1.5, or the 64 bytes of Ed25519 over the digest.
    pub(super) fn raw(&self, digest: &[u8; 64]) -> Result<Vec<u8>, SignError> {
        let failed = |_| SignError::Library("sign");
        match &self.pair {
            Pair::Rsa(pair) => {
                let digest = aws_lc_rs::digest::Digest::import_less_safe(digest, &aws_lc_rs::digest::SHA512)
                    .map_err(failed)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA512, &digest, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ed25519(pair) => Ok(pair.try_sign(digest).map_err(failed)?.as_ref().to_vec()),
        }
    }
}

/// A secret key on its way into a file.
pub struct Armor<'k> {
    integers: &'k [u8],
    certificate: Certificate,
}

impl std::fmt::Debug for Armor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Armor").field("fingerprint", &self.certificate.fingerprint()).finish_non_exhaustive()
    }
}

impl Armor<'_> {
    /// The text of the file.
    pub fn to_armor(&self) -> String {
        let mut body = self.certificate.key().body.clone();
        body.push(0);
        body.extend(self.integers);
        body.extend(checksum(self.integers));
        let mut bytes = Vec::new();
        put_packet(&mut bytes, packet::SECRET_KEY, &body);
        bytes.extend(self.certificate.tail());
        armored("PRIVATE KEY BLOCK", &bytes)
    }
}

impl Pair {
    fn read(key: &PublicKey, mut integers: Reader<'_>) -> Result<Self, SignError> {
        let wrong = |_| SignError::Malformed("the secret part does not fit the public part");
        match &key.material {
            Material::Ed25519(point) => {
                let seed = padded(integers.integer()?, 32);
                let seed = seed.ok_or(SignError::Malformed("its Ed25519 seed has a wrong length"))?;
                Ed25519KeyPair::from_seed_and_public_key(&seed, point).map(Self::Ed25519).map_err(wrong)
            }
            Material::Rsa { modulus, exponent } => {
                let d = integers.integer()?;
                // As above: ours are q and p in the order of PKCS #1.
                let [q, p, inverse] = [integers.integer()?, integers.integer()?, integers.integer()?];
                let one = BigUint::from(1u8);
                let reduced = |prime: &[u8]| {
                    let prime = BigUint::from_bytes_be(prime);
                    if prime <= one {
                        return Err(SignError::Malformed("a prime of the key is none"));
                    }
                    Ok((BigUint::from_bytes_be(d) % (prime - &one)).to_bytes_be())
                };
                let (d_p, d_q) = (reduced(p)?, reduced(q)?);
                let components = aws_lc_rs::rsa::KeyPairComponents {
                    public_key: RsaPublicKeyComponents { n: &modulus[..], e: &exponent[..] },
                    d,
                    p,
                    q,
                    dP: &d_p[..],
                    dQ: &d_q[..],
                    qInv: inverse,
                };
                RsaKeyPair::from_components(&components).map(|pair| Self::Rsa(Box::new(pair))).map_err(wrong)
            }
        }
    }
}

fn checksum(integers: &[u8]) -> [u8; 2] {
    integers.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte))).to_be_bytes()
}

/// n, e, d, p, q and the inverse of q of a PKCS #8 document (RFC 5208, RFC 8017 appendix A.1.2).
fn rsa_numbers(der: &[u8]) -> Option<[&[u8]; 6]> {
    /// The content of the next element, and what follows it.
    fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        let rest = der.strip_prefix(&[tag])?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = if *length < 0x80 {
            (usize::from(*length), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        };
        rest.split_at_checked(length)
    }
    const INTEGER: u8 = 2;
    const OCTETS: u8 = 4;
    const SEQUENCE: u8 = 0x30;
    let (document, _) = element(der, SEQUENCE)?;
    let (_version, rest) = element(document, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (octets, _) = element(rest, OCTETS)?;
    let (key, _) = element(octets, SEQUENCE)?;
    let (_version, mut rest) = element(key, INTEGER)?;
    let mut numbers = [&[][..]; 8];
    for number in &mut numbers {
        (*number, rest) = element(rest, INTEGER)?;
    }
    let [modulus, exponent, secret, first, second, _, _, inverse] = numbers;
    Some([modulus, exponent, secret, first, second, inverse])
}
