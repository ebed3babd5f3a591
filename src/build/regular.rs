//! Reading of files in an output folder. Other programs can write there, so only regular files are opened: a FIFO, or a link
//! to a device, would never end.

use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result};
use std::path::Path;

use sha2::{Digest as _, Sha256};

fn open(path: &Path) -> Result<fs_err::File> {
    if fs_err::symlink_metadata(path)?.is_file() {
        fs_err::File::open(path)
    } else {
        Err(Error::new(ErrorKind::InvalidInput, format!("{}: not a regular file", path.display())))
    }
}

/// The content of a file with a maximum size in bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(
            ErrorKind::FileTooLarge,
            format!("{}: more than {most} bytes", path.display()),
        ));
    }
    Ok(bytes)
}

/// Whether a file contains these bytes. It is read in parts, because the documents of a fleet are large.
pub(super) fn holds(path: &Path, mut bytes: &[u8]) -> Result<bool> {
    let mut file = BufReader::new(open(path)?);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(bytes.is_empty());
        }
        let Some(rest) = bytes.strip_prefix(part) else { return Ok(false) };
        bytes = rest;
        let length = part.len();
        file.consume(length);
    }
}

/// The SHA-256 of a file with a known size, hexadecimal; `None` if it is missing or its size differs.
pub(super) fn sha256(path: &Path, size: u64) -> Option<String> {
    let mut file = open(path).ok()?.take(size.saturating_add(1));
    let mut digest = Sha256::new();
    (std::io::copy(&mut file, &mut digest).ok()? == size).then(|| format!("{:x}", digest.finalize()))
}
