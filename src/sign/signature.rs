//! Signature packets, RFC 9580 section 5.2: version 4, SHA-512.

use sha2::{Digest as _, Sha512};

use super::SignError;
use super::certificate::Certificate;
use super::key::{self, Material, PublicKey, SHA512};
use super::packet::{self, Reader, put_integer, put_packet, put_subpacket};

/// Subpackets (section 5.2.3.7).
pub(super) const CREATED: u8 = 2;
pub(super) const KEY_EXPIRES: u8 = 9;
pub(super) const CIPHERS: u8 = 11;
const ISSUER: u8 = 16;
pub(super) const HASHES: u8 = 21;
pub(super) const KEY_FLAGS: u8 = 27;
pub(super) const REASON: u8 = 29;
pub(super) const FEATURES: u8 = 30;
const ISSUER_FINGERPRINT: u8 = 33;

/// Type of a signature (section 5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes as they are: a detached signature.
    Binary = 0,
    /// A text in canonical form: lines ended by CR and LF.
    Text = 1,
}

pub(super) const CERTIFICATION: u8 = 0x13;
pub(super) const REVOCATION: u8 = 0x20;

/// A signature that waits for its numbers: what is hashed after the data, and the digest of it all.
pub(super) struct Unsigned {
    head: Vec<u8>,
    issuer: [u8; 8],
    pub(super) digest: [u8; 64],
}

impl Unsigned {
    /// A signature of a kind over data, at a time, with more hashed subpackets.
    pub(super) fn new(key: &PublicKey, kind: u8, data: &[u8], time: u32, more: &[(u8, &[u8])]) -> Self {
        let mut hashed = Vec::new();
        put_subpacket(&mut hashed, CREATED, &time.to_be_bytes());
        put_subpacket(&mut hashed, ISSUER_FINGERPRINT, &[&[4], &key.fingerprint[..]].concat());
        for (kind, body) in more {
            put_subpacket(&mut hashed, *kind, body);
        }
        let mut head = vec![4, kind, key.algorithm(), SHA512];
        head.extend(u16::try_from(hashed.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend(hashed);
        let digest =
            Sha512::new().chain_update(data).chain_update(&head).chain_update(trailer(&head)).finalize();
        let mut issuer = [0; 8];
        issuer.copy_from_slice(&key.fingerprint[12..]);
        Self { head, issuer, digest: digest.into() }
    }

    /// The packet, with what the key made of the digest: one number of RSA, or the two halves of Ed25519.
    pub(super) fn packet(self, key: &PublicKey, raw: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut body = self.head;
        let mut unhashed = Vec::new();
        put_subpacket(&mut unhashed, ISSUER, &self.issuer);
        body.extend(u16::try_from(unhashed.len()).unwrap_or_default().to_be_bytes());
        body.extend(unhashed);
        body.extend(&self.digest[..2]);
        match key.material {
            Material::Rsa { .. } => put_integer(&mut body, raw),
            Material::Ed25519(_) => {
                let (r, s) = raw
                    .split_at_checked(32)
                    .filter(|(_, s)| s.len() == 32)
                    .ok_or(SignError::Malformed("an Ed25519 signature does not have 64 bytes"))?;
                put_integer(&mut body, r);
                put_integer(&mut body, s);
            }
        }
        let mut packet = Vec::new();
        put_packet(&mut packet, packet::SIGNATURE, &body);
        Ok(packet)
    }
}

fn trailer(head: &[u8]) -> [u8; 6] {
    let [a, b, c, d] = u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes();
    [4, 0xff, a, b, c, d]
}

/// A signature that was read.
#[derive(Debug, Clone)]
pub(super) struct Signature<'a> {
    pub(super) kind: u8,
    algorithm: u8,
    pub(super) hash: u8,
    head: &'a [u8],
    hashed: Vec<(u8, &'a [u8])>,
    issuer: Option<&'a [u8]>,
    integers: Reader<'a>,
}

impl<'a> Signature<'a> {
    /// Reads the body of a signature packet.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, SignError> {
        let mut reader = Reader(body);
        if reader.byte()? != 4 {
            return Err(SignError::Malformed("it has a signature that is not of version 4"));
        }
        let [kind, algorithm, hash] = [reader.byte()?, reader.byte()?, reader.byte()?];
        let subpackets = |reader: &mut Reader<'a>| {
            let length = reader.length(2)?;
            let mut area = Reader(reader.take(length)?);
            let mut found = Vec::new();
            while !area.is_empty() {
                found.push(area.subpacket()?);
            }
            Ok::<_, SignError>(found)
        };
        let hashed = subpackets(&mut reader)?;
        let head = &body[..body.len() - reader.0.len()];
        let unhashed = subpackets(&mut reader)?;
        let fingerprint = |(kind, body): &(u8, &'a [u8])| {
            if *kind == ISSUER_FINGERPRINT {
                body.strip_prefix(&[4]).and_then(|body| body.get(12..))
            } else {
                None
            }
        };
        let id = |(kind, body): &(u8, &'a [u8])| (*kind == ISSUER).then_some(*body);
        let all = || hashed.iter().chain(&unhashed);
        let issuer = all().find_map(fingerprint).or_else(|| all().find_map(id));
        let _left = reader.take(2)?;
        Ok(Self { kind, algorithm, hash, head, hashed, issuer, integers: reader })
    }

    pub(super) fn subpacket(&self, kind: u8) -> Option<&'a [u8]> {
        self.hashed.iter().find(|(known, _)| *known == kind).map(|(_, body)| *body)
    }

