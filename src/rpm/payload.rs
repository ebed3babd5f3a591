//! Compresses the payload in one piece. The library ends a block after every file, which costs a fifth of the
//! size, and does not tell zstd the length, which costs time.

use rpm::{
    Dependency, Header, HeaderEntry, IndexData, IndexTag, Package, PackageBuilder, RpmFormat,
    SignatureHeaderBuilder,
};
use sha2::{Digest as _, Sha256};

use crate::archive::{ZSTD_LEVEL, zstd};
use crate::package::WriteError;

/// Declares what [`compress`] will do: rpm refuses what it could not unpack.
pub(super) fn declare(builder: &mut PackageBuilder) {
    builder.requires(Dependency::rpmlib("PayloadIsZstd", "5.4.18-1"));
}

/// Compresses the payload of a package that was built without compression.
pub(super) fn compress(package: &mut Package) -> Result<(), WriteError> {
    let payload = zstd(&package.payload)?;
    let digest = format!("{:x}", Sha256::digest(&payload));
    let entries = package.metadata.header.get_all_entries().map_err(|error| super::failed(&error))?;
    let mut changed: Vec<HeaderEntry> = entries
        .into_iter()
        // The region around the entries is made anew.
        .filter(|(tag, _)| *tag != IndexTag::RPMTAG_HEADERIMMUTABLE as u32)
        .map(|(tag, data)| {
            let data = match tag {
                tag if tag == IndexTag::RPMTAG_PAYLOADSHA256 as u32 => {
                    IndexData::StringArray(vec![digest.clone()])
                }
                tag if tag == IndexTag::RPMTAG_PAYLOADFLAGS as u32 => {
                    IndexData::StringTag(ZSTD_LEVEL.to_string())
                }
                _ => data,
            };
            HeaderEntry::new(tag, data)
        })
        .collect();
    changed.push(HeaderEntry::new(
        IndexTag::RPMTAG_PAYLOADCOMPRESSOR as u32,
        IndexData::StringTag("zstd".to_owned()),
    ));
    package.metadata.header = Header::from_entries(changed, IndexTag::RPMTAG_HEADERIMMUTABLE);
    package.payload = payload;

    let header = package.header_bytes().map_err(|error| super::failed(&error))?;
    package.metadata.signature = SignatureHeaderBuilder::new()
        .format(RpmFormat::V4)
        // Room for a signature in place would be a seventh of the file.
        .reserved_space(None)
        .set_content_length((header.len() + package.payload.len()) as u64)
        .calculate_digests(&header)
        .build()
        .map_err(|error| super::failed(&error))?;
    Ok(())
}
