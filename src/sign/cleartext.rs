//! The cleartext signature framework, RFC 9580 section 7: what an apt `InRelease` is.

use super::armor::{armored, unarmored};
use super::signer::Signer;
use super::{Kind, SignError};

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";

/// A text with signatures over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleartext {
    /// The text, each line ended by a line feed.
    pub text: String,
    /// The signature packets.
    pub signatures: Vec<u8>,
}

/// Signs a text in place with each of the signers, in their order; one known key is enough for apt. `time` is in seconds
/// since 1970 UTC.
///
/// # Errors
/// A line of the text ends with a blank, which signers and verifiers treat differently, or a signer fails.
pub fn cleartext(text: &str, signers: &[&dyn Signer], time: u64) -> Result<String, SignError> {
    if text.lines().any(|line| line.ends_with([' ', '\t', '\r'])) {
        return Err(SignError::Malformed("a line of the text ends with a blank"));
    }
    let canonical = canonical(text);
    let mut signatures = Vec::new();
    for signer in signers {
        signatures.extend(signer.sign(Kind::Text, &canonical, time)?);
    }
    let mut signed = format!("{BEGIN}\nHash: SHA512\n\n");
    for line in text.lines() {
        if line.starts_with('-') {
            signed.push_str("- ");
        }
        signed.push_str(line);
        signed.push('\n');
    }
    signed.push_str(&armored("SIGNATURE", &signatures));
    Ok(signed)
}

/// The signed form of a text: lines end with CR and LF, except the last one.
pub(super) fn canonical(text: &str) -> Vec<u8> {
    text.lines().map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect::<Vec<_>>().join("\r\n").into()
}

impl Cleartext {
    /// Takes a signed message apart.
    ///
    /// # Errors
    /// It is none, or there is something before or after it, which programs could take for signed.
    pub fn parse(message: &str) -> Result<Self, SignError> {
        let none = SignError::Malformed("it is not a signed text");
        let mut lines = message.lines();
        if lines.next() != Some(BEGIN) {
            return Err(none);
        }
        for header in lines.by_ref() {
            if header.is_empty() {
                break;
            }
            if !header.starts_with("Hash: ") {
                return Err(SignError::Malformed("a signed text has an unknown header"));
            }
        }
        let mut text = String::new();
        let rest: Vec<&str> = lines.collect();
        let end = rest.iter().position(|line| line.starts_with("-----")).ok_or(none)?;
        for line in &rest[..end] {
            text.push_str(line.strip_prefix("- ").unwrap_or(line));
            text.push('\n');
        }
        let armor = rest[end..].join("\n");
        if rest.last().is_none_or(|last| *last != "-----END PGP SIGNATURE-----") {
            return Err(SignError::Malformed("text follows the signature"));
        }
        Ok(Self { text, signatures: unarmored(armor.as_bytes())? })
    }

    /// The bytes that the signatures are about.
    pub fn signed(&self) -> Vec<u8> {
        canonical(&self.text)
    }
}
