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

/// The rooms that the code of each room imports, and where, without tests.
fn imports() -> Vec<(String, String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let tests = of_tests(&files);
    files.retain(|file| {
        !tests.iter().any(|module| file.starts_with(module) || *file == module.with_extension("rs"))
    });
    let (single, group) =
        (Regex::new(r"\bcrate::(\w+)").unwrap(), Regex::new(r"use crate::\{([^;]*)\};").unwrap());
    let member = Regex::new(r"(?:^|,)\s*(\w+)").unwrap();
    let mut imports = Vec::new();
    for file in files {
        let text = fs_err::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let first = file.strip_prefix(&root).unwrap().iter().next().unwrap().to_str().unwrap();
        let importer = first.trim_end_matches(".rs");
        let mut names: BTreeSet<&str> =
            single.captures_iter(&code).map(|found| found.get(1).unwrap().as_str()).collect();
        for members in group.captures_iter(&code) {
            let members = members.get(1).unwrap().as_str();
            names.extend(member.captures_iter(members).map(|found| found.get(1).unwrap().as_str()));
        }
        names.remove(importer);
        imports.extend(names.into_iter().map(|name| (importer.to_owned(), name.to_owned(), file.clone())));
    }
    imports
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let floor = |room: &str| STACK.iter().position(|known| *known == room);
    let imports = imports();
    assert!(imports.len() > 100, "the pattern that finds imports is broken");
    let wrong: Vec<String> = imports
        .iter()
        .filter(|(importer, name, _)| {
            floor(name).is_none_or(|below| floor(importer).is_none_or(|own| below > own))
        })
        .map(|(importer, name, file)| format!("{importer} uses {name}: {}", file.display()))
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
