//! An archive in separately compressed parts, so that parts that many packages share are written and compressed once.
//!
//! gzip members and zstd frames may follow one another in a file; every reader of packages takes them for one stream
//! (RFC 1952 section 2.2, RFC 8878 section 3). Where the parts begin depends on the archive alone, never on what was
//! compressed before: the same archive gives the same bytes.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::compress::{self, Effort};
use crate::package::{Entry, Node};
use crate::recent::Recent;

/// Shorter common parts are not worth a separate frame, because later bytes could not refer back to them.
const WORTH_A_PART: usize = 16 << 10;

/// How parts are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// One member each.
    Gzip,
    /// One frame each.
    Zstd,
}

impl Effort {
    /// The effort for bytes that only a package with these nodes has. Next to a large common part, they are a tenth of the package.
    pub(crate) fn of_own<'n>(nodes: impl Iterator<Item = (&'n str, Node<'n>)>) -> Self {
        let common: usize =
            nodes.filter(|(_, node)| node.common()).map(|(_, node)| node.kind().content().len()).sum();
        if common < WORTH_A_PART { Self::High } else { Self::Low }
    }
}

impl Method {
    /// A text that is the same in many packages, in one part: compressed once.
    pub(crate) fn shared(self, text: &str) -> io::Result<Arc<[u8]>> {
        match known(self, text, &[]) {
            Some(known) => Ok(Arc::clone(&known.packed)),
            None => Recipe { method: self, form: text.to_owned(), entries: Vec::new() }.pack(text.as_bytes()),
        }
    }

    /// Bytes in one part.
    pub(crate) fn compress(self, bytes: &[u8], effort: Effort) -> io::Result<Arc<[u8]>> {
        match self {
            Self::Gzip => Ok(compress::gzip_part(bytes, effort).into()),
            Self::Zstd => Ok(compress::zstd(bytes, effort)?.into()),
        }
    }
}

/// Inputs of a common part. The same inputs give the same bytes.
#[derive(Debug, PartialEq, Eq)]
struct Recipe {
    method: Method,
    /// Format of the members: all inputs of their bytes except the entries. For a text without entries, the text.
    form: String,
    entries: Vec<Entry>,
}

impl Recipe {
    /// Compresses what it has become, and remembers that.
    fn pack(self, bytes: &[u8]) -> io::Result<Arc<[u8]>> {
        let packed = self.method.compress(bytes, Effort::High)?;
        KNOWN.add(Known { recipe: self, length: bytes.len(), packed: Arc::clone(&packed) });
        Ok(packed)
    }

