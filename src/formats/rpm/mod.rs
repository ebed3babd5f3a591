//! The rpm format, version 4: what RHEL 8 and everything after it reads. Only this module names the rpm crate.

mod guard;
mod payload;
mod read;
mod record;
mod sign;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use read::read_unverified;
pub use record::{Record, Related, record};
pub use sign::{Signed, signature, signed};

use rpm::{BuildConfig, CompressionWithLevel, Dependency, PackageBuilder};
use serde_json::json;

use crate::formats::{PackageFormat, PurlType};
use crate::package::{
    Architecture, Entry, Inspection, Lifecycle, Meta, Node, Package, ReadError, Relation, Requirement, Tree,
    Version, WIDTH, WriteError, paragraphs, wrap,
};
use crate::template::Templates;
use payload::Payload;

/// Folders that belong to the system: another package owns them, with the modes of the distribution.
const SYSTEM_FOLDERS: [&str; 26] = [
    "/etc",
    "/etc/pki",
    "/etc/pki/rpm-gpg",
    "/etc/postfix",
    "/etc/yum.repos.d",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/systemd",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system-preset",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/usr/libexec",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/doc",
    "/usr/share/licenses",
    "/usr/share/man",
    "/usr/share/man/man1",
    "/usr/share/man/man5",
    "/usr/share/man/man8",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// Writes and reads .rpm files.
#[derive(Debug, Clone, Copy)]
pub struct Rpm;

impl PackageFormat for Rpm {
    fn version(&self, version: &Version) -> String {
        version.full("~")
    }

    fn architecture(&self, architecture: Architecture) -> &'static str {
        match architecture {
            Architecture::All => "noarch",
            Architecture::X86_64 => "x86_64",
            Architecture::Aarch64 => "aarch64",
        }
    }

    // Without the epoch, as is the custom.
    fn file_name(&self, meta: &Meta) -> String {
        let Meta { name, version, architecture, .. } = meta;
        format!(
            "{name}-{}-{}.{}.rpm",
            version.upstream("~"),
            version.revision,
            self.architecture(*architecture)
        )
    }

    fn added(&self, _: &Package, _: &Templates) -> Result<Vec<Entry>, WriteError> {
        Ok(Vec::new())
    }

    fn write(&self, package: &Package, templates: &Templates) -> Result<Vec<u8>, WriteError> {
        package.validate()?;
        let time = u32::try_from(package.time).unwrap_or(u32::MAX);
        let tree = Tree::new(&package.entries)?;
        let nodes: Vec<(&str, Node<'_>)> =
            tree.iter().filter(|(path, node)| !(node.is_folder() && SYSTEM_FOLDERS.contains(path))).collect();
        let payload = Payload::new(&nodes, time);
        // Neither needs the other until the end.
        let (compressed, built) =
            rayon::join(move || payload.compress(), || without_files(package, time, templates));
        let mut built = built?;
        compressed?.complete(&mut built)?;
        let mut bytes = Vec::new();
        built.write(&mut bytes).map_err(|error| failed(&error))?;
        Ok(bytes)
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        read::is_rpm(bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<Inspection, ReadError> {
        read::read(bytes)
    }

    // The payload of an untrusted rpm is never unpacked.
    fn contents(&self, _: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        Ok(Vec::new())
    }

    fn purl(&self) -> PurlType {
        PurlType { name: "rpm", epoch_is_qualifier: true }
    }
}

/// The package but for its files: what is said of these is ours.
fn without_files(package: &Package, time: u32, templates: &Templates) -> Result<rpm::Package, WriteError> {
    let meta = &package.meta;
    let mut builder = PackageBuilder::new(
        &meta.name,
        &meta.version.upstream("~"),
        &meta.license,
        Rpm.architecture(meta.architecture),
        &capitalized(&meta.summary),
    );
    builder
        .using_config(BuildConfig::v4().compression(CompressionWithLevel::None).source_date(time))
        .release(meta.version.revision.to_string())
        .description(description(meta))
        // It is no longer used, but rpmlint requires it.
        .group("System Environment/Daemons")
        .packager(meta.maintainer.as_str())
        // Never the machine it was built on.
        .build_host("localhost");
    if meta.version.epoch > 0 {
        builder.epoch(meta.version.epoch);
    }
    if let Some(homepage) = &meta.homepage {
        builder.url(homepage.as_str());
    }
    changelog(&mut builder, meta);
    relations(&mut builder, package);
    if package.lifecycle.has_commands() {
        scripts(&mut builder, package, templates)?;
    }
    payload::declare(&mut builder);
    builder.build().map_err(|error| failed(&error))
}

fn failed(error: &rpm::Error) -> WriteError {
    WriteError::Encode(error.to_string())
}

/// The custom of rpm packages, where Debian's summaries begin with a small letter.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn description(meta: &Meta) -> String {
    let paragraphs: Vec<String> =
        paragraphs(&meta.description).map(|text| wrap(&text, WIDTH).join("\n")).collect();
    paragraphs.join("\n\n")
}

fn changelog(builder: &mut PackageBuilder, meta: &Meta) {
    for release in &meta.changelog {
        let changes: Vec<String> = release
            .changes
            .iter()
            .map(|change| format!("- {}", change.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect();
        let name = format!("{} - {}", release.author, Rpm.version(&release.version));
        builder.add_changelog_entry(
            name,
            changes.join("\n"),
            u32::try_from(release.time).unwrap_or(u32::MAX),
        );
    }
}

fn relations(builder: &mut PackageBuilder, package: &Package) {
    type Add = fn(&mut PackageBuilder, Dependency) -> &mut PackageBuilder;
    let relations = &package.relations;
    let kinds: [(&[Relation], Add); 6] = [
        (&relations.depends, PackageBuilder::requires),
        (&relations.recommends, PackageBuilder::recommends),
        (&relations.suggests, PackageBuilder::suggests),
        (&relations.conflicts, PackageBuilder::conflicts),
        (&relations.provides, PackageBuilder::provides),
        (&relations.replaces, PackageBuilder::obsoletes),
    ];
    for (list, add) in kinds {
        for relation in list {
            // Obsoletes are about names of packages: a virtual name of our own would make us obsolete ourselves.
            if list == relations.replaces && relations.provides.contains(relation) {
                continue;
            }
            add(builder, dependency(relation));
        }
    }
    if package.lifecycle.has_commands() {
        // Without it rpm may install us before systemctl is there, and our units would not be enabled.
        builder.order_with_requires(Dependency::any("systemd"));
    }
}

fn dependency(relation: &Relation) -> Dependency {
    if let [Requirement { name, constraint }] = relation.any_of.as_slice() {
        return match constraint.as_ref().map(|(operator, version)| (operator.as_str(), version)) {
            None => Dependency::any(name),
            Some(("<", version)) => Dependency::less(name, version),
            Some(("<=", version)) => Dependency::less_eq(name, version),
            Some((">", version)) => Dependency::greater(name, version),
            Some((">=", version)) => Dependency::greater_eq(name, version),
            Some((_, version)) => Dependency::eq(name, version),
        };
    }
    let alternatives: Vec<String> = relation.any_of.iter().map(Requirement::to_string).collect();
    Dependency::any(format!("({})", alternatives.join(" or ")))
}

fn scripts(builder: &mut PackageBuilder, package: &Package, templates: &Templates) -> Result<(), WriteError> {
    let Lifecycle { configure, trigger, remove, units, watch, purge, mark, keyring: _ } = &package.lifecycle;
    if !package.lifecycle.has_commands() {
        return Ok(());
    }
    let render = |name: &str, watched: &str| {
        let values = json!({
            "name": package.meta.name,
            "mark": mark,
            "package": watched,
            "configure": configure,
            "trigger": trigger,
            "remove": remove,
            "in_system": Lifecycle::in_system(),
            "units": units,
            "waiting": package.lifecycle.waiting(),
            "purge": purge,
        });
        templates.render(&format!("rpm/{name}"), &values)
    };
    builder
        .post_install_script(render("post", "")?)
        .post_trans_script(render("posttrans", "")?)
        .pre_uninstall_script(render("preun", "")?)
        .post_uninstall_script(render("postun", "")?);
    for watch in watch {
        builder.trigger_in(&watch.package, None, render("triggerin", &watch.package)?);
        if watch.gives_back {
            builder.trigger_un(&watch.package, None, render("triggerun", &watch.package)?);
        }
    }
    Ok(())
}
