//! Parameters as a person writes them.

use crate::diag::Span;

/// A parameter that a person set by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in postconf(5).
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where the name is in the spec.
    pub name_span: Span,
    /// Where the value is in the spec.
    pub value_span: Span,
}
