//! Secrets in specs: what looks like one is refused with its place and never shown, and nothing else is taken for one.

use std::path::Path;

use postpack::diag::{Diagnostic, SECRET, Source, render_text, to_json};
use postpack::relay::Providers;
use postpack::spec;
use toml::{Table, Value};

/// Place and value of each row. `¦` keeps scanners of repositories from taking ours for real ones.
fn corpus(name: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/secrets").join(name);
    let text = fs_err::read_to_string(path).unwrap().replace('¦', "");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| line.split_once('\t').unwrap())
        .map(|(place, value)| (place.into(), value.into()))
        .collect()
}

/// A good spec but for this value.
fn spec_with(place: &str, value: &str) -> Source {
    let mut spec: Table = toml::from_str(spec::example()).unwrap();
    let text = Value::String(value.to_owned());
    let keys: Vec<&str> = place.split('.').collect();
    let (path, last, leaf) = match place.strip_suffix(".*") {
        _ if place == "package.changelog-entry" => {
            let entry = format!("version = '1.0.0'\ndate = '2026-01-01'\nchanges = [{text}]");
            let entry = toml::from_str(&entry).map(Value::Table).unwrap();
            (vec!["package"], "changelog", Value::Array(vec![entry]))
        }
        // The value is a name in a table of names.
        Some(section) => {
            let leaf = if section == "aliases" { "root" } else { "reject" };
            (section.split('.').collect(), value, Value::String(leaf.to_owned()))
        }
        None => match place.split_once(".\"") {
            // A name with dots: `services."9/unix".options`.
            Some((section, quoted)) => {
                let (name, rest) = quoted.split_once('"').unwrap();
                let mut path = vec![section, name];
                path.extend(rest.split('.').filter(|key| !key.is_empty()));
                let last = path.pop().unwrap();
                (path, last, text)
            }
            None => (keys[..keys.len() - 1].to_vec(), keys[keys.len() - 1], text),
        },
    };
    let mut table = &mut spec;
    for key in path {
        let next = table.entry(key.to_owned()).or_insert_with(|| Value::Table(Table::new()));
        table = next.as_table_mut().unwrap();
    }
    table.insert(last.to_owned(), leaf);
    Source { name: "relay.toml".to_owned(), text: toml::to_string(&spec).unwrap() }
}

fn secrets(source: &Source) -> Vec<Diagnostic> {
    let (checked, findings) = spec::load(source, &Providers::builtin());
    let found: Vec<Diagnostic> = findings.into_iter().filter(|finding| finding.code == SECRET).collect();
    assert!(found.is_empty() || checked.is_none());
    found
}

#[test]
fn what_looks_like_a_secret_is_refused_and_not_shown() {
    let rows = corpus("secrets.tsv");
    assert!(rows.len() >= 60, "{}", rows.len());
    let mut missed = Vec::new();
    for (place, value) in &rows {
        let source = spec_with(place, value);
        let found = secrets(&source);
        let at = source.text.find(value.as_str()).unwrap();
        let covers = |finding: &&Diagnostic| {
            finding.label.as_ref().is_some_and(|(span, _)| span.start <= at && at + value.len() <= span.end)
        };
        if found.iter().find(covers).is_none() {
            missed.push((place, value));
            continue;
        }
        let hints: String = found.iter().flat_map(|finding| finding.hints.clone()).collect();
        assert!(hints.contains("relay.env"), "{place}: {hints}");
        let (_, findings) = spec::load(&source, &Providers::builtin());
        for shown in [render_text(&findings, &source, false), to_json(&findings, &source).to_string()] {
            assert!(!shown.contains(value.as_str()), "{place}: {shown}");
        }
    }
    assert!(missed.is_empty(), "{} are taken for harmless: {missed:#?}", missed.len());
}

#[test]
fn what_is_harmless_passes() {
    let rows = corpus("harmless.tsv");
    assert!(rows.len() >= 60, "{}", rows.len());
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|(place, value)| {
            let found = secrets(&spec_with(place, value));
            found.first().map(|finding| (place, value, finding.message.clone()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} false alarms: {wrong:#?}", wrong.len());
}
