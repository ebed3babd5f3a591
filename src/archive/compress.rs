//! Compression whose output depends on the input only, and decompression of input that nobody vouches for.

#[cfg(test)]
use std::io::Write as _;
use std::io::{self, Read};

/// Bytes that no package of ours comes near; what claims to need more is an attack or not for us.
const MAX_UNPACKED: u64 = 512 << 20;
/// Memory an xz decoder may take. `xz -9` needs 65 MiB.
const MAX_MEMORY: u64 = 128 << 20;
/// Window of zstd as a power of two: what `zstd -19 --long` needs.
const MAX_WINDOW_LOG: u32 = 27;

/// Measured on the package of the example, 143 kB of tar: 0.7 ms and 39.7 kB; level 6 makes 5 % less of it in twice
/// the time, level 9 7 % in three times, and 19 takes 33 ms for 12 %.
pub(crate) const ZSTD_LEVEL: i32 = 3;

/// xz as others use it, for tests of reading.
#[cfg(test)]
pub(crate) fn xz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Level of the gzip members of a package.
const GZIP_LEVEL: u32 = 6;

/// zstd in one frame that tells its size.
pub(super) fn zstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL)
}

/// gzip at its best, without time and name in its head: for man pages and changelogs.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    deflate(bytes, flate2::Compression::best())
}

/// A gzip member of a package.
pub(super) fn gzip_member(bytes: &[u8]) -> Vec<u8> {
    deflate(bytes, flate2::Compression::new(GZIP_LEVEL))
}

fn deflate(bytes: &[u8], level: flate2::Compression) -> Vec<u8> {
    let mut encoder = flate2::bufread::GzEncoder::new(bytes, level);
    let mut packed = Vec::with_capacity(bytes.len() / 2);
    let read = encoder.read_to_end(&mut packed);
    debug_assert!(read.is_ok(), "reading from memory does not fail");
    packed
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
