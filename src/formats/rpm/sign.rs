//! Signatures in the header of an rpm. A signature covers the main header, which has a digest of the payload.

use data_encoding::BASE64;
use rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, Package};

use super::read::parse;
use crate::package::ReadError;

/// RSA signatures have a separate tag. Those of all other algorithms use the tag that is named after DSA.
const RSA: u32 = IndexSignatureTag::RPMSIGTAG_RSA as u32;
const OTHERS: u32 = IndexSignatureTag::RPMSIGTAG_DSA as u32;
/// The tag that rpm 6 reads: base64 of every signature.
const OPENPGP: u32 = IndexTag::RPMTAG_OPENPGP as u32;
/// Signatures over header and payload, which rpm 6 rejects; and room that is kept for signatures.
const DROPPED: [u32; 3] = [
    IndexSignatureTag::RPMSIGTAG_PGP as u32,
    IndexSignatureTag::RPMSIGTAG_GPG as u32,
    IndexSignatureTag::RPMSIGTAG_RESERVEDSPACE as u32,
];

/// The package with one signature, in place of any that it had. `sign` returns an OpenPGP packet over the bytes that it is
/// given. One only: rpm 6 rejects a package if it does not know the key of one of its signatures.
///
/// # Errors
/// It is no package, or the signer fails.
pub fn signed<E: From<ReadError>>(
    bytes: &[u8],
    is_rsa: bool,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let mut package = parse(bytes)?;
    let packet = sign(&header(&package)?)?;
    let region = IndexSignatureTag::HEADER_SIGNATURES;
    let old = package.metadata.signature.get_all_entries().map_err(super::read::damaged)?;
    let made_anew = |tag: u32| [RSA, OTHERS, OPENPGP, region as u32].contains(&tag) || DROPPED.contains(&tag);
    let kept = old.into_iter().filter(|(tag, _)| !made_anew(*tag));
    let own = [
        (if is_rsa { RSA } else { OTHERS }, IndexData::Bin(packet.clone())),
        (OPENPGP, IndexData::StringArray(vec![BASE64.encode(&packet)])),
    ];
    let all: Vec<HeaderEntry> = kept.chain(own).map(|(tag, data)| HeaderEntry::new(tag, data)).collect();
    package.metadata.signature = Header::from_entries(all, region);
    let mut signed = Vec::with_capacity(bytes.len() + 2 * packet.len());
    package.write(&mut signed).map_err(super::read::damaged)?;
    Ok(signed)
}

/// A signature, as an OpenPGP packet, and the bytes that it covers.
pub type Signed = (Vec<u8>, Vec<u8>);

/// The signature of a package, an OpenPGP packet, with the bytes that it covers; nothing if it has none. The digest of
/// the payload in these bytes is compared with the payload.
///
/// # Errors
/// It is no package, or is damaged.
pub fn signature(bytes: &[u8]) -> Result<Option<Signed>, ReadError> {
    let package = parse(bytes)?;
    package.check_digests().and_then(|report| report.result()).map_err(super::read::damaged)?;
    let entries = package.metadata.signature.get_all_entries().map_err(super::read::damaged)?;
    let packet = entries.into_iter().find_map(|(tag, data)| match data {
        IndexData::Bin(packet) if tag == RSA || tag == OTHERS => Some(packet),
        _ => None,
    });
    packet.map(|packet| Ok((packet, header(&package)?))).transpose()
}

fn header(package: &Package) -> Result<Vec<u8>, ReadError> {
    package.header_bytes().map_err(super::read::damaged)
}