    fn is(&self, method: Method, form: &str, nodes: &[(&str, Node<'_>)]) -> bool {
        self.method == method
            && self.form == form
            && self.entries.len() == nodes.len()
            && self.entries.iter().zip(nodes).all(|(entry, (path, node))| {
                entry.path == *path && entry.mode == node.mode() && entry.kind == *node.kind()
            })
    }
}

/// A common part that was compressed.
#[derive(Debug)]
struct Known {
    recipe: Recipe,
    /// Bytes before they were compressed.
    length: usize,
    packed: Arc<[u8]>,
}

static KNOWN: Recent<Known> = Recent::new();

/// Bytes, and which runs of them are the same in many archives.
#[derive(Debug)]
pub(crate) struct Parts {
    method: Method,
    /// For bytes between common parts.
    own: Effort,
    pub(crate) bytes: Vec<u8>,
    /// Common parts, in order.
    common: Vec<Common>,
}

#[derive(Debug)]
enum Common {
    /// Is before the byte, and is already known.
    Known(usize, Arc<Known>),
    /// Is among the bytes.
    New(Range<usize>, Recipe),
}

/// A separately compressed part.
enum Segment<'a> {
    Own(&'a [u8]),
    New(&'a [u8], Recipe),
    Known(Arc<Known>),
}

impl Parts {
    /// An archive of nothing.
    pub(crate) fn new(method: Method, own: Effort) -> Self {
        // Room for a package of ours, so that it need not grow.
        Self { method, own, bytes: Vec::with_capacity(192 << 10), common: Vec::new() }
    }

    /// Bytes of the archive so far, before they are compressed.
    pub(crate) fn len(&self) -> usize {
        let known = |common: &Common| if let Common::Known(_, known) = common { known.length } else { 0 };
        self.bytes.len() + self.common.iter().map(known).sum::<usize>()
    }

    /// Adds nodes that are the same in many archives. They are written only once. Their bytes depend only on the nodes and the
    /// format.
    pub(crate) fn common(
        &mut self,
        form: &str,
        nodes: &[(&str, Node<'_>)],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if let Some(known) = known(self.method, form, nodes) {
            self.common.push(Common::Known(self.bytes.len(), known));
            return;
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() - start >= WORTH_A_PART {
            let entry = |(path, node): &(&str, Node<'_>)| Entry {
                path: (*path).to_owned(),
                mode: node.mode(),
                kind: node.kind().clone(),
                common: true,
            };
            let entries = nodes.iter().map(entry).collect();
            let recipe = Recipe { method: self.method, form: form.to_owned(), entries };
            self.common.push(Common::New(start..self.bytes.len(), recipe));
        }
    }

    /// All parts, compressed, one after the other.
    pub(crate) fn compress(self) -> io::Result<Vec<u8>> {
        let mut segments = Vec::new();
        let mut done = 0;
        for common in self.common {
            let (start, end, segment) = match common {
                Common::Known(at, known) => (at, at, Segment::Known(known)),
                Common::New(range, recipe) => {
                    (range.start, range.end, Segment::New(&self.bytes[range], recipe))
                }
            };
            segments.push(Segment::Own(&self.bytes[done..start]));
            segments.push(segment);
            done = end;
        }
        segments.push(Segment::Own(&self.bytes[done..]));
        segments.retain(|segment| !matches!(segment, Segment::Own([])));
        let pack = |segment| match segment {
            Segment::Own(bytes) => self.method.compress(bytes, self.own),
            Segment::New(bytes, recipe) => recipe.pack(bytes),
            Segment::Known(known) => Ok(Arc::clone(&known.packed)),
        };
        let packed: Vec<Arc<[u8]>> =
            segments.into_par_iter().with_max_len(1).map(pack).collect::<io::Result<_>>()?;
        Ok(packed.concat())
    }
}

fn known(method: Method, form: &str, nodes: &[(&str, Node<'_>)]) -> Option<Arc<Known>> {
    KNOWN.get(|known| known.recipe.is(method, form, nodes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::EntryKind;
    use std::io::Read as _;

    fn entries(name: &str) -> Vec<Entry> {
        let text: Vec<u8> = (0..9000_u32).flat_map(|n| (n % 1013).to_le_bytes()).collect();
        let entry = |path: &str, content: &[u8]| Entry {
            path: path.to_owned(),
            mode: 0o644,
            kind: EntryKind::File(content.into()),
            common: true,
        };
        vec![entry(name, &text), entry("/short", b"short")]
    }

    fn write(entries: &[Entry], bytes: &mut Vec<u8>) {
        for entry in entries {
            bytes.extend_from_slice(entry.kind.content());
        }
    }

    fn sample(method: Method, entries: &[Entry]) -> Parts {
        let nodes: Vec<_> =
            entries.iter().map(|entry| (&entry.path[..], Node::Listed(entry, entry.common))).collect();
        let mut parts = Parts::new(method, Effort::Low);
        parts.bytes.extend_from_slice(b"head");
        parts.common("sample", &nodes[..1], |bytes| write(&entries[..1], bytes));
        parts.bytes.extend_from_slice(b"own");
        parts.common("sample", &nodes[1..], |bytes| write(&entries[1..], bytes));
        parts
    }

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        compress::decompressor(packed).unwrap().read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn parts_are_read_as_one_and_are_the_same_each_time() {
        for method in [Method::Gzip, Method::Zstd] {
            let entries = entries(&format!("/{method:?}"));
            let first = sample(method, &entries);
            let (bytes, length) = (first.bytes.clone(), first.len());
            assert_eq!((bytes.len(), length), (4 + 36_000 + 3 + 5, 4 + 36_000 + 3 + 5));
            let packed = first.compress().unwrap();
            assert!(unpacked(&packed) == bytes);
            // Now the long part is known, and the short one is not worth it.
            let second = sample(method, &entries);
            assert_eq!((second.bytes.as_slice(), second.len()), (&b"headownshort"[..], length));
            assert!(second.compress().unwrap() == packed);
        }
    }

    #[test]
    fn what_differs_in_anything_is_another_part() {
        let mut entries = entries("/differs");
        let packed = sample(Method::Gzip, &entries).compress().unwrap();
        entries[0].mode = 0o600;
        assert_eq!(sample(Method::Gzip, &entries).bytes.len(), unpacked(&packed).len());
        entries[0].mode = 0o644;
        assert!(sample(Method::Gzip, &entries).bytes.len() < 100);
        entries[0].kind = EntryKind::File(vec![b'x'; 36_000].into());
        let other = sample(Method::Gzip, &entries);
        assert!(other.bytes.len() > 36_000);
        assert!(unpacked(&other.compress().unwrap()).ends_with(b"xownshort"));
    }

    #[test]
    fn packages_without_a_large_common_part_are_compressed_as_small_as_common_parts() {
        let entries = entries("/effort");
        let nodes: Vec<_> =
            entries.iter().map(|entry| (&entry.path[..], Node::Listed(entry, entry.common))).collect();
        assert_eq!(Effort::of_own(nodes.iter().copied()), Effort::Low);
        assert_eq!(Effort::of_own(nodes[1..].iter().copied()), Effort::High);
        let line = |n: u32| format!("parameter_{} = value {}\n", n % 97, n * n % 89);
        let text = (0..3000).map(line).collect::<Vec<_>>().concat();
        for method in [Method::Gzip, Method::Zstd] {
            let [low, high] = [Effort::Low, Effort::High].map(|effort| {
                let mut parts = Parts::new(method, effort);
                parts.bytes.extend_from_slice(text.as_bytes());
                parts.compress().unwrap()
            });
            assert!(high.len() < low.len() && unpacked(&high) == text.as_bytes(), "{method:?}");
        }
    }
}
