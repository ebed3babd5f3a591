//! Lookup tables of the user.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use crate::postfix::Network;
use crate::postfix::table::{Cidr, Lookup, Regexp, TableError};

/// A lookup table of the user. Values refer to it as `table:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTable {
    /// Lower-case letters, digits, `_` and `-`.
    pub name: String,
    /// How Postfix reads it.
    pub kind: TableKind,
    /// Its content.
    pub rows: Rows,
}

/// How Postfix reads a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Exact keys, compiled on the host.
    Indexed,
    /// POSIX extended regular expressions.
    Regexp,
    /// Perl-compatible regular expressions.
    Pcre,
    /// Networks.
    Cidr,
    /// Exact keys in main.cf itself.
    Inline,
}

impl TableKind {
    /// The source of a table with these keys and results; the title becomes a comment.
    ///
    /// # Errors
    /// If Postfix would read another key or result.
    pub fn source<'a>(
        self,
        title: &str,
        rows: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<String, TableError> {
        let mut rows = rows.into_iter();
        match self {
            Self::Indexed | Self::Inline => {
                let mut lines = Lookup::new(title);
                rows.try_for_each(|(key, result)| lines.insert(key, result))?;
                Ok(lines.to_string())
            }
            Self::Regexp | Self::Pcre => {
                let mut lines = Regexp::new(title);
                rows.try_for_each(|(key, result)| lines.push(key, result))?;
                Ok(lines.to_string())
            }
            Self::Cidr => {
                let mut lines = Cidr::new(title);
                rows.try_for_each(|(key, result)| lines.push(&network(key)?, result))?;
                Ok(lines.to_string())
            }
        }
    }
}

fn network(text: &str) -> Result<Network, TableError> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| TableError::Unfit {
        text: text.to_owned(),
        role: "a key of a cidr table",
        why: "it is not a network",
    })?;
    Ok(Network::containing(network.addr(), network.prefix_len()))
}

/// Content of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Keys and results.
    Entries(Vec<(String, String)>),
    /// Lines in the format of Postfix.
    Text(String),
}

/// Prefix of a reference to a table.
const PREFIX: &str = "table:";

/// The references in a value, `table:NAME`: the place of each, and the name.
pub fn table_references(value: &str) -> Vec<(Range<usize>, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let begins = |at: &usize| !value[..*at].ends_with(|c: char| is_name(c) || matches!(c, '.' | '/' | '$'));
    let starts = value.match_indices(PREFIX).map(|(at, _)| at).filter(begins);
    let reference = |at: usize| {
        let rest = &value[at + PREFIX.len()..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        (at..at + PREFIX.len() + end, &rest[..end])
    };
    starts.map(reference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stand_where_a_table_can() {
        for (value, names) in [
            ("table:vip", &["vip"][..]),
            ("check_helo_access table:helo, reject", &["helo"]),
            ("unionmap:{table:a, table:b-2}", &["a", "b-2"]),
            ("proxy:table:a", &["a"]),
            ("!table:a", &["a"]),
            ("texttable:a inline:{x=y} /table:a $table:a", &[]),
            ("table:", &[""]),
        ] {
            let found: Vec<&str> = table_references(value).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names, "{value}");
        }
        assert_eq!(table_references("a table:x, b")[0].0, 2..9);
    }
}
