//! How a verb can fail, and which exit code that is.

use std::process::ExitCode;

/// Why a verb stopped.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// One sentence; empty if everything was already said as diagnostics.
    pub(super) message: String,
    /// What to do, each a sentence.
    pub(super) hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What we were given is wrong; nothing was written.
    Input,
    /// What we were given may be right, but something failed.
    Failed,
    /// Nobody reads our output any more: no failure of ours.
    BrokenPipe,
}

impl Failure {
    /// The input is wrong.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self { kind: Kind::Input, message: message.into(), hints: Vec::new() }
    }

    /// The input is wrong, and the diagnostics have said how.
    pub(super) fn already_said() -> Self {
        Self::input("")
    }

    /// Something failed that is not the input's fault.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// The exit code of the process.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Input => ExitCode::from(2),
            Kind::Failed => ExitCode::FAILURE,
            Kind::BrokenPipe => ExitCode::SUCCESS,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let kind =
            if error.kind() == std::io::ErrorKind::BrokenPipe { Kind::BrokenPipe } else { Kind::Failed };
        let message = if kind == Kind::BrokenPipe { String::new() } else { format!("{error}") };
        Self { kind, message, hints: Vec::new() }
    }
}
