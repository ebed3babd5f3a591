//! What a finding advises exists: every key and section that the hints of all snapshots name is one of the schema.

use std::path::{Path, PathBuf};

use postpack::keys;
use serde_json::Value;

fn snapshots(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            snapshots(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "snap") {
            found.push(path);
        }
    }
}

fn part<'s>(schema: &'s Value, of: &'s Value, name: &str) -> Option<&'s Value> {
    let resolve = |part: &'s Value| match part.get("$ref").and_then(Value::as_str) {
        Some(name) => schema.pointer(name.trim_start_matches('#')).unwrap(),
        None => part,
    };
    let of = resolve(of);
    let of = of.pointer("/anyOf/0").map_or(of, resolve);
    of.get("properties")
        .and_then(|keys| keys.get(name))
        .or_else(|| of.get("additionalProperties").filter(|it| it.is_object()))
}

fn exists(schema: &Value, path: &str) -> bool {
    let mut here = Some(schema);
    for name in path.split('.') {
        here = here.and_then(|here| part(schema, here, name.trim_matches('"')));
    }
    here.is_some()
}

/// The sections in brackets, and the keys with a section before them, of one hint.
fn named(hint: &str, sections: &[&str]) -> Vec<String> {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || b".-".contains(&byte));
    let bracketed = hint.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let bracketed = bracketed.map(|(name, _)| name.trim_matches('['));
    let bracketed = bracketed
        .filter(|name| sections.contains(&name.split('.').next().unwrap_or_default()) && is_word(name));
    let keys = hint.split(['`', ' ', '"', ',', ':', ';', '(', ')']);
    // A file of the host is called like a section.
    let keys = keys.filter(|word| word.trim_end_matches('.') != "relay.env");
    let keys = keys.filter(|word| {
        let word = word.trim_end_matches('.');
        is_word(word)
            && word
                .split_once('.')
                .is_some_and(|(section, key)| sections.contains(&section) && !key.is_empty())
    });
    bracketed.chain(keys).map(|name| name.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn hints_name_keys_that_exist() {
    let schema = keys::schema::published();
    let sections: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests", "src"] {
        snapshots(&root.join(folder), &mut files);
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in files {
        let text = fs_err::read_to_string(&file).unwrap();
        for hint in text.lines().filter_map(|line| line.split_once("= help: ")).map(|(_, hint)| hint) {
            for name in named(hint, &sections) {
                count += 1;
                if !exists(&schema, &name) {
                    wrong.push(format!("{}: `{name}` in: {hint}", file.display()));
                }
            }
        }
    }
    assert!(count > 60, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
