//! systemd units and drop-ins: their grammar, and the sandbox profiles.

mod hardening;

pub use hardening::{apply_sandbox, metrics_sandbox, sandbox};

static DIRECTIVES: &str = include_str!("../../pkg/systemd/directives.txt");

/// The directives of [Service] that some supported systemd knows.
pub fn directives() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.lines().filter(|line| !line.starts_with('#'))
}

use std::fmt::Write as _;

/// A unit file or drop-in: sections with directives, in order. Written by [`UnitFile::render`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFile {
    comment: Vec<String>,
    sections: Vec<(String, Vec<Line>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Comment(String),
    Directive(String, String),
}

/// The drop-in for a service that listens on addresses of the network and does not start without them. See
/// systemd.special(7), network-online.target.
pub fn after_network() -> UnitFile {
    let mut unit = UnitFile::with_comment(["Postfix listens on addresses that the host must have first."]);
    unit.section("Unit").set("Wants", "network-online.target").set("After", "network-online.target");
    unit
}

/// The drop-in for a service that works with others. They start before it, if they exist on the host, and it does not stop
/// with them. With `BindsTo=` or `Requires=`, a restart of a database would stop the queue.
pub fn beside(units: &[String]) -> UnitFile {
    let mut unit = UnitFile::with_comment(["Postfix works with these, and keeps running without them."]);
    let names = units.join(" ");
    unit.section("Unit").set("Wants", names.clone()).set("After", names);
    unit
}

/// Why a directive cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectiveError {
    /// The name is no directive name.
    #[error("`{0}` is not a systemd directive name: it is letters and digits only")]
    Name(String),
    /// The value would end its line or continue on the next one.
    #[error("the value of `{0}` holds a line break, another control character, or ends with a backslash")]
    Value(String),
}

/// Checks that a directive stays on its own line, see systemd.syntax(7).
///
/// # Errors
/// The name is empty or holds anything but ASCII letters and digits; the value holds control characters or
/// ends with a backslash, which would continue the line.
pub fn check_directive(name: &str, value: &str) -> Result<(), DirectiveError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(DirectiveError::Name(name.to_owned()));
    }
    if value.chars().any(char::is_control) || value.ends_with('\\') {
        return Err(DirectiveError::Value(name.to_owned()));
    }
    Ok(())
}

impl UnitFile {
    /// An empty file that starts with these comment lines.
    pub fn with_comment<S: Into<String>>(lines: impl IntoIterator<Item = S>) -> Self {
        Self { comment: lines.into_iter().map(Into::into).collect(), sections: Vec::new() }
    }

    /// Opens a section; directives that follow belong to it.
    pub fn section(&mut self, name: &str) -> &mut Self {
        self.sections.push((name.to_owned(), Vec::new()));
        self
    }

    /// Adds a comment line to the open section.
    pub fn note(&mut self, text: &str) -> &mut Self {
        self.push(Line::Comment(text.to_owned()))
    }

    /// Adds a directive to the open section. The value must have passed [`check_directive`].
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        let value = value.into();
        debug_assert_eq!(check_directive(name, &value), Ok(()));
        self.push(Line::Directive(name.to_owned(), value))
    }

    fn push(&mut self, line: Line) -> &mut Self {
        if self.sections.is_empty() {
            self.section("Unit");
        }
        if let Some((_, lines)) = self.sections.last_mut() {
            lines.push(line);
        }
        self
    }

    /// The text of the file.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for line in &self.comment {
            let _ = writeln!(text, "# {line}");
        }
        for (name, lines) in &self.sections {
            if !text.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "[{name}]");
            for line in lines {
                let _ = match line {
                    Line::Comment(comment) => writeln!(text, "# {comment}"),
                    Line::Directive(name, value) => writeln!(text, "{name}={value}"),
                };
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_line() {
        assert!(check_directive("Nice", "5").is_ok());
        assert!(check_directive("Nice", "").is_ok());
        for value in ["5\nExecStart=/bin/sh", "5\r", "5\\", "a\0b"] {
            assert_eq!(check_directive("Nice", value), Err(DirectiveError::Value("Nice".into())));
        }
        for name in ["", "Exec Start", "Nice=1\n", "[Service]"] {
            assert!(matches!(check_directive(name, "x"), Err(DirectiveError::Name(_))), "{name}");
        }
    }

    #[test]
    fn sections_and_comments_render_in_order() {
        let mut unit = UnitFile::with_comment(["why"]);
        unit.section("Unit").set("After", "a.service").section("Service").note("reset").set("Nice", "");
        assert_eq!(unit.render(), "# why\n\n[Unit]\nAfter=a.service\n\n[Service]\n# reset\nNice=\n");
    }
}
