//! Packages that nobody vouches for: they are read or refused, in bounded time and memory.

use postpack::formats::inspect;

/// Any bytes as a package. Checksums of tar headers are made right, as a forger would: else nothing behind them
/// would ever be reached. Digests of an rpm can be left out, and the seeds leave them out.
pub fn packages(data: &[u8]) {
    let _ = inspect(data);
    let forged = with_checksums(data);
    let Ok(inspection) = inspect(&forged) else { return };
    for file in &inspection.files {
        assert!(file.path.starts_with('/') || inspection.format == "rpm", "{file:?}");
        assert!(file.sha256.as_ref().is_none_or(|sum| !sum.is_empty()), "{file:?}");
    }
    assert!(["deb", "rpm", "pacman"].contains(&inspection.format));
}

/// The same bytes; wherever there is a `ustar`, the header around it gets its checksum.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    const MAGIC: usize = 257;
    const SUM: std::ops::Range<usize> = 148..156;
    let mut forged = data.to_vec();
    for at in 0..data.len().saturating_sub(512 - MAGIC) {
        let Some(start) = at.checked_sub(MAGIC).filter(|_| data[at..].starts_with(b"ustar")) else {
            continue;
        };
        let Some(header) = forged.get_mut(start..start + 512) else { continue };
        header[SUM].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    forged
}
