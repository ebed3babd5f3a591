//! The payload: a cpio of our own making, and what the header says of the files in it.
//!
//! The library ends a compression block after every file, which costs a fifth of the size, and makes five digests of
//! every byte where rpm wants one. A test compares our cpio and our part of the header with its.

use rpm::{
    Dependency, FileFlags, FileVerifyFlags, Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag,
    Package,
};
use rpm::{PackageBuilder, RpmFormat, SignatureHeaderBuilder};
use sha2::{Digest as _, Sha256};

use crate::archive::{Effort, Method, Parts, ZSTD_LEVEL};
use crate::package::{EntryKind, Node, WriteError};

/// The cpio, and what the header says of the files in it, in their order.
#[derive(Debug)]
pub(super) struct Payload {
    cpio: Parts,
    said: Said,
}

/// The header entries about the files.
#[derive(Debug, Default)]
struct Said {
    time: u32,
    sizes: Vec<u32>,
    modes: Vec<u16>,
    flags: Vec<u32>,
    digests: Vec<String>,
    links: Vec<String>,
    /// Folders with a slash at the end, and for each file which of them it is in, and what it is called there.
    folders: Vec<String>,
    folder_of: Vec<u32>,
    names: Vec<String>,
}

impl Payload {
    /// The payload of the nodes with these sorted paths.
    pub(super) fn new(nodes: &[(&str, Node<'_>)], time: u32) -> Self {
        let mut cpio = Parts::new(Method::Zstd, Effort::of_own(nodes.iter().copied()));
        let mut inode = 1;
        for run in nodes.chunk_by(|(_, a), (_, b)| a.common() == b.common()) {
            let write = |bytes: &mut Vec<u8>| {
                for (number, (path, node)) in (inode..).zip(run) {
                    member(bytes, number, mode(*node).into(), time, [".", path], bytes_of(node.kind()));
                }
            };
            if run[0].1.common() {
                cpio.common(&format!("cpio {inode} {time}"), run, write);
            } else {
                write(&mut cpio.bytes);
            }
            inode += number(run.len());
        }
        member(&mut cpio.bytes, 0, 0, 0, ["", "TRAILER!!!"], b"");
        Self { cpio, said: Said::of(nodes, time) }
    }

    /// The compressed bytes, and what is left to say of them.
    pub(super) fn compress(self) -> std::io::Result<Compressed> {
        let size = number(self.cpio.len());
        Ok(Compressed { size, bytes: self.cpio.compress()?, said: self.said })
    }
}

/// A payload that was compressed.
#[derive(Debug)]
pub(super) struct Compressed {
    /// Bytes before they were compressed.
    size: u32,
    bytes: Vec<u8>,
    said: Said,
}

impl Compressed {
    /// Puts it and what is said of it into a package that was built without files.
    pub(super) fn complete(self, package: &mut Package) -> Result<(), WriteError> {
        let payload = self.bytes;
        let own = self.said.entries(&payload);
        let entries = package.metadata.header.get_all_entries().map_err(|error| super::failed(&error))?;
        let made_anew = |tag: u32| {
            // The region around the entries; and a digest of the uncompressed payload, which is not needed with the
            // other one.
            [IndexTag::RPMTAG_HEADERIMMUTABLE, IndexTag::RPMTAG_PAYLOADSHA256ALT]
                .iter()
                .chain(own.iter().map(|(tag, _)| tag))
                .any(|own| *own as u32 == tag)
        };
        let kept = entries.into_iter().filter(|(tag, _)| !made_anew(*tag));
        let mut all: Vec<HeaderEntry> = kept.map(|(tag, data)| HeaderEntry::new(tag, data)).collect();
        all.extend(own.into_iter().map(|(tag, data)| HeaderEntry::new(tag as u32, data)));
        package.metadata.header = Header::from_entries(all, IndexTag::RPMTAG_HEADERIMMUTABLE);
        package.payload = payload;

        let header = package.header_bytes().map_err(|error| super::failed(&error))?;
        let signature = SignatureHeaderBuilder::new()
            .format(RpmFormat::V4)
            // Room for a signature in place would be a seventh of the file.
            .reserved_space(None)
            .set_content_length((header.len() + package.payload.len()) as u64)
            .calculate_digests(&header)
            .build()
            .map_err(|error| super::failed(&error))?;
        // The library leaves out how long the cpio is; rpm2cpio(8) compares, and takes a package without it for damaged.
        let region = IndexSignatureTag::HEADER_SIGNATURES;
        let entries = signature.get_all_entries().map_err(|error| super::failed(&error))?;
        let kept = entries.into_iter().filter(|(tag, _)| *tag != region as u32);
        let size = (IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32, IndexData::Int32(vec![self.size]));
        let all = kept.chain([size]).map(|(tag, data)| HeaderEntry::new(tag, data));
        package.metadata.signature = Header::from_entries(all, region);
        Ok(())
    }
}

impl Said {
    fn of(nodes: &[(&str, Node<'_>)], time: u32) -> Self {
        let mut folders: Vec<&str> = nodes.iter().map(|(path, _)| split(path).0).collect();
        folders.sort_unstable();
        folders.dedup();
        let mut said = Self { time, ..Self::default() };
        for (path, node) in nodes {
            let (folder, name) = split(path);
            let (flags, digest, link) = match node.kind() {
                EntryKind::File(content) => (FileFlags::empty(), content.sha256(), ""),
                EntryKind::Doc(content) => (FileFlags::DOC, content.sha256(), ""),
                EntryKind::Config(content) => {
                    (FileFlags::CONFIG | FileFlags::NOREPLACE, content.sha256(), "")
                }
                EntryKind::Symlink(target) => (FileFlags::empty(), "", target.as_str()),
                EntryKind::Directory => (FileFlags::empty(), "", ""),
            };
            said.folder_of.push(number(folders.binary_search(&folder).unwrap_or_default()));
            said.names.push(name.to_owned());
            said.sizes.push(number(bytes_of(node.kind()).len()));
            said.modes.push(mode(*node));
            said.flags.push(flags.bits());
            said.digests.push(digest.to_owned());
            said.links.push(link.to_owned());
        }
        said.folders = folders.into_iter().map(str::to_owned).collect();
        said
    }

    /// The header entries about the files and the payload.
    fn entries(self, payload: &[u8]) -> Vec<(IndexTag, IndexData)> {
        let count = self.sizes.len();
        let text = |text: &str| IndexData::StringArray(vec![text.to_owned(); count]);
        let number = |number: u32| IndexData::Int32(vec![number; count]);
        let digest = format!("{:x}", Sha256::digest(payload));
        vec![
            (IndexTag::RPMTAG_SIZE, IndexData::Int32(vec![self.sizes.iter().sum()])),
            // The library takes the clock's time for it where the clock is behind.
            (IndexTag::RPMTAG_BUILDTIME, IndexData::Int32(vec![self.time])),
            (IndexTag::RPMTAG_FILEINODES, IndexData::Int32((1..).take(count).collect())),
            (IndexTag::RPMTAG_FILESIZES, IndexData::Int32(self.sizes)),
            (IndexTag::RPMTAG_FILEMODES, IndexData::Int16(self.modes)),
            (IndexTag::RPMTAG_FILERDEVS, IndexData::Int16(vec![0; count])),
            (IndexTag::RPMTAG_FILEMTIMES, number(self.time)),
            (IndexTag::RPMTAG_FILEDIGESTS, IndexData::StringArray(self.digests)),
            (IndexTag::RPMTAG_FILELINKTOS, IndexData::StringArray(self.links)),
            (IndexTag::RPMTAG_FILEFLAGS, IndexData::Int32(self.flags)),
            (IndexTag::RPMTAG_FILEUSERNAME, text("root")),
            (IndexTag::RPMTAG_FILEGROUPNAME, text("root")),
            (IndexTag::RPMTAG_FILEDEVICES, number(1)),
            (IndexTag::RPMTAG_DIRINDEXES, IndexData::Int32(self.folder_of)),
            (IndexTag::RPMTAG_FILELANGS, text("")),
            (IndexTag::RPMTAG_FILEVERIFYFLAGS, number(FileVerifyFlags::ALL_FLAGS.bits())),
            (IndexTag::RPMTAG_BASENAMES, IndexData::StringArray(self.names)),
            (IndexTag::RPMTAG_DIRNAMES, IndexData::StringArray(self.folders)),
            (IndexTag::RPMTAG_PAYLOADSHA256, IndexData::StringArray(vec![digest])),
            (IndexTag::RPMTAG_PAYLOADFLAGS, IndexData::StringTag(ZSTD_LEVEL.to_string())),
            (IndexTag::RPMTAG_PAYLOADCOMPRESSOR, IndexData::StringTag("zstd".to_owned())),
        ]
    }
}

/// The bytes of a member: a link's are its target.
fn bytes_of(kind: &EntryKind) -> &[u8] {
    match kind {
        EntryKind::Symlink(target) => target.as_bytes(),
        other => other.content(),
    }
}

/// Kind and permission bits.
fn mode(node: Node<'_>) -> u16 {
    let bits = u16::try_from(node.mode() & 0o7777).unwrap_or_default();
    match node.kind() {
        EntryKind::File(_) | EntryKind::Doc(_) | EntryKind::Config(_) => 0o100_000 | bits,
        EntryKind::Symlink(_) => 0o120_777,
        EntryKind::Directory => 0o040_000 | bits,
    }
}

/// Every number in a cpio and in our part of a header has 32 bits.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes a member of a cpio in the new ASCII form, see cpio(5). Its name comes in two parts.
fn member(bytes: &mut Vec<u8>, inode: u32, mode: u32, time: u32, name: [&str; 2], content: &[u8]) {
    let name_size = number(name[0].len() + name[1].len() + 1);
    bytes.extend_from_slice(b"070701");
    // Inode, mode, owner, group, links, time, size, two devices of two numbers, size of the name, no sum.
    for number in [inode, mode, 0, 0, 1, time, number(content.len()), 0, 0, 0, 0, name_size, 0] {
        bytes.extend((0..8).rev().map(|digit| b"0123456789abcdef"[(number >> (4 * digit)) as usize & 15]));
    }
    for part in [name[0].as_bytes(), name[1].as_bytes(), b"\0"] {
        bytes.extend_from_slice(part);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// A path as its folder with a slash at the end, and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// Declares what [`Compressed::complete`] will do: rpm refuses what it could not unpack.
pub(super) fn declare(builder: &mut PackageBuilder) {
    builder.requires(Dependency::rpmlib("PayloadIsZstd", "5.4.18-1"));
}
