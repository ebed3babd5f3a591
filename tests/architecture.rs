//! The rooms of `src` form a stack: each uses only rooms below it. ARCHITECTURE.md has a row for each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Every room, from the one that all may use to the one that may use all.
const STACK: [&str; 24] = [
    "recent", "template", "diag", "postfix", "platform", "relay", "keys", "package", "archive", "formats",
    "systemd", "spec", "fleet", "plan", "explain", "attest", "build", "pipeline", "sign", "repo", "import",
    "cli", "main", "lib",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Modules that only tests have: `#[cfg(test)]` before `mod name;`.
fn of_tests(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let declaration = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub\(crate\) )?mod (\w+);").unwrap();
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs_err::read_to_string(file).unwrap();
        let folder = match file.file_stem().unwrap().to_str().unwrap() {
            "mod" | "lib" | "main" => file.parent().unwrap().to_owned(),
            _ => file.with_extension(""),
        };
        for captures in declaration.captures_iter(&text) {
            found.insert(folder.join(&captures[1]));
        }
    }
    found
}

/// The rooms that each file uses, outside of tests.
fn uses() -> Vec<(String, String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let tests = of_tests(&files);
    let single = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"use crate::\{([^;]*)\};").unwrap();
    let member = Regex::new(r"(?:^|,)\s*(\w+)").unwrap();
    let mut uses = Vec::new();
    for file in files {
        if tests.iter().any(|module| file.starts_with(module) || file == module.with_extension("rs")) {
            continue;
        }
        let text = fs_err::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        let inside = file.strip_prefix(&root).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let grouped = group.captures_iter(&code).flat_map(|found| {
            member
                .captures_iter(found.get(1).unwrap().as_str())
                .map(|name| name[1].to_owned())
                .collect::<Vec<_>>()
        });
        let used: BTreeSet<String> =
            single.captures_iter(&code).map(|found| found[1].to_owned()).chain(grouped).collect();
        uses.extend(
            used.into_iter().filter(|used| *used != room).map(|used| (room.clone(), used, file.clone())),
        );
    }
    uses
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let floor = |room: &str| STACK.iter().position(|known| *known == room);
    let uses = uses();
    assert!(uses.len() > 100, "the pattern that finds imports is broken");
    let wrong: Vec<String> = uses
        .iter()
        .filter(|(room, used, _)| floor(room).is_none() || floor(used).is_none() || floor(used) > floor(room))
        .map(|(room, used, file)| format!("{room} uses {used}: {}", file.display()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_described() {
    let page = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for room in STACK.iter().filter(|room| !["main", "lib", "recent"].contains(room)) {
        assert!(page.contains(&format!("| `src/{room}` |")), "ARCHITECTURE.md has no row for src/{room}");
    }
}
