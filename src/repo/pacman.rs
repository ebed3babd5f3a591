//! The pacman repository: one folder with packages, their signatures, and a database for each suite. See alpm-repo-desc(5).

use std::fmt::Write as _;

use super::RepoError;
use super::format::{ClientFiles, RepositoryFormat, Signature};
use super::keys::Keys;
use super::names::Name;
use super::package::{self, Placed, Prepared, missing};
use super::settings::Settings;
use super::site::Files;
use super::state::{Item, Publication};
use crate::archive::{Effort, Member, Method, Tar};
use crate::build::FileName;
use crate::formats::{self, PackageFormat as _};
use crate::platform::Format;
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

/// The repository of pacman.
#[derive(Debug)]
pub(super) struct Pacman;

impl RepositoryFormat for Pacman {
    fn pool(&self) -> &'static str {
        POOL
    }

    fn signature(&self) -> Signature {
        Signature::File
    }

    fn prepare(&self, file: FileName, bytes: Vec<u8>, signer: &dyn Signer) -> Result<Prepared, RepoError> {
        let fields = formats::Pacman.read(&bytes)?.fields;
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            found.ok_or_else(|| missing(name))
        };
        let time = field("builddate")?.parse().unwrap_or_default();
        let (name, version) = (field("pkgname")?, field("pkgver")?);
        let entry = entry(&fields, &Placed::new(&file, &bytes));
        // The name becomes a folder of the database.
        FileName::new(format!("{name}-{version}"))?;
        let signature = Some(package::sign(signer, &bytes, time)?);
        Ok(Prepared { format: Format::Pacman, name, version, time, file, bytes, signature, entry })
    }

    fn keyring(&self, repository: &Name) -> String {
        format!("/usr/share/pacman/keyrings/{repository}.gpg")
    }

    fn client_files(&self, settings: &Settings, keys: &Keys) -> ClientFiles {
        let name = &settings.repository.name;
        let mut files = ClientFiles { keyring: Some(name.as_str().to_owned()), ..ClientFiles::default() };
        let list = |kind: &str| format!("/usr/share/pacman/keyrings/{name}-{kind}");
        files.file(self.keyring(name), keys.to_bytes());
        files.file(list("trusted"), trusted(keys).into_bytes());
        files.file(list("revoked"), revoked(keys).into_bytes());
        files.config(format!("/etc/pacman.d/{name}.conf"), source(settings));
        files
    }
}

/// The section of pacman.conf.
pub(super) fn source(settings: &Settings) -> String {
    let description = &settings.repository;
    format!(
        "[{}]\nSigLevel = Required DatabaseOptional\nServer = {}/pacman\n",
        description.name, description.url
    )
}

/// Keys that pacman trusts fully: `FINGERPRINT:4:`.
pub(super) fn trusted(keys: &Keys) -> String {
    let good = keys.certificates().into_iter().filter(|key| !key.is_revoked());
    good.map(|key| format!("{}:4:\n", key.fingerprint())).collect::<Vec<_>>().concat()
}

fn revoked(keys: &Keys) -> String {
    let bad = keys.certificates().into_iter().filter(|key| key.is_revoked());
    bad.map(|key| format!("{}\n", key.fingerprint())).collect::<Vec<_>>().concat()
}

/// The `desc` file of a package.
fn entry(fields: &[(String, String)], placed: &Placed<'_>) -> String {
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
    let mut tar = Tar::new(publication.date, Method::Gzip, Effort::Low);
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
