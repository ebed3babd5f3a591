//! Checks that an rpm's headers are what they claim to be, before the library reads them: it trusts their numbers
//! and would end the program, or ask for any amount of memory.

use crate::package::ReadError;

const LEAD: usize = 96;
const MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 1];
const INDEX_ENTRY: usize = 16;
/// rpm itself allows 64 Ki entries and 256 MiB.
const MAX_ENTRIES: usize = 0xffff;
const MAX_STORE: usize = 64 << 20;

/// Checks the signature header and the main header.
pub(super) fn check(bytes: &[u8]) -> Result<(), ReadError> {
    let rest = bytes.get(LEAD..).ok_or_else(|| damaged("it ends within the lead"))?;
    let length = check_header(rest)?;
    // The main header begins at a multiple of eight.
    let rest =
        rest.get(length.next_multiple_of(8)..).ok_or_else(|| damaged("it ends after the signature"))?;
    check_header(rest).map(drop)
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
    for entry in index.chunks_exact(INDEX_ENTRY) {
        check_entry(number(entry, 4), number(entry, 8), number(entry, 12), store)?;
    }
    Ok(INDEX_ENTRY + index.len() + store.len())
}

/// That `count` values of this kind are really at this place.
fn check_entry(kind: usize, offset: usize, count: usize, store: &[u8]) -> Result<(), ReadError> {
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
            let wanted = if kind == 6 { 1 } else { count };
            let found = values.iter().filter(|byte| **byte == 0).take(wanted).count();
            return if found == wanted { Ok(()) } else { Err(outside()) };
        }
        _ => return Err(damaged("a header entry is of no known kind")),
    };
    let length = count.checked_mul(size).ok_or_else(outside)?;
    if values.len() < length { Err(outside()) } else { Ok(()) }
}

/// The 32-bit number at this place, which must be there.
fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
