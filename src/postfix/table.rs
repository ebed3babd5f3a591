//! Lookup tables: sources for postmap(1) and postalias(1), regexp and cidr tables, and tables written into
//! main.cf itself (`inline:`). Every writer refuses what Postfix would read as something else.

use std::fmt;

use super::main_cf::comment;
use super::network::Network;
use super::value::{Value, ValueError, braces_balance, check_line, is_blank};

/// Why a line cannot be in a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The text would break the line.
    #[error("`{0}`: {1}")]
    Line(String, ValueError),
    /// Nothing there.
    #[error("a table entry needs a key and a result: `{0}`")]
    Empty(String),
    /// The text means something else to Postfix.
    #[error("`{text}` cannot be {role}: {why}")]
    Unfit {
        /// The text.
        text: String,
        /// The intended kind.
        role: &'static str,
        /// Why it cannot be that.
        why: &'static str,
    },
    /// Postfix would warn and take one of them.
    #[error("`{0}` is in the table twice")]
    Duplicate(String),
}

fn line(text: &str) -> Result<&str, TableError> {
    match check_line(text) {
        // `#` starts a comment only at the start of a table line.
        Err(ValueError::Comment) if !text.starts_with('#') => Ok(text),
        Err(error) => Err(TableError::Line(text.escape_debug().to_string(), error)),
        Ok(()) if text.is_empty() => Err(TableError::Empty(text.to_owned())),
        Ok(()) => Ok(text),
    }
}

fn unfit(text: &str, role: &'static str, why: &'static str) -> TableError {
    TableError::Unfit { text: text.to_owned(), role, why }
}

/// Common part of all tables: entries in order, after a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lines {
    title: String,
    /// The key that must not come twice, and the line.
    entries: Vec<(String, String)>,
}

impl Lines {
    fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), entries: Vec::new() }
    }

    fn push(&mut self, key: String, line: String) -> Result<(), TableError> {
        if self.entries.iter().any(|(known, _)| *known == key) {
            return Err(TableError::Duplicate(key));
        }
        self.entries.push((key, line));
        Ok(())
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&comment(&self.title))?;
        self.entries.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))
    }
}

/// Defines a kind of table around [`Lines`].
macro_rules! table {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(Lines);

        impl $name {
            /// An empty table; the title becomes a comment.
            pub fn new(title: impl Into<String>) -> Self {
                Self(Lines::new(title))
            }

            /// Whether nothing is in it.
            pub fn is_empty(&self) -> bool {
                self.0.entries.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

table! {
    /// The source of an indexed table, or a `texthash:` table: `key value` lines.
    Lookup
}

impl Lookup {
    /// Adds an entry. Postfix looks keys up in lower case.
    ///
    /// # Errors
    /// If Postfix would read another key or result.
    pub fn insert(&mut self, key: &str, result: &str) -> Result<(), TableError> {
        let (key, result) = (line(key)?, line(result)?);
        let mut quoted = false;
        for c in key.chars() {
            match c {
                '"' => quoted = !quoted,
                '\\' => return Err(unfit(key, "a key", "`\\` quotes the character after it")),
                c if is_blank(c) && !quoted => return Err(unfit(key, "a key", "the key ends at the blank")),
                _ => {}
            }
        }
        if quoted {
            return Err(unfit(key, "a key", "a `\"` is not closed"));
        }
        if key.ends_with(':') {
            return Err(unfit(key, "a key", "it looks like the name of an alias"));
        }
        self.0.push(key.to_lowercase(), format!("{key} {result}"))
    }
}

table! {
    /// A `regexp:` table: POSIX extended regular expressions, the first match wins, letters match in both cases.
    Regexp
}

impl Regexp {
    /// Adds a rule. In the result `$1` stands for what the first parentheses matched, `$$` for a dollar sign.
    ///
    /// # Errors
    /// If Postfix would read another pattern or result.
    pub fn push(&mut self, pattern: &str, result: &str) -> Result<(), TableError> {
        self.rule("", pattern, result)
    }

    /// Adds a rule for what the pattern does not match; the result has no groups.
    ///
    /// # Errors
    /// As [`Regexp::push`].
    pub fn push_unless(&mut self, pattern: &str, result: &str) -> Result<(), TableError> {
        self.rule("!", pattern, result)
    }

    fn rule(&mut self, negation: &str, pattern: &str, result: &str) -> Result<(), TableError> {
        let (pattern, result) = (line(pattern)?, line(result)?);
        if pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
            return Err(unfit(pattern, "a pattern", "it ends with `\\`"));
        }
        let delimiter = ['/', '%', '~', ';', ',', '@', '"', '&']
            .into_iter()
            .find(|delimiter| !pattern.contains(*delimiter))
            .ok_or_else(|| unfit(pattern, "a pattern", "no delimiter is left that it does not hold"))?;
        let mut rest = result;
        while let Some(at) = rest.find('$') {
            let after = rest[at + 1..].trim_start_matches(['{', '(']);
            if !after.starts_with(|c: char| c == '$' || c.is_ascii_digit()) {
                return Err(unfit(result, "a result", "`$` must be followed by a number, or be doubled"));
            }
            rest = &after[1..];
        }
        let rule = format!("{negation}{delimiter}{pattern}{delimiter} {result}");
        self.0.push(rule.clone(), rule)
    }

    /// A pattern that matches `text` and nothing else.
    pub fn escape(text: &str) -> String {
        let mut pattern = String::with_capacity(text.len());
        for c in text.chars() {
            if r"\.[]{}()*+?^$|".contains(c) {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern
    }
}

table! {
    /// A `cidr:` table: networks, the first match wins.
    Cidr
}

impl Cidr {
    /// Adds a network.
    ///
    /// # Errors
    /// If the result would break the line, or the network already exists.
    pub fn push(&mut self, network: &Network, result: &str) -> Result<(), TableError> {
        let pattern = network.cidr();
        let rule = format!("{pattern} {}", line(result)?);
        self.0.push(pattern, rule)
    }
}

table! {
    /// An aliases file: the source for postalias(1), in the format of sendmail.
    Aliases
}

impl Aliases {
    /// Adds a local name that stands for addresses or other local names. Commands, files and `:include:` are
    /// refused: a package has no business to run programs on incoming mail.
    ///
    /// # Errors
    /// If Postfix would read another name or other targets.
    pub fn insert<'a>(
        &mut self,
        name: &str,
        targets: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), TableError> {
        let name = line(name)?;
        if name.contains(['@', '%']) {
            return Err(unfit(name, "an alias", "aliases have no domain"));
        }
        let targets = targets.into_iter().map(alias_target).collect::<Result<Vec<_>, _>>()?;
        if targets.is_empty() {
            return Err(TableError::Empty(name.to_owned()));
        }
        let written = if name.chars().all(is_atom) {
            name.to_owned()
        } else {
            format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\""))
        };
        self.0.push(name.to_lowercase(), format!("{written}: {}", targets.join(", ")))
    }
}

/// Characters that need no quotes in an address (RFC 5322 atom, and the dot), without `#` and `|`.
fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || "!$&'*+-/=?^_`{}~.".contains(c)
}

