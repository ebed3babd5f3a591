//! ASCII armor, RFC 9580 section 6.

use data_encoding::BASE64;
use std::fmt::Write as _;

use super::SignError;

/// Characters of a line: what gpg writes.
const WIDTH: usize = 64;

/// Bytes as text between `BEGIN PGP` and `END PGP` lines. `label` is such as `SIGNATURE` or `PUBLIC KEY BLOCK`.
///
/// The checksum is optional since RFC 9580, but rpm before 4.18 wants it.
pub fn armored(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN PGP {label}-----\n\n");
    let encoded = BASE64.encode(bytes);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(WIDTH));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    let [_, sum @ ..] = crc24(bytes).to_be_bytes();
    let _ = write!(text, "={}\n-----END PGP {label}-----\n", BASE64.encode(&sum));
    text
}

/// The bytes of armored text, of all its blocks one after the other; of binary data, the data.
///
/// # Errors
/// A block has no end, or is not base64, or its checksum differs.
pub fn unarmored(data: &[u8]) -> Result<Vec<u8>, SignError> {
    if data.first().is_some_and(|first| first & 0x80 != 0) {
        return Ok(data.to_vec());
    }
    let text =
        std::str::from_utf8(data).map_err(|_| SignError::Malformed("it is neither binary nor text"))?;
    let mut bytes = Vec::new();
    let mut lines = text.lines().map(str::trim_end);
    let mut found = false;
    while lines.by_ref().any(|line| line.starts_with("-----BEGIN PGP ")) {
        found = true;
        // Headers such as `Comment:` end with an empty line.
        let mut body = String::new();
        let mut sum = None;
        let mut in_headers = true;
        let ended = lines.by_ref().any(|line| {
            if line.starts_with("-----END PGP ") {
                return true;
            }
            match line.strip_prefix('=') {
                _ if in_headers => in_headers = !line.is_empty(),
                Some(text) => sum = Some(text.to_owned()),
                None => body.push_str(line),
            }
            false
        });
        if !ended {
            return Err(SignError::Malformed("its armor has no end"));
        }
        let decode = |text: &str| {
            BASE64.decode(text.as_bytes()).map_err(|_| SignError::Malformed("its armor is not base64"))
        };
        let block = decode(&body)?;
        if let Some(sum) = sum
            && decode(&sum)? != crc24(&block).to_be_bytes()[1..]
        {
            return Err(SignError::Malformed("the checksum of its armor differs"));
        }
        bytes.extend(block);
    }
    if found { Ok(bytes) } else { Err(SignError::Malformed("there is no PGP block")) }
}

/// Section 6.1.1.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 16, |sum, _| {
            let next = sum << 1;
            if next & 0x0100_0000 == 0 { next } else { next ^ 0x0186_4cfb }
        })
    })
}
