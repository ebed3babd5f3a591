//! Versions: a total order, and the one that dpkg, rpm and pacman have of what we write for them.

use std::cmp::Ordering;

use postpack::formats::{Deb, PackageFormat as _, Pacman, Rpm};
use postpack::package::Version;

use super::order;

/// Three versions, a line each; the first characters of a line are epoch and package release.
pub fn versions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let all: Vec<Version> = text.lines().take(3).filter_map(version).collect();
    for version in &all {
        assert_eq!(
            Version::parse(&version.to_string()).map(|read| (read.numbers, read.pre, read.build)),
            Ok((version.numbers.clone(), version.pre.clone(), version.build.clone()))
        );
        assert_eq!(version.cmp(version), Ordering::Equal);
    }
    for left in &all {
        for right in &all {
            let order = left.cmp(right);
            assert_eq!(order, right.cmp(left).reverse(), "{left} {right}");
            assert_eq!(order.is_eq(), left == right, "{left} {right}");
            for third in &all {
                if order.is_le() && right <= third {
                    assert!(left <= third, "{left} {right} {third}");
                }
            }
            if promised(left, right) {
                let orders = [
                    order::dpkg(&Deb.version(left), &Deb.version(right)),
                    order::rpm(&Rpm.version(left), &Rpm.version(right)),
                    order::pacman(&Pacman.version(left), &Pacman.version(right)),
                ];
                assert_eq!(orders, [order; 3], "{left:?} {right:?}");
            }
        }
    }
}

fn version(line: &str) -> Option<Version> {
    let epoch = u32::from(line.starts_with('1'));
    let revision = u32::from(*line.as_bytes().get(1)?) + 1;
    let text = line.get(2..)?;
    Some(Version::parse(text).ok()?.with_epoch(epoch).with_revision(revision))
}

/// Of builds that differ behind their word and number in a commit hash, nothing is promised.
fn promised(left: &Version, right: &Version) -> bool {
    let plain = |version: &Version| {
        version.build.iter().skip(1).all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    plain(left) && plain(right)
}
