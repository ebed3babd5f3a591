//! Certificates: a public key, the names of its owner, and what the key says of itself.

use super::SignError;
use super::armor::{armored, unarmored};
use super::key::{Material, PublicKey, SHA1};
use super::packet::{self, Reader, put_packet};
use super::signature::{KEY_EXPIRES, KEY_FLAGS, REVOCATION, Signature};

/// Key flag "may sign data" (RFC 9580 section 5.2.3.29).
const SIGNS: u8 = 2;

/// A public key with its user IDs and all of its valid self-signatures. Subkeys and signatures of others are left out:
/// package managers do not need the second, and some cannot use the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    key: PublicKey,
    /// Packets of user IDs with their self-signatures, and of a revocation in front of them.
    packets: Vec<u8>,
    user_id: String,
    /// Self-signatures by time, the newest last.
    binding: Vec<Binding>,
    revoked: bool,
}

/// Content of a self-signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binding {
    created: u32,
    /// Seconds since 1970 UTC; nothing if the key does not expire.
    expires: Option<u64>,
    signs: bool,
    hash: u8,
}

/// How much a concern matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It fails on some distributions, which may be nobody's.
    Somewhere,
    /// It will fail soon.
    Soon,
    /// It fails on most; nothing should be signed with it.
    Now,
}

