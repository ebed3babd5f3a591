//! The payload: a cpio of our own making beside the header that the library makes of the same files without bytes.
//!
//! The library ends a compression block after every file, which costs a fifth of the size, and makes five digests of
//! every byte where rpm wants one. A test compares our cpio with its.

use std::io::Write as _;

use rpm::{Dependency, Header, HeaderEntry, IndexData, IndexTag, Package, PackageBuilder};
use rpm::{RpmFormat, SignatureHeaderBuilder};
use sha2::{Digest as _, Sha256};

use crate::archive::{Method, Parts, ZSTD_LEVEL};
use crate::package::{Entry, EntryKind, Node, WriteError};

/// The cpio, and what the header says of the files in it, in their order.
#[derive(Debug, Default)]
pub(super) struct Payload {
    cpio: Parts,
    sizes: Vec<u32>,
    digests: Vec<String>,
}

impl Payload {
    /// The payload of what stands at these paths.
    pub(super) fn new(nodes: &[(&str, Node<'_>)], time: u32) -> Self {
        let mut payload = Self::default();
        for (path, node) in nodes {
            payload.add(path, *node, time);
        }
        payload.cpio.mark(false);
        payload.member(0, 0, 0, "TRAILER!!!", b"");
        payload
    }

    fn add(&mut self, path: &str, node: Node<'_>, time: u32) {
        let (kind, content, digest): (u32, &[u8], &str) = match node {
            Node::Listed(Entry { kind: EntryKind::File(content) | EntryKind::Doc(content), .. }) => {
                (0o100_000, content, content.sha256())
            }
            Node::Listed(Entry { kind: EntryKind::Symlink(target), .. }) => {
                (0o120_000, target.as_bytes(), "")
            }
            Node::Listed(_) | Node::Implied { .. } => (0o040_000, &[], ""),
        };
        let mode = kind | if kind == 0o120_000 { 0o777 } else { node.mode() & 0o7777 };
        self.cpio.mark(node.common());
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        self.sizes.push(size);
        self.digests.push(digest.to_owned());
        let inode = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        self.member(inode, mode, time, &format!(".{path}"), content);
    }

    /// A member of a cpio in the new ASCII form, see cpio(5).
    fn member(&mut self, inode: u32, mode: u32, time: u32, name: &str, content: &[u8]) {
        let (size, name_size) = (content.len(), name.len() + 1);
        let bytes = &mut self.cpio.bytes;
        // Magic, inode, mode, owner, group, links, time, size, two devices of two numbers, size of the name, no sum.
        let _ = write!(
            bytes,
            "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{time:08x}{size:08x}{0:08x}{0:08x}{0:08x}{0:08x}\
             {name_size:08x}{0:08x}{name}\0",
            0, 1
        );
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }

    /// The compressed bytes.
    pub(super) fn compress(&self) -> std::io::Result<Vec<u8>> {
        self.cpio.compress(Method::Zstd)
    }

    /// Puts the compressed payload into a package that was built of empty files, uncompressed.
    pub(super) fn complete(self, payload: Vec<u8>, package: &mut Package) -> Result<(), WriteError> {
        let sha256 = |bytes: &[u8]| IndexData::StringArray(vec![format!("{:x}", Sha256::digest(bytes))]);
        let mut own = vec![
            (IndexTag::RPMTAG_SIZE, IndexData::Int32(vec![self.sizes.iter().sum()])),
            (IndexTag::RPMTAG_FILESIZES, IndexData::Int32(self.sizes)),
            (IndexTag::RPMTAG_FILEDIGESTS, IndexData::StringArray(self.digests)),
            (IndexTag::RPMTAG_PAYLOADSHA256, sha256(&payload)),
            (IndexTag::RPMTAG_PAYLOADSHA256ALT, sha256(&self.cpio.bytes)),
            (IndexTag::RPMTAG_PAYLOADFLAGS, IndexData::StringTag(ZSTD_LEVEL.to_string())),
            (IndexTag::RPMTAG_PAYLOADCOMPRESSOR, IndexData::StringTag("zstd".to_owned())),
        ];
        let entries = package.metadata.header.get_all_entries().map_err(|error| super::failed(&error))?;
        let ours = |tag: u32| own.iter().any(|(own, _)| *own as u32 == tag);
        let mut all: Vec<HeaderEntry> = entries
            .into_iter()
            // The region around the entries is made anew.
            .filter(|(tag, _)| *tag != IndexTag::RPMTAG_HEADERIMMUTABLE as u32 && !ours(*tag))
            .map(|(tag, data)| HeaderEntry::new(tag, data))
            .collect();
        all.extend(own.drain(..).map(|(tag, data)| HeaderEntry::new(tag as u32, data)));
        package.metadata.header = Header::from_entries(all, IndexTag::RPMTAG_HEADERIMMUTABLE);
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
}

/// Declares what [`Payload::complete`] will do: rpm refuses what it could not unpack.
pub(super) fn declare(builder: &mut PackageBuilder) {
    builder.requires(Dependency::rpmlib("PayloadIsZstd", "5.4.18-1"));
}
