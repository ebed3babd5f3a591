//! main.cf and master.cf as text: lines with their places, and files that are no plain text of Postfix.

use std::collections::BTreeMap;

use super::reading::{FACTS, Fault, Place, Placed, Setting};
use super::source::{Found, Source};
use super::stock;
use crate::diag::Source as Text;
use crate::postfix::main_cf;
use crate::postfix::master_cf;

pub(super) fn whole(code: &'static str, file: &str, message: &str, hint: &str) -> Fault {
    let place = Place { file: file.to_owned(), line: 1, column: 1 };
    Fault { code, place, message: message.to_owned(), hint: hint.to_owned(), fatal: true }
}

/// A file as text. Bytes that are no UTF-8 are in comments most of the time.
pub(super) fn text_of(source: &Source, path: &str) -> Result<Option<Text>, Fault> {
    let Some(Found { name, bytes }) = source.get(path) else { return Ok(None) };
    if let Some(what) = unreadable(&bytes) {
        return Err(whole(
            "unreadable",
            &name,
            &format!("the file is {what}"),
            "import the file as Postfix reads it",
        ));
    }
    Ok(Some(Text { name, text: String::from_utf8_lossy(&bytes).into_owned() }))
}

/// The reason why a file is not plain text of Postfix.
pub(super) fn unreadable(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(4096)];
    let has = |word: &str| head.windows(word.len()).any(|window| window == word.as_bytes());
    if head.get(..16).is_some_and(|start| start.windows(8).any(|it| it == b"GITCRYPT"))
        || head.starts_with(b" GITCRYPT")
    {
        return Some("encrypted by git-crypt");
    }
    for (mark, what) in [
        ("$ANSIBLE_VAULT;", "encrypted by Ansible Vault"),
        ("U2FsdGVkX1", "encrypted by openssl"),
        ("Salted__", "encrypted by openssl"),
        ("-----BEGIN PGP MESSAGE", "encrypted by PGP"),
        ("age-encryption.org/", "encrypted by age"),
        ("-----BEGIN AGE ENCRYPTED FILE", "encrypted by age"),
    ] {
        if head.starts_with(mark.as_bytes()) || (mark.len() > 10 && has(mark) && head.len() < 200) {
            return Some(what);
        }
    }
    if has("ENC[AES256_GCM,") {
        return Some("encrypted by SOPS");
    }
    if has("version https://git-lfs.github.com/spec") {
        return Some("a pointer of Git LFS");
    }
    head.contains(&0).then_some("no text")
}

pub(super) fn main_settings(
    text: &Text,
    settings: &mut Vec<Setting>,
    index: &mut BTreeMap<String, usize>,
    faults: &mut Vec<Fault>,
) {
    let starts = main_cf::LineStarts::new(&text.text);
    let place = |at: usize| {
        let (line, column) = starts.position(at);
        Place { file: text.name.clone(), line, column }
    };
    let mut fault = |code, at, message: String, hint: &str, fatal| {
        faults.push(Fault { code, place: place(at), message, hint: hint.to_owned(), fatal });
    };
    if text.text.contains("\r\n") {
        let at = text.text.find('\r').unwrap_or_default();
        fault(
            "crlf",
            at,
            "lines end with CRLF; Postfix reads them like others".to_owned(),
            "convert the file with dos2unix",
            false,
        );
    }
    let (entries, errors) = main_cf::parse(&text.text);
    for error in errors {
        let template =
            ["{%", "<%", "{{", "#{"].iter().any(|mark| text.text[error.span.clone()].contains(mark));
        let (message, hint) = if template {
            (
                "this line belongs to a template that was not rendered",
                "import what the template becomes on a host",
            )
        } else {
            (
                "this is no parameter line, and Postfix stops here",
                "a parameter line is `name = value` from the left margin on",
            )
        };
        fault("no-parameter", error.span.start, message.to_owned(), hint, true);
    }
    for entry in entries {
        if is_template(&entry.value) {
            let message = format!("`{}` has a placeholder of a template instead of a value", entry.name);
            fault(
                "template",
                entry.value_span.start,
                message,
                "import what the template becomes on a host",
                true,
            );
        } else if let Some(at) = entry.value.find(" #") {
            let message = format!(
                "`{}`: what follows `#` is no comment, Postfix reads it as part of the value",
                entry.name
            );
            fault(
                "comment-in-value",
                entry.value_span.start + at + 1,
                message,
                "put the comment on its own line",
                false,
            );
        }
        let setting = Setting {
            place: place(entry.name_span.start),
            earlier: Vec::new(),
            name: entry.name,
            value: entry.value,
        };
        if let Some(known) = index.get(&setting.name).and_then(|at: &usize| settings.get_mut(*at)) {
            let old = std::mem::replace(known, setting);
            known.earlier = old.earlier;
            if old.value != known.value {
                let message = format!("`{}` is set again, and only the last line counts", known.name);
                fault("set-twice", entry.name_span.start, message, "remove the other line", false);
            }
            known.earlier.push(old.place);
        } else {
            index.insert(setting.name.clone(), settings.len());
            settings.push(setting);
        }
    }
}

