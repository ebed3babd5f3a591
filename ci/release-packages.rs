//! Makes the .rpm and the .pkg.tar.zst of postpack itself, with its own writers: `release-packages ARCH TREE DIR`, where TREE
//! contains the files as they are installed. `ci/release` calls it; cargo-deb makes the .deb.

use std::error::Error;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use postpack::formats::{PackageFormat as _, Pacman, Rpm};
use postpack::package::{
    Architecture, Entry, EntryKind, Lifecycle, Meta, Package, Relation, Relations, Release, Version,
};
use postpack::template::Templates;

const AUTHORS: &str = "The postpack authors <postpack@users.noreply.github.com>";
const DOCUMENTS: [&str; 2] = ["/usr/share/doc/", "/usr/share/man/"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [architecture, tree, output] = arguments.as_slice() else {
        return Err("usage: release-packages ARCH TREE DIR".into());
    };
    let architecture = match architecture.as_str() {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        other => return Err(format!("unknown architecture {other}: expected x86_64 or aarch64").into()),
    };
    let time = std::env::var("SOURCE_DATE_EPOCH").map_err(|_| "SOURCE_DATE_EPOCH is not set")?.parse()?;
    let package = |relations| -> Result<Package, Box<dyn Error>> {
        Ok(Package {
            meta: meta(architecture, time)?,
            time,
            entries: entries(Path::new(tree))?,
            relations,
            lifecycle: Lifecycle::default(),
        })
    };
    let templates = Templates::builtin();
    let output = PathBuf::from(output);
    let made = package(Relations::default())?;
    fs_err::write(output.join(Rpm.file_name(&made.meta)), Rpm.write(&made, &templates)?)?;
    let made = package(Relations { suggests: vec![Relation::to("postfix")], ..Relations::default() })?;
    fs_err::write(output.join(Pacman.file_name(&made.meta)), Pacman.write(&made, &templates)?)?;
    Ok(())
}

fn meta(architecture: Architecture, time: u64) -> Result<Meta, Box<dyn Error>> {
    let version = Version::parse(env!("CARGO_PKG_VERSION"))?.with_revision(1);
    Ok(Meta {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: version.clone(),
        architecture,
        maintainer: AUTHORS.to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        summary: "builds native packages of a Postfix mail relay".to_owned(),
        description: env!("CARGO_PKG_DESCRIPTION").to_owned(),
        homepage: Some(env!("CARGO_PKG_HOMEPAGE").to_owned()),
        changelog: vec![Release {
            version,
            time,
            author: AUTHORS.to_owned(),
            changes: vec!["changelog.gz in the documentation folder lists the changes.".to_owned()],
        }],
    })
}

/// The files below a folder, by the paths that they get on a host.
fn entries(tree: &Path) -> Result<Vec<Entry>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs_err::read_dir(folder)? {
            let path = item?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = format!("/{}", path.strip_prefix(tree)?.to_str().ok_or("a file name is not UTF-8")?);
            let content = fs_err::read(&path)?.into();
            let is_document = DOCUMENTS.iter().any(|folder| name.starts_with(folder));
            found.push(Entry {
                mode: fs_err::metadata(&path)?.permissions().mode() & 0o777,
                kind: if is_document { EntryKind::Doc(content) } else { EntryKind::File(content) },
                path: name,
                common: false,
            });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
