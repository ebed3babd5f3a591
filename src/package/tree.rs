use std::collections::{BTreeMap, btree_map};

use super::{Entry, EntryKind, Package, WriteError};

/// The files of a package as a tree: sorted by path, every folder on the way present and before its content.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: BTreeMap<&'a str, Node<'a>>,
}

/// A path in a package.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node<'a> {
    /// An entry, and whether it is common. A folder is also common if any of its content is, because it must come first.
    Listed(&'a Entry, bool),
    /// A folder that is there only for the sake of what is in it, and common if any of that is.
    Implied { common: bool },
}

impl<'a> Tree<'a> {
    /// The tree of these entries.
    ///
    /// # Errors
    /// A path is not absolute, not normal, given twice, or both a file and a folder.
    pub(crate) fn new(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, WriteError> {
        let mut nodes = BTreeMap::new();
        for entry in entries {
            let path = entry.path.as_str();
            let is_plain =
                |name: &str| !matches!(name, "" | "." | "..") && !name.chars().any(char::is_control);
            if !path.strip_prefix('/').is_some_and(|names| names.split('/').all(is_plain)) {
                return Err(WriteError::Value(format!("`{}` is no absolute path", path.escape_debug())));
            }
            let common = match nodes.get(path) {
                Some(Node::Listed(..)) => {
                    return Err(WriteError::Value(format!("two files want to be {path}")));
                }
                Some(Node::Implied { common }) => *common || entry.common,
                None => entry.common,
            };
            nodes.insert(path, Node::Listed(entry, common));
            // From the nearest folder up: an existing folder has all its parents, which are common if it is.
            let mut folder = path;
            while let Some((above, _)) = folder.rsplit_once('/')
                && !above.is_empty()
            {
                folder = above;
                match nodes.entry(folder) {
                    btree_map::Entry::Vacant(place) => {
                        place.insert(Node::Implied { common: entry.common });
                    }
                    btree_map::Entry::Occupied(place) => match place.into_mut() {
                        Node::Listed(_, common) | Node::Implied { common } => {
                            if *common || !entry.common {
                                break;
                            }
                            *common = true;
                        }
                    },
                }
            }
        }
        let tree = Self { nodes };
        tree.refuse_files_as_folders()?;
        Ok(tree)
    }

    fn refuse_files_as_folders(&self) -> Result<(), WriteError> {
        for path in self.nodes.keys() {
            let parent = path.rfind('/').map_or("", |end| &path[..end]);
            if let Some(Node::Listed(entry, _)) = self.nodes.get(parent)
                && entry.kind != EntryKind::Directory
            {
                return Err(WriteError::Value(format!("{parent} cannot be a file and hold {path}")));
            }
        }
        Ok(())
    }

    /// All paths, sorted, parents first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.nodes.iter().map(|(path, node)| (*path, *node))
    }
}

impl<'a> Node<'a> {
    /// What it is.
    pub(crate) fn kind(self) -> &'a EntryKind {
        match self {
            Self::Listed(entry, _) => &entry.kind,
            Self::Implied { .. } => &EntryKind::Directory,
        }
    }

    /// Whether it is the same in most packages of a fleet.
    pub(crate) fn common(self) -> bool {
        match self {
            Self::Listed(_, common) | Self::Implied { common } => common,
        }
    }

    /// Whether it is a folder.
    pub(crate) fn is_folder(self) -> bool {
        matches!(self.kind(), EntryKind::Directory)
    }

    /// Permission bits.
    pub(crate) fn mode(self) -> u32 {
        match self {
            Self::Listed(entry, _) => entry.mode,
            Self::Implied { .. } => 0o755,
        }
    }
}

impl EntryKind {
    /// The bytes of a file; nothing for folders and links.
    pub(crate) fn content(&self) -> &[u8] {
        match self {
            Self::File(content) | Self::Doc(content) | Self::Config(content) => content,
            Self::Directory | Self::Symlink(_) => &[],
        }
    }
}

