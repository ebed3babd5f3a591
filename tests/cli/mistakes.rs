//! The mistakes of `ci/lab/mistakes.toml`, which hurt on a real Postfix (`ci/lab/test_mistakes.py`): `check` finds each of
//! them, at its line.

use serde::Deserialize;

use crate::cli::world::World;

/// What this side of the table needs; the lab reads the rest.
#[derive(Deserialize)]
struct Table {
    mistake: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    what: String,
    spec: Vec<String>,
}

/// A spec that is well, by sections.
const BASE: [(&str, &str); 3] = [
    (
        "[package]",
        "name = \"acme-mail-relay\"\nversion = \"1.0.0\"\nmaintainer = \"Platform Team <platform@acme.example>\"\n",
    ),
    ("[relay]", "from = \"noreply@acme.example\"\nroot-mail-to = \"ops@acme.example\"\n"),
    ("[smarthost]", "host = \"smtp.lab.example\"\nport = 587\n"),
];

/// The base with these sections in place of its own of the same names.
fn with(sections: &str) -> String {
    let kept = BASE.iter().filter(|(header, _)| !sections.lines().any(|line| line == *header));
    kept.map(|(header, text)| format!("{header}\n{text}\n")).chain([sections.to_owned()]).collect()
}

/// Line and code of each `#! CODE`.
fn marked(spec: &str) -> Vec<(u64, String)> {
    (1..)
        .zip(spec.lines())
        .filter_map(|(number, line)| Some((number, line.rsplit_once("#! ")?.1.to_owned())))
        .collect()
}

#[test]
fn mistakes_that_hurt_are_found_at_their_lines() {
    let table: Table = toml::from_str(include_str!("../../ci/lab/mistakes.toml")).unwrap();
    assert!(table.mistake.len() >= 25);
    let world = World::new();
    // The domains of the lab are those of examples.
    world.write("spec.toml", &with("").replace(".example", ".test"));
    assert_eq!(world.run("check --strict spec.toml").code, 0);
    let mut missed = Vec::new();
    for Mistake { what, spec } in table.mistake {
        assert!(!spec.is_empty(), "{what}");
        for sections in spec {
            let spec = with(&sections);
            let expected = marked(&spec);
            assert!(!expected.is_empty(), "{what}: nothing is marked");
            world.write("spec.toml", &spec);
            let judged = world.json("check --format json spec.toml");
            let findings = judged[0]["findings"].as_array().unwrap();
            let found: Vec<(u64, String)> = findings
                .iter()
                .filter(|finding| finding["severity"] != "note" && finding["code"] != "example-value")
                .map(|finding| {
                    assert_eq!(finding["place"]["file"], "spec.toml", "{what}: {finding}");
                    assert_ne!(finding["message"], "", "{what}: {finding}");
                    (finding["place"]["line"].as_u64().unwrap(), finding["code"].as_str().unwrap().to_owned())
                })
                .collect();
            if found != expected {
                missed.push(format!("{what}: {found:?}, and not {expected:?}\n{spec}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
