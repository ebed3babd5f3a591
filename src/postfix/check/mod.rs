//! Checks that Postfix itself does not make: whether a main.cf has the intended meaning.
//!
//! `postconf` and `postfix check` are silent about most mistakes; the daemons find them when mail arrives, and
//! stop. Here they are found where they were written.

mod files;
pub mod lists;
mod lookup;
mod maps;
mod restrictions;
mod temporary;
#[cfg(test)]
mod tests;
mod trust;
mod values;
mod whole;

use std::collections::BTreeMap;
use std::ops::Range;

use super::catalogue::{Catalogue, Kind, ParameterInfo};
use super::installation::Installation;
use super::list::items;
use super::main_cf::{MainCf, is_name};
use super::value::{Value, ValueError, is_blank, references};
use crate::diag::{Diagnostic, Severity};
use crate::postfix::Parameter;

pub use whole::whole;

/// Context of the checks.
pub struct Context<'a> {
    /// The systems the relay is made for.
    pub targets: Vec<Target<'a>>,
    /// Finding of the relay about a parameter that the user sets; after an error, its value is not checked.
    pub refusal: &'a dyn Fn(&Parameter) -> Option<Diagnostic>,
    /// Parameters that come from elsewhere, such as those the host sets.
    pub defined: &'a [&'a str],
    /// Whether restriction lists are parts of longer ones.
    pub parts: bool,
    /// Restriction classes that are declared elsewhere.
    pub classes: &'a str,
    /// Types of tables whose packages come with the relay.
    pub brought: &'a [&'a str],
    /// Whether the password for the smarthost may travel without TLS.
    pub clear: bool,
    /// Whether the relay, or the administrator of each host, brings the file of this path.
    pub has_file: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("targets", &self.targets).finish_non_exhaustive()
    }
}

/// A system the relay is made for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its name in a sentence.
    pub title: &'a str,
    /// Its Postfix.
    pub postfix: &'a Installation,
    /// Packages there of lookup table types that are not in Postfix's own.
    pub map_packages: &'a BTreeMap<String, String>,
}

/// The parameter with the names of user-defined restriction lists.
const CLASSES: &str = "smtpd_restriction_classes";

/// Checks what a person wrote by Postfix's own names.
pub fn parameters(written: &[Parameter], context: &Context<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for parameter in written {
        let value = parameter.value.as_str();
        let mut subject = Subject::new(&parameter.name, value, Some(parameter), context);
        subject.defined.extend(written.iter().map(|other| other.name.as_str()));
        subject.classes =
            written.iter().find(|other| other.name == CLASSES).map_or(context.classes, |other| &other.value);
        if name(&mut subject, written) {
            subject.value_line();
            files::check(&mut subject, written);
            temporary::check(&mut subject);
        }
        findings.append(&mut subject.findings);
    }
    findings
}

/// The value of a parameter that a person wrote, ready to be set.
///
/// # Errors
/// If Postfix would read something else; [`parameters`] then has a finding with the place.
pub fn value(parameter: &Parameter) -> Result<Value, ValueError> {
    match Catalogue::get(&parameter.name) {
        Some(info) if info.kind.is_list() => Value::list_expression(&parameter.value),
        _ => Value::expression(&parameter.value),
    }
}

/// The same without a blank, as `postconf -P` takes it: the items of a list divided by commas alone.
///
/// # Errors
/// If a blank is part of it, or [`value`] has none.
pub fn unbroken(parameter: &Parameter) -> Result<Value, String> {
    let value = value(parameter).map_err(|error| error.to_string())?;
    let is_list = Catalogue::get(&parameter.name).is_some_and(|info| info.kind.is_list());
    let words = items(value.as_str());
    if !value.as_str().contains(is_blank) {
        Ok(value)
    } else if is_list && !words.iter().any(|item| item.text.contains(is_blank)) {
        let words: Vec<&str> = words.iter().map(|item| item.text).collect();
        Value::expression(&words.join(",")).map_err(|error| error.to_string())
    } else {
        Err(format!("there is a blank in `{value}`"))
    }
}

