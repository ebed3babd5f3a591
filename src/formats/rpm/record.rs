//! The data about an rpm in a repository: the values of primary.xml, see createrepo_c(8) and rpm-repodata(5).

use rpm::{Dependency, DependencyFlags, FileType, IndexData, IndexSignatureTag};

use super::guard;
use super::read::{damaged, parse};
use crate::package::ReadError;

/// The values, by the names of primary.xml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the package.
    pub name: String,
    /// Epoch, version and release.
    pub version: [String; 3],
    /// `noarch` for packages of ours.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Paragraphs.
    pub description: String,
    /// Its vendor; may be empty.
    pub packager: String,
    /// Home page; may be empty.
    pub url: String,
    /// SPDX expression.
    pub license: String,
    /// Group of rpm; may be empty.
    pub group: String,
    /// Host that it was built on.
    pub build_host: String,
    /// Seconds since 1970 UTC.
    pub time: u64,
    /// Bytes of its files.
    pub installed: u64,
    /// Bytes of its payload before compression.
    pub archive: u64,
    /// Where the main header begins and ends in the file.
    pub header: [usize; 2],
    /// Relations by their names in primary.xml.
    pub relations: Vec<(&'static str, Vec<Related>)>,
    /// Files that dnf looks for without the full list: in /etc, in a `bin` or `sbin`, and /usr/lib/sendmail; and whether
    /// each is a folder.
    pub files: Vec<(String, bool)>,
}

/// One relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Name of a package, or what stands for one.
    pub name: String,
    /// `EQ`, `LT`, `LE`, `GT` or `GE` with epoch, version and release; the release may be empty.
    pub condition: Option<(&'static str, [String; 3])>,
    /// Whether it must be there before scriptlets run.
    pub before: bool,
}

/// Reads the data about a package for a repository.
///
/// # Errors
/// It is no .rpm, or is damaged.
pub fn record(bytes: &[u8]) -> Result<Record, ReadError> {
    let header = guard::main_header(bytes)?;
    let package = parse(bytes)?;
    package.check_digests().and_then(|report| report.result()).map_err(damaged)?;
    let metadata = &package.metadata;
    let need = |value: Result<&str, rpm::Error>| value.map(str::to_owned).map_err(damaged);
    let may = |value: Result<&str, rpm::Error>| value.unwrap_or_default().to_owned();
    let lists = [
        ("provides", metadata.get_provides()),
        ("requires", metadata.get_requires()),
        ("conflicts", metadata.get_conflicts()),
        ("obsoletes", metadata.get_obsoletes()),
        ("suggests", metadata.get_suggests()),
        ("recommends", metadata.get_recommends()),
    ];
    let mut relations = Vec::new();
    for (name, list) in lists {
        let list = list.map_err(damaged)?;
        let shown = list.iter().filter(|relation| !relation.flags.contains(DependencyFlags::RPMLIB));
        relations.push((name, shown.map(related).collect::<Vec<_>>()));
    }
    relations.retain(|(_, list)| !list.is_empty());
    let entries = metadata.get_file_entries().map_err(damaged)?;
    let is_primary = |entry: &&rpm::FileEntry<'_>| {
        let (folder, name) = (entry.dirname(), entry.basename());
        folder.starts_with("/etc/") || folder.contains("bin/") || (folder, name) == ("/usr/lib/", "sendmail")
    };
    let file = |entry: &rpm::FileEntry<'_>| {
        (format!("{}{}", entry.dirname(), entry.basename()), entry.file_type() == FileType::Dir)
    };
    let installed = metadata.get_installed_size().unwrap_or_default();
    let signature = metadata.signature.get_all_entries().map_err(damaged)?;
    let archive = signature.into_iter().find_map(|(tag, data)| match data {
        IndexData::Int32(size) if tag == IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32 => {
            size.first().copied()
        }
        _ => None,
    });
    Ok(Record {
        name: need(metadata.get_name())?,
        version: [
            metadata.get_epoch().unwrap_or_default().to_string(),
            need(metadata.get_version())?,
            need(metadata.get_release())?,
        ],
        arch: need(metadata.get_arch())?,
        summary: may(metadata.get_summary()),
        description: may(metadata.get_description()),
        packager: may(metadata.get_packager()),
        url: may(metadata.get_url()),
        license: may(metadata.get_license()),
        group: may(metadata.get_group()),
        build_host: may(metadata.get_build_host()),
        time: metadata.get_build_time().map_err(damaged)?,
        installed,
        archive: archive.map_or(installed, u64::from),
        header,
        relations,
        files: entries.iter().filter(is_primary).map(file).collect(),
    })
}

fn related(relation: &Dependency) -> Related {
    let has = |flag| relation.flags.contains(flag);
    let operator = match [DependencyFlags::LESS, DependencyFlags::GREATER, DependencyFlags::EQUAL].map(has) {
        [true, _, true] => Some("LE"),
        [true, ..] => Some("LT"),
        [_, true, true] => Some("GE"),
        [_, true, _] => Some("GT"),
        [_, _, true] => Some("EQ"),
        [..] => None,
    };
    let (epoch, rest) = relation.version.split_once(':').unwrap_or(("0", &relation.version));
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    let condition = operator.map(|operator| (operator, [epoch, version, release].map(str::to_owned)));
    let before = [DependencyFlags::PREREQ, DependencyFlags::SCRIPT_PRE, DependencyFlags::SCRIPT_POST];
    Related { name: relation.name.clone(), condition, before: before.into_iter().any(has) }
}
