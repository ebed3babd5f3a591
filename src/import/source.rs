//! Where a configuration comes from: a folder, the root of a host, an archive, or the output of postconf(1).

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Larger files are no configuration.
const LARGEST_FILE: u64 = 16 << 20;
/// The most that an archive may unpack to.
const LARGEST_ARCHIVE: u64 = 256 << 20;
/// The most files that are looked at.
const MOST_FILES: usize = 20_000;
/// Folders in which a configuration of Postfix lies.
const FOLDERS: [&str; 4] =
    ["/etc/postfix", "/usr/local/etc/postfix", "/opt/homebrew/etc/postfix", "/opt/local/etc/postfix"];

/// A configuration that can be read.
#[derive(Debug)]
pub struct Source {
    /// Its name in messages.
    pub name: String,
    store: Store,
}

#[derive(Debug)]
enum Store {
    /// A folder with main.cf, and the root that it belongs to, where that is known.
    Folder { config: PathBuf, root: Option<PathBuf> },
    /// Files by their path; those of the configuration begin with `/etc/postfix/`.
    Files(BTreeMap<String, Vec<u8>>),
}

/// Why nothing can be read from a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No main.cf.
    #[error("{0}: no main.cf in it, and none in etc/postfix below it")]
    NoMainCf(String),
    /// The archive is damaged or too large.
    #[error("{0}: {1}")]
    Archive(String, String),
    /// The text is no output of postconf(1).
    #[error("{0}: no archive, no output of `postconf -n`, and no environment of a relay image")]
    Text(String),
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its name in messages, such as `main.cf` or `sasl/passwd`.
    pub(super) name: String,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

impl Source {
    /// A folder: `/etc/postfix`, a copy of it, or the root of a host.
    ///
    /// # Errors
    /// If there is no main.cf.
    pub fn folder(path: &Path) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let inner = path.join("etc/postfix");
        let (config, root) = if path.join("main.cf").is_file() {
            let whole = fs_err::canonicalize(path)?;
            let root = FOLDERS
                .iter()
                .find(|folder| whole.ends_with(&folder[1..]))
                .and_then(|folder| whole.ancestors().nth(folder.matches('/').count()).map(Path::to_path_buf));
            (whole, root)
        } else if inner.join("main.cf").is_file() {
            (fs_err::canonicalize(&inner)?, Some(fs_err::canonicalize(path)?))
        } else {
            return Err(SourceError::NoMainCf(name));
        };
        Ok(Self { name, store: Store::Folder { config, root } })
    }

    /// Files in memory, by absolute path.
    pub fn files(name: impl Into<String>, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { name: name.into(), store: Store::Files(files) }
    }

    /// An archive (tar, or tar in gzip or zstd), or the output of `postconf -n`, followed by that of `postconf -M`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn bytes(name: &str, bytes: &[u8]) -> Result<Self, SourceError> {
        let unpacked = unpack(name, bytes)?;
        let bytes = unpacked.as_deref().unwrap_or(bytes);
        if bytes.get(257..262) == Some(b"ustar") {
            return Self::archive(name, bytes);
        }
        super::env::files(bytes)
            .or_else(|| super::files::postconf_text(bytes))
            .map(|files| Self::files(name, files))
            .ok_or_else(|| SourceError::Text(name.to_owned()))
    }

    fn archive(name: &str, bytes: &[u8]) -> Result<Self, SourceError> {
        let fail = |error: std::io::Error| SourceError::Archive(name.to_owned(), error.to_string());
        let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut total = 0;
        for entry in tar::Archive::new(bytes).entries().map_err(fail)? {
            let mut entry = entry.map_err(fail)?;
            if !entry.header().entry_type().is_file() || entry.size() > LARGEST_FILE {
                continue;
            }
            total += entry.size();
            if total > LARGEST_ARCHIVE || all.len() >= MOST_FILES {
                return Err(SourceError::Archive(
                    name.to_owned(),
                    "too large for a configuration".to_owned(),
                ));
            }
            let Ok(path) = entry.path() else { continue };
            let parts: Option<Vec<&str>> = path
                .components()
                .filter(|part| !matches!(part, Component::CurDir | Component::RootDir))
                .map(|part| if let Component::Normal(part) = part { part.to_str() } else { None })
                .collect();
            let Some(parts) = parts else { continue };
            let path = parts.join("/");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(fail)?;
            all.insert(path, content);
        }
        let main = all.keys().filter(|path| *path == "main.cf" || path.ends_with("/main.cf"));
        let Some(main) = main
            .min_by_key(|path| (!path.ends_with("etc/postfix/main.cf"), path.matches('/').count()))
            .cloned()
        else {
            return Err(SourceError::NoMainCf(name.to_owned()));
        };
        let config = main.strip_suffix("main.cf").unwrap_or_default();
        let root = config.strip_suffix("etc/postfix/").map(str::to_owned);
        let files = all
            .into_iter()
            .filter_map(|(path, content)| {
                let path = match (path.strip_prefix(config), &root) {
                    (Some(inner), _) => format!("/etc/postfix/{inner}"),
                    (None, Some(root)) => format!("/{}", path.strip_prefix(root.as_str())?),
                    (None, None) => return None,
                };
                Some((path, content))
            })
            .collect();
        Ok(Self::files(name, files))
    }

    /// A file by its path on the host. A copy of the configuration folder may hold files of other folders by their name alone.
    pub(super) fn get(&self, path: &str) -> Option<Found> {
        if path.split('/').any(|part| part == "..") {
            return None;
        }
        let path = FOLDERS
            .iter()
            .find_map(|folder| path.strip_prefix(folder).filter(|rest| rest.starts_with('/')))
            .map_or_else(|| path.to_owned(), |rest| format!("/etc/postfix{rest}"));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match &self.store {
            Store::Files(files) => {
                let short = |path: &str| path.strip_prefix("/etc/postfix/").unwrap_or(path).to_owned();
                let exact = files.get(&path).map(|bytes| (path.clone(), bytes));
                let by_tail = || {
                    (0..parts.len()).find_map(|from| {
                        let path = format!("/etc/postfix/{}", parts[from..].join("/"));
                        files.get(&path).map(|bytes| (path, bytes))
                    })
                };
                exact.or_else(by_tail).map(|(path, bytes)| Found { name: short(&path), bytes: bytes.clone() })
            }
            Store::Folder { config, root } => {
                if let Some(rest) = path.strip_prefix("/etc/postfix/")
                    && let Some(found) = file(config, Path::new(rest), root.as_deref())
                {
                    return Some(found);
                }
                if let Some(root) = root {
                    return file(root, Path::new(&parts.join("/")), Some(root));
                }
                (0..parts.len()).find_map(|from| file(config, Path::new(&parts[from..].join("/")), None))
            }
        }
    }

    /// The names of the files in the configuration folder.
    pub(super) fn list(&self) -> Vec<String> {
        match &self.store {
            Store::Files(files) => files
                .keys()
                .filter_map(|path| path.strip_prefix("/etc/postfix/").map(str::to_owned))
                .collect(),
            Store::Folder { config, .. } => {
                let mut names = Vec::new();
                walk(config, "", &mut names, 4);
                names.sort();
                names
            }
        }
    }
}

