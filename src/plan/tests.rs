//! What a host gets, as snapshots; and that no value of a spec can become anything but a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::{HostFile, check, render};
use crate::build::{Job, inspect};
use crate::diag::{Source, has_errors};
use crate::postfix::main_cf;
use crate::relay::Providers;
use crate::spec::{self, Checked};
use crate::target::{Distribution, Format};
use crate::template::Templates;

fn load(text: &str) -> Option<Checked> {
    let source = Source { name: "relay.toml".to_owned(), text: text.to_owned() };
    spec::load(&source, &Providers::builtin()).0.filter(|checked| !has_errors(&check(checked)))
}

fn files(checked: &Checked, target: &str) -> BTreeMap<String, String> {
    let files = render(checked, Distribution::get(target).unwrap(), &Templates::builtin()).unwrap();
    let text = |file: HostFile| (file.path, String::from_utf8_lossy(&file.content).into_owned());
    files.into_iter().map(text).collect()
}

/// The files whose text is the relay's own, in one text.
fn told(files: &BTreeMap<String, String>, wanted: impl Fn(&str) -> bool) -> String {
    files.iter().filter(|(path, _)| wanted(path)).fold(String::new(), |mut text, (path, content)| {
        let _ = write!(text, "=== {path}\n{content}\n");
        text
    })
}

#[test]
fn the_example_on_its_hosts() {
    let checked = load(spec::example()).unwrap();
    for target in ["debian-12", "rhel-9", "arch"] {
        let text = told(&files(&checked, target), |path| {
            path.starts_with("/etc/")
                || path.contains(".service.d/")
                || ["/usr/share/mail-relay/facts", "/usr/share/mail-relay/master.edits"].contains(&path)
        });
        insta::assert_snapshot!(format!("example-{target}"), text);
    }
}

#[test]
fn every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut specs: Vec<PathBuf> =
        fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    specs.sort();
    for path in specs {
        let checked = load(&fs_err::read_to_string(&path).unwrap()).unwrap();
        let share = ["/usr/share/mail-relay/facts", "/usr/share/mail-relay/main.cf"];
        let text = told(&files(&checked, "debian-13"), |path| share.contains(&path));
        insta::assert_snapshot!(format!("spec-{}", path.file_stem().unwrap().display()), text);
    }
}

/// Every place of a spec that takes a text, with a value that is right there.
const PLACES: &[(&str, &str)] = &[
    ("name", "acme-mail-relay"),
    ("version", "1.0.0"),
    ("maintainer", "Platform Team <platform@acme.example>"),
    ("license", "MIT"),
    ("summary", "a summary"),
    ("description", "a description"),
    ("homepage", "https://acme.example/"),
    ("changes", "a change"),
    ("from", "noreply@acme.example"),
    ("root", "ops@acme.example"),
    ("hostname", "relay.acme.example"),
    ("origin", "acme.example"),
    ("helo", "out.acme.example"),
    ("smarthost", "primary"),
    ("host", "smtp.acme.example"),
    ("ca-file", "/etc/ssl/ca.pem"),
    ("match", "mail.acme.example"),
    ("cert", "/etc/ssl/cert.pem"),
    ("key", "/etc/ssl/key.pem"),
    ("alias", "webmaster"),
    ("alias-target", "web@acme.example"),
    ("sender", "www-data"),
    ("sender-address", "www@acme.example"),
    ("strip", "X-Mailer"),
    ("pattern", "^X-Internal:"),
    ("limit", "10MB"),
    ("parameter", "$myhostname ESMTP"),
    ("parameter-list", "10s"),
    ("directive", "5"),
];

fn spec_with(place: &str, value: &str) -> String {
    let quoted: BTreeMap<&str, String> = PLACES
        .iter()
        .map(|(name, good)| {
            let text = if *name == place { value } else { good };
            (*name, toml::Value::String(text.to_owned()).to_string())
        })
        .collect();
    let at = |name: &str| &quoted[name];
    format!(
        "[package]\nname = {}\nversion = {}\nmaintainer = {}\nlicense = {}\nsummary = {}\ndescription = {}\n\
         homepage = {}\n[[package.changelog]]\nversion = \"1.0.0\"\ndate = \"2026-01-01\"\nchanges = [{}]\n\
         [relay]\nfrom = {}\nroot-mail-to = {}\nhostname = {}\norigin = {}\nhelo-name = {}\n\
         [[smarthost]]\nname = {}\nhost = {}\n\
         [tls]\nca-file = {}\nmatch = [{}]\nclient-cert = {}\nclient-key = {}\n\
         [aliases]\n{} = {}\n[rewrite.senders]\n{} = {}\n[headers]\nstrip = [{}]\npatterns = [{}]\n\
         [limits]\nmessage-size = {}\n[main-cf]\nsmtpd_banner = {}\nsmtp_connect_timeout = {}\n\
         [hardening.service]\nNice = {}\n",
        at("name"),
        at("version"),
        at("maintainer"),
        at("license"),
        at("summary"),
        at("description"),
        at("homepage"),
        at("changes"),
        at("from"),
        at("root"),
        at("hostname"),
        at("origin"),
        at("helo"),
        at("smarthost"),
        at("host"),
        at("ca-file"),
        at("match"),
        at("cert"),
        at("key"),
        at("alias"),
        at("alias-target"),
        at("sender"),
        at("sender-address"),
        at("strip"),
        at("pattern"),
        at("limit"),
        at("parameter"),
        at("parameter-list"),
        at("directive"),
    )
}

