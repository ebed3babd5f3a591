//! main.cf: an ordered document to write, and a reader that knows where everything stands.

use std::fmt::Write as _;

use super::value::{Value, is_blank};
use crate::diag::Span;

/// Lines longer than this are folded where the value allows it.
const WIDTH: usize = 90;
/// Continuation lines start with white space.
const INDENT: &str = "    ";

/// A main.cf to be written: sections of parameters, each parameter once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MainCf {
    sections: Vec<Section>,
}

/// Parameters under one heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The comment above; may have several lines.
    pub title: String,
    /// In the order of the file.
    pub parameters: Vec<Setting>,
}

/// `name = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The parameter.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// Why a parameter cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Postfix would use the last one and warn.
    #[error("`{0}` is set twice")]
    Duplicate(String),
    /// The text is not valid before `=`.
    #[error("`{0}` is no parameter name: letters, digits, `_`, `-` and `.` only")]
    Name(String),
}

impl MainCf {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a section.
    pub fn section(&mut self, title: impl Into<String>) {
        self.sections.push(Section { title: title.into(), parameters: Vec::new() });
    }

    /// Adds a parameter to the last section.
    ///
    /// # Errors
    /// If it already exists, or if the name is none.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), SetError> {
        if !is_name(name) {
            return Err(SetError::Name(name.to_owned()));
        }
        if self.get(name).is_some() {
            return Err(SetError::Duplicate(name.to_owned()));
        }
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        if let Some(section) = self.sections.last_mut() {
            section.parameters.push(Setting { name: name.to_owned(), value });
        }
        Ok(())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.sections.iter().flat_map(|section| &section.parameters)
    }

    /// The sections, for a template that lays them out.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether `text`, such as the output of a person's own template, sets exactly these parameters.
    ///
    /// # Errors
    /// With a sentence that names the first difference.
    pub fn verify(&self, text: &str) -> Result<(), String> {
        let (entries, errors) = parse(text);
        if let Some(error) = errors.first() {
            return Err(error.message.clone());
        }
        for entry in &entries {
            match self.get(&entry.name) {
                None => return Err(format!("sets `{}`, which the relay does not have", entry.name)),
                Some(value) if value.as_str() != entry.value => {
                    return Err(format!("`{}` is `{}` instead of `{value}`", entry.name, entry.value));
                }
                Some(_) => {}
            }
        }
        for setting in self.iter() {
            match entries.iter().filter(|entry| entry.name == setting.name).count() {
                1 => {}
                0 => return Err(format!("leaves out `{}`", setting.name)),
                _ => return Err(format!("sets `{}` twice", setting.name)),
            }
        }
        Ok(())
    }
}

impl Setting {
    /// The logical line without its end, folded if it is long.
    pub fn to_line(&self) -> String {
        let line = format!("{} = {}", self.name, self.value);
        if line.len() <= WIDTH || self.value.items().nth(1).is_none() {
            return line.trim_end().to_owned();
        }
        let items = self.value.items().map(|item| format!("\n{INDENT}{item}"));
        format!("{} ={}", self.name, items.collect::<String>())
    }
}

impl std::fmt::Display for MainCf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, section) in self.sections.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            f.write_str(&comment(&section.title))?;
            for setting in &section.parameters {
                writeln!(f, "{}", setting.to_line())?;
            }
        }
        Ok(())
    }
}

/// `text` with any content as comment lines.
pub fn comment(text: &str) -> String {
    text.lines()
        .map(|line| {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("# {line}").trim_end().to_owned() + "\n"
        })
        .collect()
}

/// Whether Postfix can read this before `=`. Names of per-transport parameters begin with a service name of
/// master.cf, which may hold `-` and `.`.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// A parameter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its value on one line: a line break with the blanks around it is one blank.
    pub value: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands, from its first to its last character.
    pub value_span: Span,
}

/// A line that is neither a comment nor `name = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// One sentence.
    pub message: String,
    /// Where.
    pub span: Span,
}

