//! Checks the headers of an rpm before the library reads them, because the library trusts their numbers. Wrong ones would end
//! the program, or allocate any amount of memory.

use crate::package::ReadError;

const LEAD: usize = 96;
const MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 1];
const INDEX_ENTRY: usize = 16;
/// rpm itself allows 64 Ki entries and 256 MiB; the library makes 24 bytes of one.
const MAX_ENTRIES: usize = 0xffff;
const MAX_STORE: usize = 16 << 20;

/// Checks the signature header and the main header.
pub(super) fn check(bytes: &[u8]) -> Result<(), ReadError> {
    main_header(bytes).map(drop)
}

/// Checks both headers, and returns where the main header begins and ends.
pub(super) fn main_header(bytes: &[u8]) -> Result<[usize; 2], ReadError> {
    let rest = bytes.get(LEAD..).ok_or_else(|| damaged("it ends within the lead"))?;
    // The main header begins at a multiple of eight.
    let length = check_header(rest)?.next_multiple_of(8);
    let rest = rest.get(length..).ok_or_else(|| damaged("it ends after the signature"))?;
    let start = LEAD + length;
    Ok([start, start + check_header(rest)?])
}

fn damaged(what: &str) -> ReadError {
    ReadError::Damaged(what.to_owned())
}

/// Checks one header and returns its length.
fn check_header(bytes: &[u8]) -> Result<usize, ReadError> {
    let short = || damaged("it ends within a header");
    let (head, rest) = bytes.split_at_checked(INDEX_ENTRY).ok_or_else(short)?;
    if head[..4] != MAGIC {
        return Err(damaged("a header does not begin as it should"));
    }
    let (entries, store) = (number(head, 8), number(head, 12));
    if entries > MAX_ENTRIES || store > MAX_STORE {
        return Err(damaged("a header is larger than any real one"));
    }
    let (index, rest) = rest.split_at_checked(entries * INDEX_ENTRY).ok_or_else(short)?;
    let store = rest.get(..store).ok_or_else(short)?;
    // Each byte belongs to one entry, as in rpm itself. Else a small header could be read as an endless one.
    let mut left = store.len();
    for entry in index.chunks_exact(INDEX_ENTRY) {
        let length = entry_length(number(entry, 4), number(entry, 8), number(entry, 12), store)?;
        left = left.checked_sub(length).ok_or_else(|| damaged("its header entries share their bytes"))?;
    }
    Ok(INDEX_ENTRY + index.len() + store.len())
}

/// How long `count` values of this kind are, which must really be at this place.
fn entry_length(kind: usize, offset: usize, count: usize, store: &[u8]) -> Result<usize, ReadError> {
    let outside = || damaged("a header entry points outside of its header");
    let values = store.get(offset..).ok_or_else(outside)?;
    let size = match kind {
        0 => 0,
        1 | 2 | 7 => 1,
        3 => 2,
        4 => 4,
        5 => 8,
        // Text, a list of texts, and a text in several languages: each ends with a zero.
        6 | 8 | 9 => {
            let Some(last) = (if kind == 6 { 1 } else { count }).checked_sub(1) else { return Ok(0) };
            let mut ends = values.iter().enumerate().filter(|(_, byte)| **byte == 0);
            return ends.nth(last).map(|(end, _)| end + 1).ok_or_else(outside);
        }
        _ => return Err(damaged("a header entry is of no known kind")),
    };
    let length = count.checked_mul(size).ok_or_else(outside)?;
    if values.len() < length { Err(outside()) } else { Ok(length) }
}

/// The 32-bit number at this place, which must be there.
fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of entries of kind, offset and count, with this store.
    fn header(entries: &[[u32; 3]], store: &[u8]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap();
        let mut bytes = MAGIC.to_vec();
        for number in [0, count, u32::try_from(store.len()).unwrap()] {
            bytes.extend(number.to_be_bytes());
        }
        for [kind, offset, count] in entries {
            bytes.extend([1000, *kind, *offset, *count].iter().flat_map(|number| number.to_be_bytes()));
        }
        [&bytes, store].concat()
    }

    /// Sixty-five thousand lists of the same million texts would fill any memory.
    #[test]
    fn entries_that_share_their_bytes_are_refused() {
        let store = vec![0; 1000];
        assert_eq!(check_header(&header(&[[8, 0, 500], [8, 500, 500]], &store)), Ok(16 + 2 * 16 + 1000));
        let shared = check_header(&header(&[[8, 0, 1000], [8, 0, 1]], &store)).unwrap_err();
        assert!(shared.to_string().contains("share"), "{shared}");
        for [kind, offset, count] in
            [[8, 0, 1001], [4, 0, 251], [4, u32::MAX, 1], [5, 0, u32::MAX], [77, 0, 1]]
        {
            assert!(
                check_header(&header(&[[kind, offset, count]], &store)).is_err(),
                "{kind} {offset} {count}"
            );
        }
    }
}
