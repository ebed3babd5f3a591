use std::fmt;

/// Dependencies and conflicts of a package, by the package names of its format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// Must be there, and be configured first.
    pub depends: Vec<Relation>,
    /// Is installed unless the administrator says no. Formats without weak relations treat it as needed.
    pub recommends: Vec<Relation>,
    /// Is mentioned.
    pub suggests: Vec<Relation>,
    /// Must not be there.
    pub conflicts: Vec<Relation>,
    /// Names this package can stand for.
    pub provides: Vec<Relation>,
    /// Packages this one takes the place of.
    pub replaces: Vec<Relation>,
}

/// One relation: any of these packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Alternatives, the preferred one first; never empty.
    pub any_of: Vec<Requirement>,
}

/// A package name with an optional version constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The name.
    pub name: String,
    /// Operator (`<`, `<=`, `=`, `>=`, `>`) and version as the format writes it.
    pub constraint: Option<(String, String)>,
}

impl Relation {
    /// A relation to one package of any version.
    pub fn to(name: impl Into<String>) -> Self {
        Self { any_of: vec![Requirement { name: name.into(), constraint: None }] }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.any_of.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { " | " })?;
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.constraint {
            None => f.write_str(&self.name),
            Some((operator, version)) => write!(f, "{} {operator} {version}", self.name),
        }
    }
}

impl Requirement {
    /// Reads `postfix`, `postfix (>= 3.4)`, `postfix >= 3.4` or `postfix>=3.4`: one package, as any of the formats
    /// writes it. `None` if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_whitespace() || "<>=".contains(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || "+._-()/:@".contains(c)) {
            return None;
        }
        let rest = rest.trim();
        if rest.is_empty() {
            return Some(Self { name: name.to_owned(), constraint: None });
        }
        let rest = rest.strip_prefix('(').map_or(Some(rest), |inner| inner.strip_suffix(')'))?;
        let version = rest.trim_start_matches(['<', '>', '=']);
        let operator = match &rest[..rest.len() - version.len()] {
            "<<" | "<" => "<",
            ">>" | ">" => ">",
            "=" | "==" => "=",
            operator @ ("<=" | ">=") => operator,
            _ => return None,
        };
        let version = version.trim();
        let is_version = version.starts_with(|c: char| c.is_ascii_alphanumeric())
            && version.chars().all(|c| c.is_ascii_alphanumeric() || "+._-~^:".contains(c));
        is_version.then(|| Self {
            name: name.to_owned(),
            constraint: Some((operator.to_owned(), version.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_in_the_words_of_every_format() {
        let constraint = |text: &str| Requirement::parse(text).map(|read| (read.name, read.constraint));
        let at_least = Some(("postfix".to_owned(), Some((">=".to_owned(), "3.4".to_owned()))));
        for text in ["postfix (>= 3.4)", "postfix >= 3.4", "postfix>=3.4", " postfix  (>=3.4) "] {
            assert_eq!(constraint(text), at_least, "{text}");
        }
        assert_eq!(constraint("s-nail"), Some(("s-nail".into(), None)));
        assert_eq!(constraint("/usr/bin/mail"), Some(("/usr/bin/mail".into(), None)));
        assert_eq!(constraint("perl(Foo::Bar)"), Some(("perl(Foo::Bar)".into(), None)));
        assert_eq!(constraint("a (<< 1:2~3)").unwrap().1, Some(("<".into(), "1:2~3".into())));
        for text in
            ["", "a b", "a, b", "a (>= 1", "a ()", "a =>", "a >= 1\nb", "a <> 1", "-a", "a | b", "$(x)"]
        {
            assert_eq!(constraint(text), None, "{text}");
        }
    }
}
