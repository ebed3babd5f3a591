//! tar in GNU form, as dpkg-deb and makepkg write it: root:root, fixed times, names of any length.

use std::cell::Cell;
use std::cmp::Reverse;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::{Effort, Method, Parts};
use crate::package::{EntryKind, InspectedFile, Node, ReadError};

/// Longer names are in a separate entry.
const NAME_FIELD: usize = 100;
const BLOCK: usize = 512;
/// A tar of more members than this is not a package that we need to show.
const MAX_MEMBERS: usize = 100_000;
/// Names, and text members (control files, scripts), are kept whole up to this size in all.
pub(crate) const MAX_KEPT: usize = 16 << 20;
/// Maximum size of the records before a member: long names, PAX records. The library reads them into memory.
const MAX_DESCRIPTION: u64 = 1 << 20;

/// Type of a member.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member<'a> {
    /// A regular file.
    File(&'a [u8]),
    /// A folder; its name ends with a slash.
    Directory,
    /// A symbolic link.
    Symlink(&'a str),
}

/// A tar being written.
#[derive(Debug)]
pub(crate) struct Tar {
    parts: Parts,
    time: u64,
}

impl Tar {
    /// An empty one, all of whose members get this time. `own` is the effort for members that are not common.
    pub(crate) fn new(time: u64, method: Method, own: Effort) -> Self {
        Self { parts: Parts::new(method, own), time }
    }

    /// Adds the nodes with these paths, under their names with `root` in place of the first slash.
    ///
    /// Common nodes come first, so that they form one part, and the rest another. In each part, folders come first, then files by
    /// kind, large ones first: 1 % smaller than in the order of the paths.
    pub(crate) fn add_nodes<'a>(&mut self, root: &str, nodes: impl Iterator<Item = (&'a str, Node<'a>)>) {
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_by_cached_key(|(path, node)| {
            let kind = if node.is_folder() { None } else { Some(Path::new(*path).extension()) };
            (!node.common(), kind, Reverse(node.kind().content().len()), *path)
        });
        for run in nodes.chunk_by(|(_, a), (_, b)| a.common() == b.common()) {
            let time = self.time;
            let write = |bytes: &mut Vec<u8>| {
                for (path, node) in run {
                    let (member, slash) = match node.kind() {
                        EntryKind::File(content) | EntryKind::Doc(content) | EntryKind::Config(content) => {
                            (Member::File(content), "")
                        }
                        EntryKind::Symlink(target) => (Member::Symlink(target), ""),
                        EntryKind::Directory => (Member::Directory, "/"),
                    };
                    let name = match *path {
                        "/" => root.to_owned(),
                        path => format!("{root}{}{slash}", &path[1..]),
                    };
                    write_member(bytes, time, &name, node.mode(), member);
                }
            };
            if run[0].1.common() {
                self.parts.common(&format!("tar {root} {time}"), run, write);
            } else {
                write(&mut self.parts.bytes);
            }
        }
    }

    /// Adds a member under exactly this name.
    pub(crate) fn add(&mut self, name: &str, mode: u32, member: Member<'_>) {
        write_member(&mut self.parts.bytes, self.time, name, mode, member);
    }

    /// The whole archive.
    pub(crate) fn finish(mut self) -> Parts {
        // Two empty blocks are the end, and GNU tar fills up to records of 20.
        let length = (self.parts.len() + 2 * BLOCK).next_multiple_of(20 * BLOCK);
        let missing = length - self.parts.len();
        self.parts.bytes.resize(self.parts.bytes.len() + missing, 0);
        self.parts
    }
}

fn write_member(bytes: &mut Vec<u8>, time: u64, name: &str, mode: u32, member: Member<'_>) {
    let (kind, content, link): (_, &[u8], _) = match member {
        Member::File(content) => (tar::EntryType::Regular, content, ""),
        Member::Directory => (tar::EntryType::Directory, &[], ""),
        Member::Symlink(target) => (tar::EntryType::Symlink, &[], target),
    };
    for (long, kind) in [(link, tar::EntryType::GNULongLink), (name, tar::EntryType::GNULongName)] {
        if long.len() > NAME_FIELD {
            let content = [long.as_bytes(), b"\0"].concat();
            put(bytes, "././@LongLink", "", 0o644, 0, kind, &content);
        }
    }
    put(bytes, name, link, mode, time, kind, content);
}

fn put(
    bytes: &mut Vec<u8>,
    name: &str,
    link: &str,
    mode: u32,
    time: u64,
    kind: tar::EntryType,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    // set_path would take `./` away, which dpkg wants.
    let fields = header.as_old_mut();
    copy_into(&mut fields.name, name);
    copy_into(&mut fields.linkname, link);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(time);
    header.set_size(content.len() as u64);
    header.set_entry_type(kind);
    if let Some(gnu) = header.as_gnu_mut() {
        copy_into(&mut gnu.uname, "root");
        copy_into(&mut gnu.gname, "root");
    }
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}

fn copy_into(field: &mut [u8], text: &str) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// Content of a tar: its files, and the requested texts.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// All members in order.
    pub(crate) files: Vec<InspectedFile>,
    /// Content of the members that were kept, by name without `./` and `/`.
    pub(crate) texts: Vec<(String, Vec<u8>)>,
}

