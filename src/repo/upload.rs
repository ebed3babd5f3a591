//! Upload of a tree to a web server or a bucket, in order: files that clients need later, the entry points of clients, and files
//! to remove when they are no longer needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::publish::{files_of, is_kept_by_state, needed};
use super::site::Site;
use super::state::{SIGNATURE, STATE, State};
use super::{RepoError, sha256};

/// Names that are never used for other bytes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Names whose bytes change.
const CURRENT: &str = "no-cache";

/// Files to upload, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// SHA-256 of the state that must be on the server before the upload, so that two publishers do not overwrite each other;
    /// `None` if nothing was published there.
    pub expects: Option<String>,
    /// The phases.
    pub steps: Vec<Step>,
    /// Files to remove a day later, when no client has an older index.
    pub remove: Vec<String>,
}

/// One phase: files that can be uploaded in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its purpose.
    pub title: &'static str,
    /// The header `Cache-Control` of its files.
    pub cache: &'static str,
    /// Paths in the tree.
    pub files: Vec<String>,
}

/// The plan for a tree. With `since`, files that were there at that publication are left out of the first phase.
///
/// # Errors
/// The tree cannot be read.
pub fn upload_plan(
    root: &Path,
    state: &State,
    since: Option<u64>,
    remote: Option<&[u8]>,
) -> Result<Plan, RepoError> {
    let since = since.unwrap_or_default();
    let all = Site::list(root)?;
    let needed = needed(state);
    let (fixed, current): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|path| is_kept_by_state(path));
    let (wanted, obsolete): (Vec<String>, Vec<String>) =
        fixed.into_iter().partition(|path| needed.contains(path));
    let old = before(state, since);
    let wanted = wanted.into_iter().filter(|path| !old.contains(path)).collect();
    // Clients read the first file of a format last of all, the signature just before it.
    let order = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            "InRelease" | "repomd.xml" => 2,
            _ if matches!(name.rsplit('.').next(), Some("mirrorlist" | "db")) => 2,
            STATE | SIGNATURE => 3,
            _ => 1,
        }
    };
    let phase = |number: u8| current.iter().filter(|path| order(path) == number).cloned().collect();
    let steps = vec![
        Step { title: "packages and indexes that never change", cache: IMMUTABLE, files: wanted },
        Step { title: "signatures, client files and the page", cache: CURRENT, files: phase(1) },
        Step { title: "entry points of clients", cache: CURRENT, files: phase(2) },
        Step { title: "the state, for the next publisher", cache: CURRENT, files: phase(3) },
    ];
    Ok(Plan { expects: remote.map(sha256), steps, remove: obsolete })
}

/// Files that never change and were there at a publication.
fn before(state: &State, since: u64) -> BTreeSet<String> {
    let packages = state.items.values().filter(|item| item.serial <= since).flat_map(files_of);
    let publications = state.suites.values().flat_map(|suite| &suite.publications);
    let indexes = publications.filter(|one| one.serial <= since).flat_map(|one| one.files.clone());
    packages.chain(indexes).collect()
}

/// The tools that a plan can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// rclone: any object store.
    Rclone,
    /// The AWS command line: S3 and what speaks its protocol.
    Aws,
    /// rsync over SSH; the web server must set the cache headers.
    Rsync,
}

impl Plan {
    /// The plan as a shell script that is run in the tree: the target is its argument.
    pub fn script(&self, tool: Tool, url: &str) -> String {
        let mut text = String::from(
            "#!/bin/sh\n# Uploads the published tree. Run it in the tree: sh upload.sh TARGET\nset -eu\ntarget=${1:?}\n",
        );
        if let Some(expects) = &self.expects {
            let _ = write!(
                text,
                "# Another publisher may have been faster.\ncurl -fsS {url}/{STATE} | sha256sum | grep -q '^{expects} ' ||\n    \
                 {{ echo 'the state on the server has changed: fetch it and publish again' >&2; exit 1; }}\n",
            );
        }
        for step in self.steps.iter().filter(|step| !step.files.is_empty()) {
            let _ = writeln!(text, "# {}", step.title);
            let list = step.files.join("\n");
            let cache = step.cache;
            let command = match tool {
                Tool::Rclone => format!(
                    "rclone copy --files-from - --no-traverse --header-upload 'Cache-Control: {cache}' . \"$target\""
                ),
                Tool::Aws => format!(
                    "while read -r file; do aws s3 cp --only-show-errors --cache-control '{cache}' \"$file\" \
                     \"$target/$file\"; done"
                ),
                // Times of modification are those of the upload: apt and pacman compare them.
                Tool::Rsync => "rsync -rl --no-times --checksum --files-from=- . \"$target\"".to_owned(),
            };
            let _ = write!(text, "{command} <<'EOF'\n{list}\nEOF\n");
        }
        if !self.remove.is_empty() {
            text.push_str("# After a day, when no client has an older index: postpack repo prune, then remove these there.\n");
            for path in &self.remove {
                let _ = writeln!(text, "#   {path}");
            }
        }
        text
    }
}