/// A regular file below `folder`. Links that lead out of it and out of the root are not followed.
fn file(folder: &Path, inner: &Path, root: Option<&Path>) -> Option<Found> {
    let path = fs_err::canonicalize(folder.join(inner)).ok()?;
    if !(path.starts_with(folder) || root.is_some_and(|root| path.starts_with(root))) {
        return None;
    }
    let file = fs_err::File::open(&path).ok()?;
    let data = file.metadata().ok()?;
    if !data.is_file() || data.len() > LARGEST_FILE {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(Found { name: inner.display().to_string(), bytes })
}

fn walk(folder: &Path, prefix: &str, names: &mut Vec<String>, depth: usize) {
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
        match entry.file_type() {
            _ if names.len() >= MOST_FILES => return,
            Ok(kind) if kind.is_dir() && depth > 0 && !name.starts_with('.') => {
                walk(&entry.path(), &format!("{name}/"), names, depth - 1);
            }
            Ok(kind) if kind.is_file() => names.push(name),
            _ => {}
        }
    }
}

/// Content of a compressed archive; `None` if it is not compressed.
fn unpack(name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, SourceError> {
    let mut out = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes).take(LARGEST_ARCHIVE + 1).read_to_end(&mut out)
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        zstd::Decoder::new(bytes).and_then(|reader| reader.take(LARGEST_ARCHIVE + 1).read_to_end(&mut out))
    } else {
        return Ok(None);
    };
    match read {
        Ok(size) if size as u64 <= LARGEST_ARCHIVE => Ok(Some(out)),
        Ok(_) => Err(SourceError::Archive(name.to_owned(), "too large for a configuration".to_owned())),
        Err(error) => Err(SourceError::Archive(name.to_owned(), error.to_string())),
    }
}
