//! Findings as text for people and as JSON for programs.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, SECRET, Severity, Source, Span, printable_name};

/// Renders findings with file, line, column and an excerpt, separated by empty lines.
///
/// Secrets are masked in every excerpt, because diagnostics end up in the logs of build machines.
pub fn render_text(findings: &[Diagnostic], source: &Source, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let text = masked(findings, &source.text);
    let name = printable_name(&source.name);
    let reports: Vec<String> =
        findings.iter().map(|finding| renderer.render(&report(finding, &name, &text))).collect();
    let mut out = reports.join("\n\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn report<'a>(finding: &'a Diagnostic, name: &'a str, text: &'a str) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()).id(finding.code));
    if let Some((span, label)) = &finding.label {
        let annotation = AnnotationKind::Primary.span(clamped(span, text));
        let annotation = if label.is_empty() { annotation } else { annotation.label(label.as_str()) };
        group = group.element(Snippet::source(text).path(name).annotation(annotation));
    } else {
        group = group.element(Origin::path(name));
    }
    for hint in &finding.hints {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    vec![group]
}

/// Findings as a JSON array; lines and columns count from 1, columns in characters.
pub fn to_json(findings: &[Diagnostic], source: &Source) -> Value {
    findings.iter().map(|finding| finding_json(finding, source)).collect()
}

fn finding_json(finding: &Diagnostic, source: &Source) -> Value {
    let place = finding.label.as_ref().map(|(span, label)| {
        let span = clamped(span, &source.text);
        let (line, column) = position(&source.text, span.start);
        let (end_line, end_column) = position(&source.text, span.end);
        json!({
            "file": source.name,
            "line": line, "column": column, "end-line": end_line, "end-column": end_column,
            "start": span.start, "end": span.end,
            "label": label,
        })
    });
    json!({
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "place": place,
        "hints": finding.hints,
    })
}

/// Line and column of a byte offset, both from 1.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (1 + before.matches('\n').count(), 1 + before[start..].chars().count())
}

/// The text with every secret replaced by asterisks, byte for byte, so that all places stay where they are.
fn masked(findings: &[Diagnostic], text: &str) -> String {
    let mut masked = text.to_owned();
    for finding in findings.iter().filter(|finding| finding.code == SECRET) {
        if let Some((span, _)) = &finding.label {
            let span = clamped(span, &masked);
            let stars: String =
                masked[span.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
            masked.replace_range(span, &stars);
        }
    }
    masked
}

/// The part of a span that is in the text, on character boundaries.
fn clamped(span: &Span, text: &str) -> Span {
    let boundary = |offset: &usize| text.is_char_boundary(*offset);
    let start = (0..=span.start.min(text.len())).rev().find(boundary).unwrap_or(0);
    let end = (span.end.clamp(start, text.len())..=text.len()).find(boundary).unwrap_or(text.len());
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { name: "relay.toml".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn text_shows_the_place() {
        let source = source("[package]\nname = \"ä\"\n");
        let finding = Diagnostic::error("package-name", 17..21, "the name is wrong")
            .labelled("here")
            .hint("write another");
        insta::assert_snapshot!(render_text(&[finding], &source, false), @r#"
        error[package-name]: the name is wrong
         --> relay.toml:2:8
          |
        2 | name = "ä"
          |        ^^^ here
          |
          = help: write another
        "#);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let source = source("x = 1\npassword = \"hünter2\"\ny = 2\n");
        let value = 17..27;
        assert_eq!(&source.text[value.clone()], "\"hünter2\"");
        let findings = [
            Diagnostic::error(SECRET, value, "a secret").labelled("remove it"),
            Diagnostic::error("unknown-key", 6..14, "unknown"),
        ];
        let text = render_text(&findings, &source, true);
        assert!(!text.contains("nter2"), "{text}");
    }

    #[test]
    fn json_counts_from_one() {
        let source = source("a = 1\näö = 2\n");
        let finding = Diagnostic::error("unknown-key", 8..10, "unknown");
        let json = to_json(&[finding], &source);
        assert_eq!((&json[0]["place"]["line"], &json[0]["place"]["column"]), (&json!(2), &json!(2)));
    }

    #[test]
    fn spans_outside_are_clamped() {
        for span in [0..100, 50..60, 1..1, 2..3] {
            let finding = Diagnostic::error("unknown-key", span, "unknown");
            render_text(std::slice::from_ref(&finding), &source("aäb"), true);
            to_json(&[finding], &source("aäb"));
        }
    }
}
