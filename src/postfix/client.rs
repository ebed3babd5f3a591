//! Files that say how Postfix asks a server for entries: mysql_table(5), pgsql_table(5).

use std::fmt;

use super::main_cf::comment;
use super::table::TableError;

/// Such a file: `name = value` lines. Postfix takes a value as it is, with neither quotes nor `$`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    title: String,
    lines: Vec<(String, String)>,
}

impl Client {
    /// An empty file; the title becomes a comment.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new() }
    }

    /// Adds a setting.
    ///
    /// # Errors
    /// If the value would end its line, or Postfix would take blanks at its ends away.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), TableError> {
        if value.is_empty() {
            return Err(TableError::Empty(name.to_owned()));
        }
        if value.chars().any(char::is_control) || value.trim() != value {
            return Err(TableError::Unfit {
                text: value.to_owned(),
                role: "a setting",
                why: "it would not stay as it is on one line",
            });
        }
        self.lines.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&comment(&self.title))?;
        self.lines.iter().try_for_each(|(name, value)| writeln!(f, "{name} = {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        let mut file = Client::new("Whom it asks.");
        file.set("query", "SELECT goto FROM alias WHERE address = '%s'").unwrap();
        assert_eq!(
            file.to_string(),
            "# Whom it asks.\nquery = SELECT goto FROM alias WHERE address = '%s'\n"
        );
        for value in ["", "a\nhosts = evil", "a\r", " a", "a ", "a\0"] {
            assert!(file.set("query", value).is_err(), "{value:?}");
        }
    }
}
