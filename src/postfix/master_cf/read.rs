//! The reader of master.cf.

use super::super::main_cf::{LogicalLine, logical_lines};
use super::super::value::{Value, closing, is_blank};
use super::{Argument, Service, ServiceError};

/// Reads a whole master.cf.
///
/// # Errors
/// Of the first line that is no service.
pub fn parse(text: &str) -> Result<Vec<Service>, ServiceError> {
    logical_lines(text).iter().map(service).collect()
}

fn service(line: &LogicalLine) -> Result<Service, ServiceError> {
    let fail = |message: String| ServiceError { message, span: line.span.clone() };
    if !line.starts_at_margin {
        return Err(fail("this line continues nothing: a service starts at the left margin".to_owned()));
    }
    let words = words(&line.text).map_err(fail)?;
    let [name, kind, private, unprivileged, chroot, wakeup, max, command, rest @ ..] = words.as_slice()
    else {
        return Err(fail(format!("a service has eight columns, this has {}", words.len())));
    };
    let service = Service {
        name: name.clone(),
        kind: kind.parse().map_err(fail)?,
        private: flag(private).map_err(fail)?,
        unprivileged: flag(unprivileged).map_err(fail)?,
        chroot: flag(chroot).map_err(fail)?,
        wakeup: column(wakeup, |text| text.parse().ok()).map_err(fail)?,
        max_processes: column(max, |text| text.parse().ok()).map_err(fail)?,
        command: command.clone(),
        arguments: arguments(rest).map_err(fail)?,
    };
    service.validate().map_err(fail)?;
    Ok(service)
}

fn flag(text: &str) -> Result<Option<bool>, String> {
    column(text, |text| match text {
        "y" => Some(true),
        "n" => Some(false),
        _ => None,
    })
}

fn column<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if text == "-" {
        return Ok(None);
    }
    read(text).map(Some).ok_or_else(|| format!("`{text}` does not fit its column"))
}

fn arguments(words: &[String]) -> Result<Vec<Argument>, String> {
    let mut arguments = Vec::new();
    let mut words = words.iter();
    let mut of_command = false;
    while let Some(word) = words.next() {
        // The rest are arguments of another program: `argv=/usr/sbin/sendmail -oi`.
        of_command |= word.starts_with("argv=");
        let setting = match word.strip_prefix("-o").filter(|_| !of_command) {
            Some("") => Some(words.next().ok_or("nothing after `-o`")?.as_str()),
            attached => attached,
        };
        arguments.push(match setting {
            None => Argument::Word(word.clone()),
            Some(setting) => {
                let (name, value) =
                    setting.split_once('=').ok_or_else(|| format!("no `=` in `-o {setting}`"))?;
                let value = Value::expression(value.trim_matches(is_blank));
                let name = name.trim_matches(is_blank);
                Argument::Override(name.to_owned(), value.map_err(|error| format!("`{name}`: {error}"))?)
            }
        });
    }
    Ok(arguments)
}

/// Splits at blanks outside of braces; a word in braces loses them and the blanks inside its ends.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let end = word_end(rest)?;
        let word = &rest[..end];
        words.push(match word.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(inner) if closing(word, '{') == Some(word.len() - 1) => {
                inner.trim_matches(is_blank).to_owned()
            }
            _ if word.starts_with('{') => return Err(format!("text after the closing brace in `{word}`")),
            _ => word.to_owned(),
        });
        rest = rest[end..].trim_start_matches(is_blank);
    }
    Ok(words)
}

fn word_end(text: &str) -> Result<usize, String> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            c if is_blank(c) && depth == 0 => return Ok(at),
            _ => {}
        }
    }
    if depth > 0 { Err(format!("a brace is not closed in `{text}`")) } else { Ok(text.len()) }
}
