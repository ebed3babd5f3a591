//! The files in a package, for `diff`.

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::archive::decompressor;
use crate::formats;

/// The files of a package by path, except for an .rpm, whose files cannot be read.
pub fn contents(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let files = formats::recognize(bytes).contents(bytes);
    files.unwrap_or_default().into_iter().map(|(name, content)| (format!("/{name}"), content)).collect()
}

/// The text in a file, which may be compressed with gzip; `None` if it is not text.
pub fn text(bytes: &[u8]) -> Option<String> {
    const LONGEST: u64 = 1 << 20;
    let mut text = Vec::new();
    if bytes.starts_with(b"\x1f\x8b") {
        decompressor(bytes).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    } else {
        text.extend_from_slice(bytes);
    }
    String::from_utf8(text).ok().filter(|text| !text.contains('\0'))
}
