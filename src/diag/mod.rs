//! Diagnostics: faults in a text, their places, and fixes.
//!
//! Every module that checks input returns [`Diagnostic`]s; only [`crate::cli`] prints them.

mod nearest;
mod render;
mod sources;

pub use nearest::nearest;
pub use render::{position, render_text, to_json};
pub use sources::Sources;

/// The code of findings whose place contains a secret; renderers mask that place.
pub const SECRET: &str = "secret";

/// A byte range in the source text.
pub type Span = std::ops::Range<usize>;

/// A text with a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path of the file, or `<stdin>`, or `<example>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An error: nothing is built.
    Error,
    /// A warning: packages are built, but something is lost or surprising.
    Warning,
    /// A note.
    Note,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Severity.
    pub severity: Severity,
    /// Stable kebab-case name of the rule, such as `unknown-key`.
    pub code: &'static str,
    /// One sentence about the fault.
    pub message: String,
    /// The place, if there is one, with a short text for the caret (may be empty).
    pub label: Option<(Span, String)>,
    /// Hints, each a sentence.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error about a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, Some(span), message)
    }

    /// A warning about a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, Some(span), message)
    }

    /// A finding of any severity, with or without a place.
    pub fn new(
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            label: span.map(|span| (span, String::new())),
            hints: Vec::new(),
        }
    }

    /// Sets the text at the caret.
    #[must_use]
    pub fn labelled(mut self, text: impl Into<String>) -> Self {
        if let Some((_, label)) = &mut self.label {
            *label = text.into();
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
}

/// Control characters, line separators, and marks that change the direction of text or cannot be seen.
pub(crate) fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Makes foreign text, such as a file name, safe to show within a line.
pub(crate) fn printable_name(name: &str) -> String {
    printable(name).replace('\n', "\\n").replace('\t', "\\t")
}

/// Makes foreign text safe to show: lines and tabs stay, and nothing acts on a terminal.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| {
        if is_odd(c) && !matches!(c, '\n' | '\t') { c.escape_default().collect() } else { vec![c] }
    };
    text.chars().flat_map(shown).collect()
}

/// Whether any finding is an error.
pub fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_printable() {
        let name = "a\u{1b}[31m\u{202e}b\nc\u{ad}\u{61c}\u{2060}\td.toml";
        let shown = printable_name(name);
        assert_eq!(shown, r"a\u{1b}[31m\u{202e}b\nc\u{ad}\u{61c}\u{2060}\td.toml");
        let source = Source { name: name.to_owned(), text: "x".to_owned() };
        let text = render_text(&[Diagnostic::error("x", 0..1, "wrong")], &source, true);
        assert!(
            text.contains(&shown) && !text.contains('\u{202e}') && !text.contains("\u{1b}[31m\u{202e}"),
            "{text:?}"
        );
    }
}
