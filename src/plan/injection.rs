//! No value of a spec can become anything but a value: every text that the schema knows, with everything in it that
//! ends a line, a word, a quotation or a comment somewhere. It is refused at its place, or nothing else changes on
//! the host and in the packages.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use rayon::prelude::*;
use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::tests::{TEMPLATES, checked, files};
use super::{Companion, Planned};
use crate::build::Job;
use crate::diag::{Diagnostic, Severity, Source};
use crate::formats::inspect;
use crate::platform::Format;
use crate::postfix::main_cf;
use crate::postfix::master_cf::{self, Argument};
use crate::spec::Checked;

/// The spec that has a value everywhere, one with clients, those that receive, one by tokens (no list of smarthosts takes both
/// these and passwords), one with accounts by sender, two with tables, and two that limit recipients, and one without
/// a smarthost.
fn goods() -> [Table; 13] {
    [
        "everything",
        "lan-relay",
        "mail-gateway",
        "mail-server",
        "mail-server-pgsql",
        "mail-server-ldap",
        "xoauth2-custom",
        "senders",
        "tables",
        "table-text",
        "allowed-recipients",
        "staging",
        "direct",
    ]
    .map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/specs/valid/{name}.toml"));
        toml::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
    })
}

/// A step on the way to a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    /// Any item of a list; a list of one may be written without brackets.
    Item,
    /// Any key of a table whose keys are the user's own: the key itself, or what it stands for.
    AnyKey,
    AnyValue,
}

type Place = Vec<Step>;

/// All places where the schema lets a text stand that is not one of a few words.
fn places(schema: &Json, whole: &Json, here: &Place, found: &mut BTreeSet<Place>) {
    let with = |step: Step| here.iter().cloned().chain([step]).collect::<Place>();
    if let Some(name) = schema["$ref"].as_str() {
        places(whole.pointer(&name[1..]).unwrap(), whole, here, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        places(choice, whole, here, found);
    }
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|name| name == kind))
    };
    if is("string") && schema["enum"].is_null() && schema["const"].is_null() {
        found.insert(here.clone());
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        places(inner, whole, &with(Step::Key(name.clone())), found);
    }
    if schema["additionalProperties"].is_object() {
        found.insert(with(Step::AnyKey));
        places(&schema["additionalProperties"], whole, &with(Step::AnyValue), found);
    }
    if schema["items"].is_object() {
        places(&schema["items"], whole, &with(Step::Item), found);
    }
}

/// The text at a place, changed; `None` if the spec has none there.
fn changed(value: &mut Value, place: &[Step], change: &dyn Fn(&str) -> String) -> Option<()> {
    let Some((step, rest)) = place.split_first() else {
        let text = match &*value {
            Value::String(text) => text.clone(),
            Value::Datetime(_) | Value::Integer(_) | Value::Boolean(_) => value.to_string(),
            _ => return None,
        };
        *value = Value::String(change(&text));
        return Some(());
    };
    match (step, value) {
        (Step::Key(name), Value::Table(table)) => changed(table.get_mut(name)?, rest, change),
        (Step::AnyValue, Value::Table(table)) => changed(table.iter_mut().next()?.1, rest, change),
        (Step::AnyKey, Value::Table(table)) => {
            let name = table.keys().next()?.clone();
            let value = table.remove(&name)?;
            table.insert(change(&name), value);
            Some(())
        }
        (Step::Item, Value::Array(items)) => changed(items.first_mut()?, rest, change),
        _ => None,
    }
}

/// Where in the text the place is.
fn span(value: &Spanned<DeValue<'_>>, place: &[Step]) -> Option<Range<usize>> {
    let Some((step, rest)) = place.split_first() else { return Some(value.span()) };
    match (step, value.get_ref()) {
        (Step::Key(name), DeValue::Table(table)) => span(table.get(name.as_str())?, rest),
        (Step::AnyValue, DeValue::Table(table)) => span(table.iter().next()?.1, rest),
        (Step::AnyKey, DeValue::Table(table)) => {
            let (start, end) = table.iter().fold((usize::MAX, 0), |(start, end), (key, _)| {
                (start.min(key.span().start), end.max(key.span().end))
            });
            Some(start..end)
        }
        (Step::Item, DeValue::Array(items)) => span(items.first()?, rest),
        _ => None,
    }
}

