//! A spec that is rendered and imported is the same spec, but for what tests/import/round-trip.tsv names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::{Answers, Source, draft_of, reading};
use crate::diag::Source as Text;
use crate::keys;
use crate::plan::{self, Planned, samples};
use crate::platform::Distribution;
use crate::relay::{Profile, Provider, Providers};
use crate::spec;
use crate::template::Templates;

/// Keys that differ: a key, or a section and `*`, the name of a spec or `*`, and the reason.
static DIFFERENCES: &str = include_str!("../../tests/import/round-trip.tsv");

/// All specs of the repository: examples, valid ones of the tests, a starter of each profile and provider, and the example of
/// each key in each of its profiles.
fn specs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for folder in ["examples", "tests/specs/valid"] {
        for entry in fs_err::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                all.push((name, fs_err::read_to_string(&path).unwrap()));
            }
        }
    }
    let providers = Providers::builtin();
    for profile in Profile::ALL {
        for provider in providers.names() {
            all.push((format!("starter-{provider}-{}", profile.name()), spec::starter(provider, *profile)));
        }
    }
    for key in keys::all().iter().filter(|key| !key.examples.is_empty()) {
        for profile in &key.profiles {
            let text = samples::with(*profile, &samples::sample(&key.path)).text;
            all.push((format!("{} in {}", key.path, profile.name()), text));
        }
    }
    all.sort();
    all
}

/// The keys below a table with their values, texts and lists of one text alike.
fn leaves(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => leaves(&path, inner, into),
            toml::Value::String(_) => {
                into.insert(path, toml::Value::Array(vec![value.clone()]));
            }
            value => {
                into.insert(path, value.clone());
            }
        }
    }
}

/// The keys of a spec, without those that state a default.
fn leaves_of(text: &str) -> BTreeMap<String, toml::Value> {
    let mut all = BTreeMap::new();
    leaves("", &text.parse().unwrap(), &mut all);
    let text_of = |all: &BTreeMap<String, toml::Value>, key: &str| {
        all.get(key).and_then(|list| Some(list.as_array()?.first()?.as_str()?.to_owned()))
    };
    if text_of(&all, "relay.profile").as_deref() == Some(Profile::NullClient.name()) {
        all.remove("relay.profile");
    }
    let sub = |start: &str| all.keys().filter(|key| key.starts_with(start)).count();
    let enabled = all.get("postscreen.enabled").and_then(toml::Value::as_bool);
    if enabled.is_some_and(|enabled| enabled == (sub("postscreen.") > 1)) {
        all.remove("postscreen.enabled");
    }
    if !all.contains_key("relay.region") && all.get("smarthost.port") == Some(&toml::Value::Integer(587)) {
        all.remove("smarthost.port");
    }
    let preset = text_of(&all, "relay.provider").and_then(|name| Providers::builtin().get(&name));
    let region = text_of(&all, "relay.region");
    if preset.as_ref().is_none_or(|preset| preset.name == Provider::CUSTOM) {
        all.remove("relay.provider");
    } else if preset.is_some_and(|preset| region.is_some() && region == preset.default_region) {
        all.remove("relay.region");
    }
    all
}

/// The spec that the rendered files of a spec are imported as; `None` if the spec cannot be planned.
fn round(text: &str) -> Option<String> {
    let source = Text { name: "spec".to_owned(), text: text.to_owned() };
    let planned = Planned::new(spec::load(&source, &Providers::builtin()).0?);
    let target = Distribution::get("debian-13").unwrap();
    let files = plan::render(&planned, target, &Templates::builtin()).ok()?;
    let files = files.into_iter().map(|file| (file.path, file.content)).collect();
    let source = Source::files("rendered", files);
    Some(draft_of(&reading::read(&source).unwrap(), &Answers::default()).0.draft.to_text())
}

#[test]
fn a_rendered_spec_is_imported_as_itself() {
    let rows: Vec<Vec<&str>> =
        crate::postfix::catalogue::lines(DIFFERENCES).iter().map(|row| row.split('\t').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 3), "{rows:?}");
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    let (mut count, mut same) = (0, 0);
    let all: Vec<_> = specs().into_par_iter().map(|(name, text)| (name, round(&text), text)).collect();
    for (name, imported, text) in all {
        let Some(imported) = imported else { continue };
        count += 1;
        let (before, after) = (leaves_of(&text), leaves_of(&imported));
        for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            if before.get(key) == after.get(key) {
                same += 1;
                continue;
            }
            let fits = |row: &&Vec<&str>| {
                let of_key =
                    row[0] == key || row[0].strip_suffix('*').is_some_and(|start| key.starts_with(start));
                of_key && (row[1] == "*" || row[1] == name)
            };
            match rows.iter().position(|row| fits(&row)) {
                Some(row) => drop(used.insert(row)),
                None => {
                    wrong.push(format!("{key}\t{name}\t{:?} became {:?}", before.get(key), after.get(key)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 500 && same > 3000, "{count} specs, {same} keys");
    let stale: Vec<&str> =
        (0..rows.len()).filter(|row| !used.contains(row)).map(|row| rows[row][0]).collect();
    assert!(stale.is_empty(), "no spec differs in {stale:?} any more");
}