impl Package {
    /// The program that a command of [`Lifecycle`](super::Lifecycle) calls.
    ///
    /// # Errors
    /// It is no absolute path, or holds anything that a shell, a hook file or a unit file reads in its own way.
    pub(crate) fn program(command: &str) -> Result<&str, WriteError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./= ".contains(c);
        if command.starts_with('/') && command.chars().all(is_plain) {
            Ok(command.split(' ').next().unwrap_or(command))
        } else {
            Err(WriteError::Value(format!(
                "`{}` is no command with an absolute path",
                command.escape_debug()
            )))
        }
    }

    /// Checks what every format takes for granted: texts of one line, commands that are plain, units that are units.
    pub(crate) fn validate(&self) -> Result<(), WriteError> {
        let meta = &self.meta;
        let one_line = [
            ("name", meta.name.as_str()),
            ("maintainer", &meta.maintainer),
            ("license", &meta.license),
            ("summary", &meta.summary),
            ("homepage", meta.homepage.as_deref().unwrap_or("-")),
        ];
        for (what, text) in one_line {
            if text.trim() != text || text.is_empty() || text.chars().any(char::is_control) {
                return Err(WriteError::Value(format!(
                    "the {what} `{}` is not one line",
                    text.escape_debug()
                )));
            }
        }
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c);
        if meta.name.len() < 2 || meta.name.starts_with(['+', '.', '-']) || !meta.name.chars().all(is_name) {
            return Err(WriteError::Value(format!("`{}` is no package name", meta.name.escape_debug())));
        }
        // The rpm header has 32 bits for it.
        if u32::try_from(self.time).is_err() {
            return Err(WriteError::Value("the time of the package is beyond the year 2106".into()));
        }
        let lifecycle = &self.lifecycle;
        if lifecycle.has_commands() {
            for command in [&lifecycle.configure, &lifecycle.trigger, &lifecycle.remove] {
                Self::program(command)?;
            }
        }
        let is_unit = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
        for unit in &lifecycle.units {
            if unit.starts_with('-') || !unit.contains('.') || !unit.chars().all(is_unit) {
                return Err(WriteError::Value(format!("`{}` is no systemd unit", unit.escape_debug())));
            }
        }
        for folder in &lifecycle.purge {
            // `rm -r` of anything near the root would be the end of the host.
            if folder.matches('/').count() < 2
                || folder.split('/').skip(1).any(|name| matches!(name, "" | "." | ".."))
            {
                return Err(WriteError::Value(format!("`{}` is no folder to purge", folder.escape_debug())));
            }
        }
        Ok(())
    }
}

/// Type and permission bits as `ls -l` shows them.
pub(crate) fn mode_text(kind: char, mode: u32) -> String {
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        Entry { path: path.into(), mode: 0o644, kind, common: false }
    }

    #[test]
    fn parents_come_first_and_once() {
        let entries = [
            entry("/usr/lib-x/a", EntryKind::File(vec![].into())),
            entry("/usr/lib/a", EntryKind::File(vec![].into())),
            entry("/usr/lib", EntryKind::Directory),
        ];
        let tree = Tree::new(&entries).unwrap();
        let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/usr", "/usr/lib", "/usr/lib-x", "/usr/lib-x/a", "/usr/lib/a"]);
        assert_eq!(tree.iter().map(|(_, node)| node.mode()).next(), Some(0o755));
    }

    #[test]
    fn a_folder_is_common_if_anything_in_it_is() {
        let common = |path: &str| Entry { common: true, ..entry(path, EntryKind::File(vec![].into())) };
        let own = |path: &str| entry(path, EntryKind::File(vec![].into()));
        let entries = [own("/usr/a/b"), common("/usr/lib/a"), own("/usr/share/NAME/b")];
        let tree = Tree::new(&entries).unwrap();
        let flags: Vec<bool> = tree.iter().map(|(_, node)| node.common()).collect();
        assert_eq!(flags, [true, false, false, true, true, false, false, false]);
        // Listed or not, before what is in it or after.
        let folder = Entry { mode: 0o755, ..entry("/usr/b", EntryKind::Directory) };
        for entries in [[folder.clone(), common("/usr/b/c")], [common("/usr/b/c"), folder]] {
            assert!(Tree::new(&entries).unwrap().iter().all(|(_, node)| node.common()));
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["", "etc/x", "/", "/etc/", "/etc//x", "/etc/../x", "/etc/./x", "/etc/a\nb"] {
            assert!(Tree::new(&[entry(path, EntryKind::File(vec![].into()))]).is_err(), "{path:?}");
        }
        let file = || EntryKind::File(vec![].into());
        assert!(Tree::new(&[entry("/a", file()), entry("/a", file())]).is_err());
        assert!(Tree::new(&[entry("/a", file()), entry("/a/b", file())]).is_err());
    }

    #[test]
    fn modes_look_as_in_ls() {
        assert_eq!(mode_text('-', 0o644), "-rw-r--r--");
        assert_eq!(mode_text('d', 0o1777), "drwxrwxrwt");
        assert_eq!(mode_text('-', 0o6744), "-rwsr-Sr--");
    }
}
