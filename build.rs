//! Tells the program which commit it is built from, for `postpack --version`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=.cargo_vcs_info.json");
    // A debug build would be built again after every commit.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_release { of_work_tree().or_else(of_published_crate) } else { None };
    let words = commit.map_or(String::new(), |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=POSTPACK_COMMIT={words}");
}

/// Commit and date of the git work tree whose top folder this is, such as `0123456789ab 2026-11-29`.
fn of_work_tree() -> Option<String> {
    // Not the repository of somebody who has a copy of the crate in a folder of theirs.
    if Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?
        != std::env::current_dir().ok()?.canonicalize().ok()?
    {
        return None;
    }
    // Git adds a line to this file whenever HEAD changes.
    println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    git(&["show", "--no-patch", "--abbrev=12", "--date=format-local:%Y-%m-%d", "--format=%h %cd", "HEAD"])
}

/// The commit that cargo noted when it packed the crate; it notes no date.
fn of_published_crate() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a build script has no dependencies, and wants no message")]
    let info = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = info.split_once("\"sha1\"")?;
    let digits = rest.split('"').nth(1)?;
    let is_commit = digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| digits[..12].to_owned())
}

/// The one line that git prints, unless it fails or is not there.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).env("TZ", "UTC").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
