//! Specs, from text to the files of a host.

use std::sync::OnceLock;

use postpack::diag::{self, Source};
use postpack::package::{EntryKind, Package};
use postpack::plan;
use postpack::platform::Format;
use postpack::postfix::main_cf;
use postpack::relay::Providers;
use postpack::spec::{self, Checked};
use postpack::template::Templates;

/// Any text: judged, and if it is good, planned for its formats.
pub fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(checked) = judge(text) else { return };
    planned(&checked);
}

/// Parameters of a spec's `[main-cf]`, a line each: `name=value`.
pub fn parameters(data: &[u8]) {
    let Ok(lines) = std::str::from_utf8(data) else { return };
    let mut text = BENIGN.to_owned();
    for line in lines.lines().take(20) {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        text += &[&quoted(name), " = ", &quoted(value), "\n"].concat();
    }
    spec(text.as_bytes());
}

const BENIGN: &str = "[package]\nname = 'acme-relay'\nversion = '1'\nmaintainer = 'A <a@acme.example>'\n\
                      [relay]\nprovider = 'sendgrid'\nfrom = 'a@acme.example'\n[main-cf]\n";

fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)).chars().collect(),
        c => vec![c],
    };
    format!("\"{}\"", text.chars().flat_map(escape).collect::<String>())
}

fn providers() -> &'static Providers {
    static PROVIDERS: OnceLock<Providers> = OnceLock::new();
    PROVIDERS.get_or_init(Providers::builtin)
}

fn templates() -> &'static Templates {
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    TEMPLATES.get_or_init(Templates::builtin)
}

/// All that must hold for any text at all; the spec if it is good.
pub fn judge(text: &str) -> Option<Checked> {
    let source = Source { name: "any.toml".to_owned(), text: text.to_owned() };
    let (checked, findings) = spec::load(&source, providers());
    for finding in &findings {
        if let Some((span, _)) = &finding.label {
            assert!(text.get(span.clone()).is_some(), "{span:?} of {finding:?}");
        }
        let words = std::iter::once(&finding.message).chain(&finding.hints);
        for words in words.chain(finding.label.iter().map(|(_, label)| label)) {
            assert!(!words.contains(char::is_control), "{finding:?} would act on a terminal");
        }
    }
    let good = checked.is_some();
    assert_eq!(good, !diag::has_errors(&findings), "refused without a reason, or not refused");
    assert_eq!(findings.is_empty(), diag::render_text(&findings, &source, true).is_empty());
    let json = diag::to_json(&findings, &source);
    assert_eq!(json.as_array().map(Vec::len), Some(findings.len()));
    checked.filter(|checked| !diag::has_errors(&plan::check(&plan::Planned::new(checked.clone()))))
}

/// What passed the judges can be planned in every format, and says in main.cf what it was told to.
fn planned(checked: &Checked) {
    let planned = plan::Planned::new(checked.clone());
    for format in Format::ALL.into_iter().filter(|format| checked.formats.contains(format)) {
        let package = plan::package(&planned, format, templates()).expect("a good spec can be planned");
        let (parameters, errors) = main_cf::parse(text_of(&package, "/usr/share/mail-relay/main.cf"));
        assert!(errors.is_empty(), "{errors:?}");
        for own in &checked.relay.parameters {
            let known = parameters.iter().filter(|entry| entry.name == own.name).count();
            assert_eq!(known, 1, "{} is not in main.cf once", own.name);
        }
    }
}

fn text_of<'a>(package: &'a Package, path: &str) -> &'a str {
    let entry = package.entries.iter().find(|entry| entry.path == path).expect("the file is there");
    let EntryKind::File(content) = &entry.kind else { panic!("{path} is a file") };
    std::str::from_utf8(content).expect("main.cf is text")
}