/// The structure of a host without values: parameters, variables, directives, edits, rows of tables.
fn skeleton(checked: &Checked) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in files(checked, "debian-12") {
        let mut add = |what: &str| assert!(found.insert(format!("{path}: {what}")), "{path}: {what} twice");
        match path.as_str() {
            path if path.ends_with("/main.cf") => {
                let (entries, errors) = main_cf::parse(&text);
                assert!(errors.is_empty(), "{path}: {errors:?}");
                for entry in &entries {
                    add(&entry.name);
                }
            }
            path if path.ends_with("/facts") => {
                variables(&text).iter().map(String::as_str).for_each(&mut add);
            }
            path if path.starts_with("/usr/lib/systemd/system/") => {
                let lines = text.lines().filter(|line| !line.starts_with(['#', ';']) && !line.is_empty());
                for (index, line) in lines.enumerate() {
                    assert!(!line.ends_with('\\'), "{path}: {line}");
                    add(&format!("{index} {}", line.split('=').next().unwrap()));
                }
            }
            path if path.contains("/tables/") || path.starts_with("/etc/postfix/") => {
                let rows = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
                add(&format!("{} rows", rows.count()));
            }
            path if path.ends_with("/relay.env.example") => {
                assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
            }
            path if path.ends_with("/master.edits") => {
                for (index, line) in text.lines().enumerate() {
                    add(&format!("{index} {}", edit(line)));
                }
            }
            _ => {}
        }
    }
    found
}

/// An edit of master.cf without the values in it.
fn edit(line: &str) -> String {
    let (verb, rest) = line.split_once(' ').unwrap();
    let (place, text) = rest.split_once('=').unwrap_or((rest, ""));
    if verb != "M" {
        return format!("{verb} {place}");
    }
    let services = master_cf::parse(text).unwrap();
    let [service] = services.as_slice() else { panic!("{line}") };
    let argument = |argument: &Argument| match argument {
        Argument::Override(name, _) => format!("-o {name}"),
        Argument::Word(_) => "word".to_owned(),
    };
    let arguments: Vec<String> = service.arguments.iter().map(argument).collect();
    format!("{verb} {place} {} {} {arguments:?}", service.id(), service.command)
}

/// The variables that sh has after reading the facts, and that it did nothing else.
fn variables(facts: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("facts"), facts).unwrap();
    let sh = |script: &str| {
        let mut sh = Command::new("/bin/sh");
        let output = sh.args(["-c", script]).current_dir(folder.path()).env_clear().output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}: {facts}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Every line of the facts is a comment or one assignment; and sh has read each one.
    let names: BTreeSet<String> = facts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    let all: Vec<String> = names.iter().map(|name| format!(": \"${{{name}?}}\"")).collect();
    assert_eq!(sh(&format!("set -u; . ./facts; {}", all.join("; "))), "", "{facts}");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "{facts}");
    names
}

/// Names of the fields of a package, and its scripts.
type Packed = (&'static str, Vec<String>, Vec<(String, String)>);

/// The plan of the relay in each format.
fn packed(checked: &Checked) -> Vec<Packed> {
    let planned = std::sync::Arc::new(Planned::new(checked.clone()));
    Format::ALL
        .into_iter()
        .map(|format| {
            let inspection = inspect(&Job::package(format, &planned).bytes(&TEMPLATES).unwrap()).unwrap();
            let fields = inspection.fields.into_iter().map(|(name, _)| name).collect();
            let unnamed =
                |(name, script): (String, String)| (name, script.replace(&checked.meta.name, "NAME"));
            (inspection.format, fields, inspection.scripts.into_iter().map(unnamed).collect())
        })
        .collect()
}

/// Pieces that end a line, a word, a quotation or a comment somewhere, or that begin something.
const HOSTILE: &[&str] = &[
    "\n",
    "\r",
    "\0",
    "\t",
    " ",
    "$x",
    "${x}",
    "$(touch owned)",
    "`touch owned`",
    "\"; touch owned; \"",
    "'; touch owned; '",
    "\"",
    "'",
    "\\",
    "%n",
    "{",
    "}",
    "{{a}}",
    "{{{a}}}",
    " # x",
    ";",
    "|",
    "&",
    "<",
    ">",
    ",",
    ":",
    " = ",
    "@",
    "!",
    "*",
    "/../",
    "\u{1b}[2J",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{7f}",
    "\\\n",
    "\nsmtp_tls_security_level = none",
    "\n[Service]\nExecStart=/bin/sh",
    "\n%post\ntouch owned\n",
    "\n\nDepends: evil",
    "\ndepend = evil",
    "\nEND\n",
    " -o smtp_tls_security_level=none",
];

/// A change of a text, and what it is.
type Change = (String, Box<dyn Fn(&str) -> String + Sync>);

/// Each piece in the middle, short ones at the end, some at the start and instead; and once a text that is very long.
fn changes() -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for piece in HOSTILE {
        if piece.len() < 4 {
            all.push((format!("{piece:?} behind"), Box::new(move |text| format!("{text}{piece}"))));
        }
        let within = move |text: &str| {
            let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
            format!("{}{piece}{}", &text[..middle], &text[middle..])
        };
        all.push((format!("{piece:?} within"), Box::new(within)));
    }
    for piece in ["\n", " ", "#", "$", "|", "-"] {
        all.push((format!("{piece:?} before"), Box::new(move |text| format!("{piece}{text}"))));
        all.push((format!("{piece:?} alone"), Box::new(move |_| piece.to_owned())));
    }
    all.push(("very long".to_owned(), Box::new(|text| text.repeat(20_000 / text.len().max(1)))));
    all
}

