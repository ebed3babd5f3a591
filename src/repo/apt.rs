//! The apt repository: one pool, and for each suite an index of `Architecture: all`, found by its hash. See
//! <https://wiki.debian.org/DebianRepository/Format>.

use std::fmt::Write as _;

use super::format::{ClientFiles, RepositoryFormat, Signature};
use super::keys::Keys;
use super::names::Name;
use super::package::{Placed, Prepared, missing};
use super::settings::{Description, Settings};
use super::site::Files;
use super::state::{Item, Publication};
use super::{RepoError, http_date, sha256};
use crate::archive::gzip;
use crate::build::FileName;
use crate::formats::deb;
use crate::platform::Format;
use crate::sign::{self, Kind, Signer, armored, cleartext};

/// The folder of packages.
pub(super) const POOL: &str = "apt/pool/main";
/// The one index. apt fetches it for every architecture, because the packages are for all of them.
const INDEX: &str = "main/binary-all/Packages";
/// Without the names of real architectures apt warns that it is not supported.
const ARCHITECTURES: &str = "all amd64 arm64 armhf i386 ppc64el riscv64 s390x";

/// The repository of apt.
#[derive(Debug)]
pub(super) struct Apt;

impl RepositoryFormat for Apt {
    fn pool(&self) -> &'static str {
        POOL
    }

    fn signature(&self) -> Signature {
        Signature::Index
    }

    fn prepare(&self, file: FileName, bytes: Vec<u8>, _: &dyn Signer) -> Result<Prepared, RepoError> {
        let control = deb::control(&bytes)?;
        let time = deb::time(&bytes).unwrap_or_default();
        let field = |name: &str| field(&control, name).map(str::to_owned).ok_or_else(|| missing(name));
        let (name, version) = (field("Package")?, field("Version")?);
        let entry = entry(&control, &Placed::new(&file, &bytes));
        Ok(Prepared { format: Format::Deb, name, version, time, file, bytes, signature: None, entry })
    }

    fn keyring(&self, repository: &Name) -> String {
        format!("/usr/share/keyrings/{repository}-archive-keyring.gpg")
    }

    fn client_files(&self, settings: &Settings, keys: &Keys) -> ClientFiles {
        let name = &settings.repository.name;
        let mut files = ClientFiles::default();
        files.file(self.keyring(name), keys.to_bytes());
        files.config(format!("/etc/apt/sources.list.d/{name}.sources"), source(settings));
        files
    }
}

/// The source of apt. The packaged file and the one that a person fetches are the same: apt refuses two that differ.
pub(super) fn source(settings: &Settings) -> String {
    let description = &settings.repository;
    format!(
        "Types: deb\nURIs: {}/apt\nSuites: {}\nComponents: main\nSigned-By: {}\n",
        description.url,
        settings.first_suite(),
        Apt.keyring(&description.name)
    )
}

/// The stanza of a package in the index. SHA-256 is the only digest that it has: MD5, SHA-1 and SHA-512 would make the index
/// 3.5 times as large.
fn entry(control: &str, placed: &Placed<'_>) -> String {
    format!(
        "{}\nFilename: pool/main/{}\nSize: {}\nSHA256: {}\n",
        control.trim_end(),
        placed.file,
        placed.size,
        placed.sha256
    )
}

/// The first line of a field of a control file.
fn field<'c>(control: &'c str, name: &str) -> Option<&'c str> {
    let of = |line: &'c str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    control.lines().find_map(of)
}

/// The files of a suite.
///
/// # Errors
/// A signer fails.
pub(super) fn files<'i>(
    description: &Description,
    suite: &str,
    publication: &mut Publication,
    items: impl Iterator<Item = &'i Item>,
    signers: &[&dyn Signer],
    files: &mut Files,
) -> Result<(), RepoError> {
    let folder = format!("apt/dists/{suite}");
    let mut packages = String::new();
    for item in items {
        packages.push_str(&item.entry);
        packages.push('\n');
    }
    let packed = gzip(packages.as_bytes());
    let packed_name = format!("{INDEX}.gz");

    let mut release = String::new();
    let title = &description.title;
    let date = publication.date;
    let _ = write!(
        release,
        "Origin: {title}\nLabel: {title}\nSuite: {suite}\nCodename: {suite}\nDate: {}\n",
        http_date(date)
    );
    if let Some(days) = description.valid_days {
        let _ = writeln!(release, "Valid-Until: {}", http_date(date + u64::from(days) * 86_400));
    }
    let _ = write!(
        release,
        "Acquire-By-Hash: yes\nArchitectures: {ARCHITECTURES}\nComponents: main\nDescription: {title}, {suite}\nSHA256:\n"
    );
    // Debian's archive also lists the uncompressed index without having it. apt finds no package in a release that lacks the entry.
    for (path, bytes) in [(INDEX, packages.as_bytes()), (packed_name.as_str(), &packed[..])] {
        let _ = writeln!(release, " {} {:>9} {path}", sha256(bytes), bytes.len());
    }
    let by_hash = format!("{folder}/main/binary-all/by-hash/SHA256/{}", sha256(&packed));
    publication.files.insert(by_hash.clone());
    files.fix(by_hash, packed.clone());
    files.point(format!("{folder}/{packed_name}"), packed);
    let newest = signers.iter().map(|signer| sign::time_of(signer.certificate(), date)).max().unwrap_or(date);
    let mut detached = Vec::new();
    for signer in signers {
        detached.extend(signer.sign(Kind::Binary, release.as_bytes(), newest)?);
    }
    let signed = cleartext(&release, signers, newest)?;
    files.point(format!("{folder}/Release.gpg"), armored("SIGNATURE", &detached));
    files.point(format!("{folder}/Release"), release);
    files.point(format!("{folder}/InRelease"), signed);
    Ok(())
}