/// Reads a main.cf. Duplicate parameters are all there, in order: Postfix uses the last.
pub fn parse(text: &str) -> (Vec<Entry>, Vec<ParseError>) {
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    for line in logical_lines(text) {
        match entry(&line) {
            Ok(entry) => entries.push(entry),
            Err(error) => errors.push(error),
        }
    }
    (entries, errors)
}

fn entry(line: &LogicalLine) -> Result<Entry, ParseError> {
    if !line.starts_at_margin {
        let message = "this line continues nothing: a parameter starts at the left margin".to_owned();
        return Err(ParseError { message, span: line.span.clone() });
    }
    let Some(equals) = line.text.find('=') else {
        let message = format!("no `=` after `{}`", line.text);
        return Err(ParseError { message, span: line.span.clone() });
    };
    let name = line.text[..equals].trim_end_matches(is_blank);
    if !is_name(name) {
        let message = format!("`{name}` is no parameter name");
        return Err(ParseError { message, span: line.span.clone() });
    }
    let value = line.text[equals + 1..].trim_matches(is_blank);
    let start = line.text.len() - line.text[equals + 1..].trim_start_matches(is_blank).len();
    let value_start = line.source_offset(start).min(line.span.end);
    Ok(Entry {
        name: name.to_owned(),
        value: value.to_owned(),
        name_span: line.span.start..line.span.start + name.len(),
        value_span: value_start..line.span.end,
    })
}

/// A line with its continuation lines, without comments.
#[derive(Debug)]
pub(super) struct LogicalLine {
    /// All on one line.
    pub(super) text: String,
    /// From the first to the last character that is no blank.
    pub(super) span: Span,
    /// False for a continuation line with nothing before it.
    pub(super) starts_at_margin: bool,
    /// Offset in `text` and in the source of each physical line's first character.
    pieces: Vec<(usize, usize)>,
}

impl LogicalLine {
    /// Where in the source the character at `offset` of the text stands.
    fn source_offset(&self, offset: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|(start, _)| *start <= offset);
        piece.map_or(self.span.end, |(start, source)| source + offset - start)
    }
}

/// Splits a file of Postfix's common line format (main.cf, master.cf, table sources).
pub(super) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines: Vec<LogicalLine> = Vec::new();
    let mut offset = 0;
    for physical in text.split_inclusive('\n') {
        let content = physical.trim_end_matches(['\n', '\r', ' ', '\t']);
        let body = content.trim_start_matches(is_blank);
        let start = offset + content.len() - body.len();
        let end = offset + content.len();
        offset += physical.len();
        // A comment may be between a line and its continuation.
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some(line) if body.len() < content.len() => {
                line.text.push(' ');
                line.pieces.push((line.text.len(), start));
                line.text.push_str(body);
                line.span.end = end;
            }
            _ => lines.push(LogicalLine {
                text: body.to_owned(),
                span: start..end,
                starts_at_margin: body.len() == content.len(),
                pieces: vec![(0, start)],
            }),
        }
    }
    lines
}

/// The logical lines of a file of Postfix's common format, each with the place of its first character. A line that does not
/// start at the margin keeps a blank in front.
pub(crate) fn lines(text: &str) -> Vec<(usize, String)> {
    let lines = logical_lines(text).into_iter();
    lines
        .map(|line| {
            let text = if line.starts_at_margin { line.text } else { format!(" {}", line.text) };
            (line.span.start, text)
        })
        .collect()
}

