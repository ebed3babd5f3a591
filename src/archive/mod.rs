//! tar and its compression: what deb and pacman packages are made of.

mod compress;
mod tar;

pub use compress::gzip;
pub(crate) use compress::{ZSTD_LEVEL, decompressor, xz, zstd};
pub(crate) use tar::{Member, Tar, list};
