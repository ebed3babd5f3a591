//! The repository of dnf and zypper: one pool, and for each publication of a suite a folder of metadata that never changes.
//! dnf finds the newest one through a list of mirrors, which is one file and so never half of a publication.

use std::fmt::Write as _;

use super::format::{ClientFiles, RepositoryFormat, Signature};
use super::keys::Keys;
use super::names::{Name, Url};
use super::package::{self, Placed, Prepared};
use super::settings::Settings;
use super::site::Files;
use super::state::{Item, Publication};
use super::{RepoError, markup, sha256};
use crate::archive::gzip;
use crate::build::FileName;
use crate::formats::rpm::{self, Record};
use crate::platform::Format;
use crate::sign::{self, Kind, Signer, armored};

/// The folder of packages.
pub(super) const POOL: &str = "rpm/pool";

/// The repository of dnf and zypper.
#[derive(Debug)]
pub(super) struct Dnf;

impl RepositoryFormat for Dnf {
    fn pool(&self) -> &'static str {
        POOL
    }

    fn signature(&self) -> Signature {
        Signature::Package(rpm::signature)
    }

    fn prepare(&self, file: FileName, bytes: Vec<u8>, signer: &dyn Signer) -> Result<Prepared, RepoError> {
        let time = rpm::record(&bytes)?.time;
        let is_rsa = signer.certificate().algorithm().starts_with("RSA");
        let bytes = rpm::signed(&bytes, is_rsa, |header| package::sign(signer, header, time))?;
        let record = rpm::record(&bytes)?;
        let entry = entry(&record, &Placed::new(&file, &bytes));
        let [epoch, version, release] = &record.version;
        let epoch = if epoch == "0" { String::new() } else { format!("{epoch}:") };
        let version = format!("{epoch}{version}-{release}");
        Ok(Prepared {
            format: Format::Rpm,
            name: record.name,
            version,
            time,
            file,
            bytes,
            signature: None,
            entry,
        })
    }

    fn keyring(&self, repository: &Name) -> String {
        format!("/etc/pki/rpm-gpg/RPM-GPG-KEY-{repository}")
    }

    fn client_files(&self, settings: &Settings, keys: &Keys) -> ClientFiles {
        let name = &settings.repository.name;
        let keyring = self.keyring(name);
        let address = format!("file://{keyring}");
        let mut files = ClientFiles::default();
        files.file(keyring, keys.to_armor().into_bytes());
        files.config(format!("/etc/yum.repos.d/{name}.repo"), source(settings, &address));
        files.config(format!("/etc/zypp/repos.d/{name}.repo"), zypper_source(settings, &address));
        files
    }
}

/// The source of dnf: through the list of mirrors, so that metadata and signature are always of one publication.
pub(super) fn source(settings: &Settings, key: &str) -> String {
    let description = &settings.repository;
    format!(
        "[{name}]\nname={}\nmirrorlist={}/rpm/{}.mirrorlist\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={key}\n\
         metadata_expire=1h\n",
        description.title,
        description.url,
        settings.first_suite(),
        name = description.name,
    )
}

/// The source of zypper, which reads a list of mirrors only in recent versions.
pub(super) fn zypper_source(settings: &Settings, key: &str) -> String {
    let description = &settings.repository;
    format!(
        "[{name}]\nname={}\nbaseurl={}/rpm/suites/{}\nenabled=1\nautorefresh=1\ntype=rpm-md\ngpgcheck=1\n\
         repo_gpgcheck=1\ngpgkey={key}\n",
        description.title,
        description.url,
        settings.first_suite(),
        name = description.name,
    )
}

/// A text in XML 1.0, which has no place for other control characters.
fn xml(text: &str) -> String {
    markup(text).replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "?")
}