/// Where the lines of a text begin, to tell places from offsets.
#[derive(Debug)]
pub(crate) struct LineStarts<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> LineStarts<'t> {
    /// Looks for them once.
    pub(crate) fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Line and column of an offset, both from 1 on.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.starts[line - 1]..offset);
        (line, 1 + before.map_or(0, |before| before.chars().count()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> MainCf {
        let text = |text| Value::expression(text).unwrap();
        let mut main = MainCf::new();
        main.section("Who the host is");
        main.set("myorigin", text("$myhostname")).unwrap();
        main.set("mydestination", Value::default()).unwrap();
        main.section("Mail to local names\nleaves the host");
        let maps = [
            "$default_database_type:/etc/postfix/virtual",
            "inline:{ {@acme.example = @acme.example} }",
            "inline:{ {@$myhostname = $relay_root_mail_to} }",
        ];
        main.set("virtual_alias_maps", Value::list(maps.map(text))).unwrap();
        main
    }

    #[test]
    fn long_lists_are_folded() {
        insta::assert_snapshot!(sample(), @r"
        # Who the host is
        myorigin = $myhostname
        mydestination =

        # Mail to local names
        # leaves the host
        virtual_alias_maps =
            $default_database_type:/etc/postfix/virtual,
            inline:{ {@acme.example = @acme.example} },
            inline:{ {@$myhostname = $relay_root_mail_to} }
        ");
    }

    #[test]
    fn each_parameter_once() {
        let mut main = sample();
        assert_eq!(main.set("myorigin", Value::default()), Err(SetError::Duplicate("myorigin".to_owned())));
        assert_eq!(main.set("a b", Value::default()), Err(SetError::Name("a b".to_owned())));
    }

    #[test]
    fn what_a_template_changes_is_noticed() {
        let main = sample();
        let text = main.to_string();
        assert_eq!(main.verify(&text), Ok(()));
        assert!(main.verify(&text.replace("$myhostname\n", "$mydomain\n")).is_err());
        assert!(main.verify(&text.replace("mydestination =", "")).is_err());
        assert!(main.verify(&format!("{text}relayhost = x\n")).is_err());
        assert!(main.verify(&format!("{text}mydestination =\n")).is_err());
    }

    #[test]
    fn continuation_lines_may_have_comments_between() {
        let text = "a = b,\n# why\n\n   c d\n\t e\nx=\ny = # no comment\n";
        let (entries, errors) = parse(text);
        assert!(errors.is_empty());
        let read: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.value.as_str())).collect();
        assert_eq!(read, [("a", "b, c d e"), ("x", ""), ("y", "# no comment")]);
        assert_eq!(&text[entries[0].value_span.clone()], "b,\n# why\n\n   c d\n\t e");
        assert_eq!(&text[entries[2].value_span.clone()], "# no comment");
        assert_eq!(&text[entries[0].name_span.clone()], "a");
    }

    #[test]
    fn a_folded_first_line_has_its_span() {
        let text = "a =\n  b,\n  c\n";
        let (entries, _) = parse(text);
        assert_eq!(entries[0].value, "b, c");
        assert_eq!(&text[entries[0].value_span.clone()], "b,\n  c");
    }

    #[test]
    fn bad_lines_have_their_place() {
        let text = "  a = b\nincludedir /etc\nc d = e\n";
        let (entries, errors) = parse(text);
        assert!(entries.is_empty());
        let places: Vec<_> = errors.iter().map(|error| &text[error.span.clone()]).collect();
        assert_eq!(places, ["a = b", "includedir /etc", "c d = e"]);
    }

    /// Texts with everything in them that could break out of a line.
    fn any_text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[a-z$#,={} \t\n\r\0\\[\\]:/\"'\\\\é]{0,40}").unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            texts in proptest::collection::vec((any_text(), any_text(), any_text(), any::<bool>()), 0..8),
        ) {
            let mut main = MainCf::new();
            for (index, (title, a, b, literal)) in texts.iter().enumerate() {
                main.section(title.clone());
                let make = |text: &str| {
                    if *literal { Value::literal(text) } else { Value::expression(text) }
                };
                if let (Ok(a), Ok(b)) = (make(a), make(b)) {
                    let long = Value::literal(&"x".repeat(80)).unwrap();
                    main.set(&format!("p_{index}"), Value::list([a.clone(), long, b])).unwrap();
                    main.set(&format!("q_{index}"), a).unwrap();
                }
            }
            prop_assert_eq!(main.verify(&main.to_string()), Ok(()));
        }

        #[test]
        fn the_reader_takes_anything(text in any_text()) {
            let (entries, errors) = parse(&text);
            for span in entries.iter().flat_map(|e| [&e.name_span, &e.value_span]).chain(errors.iter().map(|e| &e.span)) {
                prop_assert!(text.get(span.clone()).is_some());
            }
        }
    }
}