    /// Seconds since 1970 UTC.
    pub(super) fn created(&self) -> u32 {
        self.subpacket(CREATED).and_then(|body| Reader(body).number(4).ok()).unwrap_or_default()
    }

    /// Whether it says that this key made it.
    pub(super) fn names(&self, key: &PublicKey) -> bool {
        self.algorithm == key.algorithm() && self.issuer == Some(&key.fingerprint[12..])
    }

    /// Whether this key made it over this data.
    pub(super) fn is_by(&self, key: &PublicKey, data: &[u8]) -> Result<bool, SignError> {
        let message = [data, self.head, &trailer(self.head)].concat();
        key.verifies(self.hash, &message, self.integers)
    }

    fn issuer_hex(&self) -> String {
        self.issuer.map_or_else(|| "of an unknown number".to_owned(), |id| data_encoding::HEXUPPER.encode(id))
    }
}

/// Verifies data by one of the certificates, and returns which it was and when it was signed (seconds since 1970 UTC).
/// As package managers do, it accepts a signature that was made while the key was valid.
///
/// # Errors
/// None of the signatures is by a known key, one of a known key does not match, or it was made when its key was not
/// valid, or with SHA-1.
pub fn verify<'c>(
    certificates: &[&'c Certificate],
    kind: Kind,
    data: &[u8],
    signatures: &[u8],
) -> Result<(&'c Certificate, u64), SignError> {
    let mut stranger = SignError::Malformed("there is no signature");
    for (packet, body) in packet::packets(signatures)? {
        if packet != packet::SIGNATURE {
            return Err(SignError::Malformed("there is more than signatures"));
        }
        let signature = Signature::read(body)?;
        let known = certificates.iter().find(|certificate| signature.names(certificate.key()));
        let Some(certificate) = known else {
            stranger = SignError::Stranger(signature.issuer_hex());
            continue;
        };
        if signature.kind != kind as u8 || !signature.is_by(certificate.key(), data)? {
            return Err(SignError::Mismatch(signature.issuer_hex()));
        }
        if signature.hash == key::SHA1 {
            return Err(SignError::Key(
                "the signature is made with SHA-1, which apt 3 and rpm 6 reject".to_owned(),
            ));
        }
        let time = u64::from(signature.created());
        certificate.usable_at(time)?;
        return Ok((certificate, time));
    }
    Err(stranger)
}