fn alias_target(target: &str) -> Result<&str, TableError> {
    let target = line(target)?;
    let why = match target.chars().next() {
        Some('|') => Some("it is a command"),
        Some('/') => Some("it is a file"),
        Some(':') => Some("it includes a file"),
        _ => None,
    };
    if let Some(why) = why {
        return Err(unfit(target, "the target of an alias", why));
    }
    let mut quoted = false;
    let mut escaped = false;
    for c in target.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if quoted || is_atom(c) || matches!(c, '@' | '[' | ']') => {}
            _ => return Err(unfit(target, "the target of an alias", "it is not one plain address")),
        }
    }
    if quoted || target.starts_with('"') && !target.contains('@') {
        return Err(unfit(target, "the target of an alias", "it is not one plain address"));
    }
    Ok(target)
}

/// A table inside of main.cf, `inline:{ {key = result}, ... }`: no file, no postmap, and `$name` works in it.
///
/// # Errors
/// If Postfix would read another key or result.
pub fn inline<'a>(entries: impl IntoIterator<Item = (&'a Value, &'a Value)>) -> Result<Value, TableError> {
    let mut keys: Vec<&str> = Vec::new();
    let mut rules = Vec::new();
    for (key, result) in entries {
        let (key, result) = (key.as_str(), result.as_str());
        if key.is_empty() || result.is_empty() {
            return Err(TableError::Empty(format!("{key} = {result}")));
        }
        if key.contains(|c| is_blank(c) || matches!(c, '=' | '"' | '\\')) {
            return Err(unfit(key, "a key of an inline table", "blanks, `=`, `\"` and `\\` end or quote it"));
        }
        for text in [key, result] {
            if !braces_balance(text) {
                return Err(unfit(text, "in an inline table", "its braces do not balance"));
            }
        }
        if keys.contains(&key) {
            return Err(TableError::Duplicate(key.to_owned()));
        }
        keys.push(key);
        rules.push(format!("{{{key} = {result}}}"));
    }
    if rules.is_empty() {
        return Err(TableError::Empty("inline:{}".to_owned()));
    }
    let text = format!("inline:{{ {} }}", rules.join(", "));
    Value::expression(&text).map_err(|error| TableError::Line(text, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lookup() {
        let mut table = Lookup::new("Where mail goes");
        table.insert("[smtp.example.net]:587", "user:pass word # 1").unwrap();
        table.insert("\"john doe\"@example.com", "john@example.net").unwrap();
        assert_eq!(
            table.to_string(),
            "# Where mail goes\n[smtp.example.net]:587 user:pass word # 1\n\
             \"john doe\"@example.com john@example.net\n"
        );
        for (key, result) in [
            ("a b", "c"),
            ("a\\", "c"),
            ("\"a", "c"),
            ("a:", "c"),
            ("#a", "c"),
            (" a", "c"),
            ("", "c"),
            ("a", ""),
            ("a", "b\nc d"),
            ("a", " b"),
        ] {
            assert!(table.insert(key, result).is_err(), "{key:?} {result:?}");
        }
        assert_eq!(
            table.insert("[SMTP.example.net]:587", "x"),
            Err(TableError::Duplicate("[smtp.example.net]:587".to_owned()))
        );
    }

    #[test]
    fn regexp() {
        let mut table = Regexp::new("Headers");
        table.push("^Received:.*\\[127\\.", "IGNORE").unwrap();
        table.push("^X-Mailer: a/b #", "REPLACE X-Mailer: $$1 ${1}").unwrap();
        table.push(&format!("^{}$", Regexp::escape("a.b+c[d]/{e}")), "REJECT").unwrap();
        assert_eq!(
            table.to_string(),
            "# Headers\n/^Received:.*\\[127\\./ IGNORE\n%^X-Mailer: a/b #% REPLACE X-Mailer: $$1 ${1}\n\
             %^a\\.b\\+c\\[d\\]/\\{e\\}$% REJECT\n"
        );
        for (pattern, result) in
            [("a\\", "x"), ("/%~;,@\"&", "x"), ("a", "$x"), ("a", "$"), ("a\nb", "x"), ("", "x")]
        {
            assert!(table.push(pattern, result).is_err(), "{pattern:?} {result:?}");
        }
    }

    #[test]
    fn cidr() {
        let mut table = Cidr::new("");
        table.push(&"[2001:db8::]/32".parse().unwrap(), "REJECT").unwrap();
        table.push(&"10.0.0.0/8".parse().unwrap(), "OK").unwrap();
        assert_eq!(table.to_string(), "2001:db8::/32 REJECT\n10.0.0.0/8 OK\n");
        assert!(table.push(&"10.0.0.0/8".parse().unwrap(), "REJECT").is_err());
    }

    #[test]
    fn aliases() {
        let mut table = Aliases::new("Local names");
        table.insert("root", ["ops@acme.example", "\"a, b\"@acme.example"]).unwrap();
        table.insert("www-data", ["root"]).unwrap();
        table.insert("a \"b\"", ["root"]).unwrap();
        assert_eq!(
            table.to_string(),
            "# Local names\nroot: ops@acme.example, \"a, b\"@acme.example\nwww-data: root\n\"a \\\"b\\\"\": root\n"
        );
        for target in
            ["|cmd", "/file", ":include:/x", "a b", "a, b", "\"|cmd\"", "a\nroot: b", "<a@b>", "#a", ""]
        {
            assert!(table.insert("x", [target]).is_err(), "{target:?}");
        }
        assert!(table.insert("x@y", ["z"]).is_err());
        assert!(table.insert("x", []).is_err());
        assert!(table.insert("ROOT", ["z"]).is_err());
    }

    #[test]
    fn inline_tables() {
        let value = |text| Value::expression(text).unwrap();
        let pairs = [
            (value("@$myhostname"), value("$relay_root_mail_to")),
            (value("@acme.example"), value("a@x, b@y")),
        ];
        assert_eq!(
            inline(pairs.iter().map(|(key, result)| (key, result))).unwrap().as_str(),
            "inline:{ {@$myhostname = $relay_root_mail_to}, {@acme.example = a@x, b@y} }"
        );
        for (key, result) in [("a b", "c"), ("a=b", "c"), ("a{", "c"), ("a", "}{"), ("a", ""), ("", "c")] {
            assert!(inline([(&value(key), &value(result))]).is_err(), "{key:?} {result:?}");
        }
        assert!(inline([]).is_err());
    }

    proptest! {
        #[test]
        fn one_entry_is_one_line(key in "[ -~\n\té]{1,20}", result in "[ -~\n\té]{1,20}") {
            let mut lookup = Lookup::default();
            let mut regexp = Regexp::default();
            let mut aliases = Aliases::default();
            let texts = [
                lookup.insert(&key, &result).map(|()| lookup.to_string()),
                regexp.push(&key, &result).map(|()| regexp.to_string()),
                aliases.insert(&key, [result.as_str()]).map(|()| aliases.to_string()),
            ];
            for text in texts.into_iter().flatten() {
                prop_assert_eq!(text.lines().count(), 1);
                prop_assert!(!text.starts_with(['#', ' ', '\t']));
            }
        }
    }
}
