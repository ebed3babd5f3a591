//! Checks the form of a spec against the schema.
//!
//! Parts with a wrong form are reported and removed, so that the rest can be read and checked in the same run. A single
//! value in place of a list becomes a list of one, and a TOML date becomes its text.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diag::{Diagnostic, Span, nearest};

/// The checker of form.
#[derive(Debug)]
pub(super) struct Shape<'s> {
    schema: &'s Value,
    text: &'s str,
    findings: Vec<Diagnostic>,
    removed: Vec<String>,
}

/// Result of the check: the findings, and the paths (`package.version`) of the removed parts.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Diagnostic>,
    pub(super) removed: Vec<String>,
}

/// Checks the form of a whole document.
pub(super) fn check<'s>(table: &mut DeTable<'_>, schema: &'s Value, text: &'s str) -> Report {
    let mut shape = Shape { schema, text, findings: Vec::new(), removed: Vec::new() };
    shape.table(table, schema, "");
    Report { findings: shape.findings, removed: shape.removed }
}

impl<'s> Shape<'s> {
    fn table(&mut self, table: &mut DeTable<'_>, schema: &'s Value, path: &str) {
        let known = schema.get("properties").and_then(Value::as_object);
        let other = schema.get("additionalProperties").filter(|schema| schema.is_object());
        let mut wrong = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let path = join(path, name);
            let keep = if let Some(schema) = known.and_then(|known| known.get(name)).or(other) {
                self.value(value, schema, &path)
            } else {
                let names: Vec<&str> =
                    known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
                // A mistyped key must not also be reported as missing.
                if let Some(near) = nearest(name, names.iter().copied()) {
                    self.removed.push(path.strip_suffix(name).unwrap_or_default().to_owned() + near);
                }
                self.findings.push(self.unknown(name, key.span(), &path, &names));
                false
            };
            if !keep {
                wrong.push(key.clone());
                self.removed.push(path);
            }
        }
        for key in wrong {
            table.remove(&key);
        }
    }

    fn unknown(&self, name: &str, span: Span, path: &str, known: &[&str]) -> Diagnostic {
        let section = path.strip_suffix(name).unwrap_or_default().trim_end_matches('.');
        let (what, place) = if section.is_empty() {
            ("section", "a spec".to_owned())
        } else {
            ("key", format!("[{section}]"))
        };
        let finding =
            Diagnostic::error("unknown-key", span, format!("there is no {what} `{name}` in {place}"));
        if let Some(near) = nearest(name, known.iter().copied()) {
            return finding.hint(format!("did you mean `{near}`?"));
        }
        if let Some(home) = self.home_of(name).filter(|home| home != section) {
            return finding.hint(format!("`{name}` belongs in [{home}]"));
        }
        let mut names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        names.sort_unstable();
        finding.hint(format!("known here: {}", names.join(", ")))
    }

    /// The section that has a key of this name.
    fn home_of(&self, name: &str) -> Option<String> {
        let sections = self.schema.get("properties")?.as_object()?;
        sections.iter().find_map(|(section, schema)| {
            let mut schema = self.resolve(schema);
            if let Some(one) = schema.get("anyOf").and_then(|any| any.get(0)) {
                schema = self.resolve(one);
            }
            schema.get("properties")?.get(name).map(|_| section.clone())
        })
    }

    /// Checks a value. Returns false if it must be removed.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &'s Value, path: &str) -> bool {
        let schema = self.resolve(schema);
        let span = value.span();
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            let branch = branches
                .iter()
                .map(|branch| self.resolve(branch))
                .find(|branch| fits(value.get_ref(), branch));
            let Some(branch) = branch else {
                let expected =
                    branches.iter().map(|branch| expected(self.resolve(branch))).collect::<Vec<_>>();
                return self.wrong_type(value, &expected.join(" or "), path);
            };
            if !self.value(value, branch, path) {
                return false;
            }
            let takes_list =
                branches.iter().any(|branch| branch.get("type").is_some_and(|name| name == "array"));
            if takes_list && !value.get_ref().is_array() {
                let mut list = DeArray::new();
                list.push(std::mem::replace(value, Spanned::new(0..0, DeValue::Boolean(false))));
                *value = Spanned::new(span, DeValue::Array(list));
            }
            return true;
        }
        if let DeValue::Datetime(date) = value.get_ref()
            && schema.get("format").is_some_and(|format| format == "date")
        {
            *value = Spanned::new(span.clone(), DeValue::String(date.to_string().into()));
        }
        if !fits(value.get_ref(), schema) {
            return self.wrong_type(value, expected(schema), path);
        }
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, schema, path);
                true
            }
            DeValue::Array(array) => {
                if let Some(items) = schema.get("items") {
                    let mut kept = DeArray::new();
                    for mut item in std::mem::replace(array, DeArray::new()) {
                        if self.value(&mut item, items, path) {
                            kept.push(item);
                        } else {
                            self.removed.push(path.to_owned());
                        }
                    }
                    *array = kept;
                }
                true
            }
            DeValue::String(text) => self.choice(text, span, schema, path),
            DeValue::Integer(number) => {
                // The module of the section checks values that may also be text.
                if schema.get("type").is_some_and(Value::is_array) {
                    return true;
                }
                let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let shown = number.to_string();
                self.range(parsed, &shown, span, schema, path)
            }
            _ => true,
        }
    }

    fn choice(&mut self, text: &str, span: Span, schema: &Value, path: &str) -> bool {
        let Some(choices) = schema.get("enum").and_then(Value::as_array) else { return true };
        let names: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        if names.contains(&text) {
            return true;
        }
        let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let mut finding = Diagnostic::error(
            "unknown-choice",
            span,
            format!("`{path}` cannot be `{}`", super::values::shown(text)),
        )
        .labelled(format!("one of {}", all.join(", ")));
        if let Some(near) = nearest(text, names) {
            finding = finding.hint(format!("did you mean `{near}`?"));
        }
        self.findings.push(finding);
        false
    }

    fn range(&mut self, number: Option<i64>, shown: &str, span: Span, schema: &Value, path: &str) -> bool {
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        let low = bound("minimum").unwrap_or(i64::MIN);
        let high = bound("maximum").unwrap_or(i64::MAX);
        if number.is_some_and(|number| (low..=high).contains(&number)) {
            return true;
        }
        let finding = Diagnostic::error("out-of-range", span, format!("`{path}` cannot be {shown}"));
        self.findings.push(if low == i64::MIN || high == i64::MAX {
            finding.labelled("the number is too large")
        } else {
            finding.labelled(format!("a number from {low} to {high}"))
        });
        false
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, expected: &str, path: &str) -> bool {
        let span = value.span();
        let found = type_name(value.get_ref());
        let written = self.text.get(span.clone()).unwrap_or_default();
        let mut finding = Diagnostic::error(
            "wrong-type",
            span.clone(),
            format!("`{path}` must be {expected}, not {found}"),
        );
        let scalar = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        if scalar && expected == A_TIME {
            finding = finding.hint(match value.get_ref() {
                DeValue::Integer(_) if written == "0" => "put it in quotes: \"0\"".to_owned(),
                DeValue::Integer(_) => format!("write it with its unit, in quotes: \"{written}s\", \"{written}m\", \"{written}h\" or \"{written}d\""),
                _ => "write a number with its unit, in quotes: \"30s\", \"15m\", \"4h\" or \"5d\"".to_owned(),
            });
        } else if scalar && expected.starts_with("a string") {
            finding = finding.hint(format!("put it in quotes: \"{written}\""));
        } else if let (DeValue::String(text), "an integer" | "true or false") = (value.get_ref(), expected)
            && (text.parse::<i64>().is_ok() || text == "true" || text == "false")
        {
            finding = finding.hint(format!("write it without quotes: {text}"));
        } else if expected == "true or false" {
            finding = finding.hint("write true or false, without quotes");
        } else if expected == "a table" {
            finding = finding.hint(format!("write it as a section: [{path}]"));
        }
        self.findings.push(finding);
        false
    }

    fn resolve(&self, schema: &'s Value) -> &'s Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.trim_start_matches("#/$defs/");
                self.schema.get("$defs").and_then(|defs| defs.get(name)).unwrap_or(schema)
            }
            None => schema,
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a value is of the type that a schema names.
fn fits(value: &DeValue<'_>, schema: &Value) -> bool {
    let own = match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "date",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    };
    match schema.get("type") {
        Some(Value::String(name)) => name == own,
        Some(Value::Array(names)) => names.iter().any(|name| name == own),
        _ => true,
    }
}

fn expected(schema: &Value) -> &'static str {
    match schema.get("type") {
        Some(Value::String(name)) => match name.as_str() {
            "string" if schema.get("pattern").is_some() => A_TIME,
            "string" => "a string",
            "integer" => "an integer",
            "boolean" => "true or false",
            "array" => "a list",
            _ => "a table",
        },
        Some(Value::Array(names)) if !names.iter().any(|name| name == "boolean") => {
            "a string or a whole number"
        }
        _ => "a string, a number, or true or false",
    }
}

/// The types that [`crate::keys::spot::Time`] accepts.
const A_TIME: &str = "a time with a unit";

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
