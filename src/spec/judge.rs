//! Shared by all checks of sections: the list of findings, and reading of values.

use super::values::Fault;
use crate::diag::{Diagnostic, Severity, Span};
use crate::keys::spot::{Many, Spot};

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Judge {
    pub(super) findings: Vec<Diagnostic>,
    /// Paths of keys that an earlier step removed, which must not be reported as missing.
    pub(super) removed: Vec<String>,
}

impl Judge {
    pub(super) fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Reads a text; `what` ends the sentence "it must be ...".
    pub(super) fn read<T>(
        &mut self,
        code: &'static str,
        path: &str,
        what: &str,
        spot: &Spot<String>,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        match parse(spot.as_str()) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(code, path, what, spot.span.clone(), fault);
                None
            }
        }
    }

    /// [`Self::read`] for an optional value.
    pub(super) fn read_if<T>(
        &mut self,
        code: &'static str,
        path: &str,
        what: &str,
        spot: Option<&Spot<String>>,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        self.read(code, path, what, spot?, parse)
    }

    /// [`Self::read_if`] for values that may be numbers.
    pub(super) fn read_scalar<T, S: AsRef<str>>(
        &mut self,
        code: &'static str,
        path: &str,
        what: &str,
        spot: Option<&Spot<S>>,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Spot<T>> {
        let spot = spot?;
        let text = Spot::new(spot.value.as_ref().to_owned(), spot.span.clone());
        let value = self.read(code, path, what, &text, parse)?;
        Some(Spot::new(value, spot.span.clone()))
    }

    /// Reads every item of a list. Returns the valid ones with their places.
    pub(super) fn read_all<T>(
        &mut self,
        code: &'static str,
        path: &str,
        what: &str,
        list: Option<&Many<String>>,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<Spot<T>> {
        let items = list.map(|list| list.0.as_slice()).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some(Spot::new(self.read(code, path, what, item, &parse)?, item.span.clone())))
            .collect()
    }

    /// Reports a value as wrong.
    pub(super) fn refuse(&mut self, code: &'static str, path: &str, what: &str, span: Span, fault: Fault) {
        let finding = Diagnostic::error(code, span, format!("`{path}` must be {what}")).labelled(fault.why);
        self.report(match fault.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }

    /// Whether a key was removed because it, or all of its section, is wrong.
    pub(super) fn was_removed(&self, path: &str) -> bool {
        let mut parents = path.match_indices('.').map(|(at, _)| &path[..at]).chain(std::iter::once(path));
        parents.any(|path| self.removed.iter().any(|removed| removed == path))
    }

    /// Reports that a key is missing, unless it was removed because it is wrong.
    pub(super) fn missing(&mut self, path: &str, place: Option<&Span>, hint: &str) {
        if self.was_removed(path) {
            return;
        }
        let finding =
            Diagnostic::new(Severity::Error, "missing-key", place.cloned(), format!("`{path}` is missing"));
        self.report(finding.hint(hint));
    }
}
