//! Parameters as a person writes them.

use crate::diag::Span;

/// A Postfix parameter that the spec sets by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in postconf(5).
    pub name: String,
    /// Its value.
    pub value: String,
    /// Place of the name in the spec.
    pub name_span: Span,
    /// Place of the value in the spec.
    pub value_span: Span,
}
