//! An archive in parts that are compressed each by itself: what many packages share is then compressed once.
//!
//! gzip members and zstd frames may follow one another in a file; every reader of packages takes them for one stream
//! (RFC 1952 section 2.2, RFC 8878 section 3). Where the parts begin depends on the archive alone, never on what was
//! compressed before: the same archive gives the same bytes.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::compress;

/// Shorter common parts are not worth a frame of their own: what comes after could not refer back to them.
const WORTH_A_PART: usize = 16 << 10;
/// How many compressed parts are remembered. A fleet has one for each format, role and date.
const REMEMBERED: usize = 48;

/// How parts are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// One member each.
    Gzip,
    /// One frame each.
    Zstd,
}

impl Method {
    fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => Ok(compress::gzip_part(bytes)),
            Self::Zstd => compress::zstd(bytes),
        }
    }
}

/// Bytes, and which runs of them are the same in many archives.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) bytes: Vec<u8>,
    /// Beginnings, and whether what follows is common.
    marks: Vec<(usize, bool)>,
}

impl Default for Parts {
    fn default() -> Self {
        // A package of ours, so that it need not grow.
        Self { bytes: Vec::with_capacity(256 << 10), marks: Vec::new() }
    }
}

impl Parts {
    /// Says whether the bytes from here on are common.
    pub(crate) fn mark(&mut self, common: bool) {
        if self.marks.last().is_none_or(|(_, last)| *last != common) {
            self.marks.push((self.bytes.len(), common));
        }
    }

    /// The parts: common ones of some length, and what is between them.
    fn ranges(&self) -> Vec<(Range<usize>, bool)> {
        let ends = self.marks.iter().skip(1).map(|(start, _)| *start).chain([self.bytes.len()]);
        let mut ranges: Vec<(Range<usize>, bool)> = Vec::new();
        let head = self.marks.first().map_or(self.bytes.len(), |(start, _)| *start);
        let runs = self.marks.iter().zip(ends).map(|((start, common), end)| (*start..end, *common));
        for (range, common) in [(0..head, false)].into_iter().chain(runs) {
            let common = common && range.len() >= WORTH_A_PART;
            match ranges.last_mut() {
                Some((last, false)) if !common => last.end = range.end,
                _ if range.is_empty() => {}
                _ => ranges.push((range, common)),
            }
        }
        ranges
    }

    /// All parts, compressed, one after the other.
    pub(crate) fn compress(&self, method: Method) -> io::Result<Vec<u8>> {
        let packed: Vec<Arc<[u8]>> = self
            .ranges()
            .into_par_iter()
            .with_max_len(1)
            .map(|(range, common)| {
                let part = &self.bytes[range];
                if common { remembered(method, part) } else { Ok(method.compress(part)?.into()) }
            })
            .collect::<io::Result<_>>()?;
        Ok(packed.concat())
    }
}

/// A part that was compressed, or is being compressed by another thread.
struct Known {
    method: Method,
    plain: Vec<u8>,
    packed: OnceLock<Arc<[u8]>>,
}

/// A common part, compressed when it is first seen.
fn remembered(method: Method, part: &[u8]) -> io::Result<Arc<[u8]>> {
    /// Most recently used last.
    static KNOWN: Mutex<Vec<Arc<Known>>> = Mutex::new(Vec::new());
    let known = {
        let mut list = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = list.iter().position(|known| known.method == method && known.plain == part);
        let known = match found {
            Some(at) => list.remove(at),
            None => Arc::new(Known { method, plain: part.to_vec(), packed: OnceLock::new() }),
        };
        if list.len() >= REMEMBERED {
            list.remove(0);
        }
        list.push(Arc::clone(&known));
        known
    };
    if let Some(packed) = known.packed.get() {
        return Ok(Arc::clone(packed));
    }
    let packed: Arc<[u8]> = method.compress(part)?.into();
    Ok(Arc::clone(known.packed.get_or_init(|| packed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn sample() -> Parts {
        let mut parts = Parts::default();
        parts.bytes.extend_from_slice(b"head");
        parts.mark(true);
        parts.bytes.extend((0..9000_u32).flat_map(|n| (n % 1013).to_le_bytes()));
        parts.mark(false);
        parts.bytes.extend_from_slice(b"own");
        parts.mark(true);
        parts.bytes.extend_from_slice(b"short");
        parts
    }

    #[test]
    fn only_long_common_runs_stand_alone() {
        let parts = sample();
        let end = parts.bytes.len();
        assert_eq!(parts.ranges(), [(0..4, false), (4..end - 8, true), (end - 8..end, false)]);
        let whole = Parts { bytes: b"x".to_vec(), marks: vec![] };
        assert_eq!(whole.ranges(), [(0..1, false)]);
        assert_eq!(Parts::default().ranges(), []);
    }

    #[test]
    fn parts_are_read_as_one_and_are_the_same_each_time() {
        let parts = sample();
        for method in [Method::Gzip, Method::Zstd] {
            let packed = parts.compress(method).unwrap();
            assert_eq!(packed, parts.compress(method).unwrap());
            let mut plain = Vec::new();
            compress::decompressor(&packed).unwrap().read_to_end(&mut plain).unwrap();
            assert!(plain == parts.bytes);
        }
    }
}