fn judged(text: &str) -> (Option<Checked>, Vec<Diagnostic>) {
    checked(&Source { name: "relay.toml".to_owned(), text: text.to_owned() })
}

/// At least one error must be at the place of the change.
fn refused_at_its_place(findings: &[Diagnostic], text: &str, place: &[Step]) -> Result<(), String> {
    let document = DeTable::parse(text).map_err(|error| error.to_string())?;
    let whole = Spanned::new(0..text.len(), DeValue::Table(document.into_inner()));
    let place = span(&whole, place).ok_or("the place is gone")?;
    let near = |finding: &&Diagnostic| {
        finding.label.as_ref().is_some_and(|(span, _)| span.start <= place.end && place.start <= span.end)
    };
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    if errors.any(|error| near(&error)) { Ok(()) } else { Err(format!("{findings:#?}")) }
}

/// Names that contain the value: the name of a smarthost is part of variables, that of the package of paths.
fn comparable(skeleton: BTreeSet<String>, checked: &Checked) -> BTreeSet<String> {
    let folder = format!("/{}/", checked.meta.name);
    let own: Vec<String> = checked.relay.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let directives: Vec<&String> = checked.host.hardening.service.iter().map(|(name, _)| name).collect();
    let masked = |line: String| {
        if let Some((path, name)) = line.split_once(": smarthost_") {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
            return format!("{path}: smarthost");
        }
        match line.split_once(".cf: ") {
            Some((path, name)) if own.iter().any(|own| own == name) => {
                return format!("{path}.cf: own parameter");
            }
            _ => {}
        }
        match line.rsplit_once(' ') {
            Some((start, name)) if directives.iter().any(|own| *own == name) => {
                format!("{start} own directive")
            }
            _ => line.replace(&folder, "/NAME/"),
        }
    };
    skeleton.into_iter().map(masked).collect()
}