/// What there is on a host, without the values: parameters, variables, directives, edits, rows of tables.
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
            path if path.ends_with("/master.edits") => add(&text),
            _ => {}
        }
    }
    found
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
    assert_eq!(sh("set -u; . ./facts"), "", "{facts}");
    // Every line of the facts is a comment or one assignment; and sh has read each one.
    let names: BTreeSet<String> = facts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    let all: Vec<String> = names.iter().map(|name| format!(": \"${{{name}?}}\"")).collect();
    assert_eq!(sh(&format!("set -u; . ./facts; {}", all.join("; "))), "");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "{facts}");
    names
}

/// Names of the fields of a package, and its scripts.
type Packed = (&'static str, Vec<String>, Vec<(String, String)>);

/// What the relay becomes in each format.
fn packed(checked: &Checked) -> Vec<Packed> {
    let templates = Templates::builtin();
    let checked = std::sync::Arc::new(checked.clone());
    Format::ALL
        .into_iter()
        .map(|format| {
            let inspection = inspect(&Job::package(format, &checked).bytes(&templates).unwrap()).unwrap();
            let fields = inspection.fields.into_iter().map(|(name, _)| name).collect();
            (inspection.format, fields, inspection.scripts)
        })
        .collect()
}

/// Pieces that end a line, a word, a quotation or a comment somewhere.
const HOSTILE: &[&str] = &[
    "\n",
    "\r",
    "\0",
    "\t",
    " ",
    "$",
    "$(id)",
    "${x}",
    "`id`",
    "\"",
    "'",
    "\\",
    "%",
    "%s",
    "{",
    "}",
    "{{a}}",
    "#",
    ";",
    "|",
    "&",
    ">",
    "<",
    ",",
    ":",
    "=",
    "@",
    "!",
    "/",
    "*",
    "\u{85}",
    "\u{2028}",
    "\u{7f}",
    "ö",
    "-",
    ".",
    "\nsmtp_tls_security_level = none",
    "\nExecStart=/bin/sh",
    "'; touch owned; '",
    "\n%post\ntouch owned\n",
    "\n\nDepends: evil",
    "\n ",
    "\\\n",
    "x",
    "END",
    "EOF",
    "\n[Service]",
];

fn hostile() -> impl Strategy<Value = (usize, String)> {
    let piece = prop::sample::select(HOSTILE);
    (0..PLACES.len(), prop::collection::vec(piece, 1..3), 0..4_u8).prop_map(|(place, pieces, how)| {
        let (good, bad) = (PLACES[place].1, pieces.concat());
        let middle = good.len() / 2;
        let value = match how {
            0 => format!("{good}{bad}"),
            1 => format!("{bad}{good}"),
            2 => format!("{}{bad}{}", &good[..middle], &good[middle..]),
            _ => bad,
        };
        (place, value)
    })
}

/// What the value itself names: a smarthost's name is part of a variable's.
fn comparable(skeleton: BTreeSet<String>) -> BTreeSet<String> {
    let masked = |line: String| match line.split_once(": smarthost_") {
        Some((path, name)) => {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
            format!("{path}: smarthost_NAME")
        }
        None => line.replace("/acme-mail-relay/", "/NAME/"),
    };
    skeleton.into_iter().map(masked).collect()
}

#[test]
fn no_value_becomes_anything_but_a_value() {
    let good = load(&spec_with("", "")).expect("the places are right");
    let (expected, expected_packed) = (comparable(skeleton(&good)), packed(&good));
    let mut accepted = BTreeMap::new();
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig::with_cases(1),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    for _ in 0..3000 {
        let (place, value) = hostile().new_tree(&mut runner).unwrap().current();
        let name = PLACES[place].0;
        let Some(checked) = load(&spec_with(name, &value)) else { continue };
        let count = accepted.entry(name).or_insert(0);
        *count += 1;
        assert_eq!(comparable(skeleton(&checked)), expected, "{name} = {value:?}");
        // Packing is slow: only for what is in a package's metadata, and not for every value.
        if place < 8 && *count <= 6 {
            for (seen, wanted) in packed(&checked).into_iter().zip(&expected_packed) {
                assert_eq!((seen.0, &seen.1), (wanted.0, &wanted.1), "{name} = {value:?}");
                if name != "name" {
                    assert_eq!(seen.2, wanted.2, "{name} = {value:?}");
                }
            }
        }
    }
    // The free texts take much of it; if they took nothing, nothing would have been tested.
    for name in ["summary", "description", "changes", "pattern", "parameter", "directive"] {
        assert!(accepted.get(name).is_some_and(|count| *count > 10), "{name}: {accepted:?}");
    }
}
