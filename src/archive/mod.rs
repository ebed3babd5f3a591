//! tar and its compression: what deb and pacman packages are made of.

mod compress;
mod parts;
mod tar;

pub(crate) use compress::gzip;
#[cfg(test)]
pub(crate) use compress::xz;
pub(crate) use compress::{Effort, ZSTD_LEVEL, decompressor};
pub(crate) use parts::{Method, Parts};
pub(crate) use tar::{MAX_KEPT, Member, Tar, list};
