//! The value of a parameter, proved to stay on its logical line.

/// A value in main.cf or in a `-o` override of master.cf.
///
/// Invariants: it has no line break, it does not start a comment, it has no blanks at its ends
/// (Postfix would drop them), and every `$` in it is either `$$` or the start of a well-formed reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    text: String,
    /// Where a long value may be broken: byte offsets of the blanks after list separators.
    breaks: Vec<usize>,
}

/// Why a text cannot be a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A line break, NUL or other control character.
    #[error("a value cannot hold the control character U+{:04X}", *.0 as u32)]
    Control(char),
    /// White space at the start or the end.
    #[error("Postfix drops blanks at the start and the end of a value")]
    Edge,
    /// `#` at the start of a word.
    #[error("`#` looks like a comment here: Postfix 3.10 warns about it, and all versions read it as text")]
    Comment,
    /// A `$` that starts nothing.
    #[error("`$` must be followed by a parameter name, or be doubled to stand for itself: `{0}`")]
    Reference(String),
    /// An item in braces that does not end with them.
    #[error("a brace at the start of `{0}` must be closed at its end: postconf(1) warns about anything else")]
    Braces(String),
    /// `${` or `$(` without its end.
    #[error("`{0}` is not closed")]
    Unclosed(String),
}

impl Value {
    /// A text that stands for itself: `$` is escaped.
    ///
    /// # Errors
    /// If Postfix would read something else than `text`.
    pub fn literal(text: &str) -> Result<Self, ValueError> {
        check_line(text)?;
        check_braces(text)?;
        Ok(Self { text: text.replace('$', "$$"), breaks: Vec::new() })
    }

    /// A text in Postfix's own notation: `$name`, `${name}`, `$(name)`, `${name?{text}:{text}}` are replaced
    /// by Postfix, `$$` is a dollar sign.
    ///
    /// # Errors
    /// If Postfix would read something else than `text`, or stop at a malformed reference.
    pub fn expression(text: &str) -> Result<Self, ValueError> {
        check_line(text)?;
        check_braces(text)?;
        references(text)?;
        Ok(Self { text: text.to_owned(), breaks: Vec::new() })
    }

    /// A list; a long one is written with one item on each line.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        let mut list = Self::default();
        for item in items.into_iter().filter(|item| !item.text.is_empty()) {
            if !list.text.is_empty() {
                list.text.push(',');
                list.breaks.push(list.text.len());
                list.text.push(' ');
            }
            list.text.push_str(&item.text);
        }
        list
    }

    /// A list in Postfix's own notation, as [`Value::expression`]; commas separate what [`Value::list`] takes as
    /// items.
    ///
    /// # Errors
    /// As [`Value::expression`].
    pub fn list_expression(text: &str) -> Result<Self, ValueError> {
        Self::expression(text)?;
        let items: Result<Vec<_>, _> =
            super::list::entries(text).iter().map(|item| Self::expression(item.text)).collect();
        Ok(Self::list(items?))
    }

    /// The text in main.cf, on one line.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nothing is there; in main.cf an empty value is a value.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The items of a list that was built by [`Value::list`]; any other value is one item.
    pub(super) fn items(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.breaks.iter().map(|at| at + 1));
        let ends = self.breaks.iter().copied().chain(std::iter::once(self.text.len()));
        starts.zip(ends).map(|(start, end)| &self.text[start..end])
    }

    /// The names of all parameters this value refers to.
    pub fn references(&self) -> Vec<&str> {
        references(&self.text).unwrap_or_default()
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self { text: if yes { "yes" } else { "no" }.to_owned(), breaks: Vec::new() }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self { text: number.to_string(), breaks: Vec::new() }
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        u64::from(number).into()
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// White space as Postfix sees it within a line.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The rules that hold for every text on a logical line of main.cf.
pub(super) fn check_line(text: &str) -> Result<(), ValueError> {
    if let Some(control) = text.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(ValueError::Control(control));
    }
    if text.starts_with(is_blank) || text.ends_with(is_blank) {
        return Err(ValueError::Edge);
    }
    let mut before = ' ';
    for c in text.chars() {
        if c == '#' && matches!(before, ' ' | '\t' | ',' | '{') {
            return Err(ValueError::Comment);
        }
        before = c;
    }
    Ok(())
}

