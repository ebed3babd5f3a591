//! Every spec in `tests/specs` and `examples`, and what `spec::load` says of it.

use std::path::{Path, PathBuf};

use postpack::diag::{Diagnostic, Severity, Source, render_text};
use postpack::relay::{Profile, Providers};
use postpack::spec;
use proptest::prelude::*;

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
    for name in Providers::builtin().names() {
        let source = Source { name: name.to_owned(), text: spec::starter(name, Profile::NullClient) };
        let (good, findings) = load(&source);
        assert!(good, "{}\n{}", source.text, render_text(&findings, &source, false));
    }
    insta::assert_snapshot!("starter-ses", spec::starter("ses", Profile::NullClient));
    insta::assert_snapshot!("starter-custom", spec::starter("custom", Profile::NullClient));
}

/// All that must hold for any text at all.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let source = Source { name: "any.toml".to_owned(), text: text.to_owned() };
    let (good, findings) = load(&source);
    for finding in &findings {
        if let Some((span, _)) = &finding.label {
            prop_assert!(text.get(span.clone()).is_some(), "{span:?} of {finding:?}");
        }
        let words = std::iter::once(&finding.message).chain(&finding.hints);
        for text in words.chain(finding.label.iter().map(|(_, label)| label)) {
            prop_assert!(!text.contains(char::is_control), "{finding:?} would act on a terminal");
        }
    }
    prop_assert_eq!(good, !postpack::diag::has_errors(&findings), "refused without a reason, or not refused");
    prop_assert_eq!(findings.is_empty(), render_text(&findings, &source, true).is_empty());
    let json = postpack::diag::to_json(&findings, &source);
    prop_assert_eq!(json.as_array().map(Vec::len), Some(findings.len()));
    Ok(())
}

/// An edit of a text: from where, how much goes, what comes.
fn edited(text: &str, at: usize, gone: usize, new: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at % (chars.len() + 1);
    let end = (at + gone).min(chars.len());
    chars[..at].iter().copied().chain(new.chars()).chain(chars[end..].iter().copied()).collect()
}

fn all_specs() -> Vec<String> {
    ["tests/specs/valid", "tests/specs/invalid", "examples"]
        .iter()
        .flat_map(|path| folder(path))
        .map(|path| fs_err::read_to_string(path).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        holds(&text)?;
    }

    #[test]
    fn any_toml_is_judged(text in r#"(\[{1,2}(package|relay|smarthost|tls|main-cf|aliases|x)\]{1,2}\n|[a-zü"'.-]{1,6} ?= ?(["'][^"]{0,9}["']|-?[0-9_e.]{1,8}|true|\[.{0,5}\]|\{.{0,5}\}|2026-11-21)\n){0,12}"#) {
        holds(&text)?;
    }

    #[test]
    fn any_edit_of_a_spec_is_judged(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), 0..20usize, prop_oneof![
            Just(String::new()),
            any::<char>().prop_map(String::from),
            prop::sample::select(vec![
                "\"", "\"\"\"", "'", "[", "]", "[[", "{", "}", "=", "\n", ",", ".", "#", "\\u0000", "\\n", "$", "-1",
                "99999999999999999999", "1e9", "nan", "2026-11-21", "true", "ü", "\u{202e}", "password", "level",
            ]).prop_map(str::to_owned),
        ]), 1..6),
    ) {
        let specs = all_specs();
        let text = edits
            .iter()
            .fold(which.get(&specs).clone(), |text, (at, gone, new)| edited(&text, *at, *gone, new));
        holds(&text)?;
    }
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