/// Where a key fails, or will fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// How much it matters.
    pub gravity: Gravity,
    /// One sentence that names the distributions.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Certificate {
    /// Reads a certificate, binary or armored; of a secret key, its public part.
    ///
    /// # Errors
    /// It is not one certificate of a kind that we can use, or it has no valid self-signature.
    pub fn parse(data: &[u8]) -> Result<Self, SignError> {
        Self::read(&packet::packets(&unarmored(data)?)?)
    }

    pub(super) fn read(packets: &[packet::Packet<'_>]) -> Result<Self, SignError> {
        let [(packet::PUBLIC_KEY | packet::SECRET_KEY, body), rest @ ..] = packets else {
            return Err(SignError::Malformed("it does not begin with a key"));
        };
        let key = PublicKey::read(&mut Reader(body))?;
        let mut certificate = Self::bare(key);
        let mut user_id: Option<&[u8]> = None;
        for (kind, body) in rest {
            match *kind {
                packet::PUBLIC_KEY | packet::SECRET_KEY => {
                    return Err(SignError::Malformed("it has more than one key"));
                }
                packet::USER_ID => user_id = Some(body),
                // The following packets bind the subkey.
                packet::PUBLIC_SUBKEY | packet::SECRET_SUBKEY => break,
                packet::SIGNATURE => certificate.add(user_id, body)?,
                _ => {}
            }
        }
        if certificate.binding.is_empty() {
            return Err(SignError::Key("the key has no valid self-signature".to_owned()));
        }
        Ok(certificate)
    }

    /// A key that says nothing of itself yet.
    pub(super) fn bare(key: PublicKey) -> Self {
        Self { key, packets: Vec::new(), user_id: String::new(), binding: Vec::new(), revoked: false }
    }

    /// Takes a self-signature in; what is not one is left out.
    pub(super) fn add(&mut self, user_id: Option<&[u8]>, body: &[u8]) -> Result<(), SignError> {
        let Ok(signature) = Signature::read(body) else { return Ok(()) };
        if !signature.names(&self.key) {
            return Ok(());
        }
        match (signature.kind, user_id) {
            (REVOCATION, _) if signature.is_by(&self.key, &self.key.framed())? => {
                let mut packets = Vec::new();
                put_packet(&mut packets, packet::SIGNATURE, body);
                self.packets.splice(0..0, packets);
                self.revoked = true;
            }
            (0x10..=0x13, Some(name)) if signature.is_by(&self.key, &certified(&self.key, name))? => {
                let text = String::from_utf8_lossy(name).into_owned();
                if text != self.user_id {
                    if self.user_id.is_empty() {
                        self.user_id = text;
                    }
                    put_packet(&mut self.packets, packet::USER_ID, name);
                }
                put_packet(&mut self.packets, packet::SIGNATURE, body);
                let seconds = signature.subpacket(KEY_EXPIRES).and_then(|body| Reader(body).number(4).ok());
                let seconds = seconds.filter(|seconds| *seconds > 0);
                self.binding.push(Binding {
                    created: signature.created(),
                    expires: seconds.map(|seconds| u64::from(self.key.created) + u64::from(seconds)),
                    signs: signature
                        .subpacket(KEY_FLAGS)
                        .is_none_or(|flags| flags.first().is_some_and(|flags| flags & SIGNS != 0)),
                    hash: signature.hash,
                });
                self.binding.sort_by_key(|binding| binding.created);
            }
            _ => {}
        }
        Ok(())
    }

    /// The certificate with a revocation certificate in it.
    ///
    /// # Errors
    /// It is not one of this key.
    pub fn with_revocation(mut self, revocation: &[u8]) -> Result<Self, SignError> {
        for (_, body) in packet::packets(revocation)? {
            self.add(None, body)?;
        }
        if self.revoked {
            Ok(self)
        } else {
            Err(SignError::Key("the revocation is not one of this key".to_owned()))
        }
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The packets after the key packet: user IDs and self-signatures.
    pub(super) fn tail(&self) -> &[u8] {
        &self.packets
    }

    /// The certificate as a binary key file: `.gpg` for apt.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Old format, as gpg writes keys: rpm 4.14 and older read no other.
        bytes.extend(self.key.framed());
        bytes.extend(&self.packets);
        bytes
    }

    /// The certificate as an armored key file: `.asc`.
    pub fn to_armor(&self) -> String {
        armored("PUBLIC KEY BLOCK", &self.to_bytes())
    }

    /// 40 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.key.hex()
    }

    /// The first user ID: `Name <mail@domain>`.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// `RSA-4096` or `Ed25519`.
    pub fn algorithm(&self) -> String {
        match &self.key.material {
            Material::Rsa { modulus, .. } => format!("RSA-{}", modulus.len() * 8),
            Material::Ed25519(_) => "Ed25519".to_owned(),
        }
    }

    /// Seconds since 1970 UTC.
    pub fn created(&self) -> u64 {
        self.key.created.into()
    }

    /// When the key expires, in seconds since 1970 UTC, by its newest self-signature.
    pub fn expires(&self) -> Option<u64> {
        self.binding.last().and_then(|binding| binding.expires)
    }

    /// Whether it has been revoked.
    pub fn is_revoked(&self) -> bool {
        self.revoked
    }

    /// When it last said something of itself, in seconds since 1970 UTC.
    pub fn newest_self_signature(&self) -> u32 {
        self.binding.last().map_or(self.key.created, |binding| binding.created)
    }

    /// Whether a signature of this time (seconds since 1970 UTC) is accepted by all package managers.
    ///
    /// # Errors
    /// The key is revoked, or expires before that time, or no self-signature is so old.
    pub fn usable_at(&self, time: u64) -> Result<(), SignError> {
        let name = self.fingerprint();
        if self.revoked {
            return Err(SignError::Key(format!("the key {name} is revoked")));
        }
        let binding = self.binding.iter().rev().find(|binding| u64::from(binding.created) <= time);
        let Some(binding) = binding else {
            let error = format!("the signature is older than the first self-signature of the key {name}");
            return Err(SignError::Time(error));
        };
        if binding.expires.is_some_and(|expires| expires <= time) {
            return Err(SignError::Time(format!("the key {name} had expired when the signature was made")));
        }
        if !binding.signs {
            return Err(SignError::Key(format!(
                "the primary key {name} must not sign data, and dnf of Debian 11 and Fedora rejects subkeys"
            )));
        }
        Ok(())
    }

    /// Where this key fails, or soon will. `now` and `ahead` are seconds; the key should be valid so long after now.
    pub fn concerns(&self, now: u64, ahead: u64) -> Vec<Concern> {
        let mut found = Vec::new();
        let mut add = |gravity, message: String, hint: &str| {
            found.push(Concern { gravity, message, hint: hint.to_owned() });
        };
        match &self.key.material {
            Material::Ed25519(_) => add(
                Gravity::Somewhere,
                "RHEL 8 and 9, Rocky Linux, AlmaLinux and Amazon Linux 2023 reject rpm packages signed with Ed25519"
                    .to_owned(),
                "use an RSA key of 3072 or 4096 bits, unless no host runs these",
            ),
            Material::Rsa { modulus, .. } if modulus.len() < 384 => add(
                Gravity::Somewhere,
                format!(
                    "apt 3 (Debian 13) rejects {} from February 2030 on; RHEL with the FUTURE policy already does",
                    self.algorithm()
                ),
                "use an RSA key of 3072 or 4096 bits",
            ),
            Material::Rsa { .. } => {}
        }
        if self.binding.last().is_some_and(|binding| binding.hash == SHA1) {
            add(
                Gravity::Now,
                "the self-signature uses SHA-1, which Debian 13, RHEL 9 and Fedora reject".to_owned(),
                "let the key sign itself again with SHA-256 or better: `postpack key extend`",
            );
        }
        if let Err(error) = self.usable_at(now) {
            add(Gravity::Now, error.to_string(), "extend the key, or rotate to a new one");
        } else if let Some(expires) = self.expires().filter(|expires| *expires < now + ahead) {
            let days = (expires - now) / 86_400;
            add(
                Gravity::Soon,
                format!(
                    "the key {} expires in {days} days; apt before 3.0 then rejects everything",
                    self.fingerprint()
                ),
                "run `postpack key extend`, publish, and give hosts time to install the new key file",
            );
        }
        found
    }
}

/// The data that a self-signature over a user ID hashes before its head: section 5.2.4.
pub(super) fn certified(key: &PublicKey, user_id: &[u8]) -> Vec<u8> {
    let length = u32::try_from(user_id.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&key.framed()[..], &[0xb4], &length, user_id].concat()
}