/// Lists a tar; the content of members for which `keep` says so is returned.
///
/// # Errors
/// It is no tar, or larger than anything that can be a package.
pub(crate) fn list(reader: impl Read, keep: impl Fn(&str) -> bool) -> Result<Listing, ReadError> {
    let damaged = |error: std::io::Error| ReadError::Damaged(error.to_string());
    let mut listing = Listing::default();
    let mut kept = 0;
    let left = Rc::new(Cell::new(MAX_DESCRIPTION));
    let mut archive = tar::Archive::new(Metered { inner: reader, left: Rc::clone(&left) });
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        if count >= MAX_MEMBERS {
            return Err(ReadError::Damaged(format!("it holds more than {MAX_MEMBERS} files")));
        }
        let mut entry = entry.map_err(damaged)?;
        // Its zeros are in no file: it can be larger than any disk.
        if entry.header().entry_type().is_gnu_sparse() {
            return Err(ReadError::Damaged("it holds a sparse file, as no package does".into()));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).trim_matches('/').to_owned();
        let mut text = keep(&name).then(Vec::new);
        left.set(u64::MAX);
        let file = inspect(&name, &mut entry, |part| {
            if let Some(text) = text.as_mut().filter(|text| text.len() < MAX_KEPT) {
                text.extend_from_slice(part);
            }
        });
        left.set(MAX_DESCRIPTION);
        let file = file.map_err(damaged)?;
        kept += name.len() + file.target.as_ref().map_or(0, String::len) + text.as_ref().map_or(0, Vec::len);
        if kept > MAX_KEPT {
            return Err(ReadError::Damaged(
                "its names and scripts are longer than those of any package".into(),
            ));
        }
        listing.files.push(file);
        listing.texts.extend(text.map(|text| (name, text)));
    }
    Ok(listing)
}

/// A reader that fails after a number of bytes. Readers can share `left`, the remaining number.
struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64);
        let message = "the description of a member is longer than any real one";
        self.left.set(left.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, message))?);
        Ok(count)
    }
}

fn inspect(
    name: &str,
    entry: &mut tar::Entry<'_, impl Read>,
    mut content: impl FnMut(&[u8]),
) -> std::io::Result<InspectedFile> {
    let header = entry.header();
    let kind = header.entry_type();
    let mode = crate::package::mode_text(type_letter(kind), header.mode()?);
    let owner = format!(
        "{}:{}",
        user(header.username_bytes(), header.uid()),
        user(header.groupname_bytes(), header.gid())
    );
    let is_link = kind.is_symlink() || kind.is_hard_link();
    let target = entry.link_name_bytes().filter(|_| is_link);
    let target = target.map(|target| String::from_utf8_lossy(&target).into_owned());
    let (mut digest, mut size, mut buffer) = (Sha256::new(), 0, [0; 16 << 10]);
    loop {
        let count = entry.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        content(&buffer[..count]);
        size += count as u64;
    }
    let sha256 = kind.is_file().then(|| format!("{:x}", digest.finalize()));
    Ok(InspectedFile { path: format!("/{name}"), mode, owner, size, sha256, target })
}

fn user(name: Option<&[u8]>, id: std::io::Result<u64>) -> String {
    match name {
        Some(name) if !name.is_empty() => String::from_utf8_lossy(name).into_owned(),
        _ => id.map_or_else(|_| "?".into(), |id| id.to_string()),
    }
}

fn type_letter(kind: tar::EntryType) -> char {
    match kind {
        tar::EntryType::Directory => 'd',
        tar::EntryType::Symlink => 'l',
        tar::EntryType::Link => 'h',
        tar::EntryType::Char => 'c',
        tar::EntryType::Block => 'b',
        tar::EntryType::Fifo => 'p',
        _ => '-',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: tar::EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        copy_into(&mut header.as_old_mut().name, "x");
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(size);
        header
    }

    fn refusal(reader: impl Read) -> String {
        list(reader, |name| name == "x").unwrap_err().to_string()
    }

    /// A member of 4 EiB, of which no byte is in the file.
    #[test]
    fn a_sparse_bomb_is_refused() {
        let mut header = header(tar::EntryType::GNUSparse, 512);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(1 << 62);
        gnu.sparse[0].set_offset((1 << 62) - 512);
        gnu.sparse[0].set_length(512);
        header.set_cksum();
        let error = refusal([header.as_bytes(), &[0; 512][..]].concat().as_slice());
        assert!(error.contains("sparse"), "{error}");
    }

    #[test]
    fn a_name_without_an_end_is_refused() {
        let mut header = header(tar::EntryType::GNULongName, 1 << 40);
        header.set_cksum();
        let error = refusal(header.as_bytes().chain(std::io::repeat(b'x')));
        assert!(error.contains("description"), "{error}");
    }

    #[test]
    fn more_text_than_any_package_has_is_refused() {
        let mut header = header(tar::EntryType::Regular, 1 << 27);
        header.set_cksum();
        let error = refusal(header.as_bytes().chain(std::io::repeat(b'x').take(1 << 27)));
        assert!(error.contains("scripts"), "{error}");
    }

    #[test]
    fn names_of_any_length_survive() {
        let name = format!("./{}file", "folder/".repeat(40));
        let target = format!("/{}", "x".repeat(150));
        let mut tar = Tar::new(1_700_000_000, Method::Gzip, Effort::High);
        tar.add("./", 0o755, Member::Directory);
        tar.add(&name, 0o640, Member::File(b"hello"));
        tar.add("./link", 0o777, Member::Symlink(&target));
        let bytes = tar.finish().bytes;
        assert_eq!(bytes.len() % 10240, 0);
        let listing = list(&bytes[..], |name| name == "none").unwrap();
        assert!(listing.texts.is_empty());
        let [root, file, link] = listing.files.as_slice() else { panic!("{listing:?}") };
        assert_eq!(
            (root.mode.as_str(), root.owner.as_str(), root.path.as_str()),
            ("drwxr-xr-x", "root:root", "/")
        );
        assert_eq!((file.mode.as_str(), file.size, &file.path[..]), ("-rw-r-----", 5, &name[1..]));
        assert_eq!(
            file.sha256.as_deref(),
            Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        );
        assert_eq!(link.target.as_deref(), Some(target.as_str()));
    }
}
