//! Failures of verbs, and their exit codes.

use std::process::ExitCode;

use crate::build::{BuildError, TreeError};
use crate::package::WriteError;
use crate::plan::PlanError;
use crate::template;

/// The reason why a verb stopped.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// One sentence; empty if diagnostics have reported everything.
    pub(super) message: String,
    /// Hints, each a sentence.
    pub(super) hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The input is wrong; nothing was written.
    Input,
    /// Something failed that is not the fault of the input.
    Failed,
    /// Two inputs differ, which is an answer and not a failure.
    Differs,
    /// The reader of the output has gone (EPIPE), which is not a failure.
    BrokenPipe,
}

impl Failure {
    /// The input is wrong.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self { kind: Kind::Input, message: message.into(), hints: Vec::new() }
    }

    /// The input is wrong, as the diagnostics have reported.
    pub(super) fn already_said() -> Self {
        Self::input("")
    }

    /// Something failed that is not the fault of the input.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into(), hints: Vec::new() }
    }

    /// The answer is "no": exit code 1, as for diff(1), without a message.
    pub(super) fn differs() -> Self {
        Self { kind: Kind::Differs, message: String::new(), hints: Vec::new() }
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
            Kind::Failed | Kind::Differs => ExitCode::FAILURE,
            Kind::BrokenPipe => ExitCode::SUCCESS,
        }
    }
}

/// A spec is checked before it is planned, so the cause of such an error is a template of the user.
impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Template(error) => error.into(),
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<template::Error> for Failure {
    fn from(error: template::Error) -> Self {
        let failure = Self::input(error.to_string());
        match error {
            template::Error::Refused { .. } => {
                failure.hint("templates change the layout of a file; change the content in the spec")
            }
            _ => failure,
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Collision(_) => Self::input(error.to_string())
                .hint("give each [package] a different name, or build into different folders"),
            BuildError::Unmade(_) => Self::input(error.to_string())
                .hint("build all of the fleet, or build the selected rows into a separate folder (-o DIR)"),
            BuildError::Write { error: WriteError::Template(error), .. } => error.into(),
            BuildError::Plan(error) => error.into(),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Occupied(_) => Self::input(error.to_string()),
            TreeError::Twice(_) => Self::input(error.to_string()).hint("select one of them with --only"),
            TreeError::Io(_) => Self::failed(error.to_string()),
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