/// The element of a package in primary.xml.
fn entry(record: &Record, placed: &Placed<'_>) -> String {
    let mut text = String::from("<package type=\"rpm\">\n");
    let mut element = |name: &str, value: &str| {
        let _ = writeln!(text, "  <{name}>{}</{name}>", xml(value));
    };
    element("name", &record.name);
    element("arch", &record.arch);
    let [epoch, version, release] = record.version.each_ref().map(|part| xml(part));
    let _ = writeln!(text, "  <version epoch=\"{epoch}\" ver=\"{version}\" rel=\"{release}\"/>");
    let _ = writeln!(text, "  <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>", placed.sha256);
    let mut element = |name: &str, value: &str| {
        let _ = writeln!(text, "  <{name}>{}</{name}>", xml(value));
    };
    element("summary", &record.summary);
    element("description", &record.description);
    element("packager", &record.packager);
    element("url", &record.url);
    let [start, end] = record.header;
    let _ = write!(
        text,
        "  <time file=\"{time}\" build=\"{time}\"/>\n  <size package=\"{}\" installed=\"{}\" archive=\"{}\"/>\n  \
         <location href=\"../../pool/{}\"/>\n  <format>\n    <rpm:license>{}</rpm:license>\n    \
         <rpm:group>{}</rpm:group>\n    <rpm:buildhost>{}</rpm:buildhost>\n    \
         <rpm:header-range start=\"{start}\" end=\"{end}\"/>\n",
        placed.size,
        record.installed,
        record.archive,
        xml(placed.file.as_str()),
        xml(&record.license),
        xml(&record.group),
        xml(&record.build_host),
        time = record.time,
    );
    for (kind, list) in &record.relations {
        let _ = writeln!(text, "    <rpm:{kind}>");
        for related in list {
            let _ = write!(text, "      <rpm:entry name=\"{}\"", xml(&related.name));
            if let Some((operator, [epoch, version, release])) = &related.condition {
                let _ =
                    write!(text, " flags=\"{operator}\" epoch=\"{}\" ver=\"{}\"", xml(epoch), xml(version));
                if !release.is_empty() {
                    let _ = write!(text, " rel=\"{}\"", xml(release));
                }
            }
            text.push_str(if related.before { " pre=\"1\"/>\n" } else { "/>\n" });
        }
        let _ = writeln!(text, "    </rpm:{kind}>");
    }
    for (file, is_folder) in &record.files {
        let kind = if *is_folder { " type=\"dir\"" } else { "" };
        let _ = writeln!(text, "    <file{kind}>{}</file>", xml(file));
    }
    text.push_str("  </format>\n</package>\n");
    text
}

/// The files of a suite: the folder of this publication for dnf, and the same in a folder that keeps its name for zypper.
///
/// # Errors
/// The signer fails.
pub(super) fn files<'i>(
    url: &Url,
    suite: &str,
    publication: &mut Publication,
    items: impl Iterator<Item = &'i Item> + Clone,
    signer: &dyn Signer,
    keys: &str,
    files: &mut Files,
) -> Result<(), RepoError> {
    let mut primary = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{}\">\n",
        items.clone().count()
    );
    items.for_each(|item| primary.push_str(&item.entry));
    primary.push_str("</metadata>\n");
    let packed = gzip(primary.as_bytes());
    let digest = sha256(&packed);
    let name = format!("{digest}-primary.xml.gz");
    let date = publication.date;
    let repomd = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n  <revision>{date}</revision>\n  <data type=\"primary\">\n    \
         <checksum type=\"sha256\">{digest}</checksum>\n    <open-checksum type=\"sha256\">{}</open-checksum>\n    \
         <location href=\"repodata/{name}\"/>\n    <timestamp>{date}</timestamp>\n    <size>{}</size>\n    \
         <open-size>{}</open-size>\n  </data>\n</repomd>\n",
        sha256(primary.as_bytes()),
        packed.len(),
        primary.len(),
    );
    let time = sign::time_of(signer.certificate(), date);
    // One signature: librepo of Fedora refuses a second one.
    let signature = armored("SIGNATURE", &signer.sign(Kind::Binary, repomd.as_bytes(), time)?);

    let snapshot = format!("rpm/snapshots/{suite}-{}", publication.serial);
    let current = format!("rpm/suites/{suite}");
    for (file, bytes) in [
        (name.as_str(), &packed[..]),
        ("repomd.xml", repomd.as_bytes()),
        ("repomd.xml.asc", signature.as_bytes()),
        ("repomd.xml.key", keys.as_bytes()),
    ] {
        let path = format!("{snapshot}/repodata/{file}");
        publication.files.insert(path.clone());
        files.fix(path, bytes);
    }
    let path = format!("{current}/repodata/{name}");
    publication.files.insert(path.clone());
    files.fix(path, packed);
    files.point(format!("{current}/repodata/repomd.xml.key"), keys);
    files.point(format!("{current}/repodata/repomd.xml.asc"), signature);
    files.point(format!("{current}/repodata/repomd.xml"), repomd);
    files.point(format!("rpm/{suite}.mirrorlist"), format!("{url}/{snapshot}/\n"));
    Ok(())
}
