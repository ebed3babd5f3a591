//! A lookup table: name, how the host compiles it, text.

use std::borrow::Cow;

use super::PlanError;
use crate::package::Content;
use crate::postfix::table::TableError;

/// How `mail-relay apply` treats a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Patterns, read as text by Postfix.
    Regexp,
    /// Perl-compatible patterns, read as text by Postfix.
    Pcre,
    /// Networks, read as text by Postfix.
    Cidr,
    /// Compiled by postmap in the host's default type.
    Indexed,
    /// How to ask a database: it gets the login added, and only Postfix may read it.
    Database,
    /// For people; Postfix reads it nowhere.
    Text,
}

impl Kind {
    /// The word in the facts file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Regexp => "regexp",
            Self::Pcre => "pcre",
            Self::Cidr => "cidr",
            Self::Indexed => "indexed",
            Self::Database => "database",
            Self::Text => "text",
        }
    }
}

/// A table source, installed as `/etc/postfix/<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) text: Content,
}

/// A table as it was made, or why it cannot be written.
pub(super) fn table<T: ToString>(
    name: impl Into<Cow<'static, str>>,
    kind: Kind,
    made: Result<T, TableError>,
) -> Result<Table, PlanError> {
    let name = name.into();
    let made =
        made.map_err(|error| PlanError::Table { table: name.to_string(), reason: error.to_string() })?;
    Ok(Table { name, kind, text: made.to_string().into() })
}