/// `{{ name }}`, `<%= name %>`, `__NAME__`, `@NAME@`: none of them is a value of Postfix.
pub(super) fn is_template(value: &str) -> bool {
    let jinja = value.match_indices("{{").any(|(at, _)| {
        let before = value[..at].chars().next_back();
        let after = value[at + 2..].trim_start().chars().next();
        let closed = value[at..].contains("}}");
        closed
            && !matches!(before, Some('$' | ':' | '{'))
            && after.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
    });
    let dunder = value.split([' ', ',', ':', '/', '[', ']', '=']).any(|word| {
        word.len() > 5
            && word.starts_with("__")
            && word.ends_with("__")
            && word.trim_matches('_').chars().all(|c| c.is_ascii_uppercase() || c == '_')
    });
    jinja || dunder || value.contains("<%") || value.contains("{%")
}

pub(super) fn services(text: &Text, faults: &mut Vec<Fault>) -> Vec<Placed> {
    let starts = main_cf::LineStarts::new(&text.text);
    let mut placed = Vec::new();
    for (at, line) in main_cf::lines(&text.text) {
        let (row, column) = starts.position(at);
        let place = Place { file: text.name.clone(), line: row, column };
        match master_cf::parse(&line) {
            Ok(services) => {
                for service in services {
                    let stocks = stock::of_service(&service);
                    placed.push(Placed { service, place: place.clone(), stocks });
                }
            }
            Err(error) => faults.push(Fault {
                code: "no-service",
                place,
                message: format!("this is no service, and Postfix stops here: {}", error.message),
                hint: "a service has a name, a type, five columns and a command".to_owned(),
                fatal: true,
            }),
        }
    }
    placed
}

pub(super) fn facts(source: &Source) -> BTreeMap<String, String> {
    let text =
        source.get(FACTS).map(|found| String::from_utf8_lossy(&found.bytes).into_owned()).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// The output of `postconf -n` and `postconf -M`, one after the other, as the files that they stand for.
pub(super) fn postconf_text(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut main, mut master) = (String::new(), String::new());
    for (_, line) in main_cf::lines(text) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() >= 8
            && ["inet", "unix", "pass", "fifo", "unix-dgram"].contains(&words[1])
            && !line.starts_with(' ')
        {
            master.push_str(&line);
            master.push('\n');
        } else if main_cf::parse(&line).1.is_empty() {
            main.push_str(&line);
            main.push('\n');
        } else {
            return None;
        }
    }
    if main.is_empty() {
        return None;
    }
    let mut files = BTreeMap::from([("/etc/postfix/main.cf".to_owned(), main.into_bytes())]);
    if !master.is_empty() {
        files.insert("/etc/postfix/master.cf".to_owned(), master.into_bytes());
    }
    Some(files)
}