/// The additional files, line by line, without the name of the package and the keys of smarthosts.
fn companions(checked: &Checked) -> Vec<String> {
    let all = Companion::of(checked).into_iter().flat_map(|kind| {
        let bytes = kind.render(checked, &TEMPLATES).unwrap();
        let text = String::from_utf8(bytes).unwrap().replace(&checked.meta.name, "NAME");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    all.map(|line| if line.to_lowercase().contains("relay_") { "KEY".to_owned() } else { line }).collect()
}

/// The result of a spec, without its values.
#[derive(PartialEq, Eq)]
struct Shape {
    host: BTreeSet<String>,
    companions: Vec<String>,
    /// Packing is slow: only for texts that can be in a package's own words.
    packages: Option<Vec<Packed>>,
}

impl Shape {
    fn of(checked: &Checked, with_packages: bool) -> Self {
        Self {
            host: comparable(skeleton(checked), checked),
            companions: companions(checked),
            packages: with_packages.then(|| packed(checked)),
        }
    }

    /// Parts that only one of them has.
    fn differences(&self, other: &Self) -> Vec<String> {
        let host = self.host.symmetric_difference(&other.host).cloned();
        let companions =
            if self.companions == other.companions { None } else { Some("companions".to_owned()) };
        let packages = self.packages.iter().flatten().zip(other.packages.iter().flatten());
        let packages =
            packages.filter(|(own, other)| own != other).map(|(own, other)| format!("{own:?} {other:?}"));
        host.chain(companions).chain(packages).collect()
    }
}

/// How often the text of a place was refused and taken, and what was wrong with that.
type Tried = (usize, usize, Vec<String>);

fn try_all(place: &Place, good: &Value, expected: &Shape, changes: &[&Change]) -> Tried {
    let (mut refused, mut taken, mut wrong) = (0, 0, Vec::new());
    for (what, change) in changes {
        let mut spec = good.clone();
        // A list may be written as one text; the spec has it in one of the two ways.
        let Some(()) = changed(&mut spec, place, &**change) else { break };
        let text = toml::to_string(&spec).unwrap();
        let case = format!("{} with {what}", name(place));
        let (relay, findings) = judged(&text);
        if let Some(relay) = relay {
            taken += 1;
            let shape = Shape::of(&relay, place[0] == Step::Key("package".into()));
            // The lines of a table are the user's own.
            let own_rows = |part: &String| {
                name(place) == "tables.(value).text" && part.contains("/table_") && part.ends_with(" rows")
            };
            let differences = shape.differences(expected).into_iter().filter(|part| !own_rows(part));
            wrong.extend(differences.map(|difference| format!("{case}: {difference}")));
        } else {
            refused += 1;
            let at_place = refused_at_its_place(&findings, &text, place);
            wrong.extend(at_place.err().map(|why| format!("{case}: {why}")));
        }
    }
    (refused, taken, wrong)
}

/// A place as one reads it; a list and its item are the same, because each is written in one of two ways.
fn name(place: &Place) -> String {
    let steps = place.iter().filter(|step| **step != Step::Item).map(|step| match step {
        Step::Key(name) => name.as_str(),
        Step::AnyKey => "(key)",
        Step::AnyValue => "(value)",
        Step::Item => "",
    });
    steps.collect::<Vec<_>>().join(".")
}

/// The places at which a text was tried.
fn reached(tried: &[(String, Tried)]) -> BTreeSet<String> {
    let done = tried.iter().filter(|(_, (refused, taken, _))| refused + taken > 0);
    done.map(|(name, _)| name.clone()).collect()
}

#[test]
fn no_text_of_a_spec_becomes_anything_but_a_text() {
    let schema = crate::keys::schema::raw().clone();
    let mut found = BTreeSet::new();
    places(&schema, &schema, &Vec::new(), &mut found);
    // Names a second file, which none of these specs has. Its lines are checked as those of `text`.
    found.retain(|place| name(place) != "tables.(value).file");
    let found = Vec::from_iter(found);
    let changes = changes();
    // The full tier tries each change at each place, the others each at one place of three.
    let share = if std::env::var_os("POSTPACK_THOROUGH").is_some() { 1 } else { 3 };
    let mut tried: Vec<(String, Tried)> = Vec::new();
    for good in goods() {
        // Once is enough: the check of a text does not depend on other sections.
        let reached = reached(&tried);
        let good = Value::Table(good);
        let (relay, findings) = judged(&toml::to_string(&good).unwrap());
        let relay = relay.unwrap_or_else(|| panic!("{findings:#?}"));
        let expected = Shape::of(&relay, true);
        let of_this: Vec<_> = found
            .par_iter()
            .enumerate()
            .map(|(number, place)| (name(place), place, changes.iter().skip(number % share).step_by(share)))
            .filter(|(name, ..)| !reached.contains(name))
            .map(|(name, place, some)| {
                let tried = try_all(place, &good, &expected, &some.collect::<Vec<_>>());
                (name, tried)
            })
            .collect();
        tried.extend(of_this);
    }

    let wrong: Vec<&String> = tried.iter().flat_map(|(_, (.., wrong))| wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let reached = reached(&tried);
    let missing: Vec<&String> =
        tried.iter().map(|(name, _)| name).filter(|name| !reached.contains(*name)).collect();
    assert!(missing.is_empty(), "no spec has a text at {missing:?}");
    assert!(reached.len() > 50, "{reached:?}");
    let refused: usize = tried.iter().map(|(_, (refused, ..))| refused).sum();
    let taken: usize = tried.iter().map(|(_, (_, taken, _))| taken).sum();
    assert!(refused * share > 2500 && taken * share > 200, "{refused} refused, {taken} taken");
}
