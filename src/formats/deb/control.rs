//! The texts of the control archive, see deb-control(5).

use std::fmt::Write as _;

use super::Deb;
use crate::formats::PackageFormat as _;
use crate::package::{EntryKind, Meta, Node, Package, Relation, Tree, WIDTH, WriteError, paragraphs, wrap};

/// The control file.
pub(super) fn stanza(package: &Package, tree: &Tree<'_>) -> String {
    let meta = &package.meta;
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    field("Package", &meta.name);
    field("Version", &Deb.version(&meta.version));
    field("Architecture", Deb.architecture(meta.architecture));
    field("Maintainer", &meta.maintainer);
    field("Installed-Size", &installed_size(tree).to_string());
    let relations = &package.relations;
    field("Depends", &relation_list(&relations.depends));
    field("Recommends", &relation_list(&relations.recommends));
    field("Suggests", &relation_list(&relations.suggests));
    field("Conflicts", &relation_list(&relations.conflicts));
    field("Replaces", &relation_list(&relations.replaces));
    field("Provides", &relation_list(&relations.provides));
    field("Section", "mail");
    field("Priority", "optional");
    field("Homepage", meta.homepage.as_deref().unwrap_or_default());
    field("Description", &description(meta));
    text
}

/// Kilobytes on disk as dpkg-gencontrol counts them: files rounded up, one for everything else.
fn installed_size(tree: &Tree<'_>) -> usize {
    tree.iter()
        .map(|(_, node)| match node {
            Node::Listed(entry, _) if !matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink(_)) => {
                entry.kind.content().len().div_ceil(1024)
            }
            Node::Listed(..) | Node::Implied { .. } => 1,
        })
        .sum()
}

fn relation_list(relations: &[Relation]) -> String {
    let alternative = |requirement: &crate::package::Requirement| match &requirement.constraint {
        None => requirement.name.clone(),
        Some((operator, version)) => {
            // A single < or > is an old spelling of <= and >=.
            let operator = match operator.as_str() {
                "<" => "<<",
                ">" => ">>",
                same => same,
            };
            format!("{} ({operator} {version})", requirement.name)
        }
    };
    let relation =
        |relation: &Relation| relation.any_of.iter().map(alternative).collect::<Vec<_>>().join(" | ");
    relations.iter().map(relation).collect::<Vec<_>>().join(", ")
}

/// Summary, then paragraphs, each line after a space; an empty line is a dot.
fn description(meta: &Meta) -> String {
    let mut text = meta.summary.clone();
    for (index, paragraph) in paragraphs(&meta.description).enumerate() {
        if index > 0 {
            text += "\n .";
        }
        for line in wrap(&paragraph, WIDTH - 1) {
            text += "\n ";
            text += &line;
        }
    }
    text
}

/// The configuration files, by their paths.
pub(super) fn conffiles(tree: &Tree<'_>) -> String {
    let is_config = |node: &Node<'_>| matches!(node, Node::Listed(entry, _) if matches!(entry.kind, EntryKind::Config(_)));
    tree.iter()
        .filter(|(_, node)| is_config(node))
        .map(|(path, _)| format!("{path}\n"))
        .collect::<Vec<_>>()
        .concat()
}

/// Digests of the files, by paths without the leading slash.
pub(super) fn md5sums(tree: &Tree<'_>) -> String {
    let mut text = String::new();
    for (path, node) in tree.iter() {
        if let Node::Listed(entry, _) = node
            && let EntryKind::File(content) | EntryKind::Doc(content) | EntryKind::Config(content) =
                &entry.kind
        {
            let _ = writeln!(text, "{}  {}", content.md5(), &path[1..]);
        }
    }
    text
}

/// The folders whose changes make dpkg call our postinst. noawait: Postfix need not wait for us.
pub(super) fn triggers(package: &Package) -> String {
    package
        .lifecycle
        .watch
        .iter()
        .fold(String::new(), |text, watch| text + "interest-noawait " + &watch.path + "\n")
}

/// The Debian changelog, see deb-changelog(5).
pub(super) fn changelog(meta: &Meta) -> Result<String, WriteError> {
    let mut text = String::new();
    for release in &meta.changelog {
        let wrong = |_| WriteError::Value(format!("{} is no time of a release", release.time));
        let second = i64::try_from(release.time).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_second(second).map_err(wrong)?.to_zoned(jiff::tz::TimeZone::UTC);
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{} ({}) stable; urgency=medium\n", meta.name, Deb.version(&release.version));
        for change in &release.changes {
            for (index, line) in wrap(change, WIDTH - 4).iter().enumerate() {
                let _ = writeln!(text, "  {} {line}", if index == 0 { "*" } else { " " });
            }
        }
        let author = release.author.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "\n -- {author}  {}", time.strftime("%a, %d %b %Y %H:%M:%S +0000"));
    }
    Ok(text)
}
