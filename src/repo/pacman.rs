//! The pacman repository: one folder with packages, their signatures, and a database for each suite. See alpm-repo-desc(5).

use std::fmt::Write as _;

use super::RepoError;
use super::package::Placed;
use super::site::Files;
use super::state::{Item, Publication};
use crate::archive::{Member, Method, Tar};
use crate::sign::{self, Kind, Signer};

/// The folder of everything: pacman does not look into folders below it.
pub(super) const POOL: &str = "pacman";

/// Sections of a `desc` file, and the keys of .PKGINFO that they are made of.
const SECTIONS: [(&str, &str); 14] = [
    ("NAME", "pkgname"),
    ("BASE", "pkgbase"),
    ("VERSION", "pkgver"),
    ("DESC", "pkgdesc"),
    ("ISIZE", "size"),
    ("URL", "url"),
    ("LICENSE", "license"),
    ("ARCH", "arch"),
    ("BUILDDATE", "builddate"),
    ("PACKAGER", "packager"),
    ("REPLACES", "replaces"),
    ("CONFLICTS", "conflict"),
    ("PROVIDES", "provides"),
    ("DEPENDS", "depend"),
];

/// The `desc` file of a package.
pub(super) fn entry(fields: &[(String, String)], placed: Placed<'_>) -> String {
    let mut text = format!(
        "%FILENAME%\n{}\n\n%CSIZE%\n{}\n\n%SHA256SUM%\n{}\n\n",
        placed.file, placed.size, placed.sha256
    );
    for (section, key) in SECTIONS.into_iter().chain([("OPTDEPENDS", "optdepend")]) {
        let values: Vec<&str> =
            fields.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).collect();
        if !values.is_empty() {
            let _ = write!(text, "%{section}%\n{}\n\n", values.join("\n"));
        }
    }
    text
}

/// The name of a suite's database, which is also its section in pacman.conf: the first suite has that of the repository.
pub(super) fn database(name: &str, suite: &str, is_first: bool) -> String {
    if is_first { name.to_owned() } else { format!("{name}-{suite}") }
}

/// The files of a suite.
///
/// # Errors
/// The signer fails.
pub(super) fn files<'i>(
    database: &str,
    publication: &Publication,
    items: impl Iterator<Item = &'i Item>,
    signer: &dyn Signer,
    files: &mut Files,
) -> Result<(), RepoError> {
    let mut tar = Tar::new(publication.date, Method::Gzip);
    for item in items {
        let folder = format!("{}-{}/", item.name, item.version);
        tar.add(&folder, 0o755, Member::Directory);
        tar.add(&format!("{folder}desc"), 0o644, Member::File(item.entry.as_bytes()));
    }
    let bytes = tar.finish().compress()?;
    let time = sign::time_of(signer.certificate(), publication.date);
    let signature = signer.sign(Kind::Binary, &bytes, time)?;
    // A database without a signature is accepted, one with a wrong signature is not. So between the renames there is none.
    files.pointers.push((format!("{POOL}/{database}.db.sig"), None));
    files.point(format!("{POOL}/{database}.db"), bytes);
    files.point(format!("{POOL}/{database}.db.sig"), signature);
    Ok(())
}