/// Checks the name; whether it makes sense to go on to the value.
fn name(subject: &mut Subject<'_>, written: &[Parameter]) -> bool {
    let name = subject.name;
    if !is_name(name) {
        subject.name_error("parameter-name", format!("`{name}` is no parameter name"));
        return false;
    }
    let judged = subject.place.filter(|_| !subject.context.parts);
    if let Some(finding) = judged.and_then(|place| (subject.context.refusal)(place)) {
        let refused = finding.severity == Severity::Error;
        subject.findings.push(finding);
        if refused {
            return false;
        }
    }
    let Some(info) = Catalogue::get(name) else {
        // Postfix takes any name that another value refers to, or that is declared as a restriction class.
        let read = written.iter().any(|other| match other.name.as_str() {
            CLASSES => items(&other.value).iter().any(|item| item.text == name),
            _ => references(&other.value).is_ok_and(|names| names.contains(&name)),
        });
        if read {
            return true;
        }
        if Catalogue::restriction(name).is_some() {
            subject.name_error(
                "restriction-as-parameter",
                format!("`{name}` is a restriction, not a parameter: Postfix would ignore this line"),
            );
            let list = match Catalogue::restriction(name).map_or("", |info| info.subject) {
                stage @ ("client" | "helo" | "sender" | "etrn") => format!("smtpd_{stage}_restrictions"),
                _ => "smtpd_recipient_restrictions".to_owned(),
            };
            subject.put_into(&list);
            return false;
        }
        subject.name_error(
            "unknown-parameter",
            format!("Postfix has no parameter `{name}`: it would ignore this line"),
        );
        if let Some(nearest) = Catalogue::nearest(name) {
            subject.hint(format!("Did you mean `{nearest}`?"));
        }
        return false;
    };
    if info.kind == Kind::ReadOnly {
        subject.name_error("read-only-parameter", format!("Postfix itself sets `{name}`"));
        return false;
    }
    availability(subject, &info);
    true
}

/// Compares a parameter with the versions of the targets.
fn availability(subject: &mut Subject<'_>, info: &ParameterInfo) {
    let name = subject.name;
    let titles = |applies: &dyn Fn(&Target<'_>) -> bool| -> Vec<String> {
        let targets = subject.context.targets.iter().filter(|target| applies(target));
        targets.map(|target| format!("{} ({})", target.title, target.postfix.version)).collect()
    };
    let missing = titles(&|target| !info.exists_in(target.postfix.version));
    let all = missing.len() == subject.context.targets.len();
    if let Some(deprecated) = info.deprecated {
        subject.name_error(
            "deprecated-parameter",
            format!("Postfix {deprecated} and later warn about `{name}` in the log, and will drop it"),
        );
        if let Some(instead) = info.instead {
            let hint = subject.own_words(instead).unwrap_or(format!("Use `{instead}` instead."));
            subject.hint(hint);
        } else {
            subject.hint("Leave it out: its default is right.".to_owned());
        }
    } else if !missing.is_empty() {
        let severity = if all { Severity::Error } else { Severity::Warning };
        let ignore = if missing.len() == 1 { "ignores" } else { "ignore" };
        let message = match info.last {
            Some(last) => format!("`{name}` was last in Postfix {last}: {} {ignore} it", some_of(&missing)),
            None => format!(
                "`{name}` came with Postfix {}: {} {ignore} it",
                info.since().unwrap_or_default(),
                some_of(&missing),
            ),
        };
        subject.push_name(severity, "unavailable-parameter", message);
    }
}

/// The first of many names.
fn some_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] if names.len() <= 4 => format!("{} and {last}", some.join(", ")),
        _ => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
    }
}

/// One parameter under examination.
struct Subject<'a> {
    name: &'a str,
    value: &'a str,
    /// Where a person wrote it.
    place: Option<&'a Parameter>,
    context: &'a Context<'a>,
    /// Names that are defined in addition to the catalogue.
    defined: Vec<&'a str>,
    /// The value of `smtpd_restriction_classes`.
    classes: &'a str,
    findings: Vec<Diagnostic>,
}

