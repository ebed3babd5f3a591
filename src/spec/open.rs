//! Open questions: `TODO` values, which `postpack import` writes.

use toml::de::{DeTable, DeValue};

use crate::diag::{Diagnostic, Span};

/// A finding for each value that begins with `TODO`.
pub(super) fn questions(table: &DeTable<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    texts(table, &mut |path, text, span| {
        if text.starts_with("TODO") {
            findings.push(
                Diagnostic::error("todo", span, format!("`{path}` is an open question"))
                    .hint("the comment above has the question; write the answer in place of `TODO`"),
            );
        }
    });
    findings
}

/// Calls `seen` with the path, text and place of every text in a table.
pub(super) fn texts(table: &DeTable<'_>, seen: &mut dyn FnMut(&str, &str, Span)) {
    for (name, value) in table {
        walk(value.get_ref(), value.span(), name.get_ref(), seen);
    }
}

fn walk(value: &DeValue<'_>, span: Span, path: &str, seen: &mut dyn FnMut(&str, &str, Span)) {
    match value {
        DeValue::String(text) => seen(path, text, span),
        DeValue::Table(table) => {
            for (name, value) in table {
                walk(value.get_ref(), value.span(), &format!("{path}.{}", name.get_ref()), seen);
            }
        }
        DeValue::Array(items) => {
            for item in items {
                walk(item.get_ref(), item.span(), path, seen);
            }
        }
        _ => {}
    }
}

/// Removes other findings about the same places, because `TODO` is not meant as a value.
pub(super) fn alone(questions: Vec<Diagnostic>, findings: &mut Vec<Diagnostic>) {
    let spans: Vec<Span> =
        questions.iter().filter_map(|question| Some(question.label.as_ref()?.0.clone())).collect();
    findings.retain(|finding| {
        let span = finding.label.as_ref().map(|(span, _)| span);
        !span.is_some_and(|span| spans.iter().any(|open| open.start <= span.start && span.end <= open.end))
    });
    findings.extend(questions);
}
