//! `[tables]`: lookup tables of the user.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Scalar, Spot};

/// A lookup table by its name, as in `[tables.vip]`. Postfix reads it wherever a value has `table:vip`: in
/// `[restrictions]`, `[main-cf]`, and the options of `[services]`. It has `rows`, a `file` or a `text`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TableSection {
    /// Type of the table: `indexed`, `regexp`, `pcre`, `cidr` or `inline`.
    ///
    /// `indexed` has exact keys, and the host compiles it. `regexp` and `pcre` have patterns, `cidr` has networks, and
    /// their first match wins. `inline` is written into main.cf, where Postfix expands `$name` in it. `pcre` adds the
    /// package of Postfix for these tables to the dependencies.
    #[schemars(extend(
        "default" = "indexed",
        "examples" = ["inline"],
        "x-since" = "0.2.0",
        "x-with" = "tables.vip.rows = { 'info@acme.example' = 'OK' }",
    ))]
    pub(crate) r#type: Option<Spot<TableType>>,
    /// Keys and results: `"info@acme.example" = "OK"`.
    ///
    /// A key of a `regexp` or `pcre` table is a pattern without delimiters, which ignores case.
    #[schemars(extend(
        "examples" = [{"info@acme.example": "OK"}],
        "x-since" = "0.2.0",
        "x-with" = "tables.vip = {}",
    ))]
    pub(crate) rows: Option<Entries<Scalar>>,
    /// File with the lines of the table in the format of Postfix, relative to the folder of the spec.
    ///
    /// The lines become a part of the package.
    #[schemars(extend("x-since" = "0.2.0"))]
    pub(crate) file: Option<Spot<String>>,
    /// Lines of the table in the format of Postfix, as in a file.
    #[schemars(extend(
        "examples" = ["info@acme.example OK\nsales@acme.example OK\n"],
        "x-since" = "0.2.0",
        "x-with" = "tables.vip = {}",
    ))]
    pub(crate) text: Option<Spot<String>>,
}

/// Type of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TableType {
    Indexed,
    Regexp,
    Pcre,
    Cidr,
    Inline,
}