impl<'a> Subject<'a> {
    fn new(name: &'a str, value: &'a str, place: Option<&'a Parameter>, context: &'a Context<'a>) -> Self {
        let defined = context.defined.to_vec();
        Self { name, value, place, context, defined, classes: "", findings: Vec::new() }
    }

    /// Knows the names that a file defines.
    fn within(mut self, main: &'a MainCf) -> Self {
        self.defined.extend(main.iter().map(|setting| setting.name.as_str()));
        self.classes = main.get(CLASSES).map_or("", Value::as_str);
        self
    }

    /// Checks that the value is one line, and then by its kind.
    fn value_line(&mut self) {
        if let Err(error) = Value::expression(self.value) {
            let code = match error {
                ValueError::Comment => "comment-after-value",
                ValueError::Control(_) | ValueError::Edge => "value-line",
                ValueError::Braces(_) => "value-braces",
                ValueError::Reference(_) | ValueError::Unclosed(_) => "value-reference",
            };
            self.error(code, None, format!("`{}`: {error}", self.name));
            return;
        }
        let kind = match Catalogue::get(self.name) {
            Some(info) => info.kind,
            None if self.is_class(self.name) => Kind::Restrictions("class"),
            None => Kind::Text,
        };
        values::check(self, &kind);
    }

    fn is_class(&self, name: &str) -> bool {
        items(self.classes).iter().any(|item| item.text == name)
    }

    fn push_name(&mut self, severity: Severity, code: &'static str, message: String) {
        let span = self.place.map(|place| place.name_span.clone());
        self.findings.push(Diagnostic::new(severity, code, span, message));
    }

    fn name_error(&mut self, code: &'static str, message: String) {
        self.push_name(Severity::Error, code, message);
    }

    fn error(&mut self, code: &'static str, range: Option<Range<usize>>, message: String) {
        self.push(Severity::Error, code, range, message);
    }

    fn warning(&mut self, code: &'static str, range: Option<Range<usize>>, message: String) {
        self.push(Severity::Warning, code, range, message);
    }

    /// A finding about the value, or a part of it.
    fn push(&mut self, severity: Severity, code: &'static str, range: Option<Range<usize>>, message: String) {
        let span = self.place.map(|place| {
            let whole = place.value_span.clone();
            // A part can be pointed at where the text in the spec is the value between two quotes.
            match range {
                Some(range) if whole.len() == self.value.len() + 2 => {
                    whole.start + 1 + range.start..whole.start + 1 + range.end
                }
                _ => whole,
            }
        });
        self.findings.push(Diagnostic::new(severity, code, span, message));
    }

    /// Adds a hint to the last finding.
    fn hint(&mut self, text: String) {
        if let Some(finding) = self.findings.last_mut() {
            finding.hints.push(text);
        }
    }

    /// The key to use instead of a parameter that the user would probably set next.
    fn own_words(&self, name: &str) -> Option<String> {
        let other = Parameter { name: name.to_owned(), ..self.place?.clone() };
        (self.context.refusal)(&other)?.hints.into_iter().next()
    }

    /// Adds a hint: the list that takes a restriction, or the key that stands for the list here.
    fn put_into(&mut self, list: &str) {
        let hint = self.own_words(list).unwrap_or(format!("Put it into `{list}`."));
        self.hint(hint);
    }

    /// Titles of the targets of which something holds.
    fn targets(&self, applies: impl Fn(&Target<'_>) -> bool) -> Vec<String> {
        let targets = self.context.targets.iter().filter(|target| applies(target));
        targets.map(|target| target.title.to_owned()).collect()
    }
}

/// Whether a text is for Postfix to expand.
fn is_expression(text: &str) -> bool {
    text.contains('$')
}

/// The items of a list that can be checked: those without `$`.
fn literal_items(text: &str) -> impl Iterator<Item = super::list::Item<'_>> {
    items(text).into_iter().filter(|item| !is_expression(item.text))
}