/// postconf(1) takes every value for a list that may hold lookup tables, and warns where braces do not fit one.
fn check_braces(text: &str) -> Result<(), ValueError> {
    // Postfix expands references before it looks.
    for item in super::list::items(text).into_iter().filter(|item| !item.text.starts_with('$')) {
        // `type:{...}`, or `{...}` with a list inside.
        let (prefix, rest) = match item.text.split_once(':') {
            Some((kind, rest)) if !kind.starts_with('{') => (kind, rest),
            _ => ("", item.text),
        };
        if rest.starts_with('{') {
            if closing(rest, '{') != Some(rest.len() - 1) {
                return Err(ValueError::Braces(excerpt(item.text)));
            }
            // The inside of a table is not checked here.
            if prefix.is_empty() {
                check_braces(&rest[1..rest.len() - 1])?;
            }
        }
    }
    Ok(())
}

/// The names a text refers to; the texts of a conditional may refer to more.
pub(super) fn references(text: &str) -> Result<Vec<&str>, ValueError> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let dollar = &rest[at..];
        let after = &dollar[1..];
        rest = match after.chars().next() {
            Some('$') => &after[1..],
            Some(open @ ('{' | '(')) => {
                let end = closing(after, open).ok_or_else(|| ValueError::Unclosed(excerpt(dollar)))?;
                inner_references(&after[1..end], dollar, &mut names)?;
                &after[end + 1..]
            }
            _ => {
                let end = after.find(|c: char| !is_name_char(c)).unwrap_or(after.len());
                if end == 0 {
                    return Err(ValueError::Reference(excerpt(dollar)));
                }
                names.push(&after[..end]);
                &after[end..]
            }
        };
    }
    Ok(names)
}

/// The content of `${...}`: a name with `?text` or `:text`, or a comparison.
fn inner_references<'a>(inner: &'a str, whole: &str, names: &mut Vec<&'a str>) -> Result<(), ValueError> {
    let body = inner.trim_start_matches(is_blank);
    let name = &body[..body.find(|c: char| !is_name_char(c)).unwrap_or(body.len())];
    if name.is_empty() {
        // ${{$name} == {text} ? {text} : {text}}
        if !body.starts_with('{') {
            return Err(ValueError::Reference(excerpt(whole)));
        }
    } else {
        names.push(name);
        let rest = body[name.len()..].trim_start_matches(is_blank);
        if !(rest.is_empty() || rest.starts_with(['?', ':'])) {
            return Err(ValueError::Reference(excerpt(whole)));
        }
    }
    names.extend(references(&body[name.len()..])?);
    Ok(())
}

/// Offset of the bracket that closes the one at the start of `text`.
pub(crate) fn closing(text: &str, open: char) -> Option<usize> {
    let close = if open == '{' { '}' } else { ')' };
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Whether every `{` has its `}` after it.
pub(super) fn braces_balance(text: &str) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return false,
            '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Characters of a name after `$`.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(24) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_stands_for_itself() {
        assert_eq!(Value::literal("costs $5").unwrap().as_str(), "costs $$5");
        assert_eq!(Value::literal("a\nmynetworks = 0.0.0.0/0"), Err(ValueError::Control('\n')));
        assert_eq!(Value::literal("a\0"), Err(ValueError::Control('\0')));
        assert_eq!(Value::literal(" a"), Err(ValueError::Edge));
        assert_eq!(Value::literal("a\t"), Err(ValueError::Edge));
        assert_eq!(Value::literal("a # b"), Err(ValueError::Comment));
        assert_eq!(Value::literal("#b"), Err(ValueError::Comment));
        assert_eq!(Value::literal("a,#b"), Err(ValueError::Comment));
        assert_eq!(Value::literal("a#b").unwrap().as_str(), "a#b");
        assert_eq!(Value::literal("x {a}b"), Err(ValueError::Braces("{a}b".to_owned())));
        assert_eq!(Value::literal("x:{a"), Err(ValueError::Braces("x:{a".to_owned())));
        assert!(Value::literal("a{b }c, {d, e}").is_ok());
    }

    #[test]
    fn an_expression_is_well_formed() {
        let value = Value::expression("$a, ${b}/$(c) $$d ${e?{$f}:{g}} ${{$h} == {i} ? {$j} : {k}}").unwrap();
        assert_eq!(value.references(), ["a", "b", "c", "e", "f", "h", "j"]);
        for bad in ["$", "a $ b", "${a", "${}", "$(", "/^x$/", "${a b}"] {
            assert!(Value::expression(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_leaves_out_empty_items() {
        let items = ["a b", "", "c"].map(|item| Value::literal(item).unwrap());
        let list = Value::list(items);
        assert_eq!(list.as_str(), "a b, c");
        assert_eq!(list.items().collect::<Vec<_>>(), ["a b,", "c"]);
    }
}
