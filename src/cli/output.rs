//! The two streams of the process: results on standard output, messages on standard error.

use std::io::{IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::error::Failure;
use crate::diag::{Diagnostic, Severity, Source, printable, printable_name};
use crate::fleet::Refused;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Standard output and standard error, with the user's choice of colour and verbosity.
#[derive(Debug)]
pub(super) struct Terminal {
    quiet: bool,
}

const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::BrightCyan.on_default().bold();
const DONE: Style = AnsiColor::BrightGreen.on_default().bold();
const FAINT: Style = Style::new().dimmed();

impl Terminal {
    pub(super) fn new(quiet: bool, color: ColorChoice) -> Self {
        match color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Self { quiet }
    }

    /// Whether a progress bar makes sense.
    pub(super) fn is_interactive(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Whether the user wants to see errors only.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes a result.
    #[expect(clippy::unused_self, reason = "the writer locks the terminal")]
    pub(super) fn result(&mut self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        let written = [text, end].iter().try_for_each(|part| out.write_all(part.as_bytes()));
        written.and_then(|()| out.flush()).map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => error.into(),
            _ => Failure::failed(format!("standard output: {error}")),
        })
    }

    /// Writes a result as JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.result(&text)
    }

    /// Reports that something was done; silent with `--quiet`.
    pub(super) fn done(&mut self, verb: &str, object: &str, detail: &str) {
        if !self.quiet {
            let mut err = anstream::stderr().lock();
            // The text may contain a file name of another user.
            let object = printable_name(object);
            let _ = writeln!(err, "{DONE}{verb:>9}{DONE:#} {object} {FAINT}{detail}{FAINT:#}");
        }
    }

    /// Shows diagnostics; with `--quiet` only errors.
    pub(super) fn diagnostics(&mut self, findings: &[Diagnostic], source: &Source) {
        let shown: Vec<Diagnostic> = findings
            .iter()
            .filter(|finding| !self.quiet || finding.severity == Severity::Error)
            .cloned()
            .collect();
        if !shown.is_empty() {
            // Rendered with colour; the stream removes it if it is not wanted.
            let text = crate::diag::render_text(&shown, source, true);
            let _ = writeln!(anstream::stderr().lock(), "{}", text.trim_end());
        }
    }

    /// Shows diagnostics of several files.
    pub(super) fn findings(&mut self, found: &Refused) {
        for (source, findings) in found {
            self.diagnostics(findings, source);
        }
    }

    /// Warns about an event, with hints.
    pub(super) fn warn(&mut self, message: &str, hint: &str) {
        if !self.quiet {
            let mut err = anstream::stderr().lock();
            let _ = writeln!(err, "{WARNING}warning{WARNING:#}: {}", printable(message));
            let _ = writeln!(err, "{HINT}hint{HINT:#}: {hint}");
        }
    }

    /// Shows a message in addition to the result; silent with `--quiet`.
    pub(super) fn note(&mut self, text: &str) {
        if !self.quiet {
            let _ = anstream::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Shows a finding at a place in a file of another user.
    pub(super) fn fault(&mut self, place: &str, message: &str, hint: &str, fatal: bool) {
        if self.quiet && !fatal {
            return;
        }
        let mut err = anstream::stderr().lock();
        let (style, word) = if fatal { (ERROR, "error") } else { (WARNING, "warning") };
        let _ = writeln!(err, "{style}{word}{style:#}: {}: {}", printable(place), printable(message));
        if !hint.is_empty() {
            let _ = writeln!(err, "{HINT}hint{HINT:#}: {}", printable(hint));
        }
    }

    /// Reports why a verb stopped.
    #[expect(clippy::unused_self, reason = "the writer locks the terminal")]
    pub(super) fn failure(&mut self, failure: &Failure) {
        let mut err = anstream::stderr().lock();
        if !failure.message.is_empty() {
            // The text may quote a damaged package.
            let _ = writeln!(err, "{ERROR}error{ERROR:#}: {}", printable(&failure.message));
        }
        for hint in &failure.hints {
            let _ = writeln!(err, "{HINT}hint{HINT:#}: {hint}");
        }
    }
}

/// Formats rows in columns, two blanks apart, with the headings first.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = line(&mut headings.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A human-readable size.
pub(super) fn human_size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let size = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", size / 1e3),
        _ => format!("{:.1} MB", size / 1e6),
    }
}
