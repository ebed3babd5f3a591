//! Compression whose output depends on the input only, and decompression of input that nobody vouches for.

use std::cell::RefCell;
#[cfg(test)]
use std::io::Write as _;
use std::io::{self, Read};
use std::thread::LocalKey;

/// Bytes that no package of ours comes near; what claims to need more is an attack or not for us.
const MAX_UNPACKED: u64 = 512 << 20;
/// Memory an xz decoder may take. `xz -9` needs 65 MiB.
const MAX_MEMORY: u64 = 128 << 20;
/// Window of zstd as a power of two: what `zstd -19 --long` needs.
const MAX_WINDOW_LOG: u32 = 27;

/// Measured on the package of the example, 164 kB of tar, in a fresh process: 1.5 ms and 42.5 kB; level 3 takes 0.9 ms
/// for 4 % more, level 6 2.8 ms for 1 % less.
pub(crate) const ZSTD_LEVEL: i32 = 5;
/// For what only one package has: with level 3 a package is 0.3 % smaller, and a fleet takes 3 % longer.
const ZSTD_LEVEL_OF_OWN: i32 = 1;
/// A power of two, half of what the level has: a fresh process spends less on memory (0.8 ms) for 0.6 % of size.
const ZSTD_HASH_LOG: u32 = 16;
/// Measured on the tar of the example: 1.9 ms; level 6 takes 1.5 ms for 0.5 % more, level 8 2.7 ms for 0.9 % less, level 9
/// 3.6 ms for the same as 8, level 10 13 ms for 3 % less.
const GZIP_LEVEL: i32 = 7;
/// For what only one package has, a tenth of the bytes, and most of them digests and scripts: 0.3 % more of a package than
/// with level 6, and a fleet takes a tenth less time.
const GZIP_LEVEL_OF_OWN: i32 = 1;
/// From this level on the head says "best compression", which lintian wants of man pages and changelogs.
const GZIP_LEVEL_OF_DOCUMENTS: i32 = 8;

/// Effort of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Fast: for a small part of a package, and for what is written again at every change.
    Low,
    /// Small: for common parts, which are compressed once, and for packages without such parts.
    High,
}

thread_local! {
    /// Their tables are large: each thread makes them once.
    static ZSTD: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static GZIP: RefCell<Option<libdeflater::Compressor>> = const { RefCell::new(None) };
    static GZIP_OF_OWN: RefCell<Option<libdeflater::Compressor>> = const { RefCell::new(None) };
    static GZIP_OF_DOCUMENTS: RefCell<Option<libdeflater::Compressor>> = const { RefCell::new(None) };
}

/// xz as others use it, for tests of reading.
#[cfg(test)]
pub(crate) fn xz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// zstd in one frame that tells its size.
pub(super) fn zstd(bytes: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let (level, hash_log) = match effort {
        Effort::High => (ZSTD_LEVEL, ZSTD_HASH_LOG),
        Effort::Low => (ZSTD_LEVEL_OF_OWN, 0),
    };
    ZSTD.with_borrow_mut(|compressor| {
        let compressor = match compressor {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(level)?),
        };
        compressor.set_compression_level(level)?;
        compressor.set_parameter(zstd::zstd_safe::CParameter::HashLog(hash_log))?;
        compressor.compress(bytes)
    })
}

/// A document, such as a man page, as one gzip member without time and name in its head.
pub(crate) fn gzip(document: &[u8]) -> Vec<u8> {
    member(&GZIP_OF_DOCUMENTS, GZIP_LEVEL_OF_DOCUMENTS, document)
}

/// A part of an archive in the same way.
pub(super) fn gzip_part(bytes: &[u8], effort: Effort) -> Vec<u8> {
    match effort {
        Effort::High => member(&GZIP, GZIP_LEVEL, bytes),
        Effort::Low => member(&GZIP_OF_OWN, GZIP_LEVEL_OF_OWN, bytes),
    }
}

fn member(
    compressor: &'static LocalKey<RefCell<Option<libdeflater::Compressor>>>,
    level: i32,
    bytes: &[u8],
) -> Vec<u8> {
    compressor.with_borrow_mut(|compressor| {
        let compressor = compressor.get_or_insert_with(|| {
            libdeflater::Compressor::new(libdeflater::CompressionLvl::new(level).unwrap_or_default())
        });
        let mut packed = vec![0; compressor.gzip_compress_bound(bytes.len())];
        // Too little room is the only way to fail, and there is the room that it asked for.
        let length = compressor.gzip_compress(bytes, &mut packed).unwrap_or_default();
        debug_assert!(length > 0);
        packed.truncate(length);
        packed
    })
}

/// A decompressor for the kind that the first bytes show: xz, zstd, gzip, or none.
pub(crate) fn decompressor(bytes: &[u8]) -> io::Result<impl Read + use<'_>> {
    let reader: Box<dyn Read> = if bytes.starts_with(b"\xfd7zXZ\0") {
        let stream = liblzma::stream::Stream::new_stream_decoder(MAX_MEMORY, 0)?;
        Box::new(liblzma::read::XzDecoder::new_stream(bytes, stream))
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::Decoder::new(bytes)?;
        decoder.window_log_max(MAX_WINDOW_LOG)?;
        Box::new(decoder)
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    };
    Ok(Bounded { inner: reader, left: MAX_UNPACKED })
}

/// A reader that fails, rather than ends, at its limit.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it unpacks to more than a package can reasonably hold",
            )
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let bytes: Vec<u8> = (0..100_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for packed in
            [xz(&bytes).unwrap(), zstd::bulk::compress(&bytes, 3).unwrap(), gzip(&bytes), bytes.clone()]
        {
            let mut unpacked = Vec::new();
            decompressor(&packed).unwrap().read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, bytes);
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        let block = vec![0; 1 << 20];
        for _ in 0..=(MAX_UNPACKED >> 20) {
            encoder.write_all(&block).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 100_000);
        let error = io::copy(&mut decompressor(&bomb).unwrap(), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("more than"), "{error}");
    }
}
