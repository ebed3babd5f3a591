//! Every spec in `tests/specs` and `examples`, and what `spec::load` says of it.

use std::path::{Path, PathBuf};

use postpack::diag::{Diagnostic, Severity, Source, render_text};
use postpack::relay::{Profile, Providers};
use postpack::spec;

fn folder(path: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut files: Vec<PathBuf> = fs_err::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> Source {
    Source {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        text: fs_err::read_to_string(path).unwrap(),
    }
}

fn load(source: &Source) -> (bool, Vec<Diagnostic>) {
    let (checked, findings) = spec::load(source, &Providers::builtin());
    (checked.is_some(), findings)
}

/// One fault each; the snapshot is all that a person gets to see.
#[test]
fn invalid_specs_are_explained() {
    insta::with_settings!({ snapshot_path => "specs/invalid", prepend_module_to_snapshot => false, omit_expression => true }, {
        for path in folder("tests/specs/invalid") {
            let source = read(&path);
            let (good, findings) = load(&source);
            assert!(!good, "{} passes", path.display());
            let name = path.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, render_text(&findings, &source, false));
        }
    });
}

/// What passes with something to say.
#[test]
fn valid_specs_pass_and_say_what_is_lost() {
    insta::with_settings!({ snapshot_path => "specs/valid", prepend_module_to_snapshot => false, omit_expression => true }, {
        for path in folder("tests/specs/valid") {
            let source = read(&path);
            let (good, findings) = load(&source);
            let text = render_text(&findings, &source, false);
            assert!(good, "{text}");
            let name = path.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, text);
        }
    });
}

#[test]
fn examples_pass_without_a_warning() {
    for path in folder("examples") {
        let source = read(&path);
        let (good, findings) = load(&source);
        let worst = findings.iter().map(|finding| finding.severity).min();
        let text = render_text(&findings, &source, false);
        assert!(good && worst.is_none_or(|worst| worst == Severity::Note), "{text}");
    }
    assert_eq!(
        spec::example(),
        fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/null-client.toml"))
            .unwrap()
    );
}

#[test]
fn every_starter_passes() {
    let providers = Providers::builtin();
    for (name, profile) in
        Profile::ALL.iter().flat_map(|it| providers.names().into_iter().map(move |name| (name, *it)))
    {
        let source = Source { name: name.to_owned(), text: spec::starter(name, profile) };
        let (good, findings) = load(&source);
        assert!(good, "{}\n{}", source.text, render_text(&findings, &source, false));
    }
    insta::assert_snapshot!("starter-ses", spec::starter("ses", Profile::NullClient));
    insta::assert_snapshot!("starter-custom", spec::starter("custom", Profile::NullClient));
}

/// Every text of the largest spec, with characters in it that could add a line somewhere.
#[test]
fn no_text_can_leave_its_line() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/valid/everything.toml");
    let text = fs_err::read_to_string(path).unwrap();
    let mut places = Vec::new();
    let document = toml::de::DeTable::parse(&text).unwrap();
    for (key, value) in document.get_ref() {
        texts(value, key.get_ref(), &mut places);
    }
    assert!(places.len() > 50, "{}", places.len());
    let mut refused = 0;
    for (span, name) in &places {
        for odd in ["\\n", "\\r", "\\u0000", "\\u0007", "\\u001b", "\\u0085", "\\u2028", "\\u202e"] {
            // Descriptions have lines; they are told apart by the formats.
            if name == "description" && ["\\n", "\\r"].contains(&odd) {
                continue;
            }
            let middle = text[span.clone()].chars().count() / 2;
            let at =
                text[span.clone()].char_indices().nth(middle).map_or(span.start, |(at, _)| span.start + at);
            let changed = format!("{}{odd}{}", &text[..at], &text[at..]);
            let source = Source { name: "odd.toml".to_owned(), text: changed };
            let (good, findings) = load(&source);
            assert!(!good, "{name}: {odd} passes in {:?}", &text[span.clone()]);
            let first = findings.iter().find(|finding| finding.severity == Severity::Error).unwrap();
            let place = first.label.as_ref().unwrap().0.clone();
            assert!(
                place.start <= span.end + odd.len() && span.start <= place.end,
                "{name}: {odd}: {first:?}"
            );
            refused += 1;
        }
    }
    assert!(refused > 400, "{refused}");
}

/// Places and names of all texts below a value.
fn texts(
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    name: &str,
    places: &mut Vec<(std::ops::Range<usize>, String)>,
) {
    match value.get_ref() {
        toml::de::DeValue::String(_) => places.push((value.span(), name.to_owned())),
        toml::de::DeValue::Array(items) => items.iter().for_each(|item| texts(item, name, places)),
        toml::de::DeValue::Table(table) => {
            for (key, value) in table {
                texts(value, key.get_ref(), places);
            }
        }
        _ => {}
    }
}

/// What the parser accepts, the JSON Schema for editors accepts, and the files of a fleet as well.
#[test]
fn the_json_schema_agrees_with_the_parser() {
    let schema = postpack::keys::schema::published();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = |text: &str| json_of(toml::Value::Table(text.parse().unwrap()));
    let mut files = folder("examples");
    files.extend(folder("tests/specs/valid"));
    for path in &files {
        let errors: Vec<String> =
            validator.iter_errors(&value(&read(path).text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
    let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet/fleet.toml");
    assert!(validator.is_valid(&value(&read(&fleet).text)));
    for (text, good) in [
        ("[fleet]\ninventory = 'hosts.csv'\n[[group]]\nwhen = 'site=a'\n[group.limits]\nhops = 30\n", true),
        ("[fleet]\nbase = 'base.toml'\n", false),
        ("[fleet]\ninventory = 'hosts.csv'\nbas = 'base.toml'\n", false),
        ("[fleet]\ninventory = 'hosts.csv'\n[[group]]\n[group.limits]\nhops = 30\n", false),
        ("[fleet]\ninventory = 'hosts.csv'\n[[group]]\nwhen = 'a'\n[group.limits]\nhop = 30\n", false),
        ("[relay]\nprovider = 'ses'\n", false),
        ("[package]\nname = 'a'\n[relay]\nprovider = 'ses'\n", false),
    ] {
        assert_eq!(validator.is_valid(&value(text)), good, "{text}");
    }
    for (key, name) in [("profile", "nul-client"), ("provider", "sess")] {
        let mut spec = value(&read(Path::new("examples/null-client.toml")).text);
        spec["relay"][key] = name.into();
        assert!(!validator.is_valid(&spec), "{key}");
    }
}

/// A value as editors hand it to a JSON Schema: dates are texts.
fn json_of(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            serde_json::Value::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
        plain => serde_json::to_value(plain).unwrap(),
    }
}
