//! The texts that pacman reads: .PKGINFO, .BUILDINFO and .MTREE.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Pacman;
use crate::formats::PackageFormat as _;
use crate::package::{Content, Entry, EntryKind, Meta, Node, Package, Relation, Tree, WriteError};

/// Name of the builder, for `buildtool` of BUILDINFO(5).
const TOOL: &str = "postpack";

/// `key = value` lines.
struct Lines(String);

impl Lines {
    fn put(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn put_relations(&mut self, key: &str, relations: &[Relation]) {
        for relation in relations {
            // pacman knows no alternatives: the preferred one counts.
            if let Some(first) = relation.any_of.first() {
                let constraint = first.constraint.as_ref();
                let constraint = constraint.map(|(operator, version)| format!("{operator}{version}"));
                self.put(key, format!("{}{}", first.name, constraint.unwrap_or_default()));
            }
        }
    }
}

/// PKGINFO(5), version 2.
///
/// # Errors
/// A value would break its line.
pub(super) fn pkginfo(package: &Package, tree: &Tree<'_>) -> Result<String, WriteError> {
    let meta = &package.meta;
    let relations = &package.relations;
    let mut lines = Lines(String::new());
    lines.put("pkgname", &meta.name);
    lines.put("pkgbase", &meta.name);
    lines.put("xdata", "pkgtype=pkg");
    lines.put("pkgver", Pacman.version(&meta.version));
    lines.put("pkgdesc", &meta.summary);
    if let Some(homepage) = &meta.homepage {
        lines.put("url", homepage);
    }
    lines.put("builddate", package.time);
    lines.put("packager", &meta.maintainer);
    lines.put("size", installed_size(tree));
    lines.put("arch", Pacman.architecture(meta.architecture));
    lines.put("license", &meta.license);
    for (path, node) in tree.iter() {
        if let Node::Listed(Entry { kind: EntryKind::Config(_), .. }, _) = node {
            lines.put("backup", &path[1..]);
        }
    }
    lines.put_relations("replaces", &relations.replaces);
    lines.put_relations("conflict", &relations.conflicts);
    lines.put_relations("provides", &relations.provides);
    lines.put_relations("depend", &relations.depends);
    // Weak relations are only mentioned by pacman; what is recommended has to be there.
    lines.put_relations("depend", &relations.recommends);
    lines.put_relations("optdepend", &relations.suggests);
    one_line_each(lines.0)
}

/// BUILDINFO(5), version 2: how to make the same package again.
///
/// # Errors
/// A value would break its line.
pub(super) fn buildinfo(package: &Package) -> Result<String, WriteError> {
    let meta = &package.meta;
    let mut lines = Lines(String::new());
    lines.put("format", 2);
    lines.put("pkgname", &meta.name);
    lines.put("pkgbase", &meta.name);
    lines.put("pkgver", Pacman.version(&meta.version));
    lines.put("pkgarch", Pacman.architecture(meta.architecture));
    // There is no PKGBUILD; the digest of nothing stands for it.
    lines.put("pkgbuild_sha256sum", format!("{:x}", Sha256::digest(b"")));
    lines.put("packager", &meta.maintainer);
    lines.put("builddate", package.time);
    lines.put("builddir", "/build");
    lines.put("startdir", "/startdir");
    lines.put("buildtool", TOOL);
    lines.put("buildtoolver", env!("CARGO_PKG_VERSION"));
    one_line_each(lines.0)
}

/// What `pacman -Qc` shows.
pub(super) fn changelog(meta: &Meta) -> String {
    let mut text = String::new();
    for release in &meta.changelog {
        let second = i64::try_from(release.time).unwrap_or(i64::MAX);
        let day = jiff::Timestamp::from_second(second).unwrap_or_default().strftime("%Y-%m-%d");
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{day} {} {}", Pacman.version(&release.version), release.author);
        for change in &release.changes {
            let _ = writeln!(text, "  * {}", change.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    text
}

/// Refuses what a value with a line break would have made.
fn one_line_each(text: String) -> Result<String, WriteError> {
    match text.lines().find(|line| !line.contains(" = ") || line.chars().any(char::is_control)) {
        None => Ok(text),
        Some(line) => Err(WriteError::Value(format!("`{}` breaks its line", line.escape_debug()))),
    }
}

fn installed_size(tree: &Tree<'_>) -> usize {
    tree.iter()
        .map(|(_, node)| match node {
            Node::Listed(entry, _) => entry.kind.content().len(),
            Node::Implied { .. } => 0,
        })
        .sum()
}

/// mtree(5) of everything in the package but itself: the head with what is the same in many packages, and the rest.
/// Both digests: pacman 6.0 reports every file as changed without MD5, newer ones look at SHA-256.
pub(super) fn mtree(metadata: &[(&str, Content)], tree: &Tree<'_>, time: u64) -> (String, String) {
    let mut common = String::from("#mtree\n/set type=file uid=0 gid=0 mode=644\n");
    let mut own = String::new();
    for (name, content) in metadata {
        file_line(&mut own, name, 0o644, content, time);
    }
    for (path, node) in tree.iter() {
        let text = if node.common() { &mut common } else { &mut own };
        match node {
            Node::Listed(
                Entry {
                    kind: EntryKind::File(content) | EntryKind::Doc(content) | EntryKind::Config(content),
                    mode,
                    ..
                },
                _,
            ) => {
                file_line(text, &path[1..], *mode, content, time);
            }
            Node::Listed(Entry { kind: EntryKind::Symlink(target), .. }, _) => {
                let (path, target) = (escape(&path[1..]), escape(target));
                let _ = writeln!(text, "./{path} time={time}.0 mode=777 type=link link={target}");
            }
            Node::Listed(..) | Node::Implied { .. } => {
                let mode = node.mode();
                let _ = writeln!(text, "./{} time={time}.0 mode={mode:o} type=dir", escape(&path[1..]));
            }
        }
    }
    (common, own)
}

fn file_line(text: &mut String, path: &str, mode: u32, content: &Content, time: u64) {
    let _ = write!(text, "./{} time={time}.0", escape(path));
    if mode != 0o644 {
        let _ = write!(text, " mode={mode:o}");
    }
    let (size, md5, sha256) = (content.len(), content.md5(), content.sha256());
    let _ = writeln!(text, " size={size} md5digest={md5} sha256digest={sha256}");
}

/// A path as mtree writes it: octal escapes for what would end a word.
fn escape(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        match byte {
            b'!'..=b'~' if !b"\\#=".contains(&byte) => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_stay_one_word() {
        assert_eq!(escape("usr/share/a b#c=d\\e"), "usr/share/a\\040b\\043c\\075d\\134e");
        assert_eq!(escape("é"), "\\303\\251");
    }

    #[test]
    fn a_value_cannot_add_a_line() {
        assert!(one_line_each("a = b\nc\n".to_owned()).is_err());
        assert!(one_line_each("a = b\rc\n".to_owned()).is_err());
        assert!(one_line_each("a = b\n".to_owned()).is_ok());
    }
}
