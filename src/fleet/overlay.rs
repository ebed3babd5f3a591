//! Merging of TOML tables. Each value keeps its span.

use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::inventory::Cell;
use crate::diag::Span;
use crate::keys::schema::{self, Form};

/// A table whose spans are moved by `start`.
pub(super) fn moved_table(table: DeTable<'_>, start: usize) -> DeTable<'_> {
    let moved = |span: Span| span.start + start..span.end + start;
    let key = |key: Spanned<_>| Spanned::new(moved(key.span()), key.into_inner());
    table.into_iter().map(|(name, value)| (key(name), moved_value(value, start))).collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, start: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Array(mut list) => {
            for item in list.iter_mut() {
                let old = std::mem::replace(item, Spanned::new(0..0, DeValue::Boolean(false)));
                *item = moved_value(old, start);
            }
            DeValue::Array(list)
        }
        DeValue::Table(table) => DeValue::Table(moved_table(table, start)),
        other => other,
    };
    Spanned::new(span.start + start..span.end + start, inner)
}

/// Merges a table into another: tables are joined, other values are replaced.
pub(super) fn merge<'f>(below: &mut DeTable<'f>, above: &DeTable<'f>) {
    for (key, value) in above {
        if let Some(DeValue::Table(below)) = below.get_mut(&**key.get_ref()).map(Spanned::get_mut)
            && let DeValue::Table(above) = value.get_ref()
        {
            merge(below, above);
        } else {
            // Also replaces the key, so that a finding points to the last place.
            below.remove(&**key.get_ref());
            below.insert(key.clone(), value.clone());
        }
    }
}

/// Sets a key given by its path, such as `relay.from`.
pub(super) fn set<'f>(table: &mut DeTable<'f>, path: &str, value: Spanned<DeValue<'f>>, span: &Span) {
    let key = |name: &str| Spanned::new(span.clone(), DeString::Owned(name.to_owned()));
    let Some((section, rest)) = path.split_once('.') else {
        table.remove(path);
        table.insert(key(path), value);
        return;
    };
    if !matches!(table.get(section).map(Spanned::get_ref), Some(DeValue::Table(_))) {
        table.remove(section);
        table.insert(key(section), Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
    }
    if let Some(DeValue::Table(inner)) = table.get_mut(section).map(Spanned::get_mut) {
        set(inner, rest, value, span);
    }
}

/// Converts a cell into the value of a key. Cells of CSV are texts. The schema decides which of them are numbers, booleans,
/// or lists with semicolons between the items.
pub(super) fn value<'f>(path: &str, cell: &Cell, text: &'f str) -> Spanned<DeValue<'f>> {
    let written = &text[cell.span.clone()];
    let kind = if cell.is_text { schema::form_of(path) } else { Form::Number };
    let string = |text: &str| DeValue::String(DeString::Owned(text.to_owned()));
    let inner = match kind {
        Form::Number => DeValue::parse(written.trim_matches('"')).ok().map(Spanned::into_inner),
        Form::List if cell.text.contains(';') => {
            let items = cell.text.split(';').map(|item| Spanned::new(cell.span.clone(), string(item.trim())));
            Some(DeValue::Array(items.collect()))
        }
        Form::List | Form::Text => None,
    };
    Spanned::new(cell.span.clone(), inner.unwrap_or_else(|| string(&cell.text)))
}

/// The maximum length of a text after replacement of columns.
pub(super) const LONGEST: usize = 1 << 20;

/// Replaces every `{{name}}` in the texts of a table with the result of `value_of`, which is called without a name for a text
/// that exceeds [`LONGEST`].
pub(super) fn fill(table: &mut DeTable<'_>, value_of: &mut impl FnMut(Option<&str>, Span) -> String) {
    for (_, value) in table.iter_mut() {
        fill_value(value, value_of);
    }
}

fn fill_value(value: &mut Spanned<DeValue<'_>>, value_of: &mut impl FnMut(Option<&str>, Span) -> String) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("{{") => {
            let mut filled = String::with_capacity(text.len());
            let mut rest: &str = text;
            while let Some((before, after)) = rest.split_once("{{")
                && let Some((name, after)) = after.split_once("}}")
            {
                filled += before;
                filled += &value_of(Some(name.trim()), span.clone());
                rest = after;
                if filled.len() > LONGEST {
                    value_of(None, span.clone());
                    break;
                }
            }
            filled += rest;
            *text = DeString::Owned(filled);
        }
        DeValue::Array(list) => list.iter_mut().for_each(|item| fill_value(item, value_of)),
        DeValue::Table(table) => fill(table, value_of),
        _ => {}
    }
}

/// The text of a key in a section; numbers as they are written.
pub(super) fn text_at(table: &DeTable<'_>, section: &str, key: &str) -> Option<String> {
    let DeValue::Table(section) = table.get(section)?.get_ref() else { return None };
    match section.get(key)?.get_ref() {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Adds the content of a table to a digest, without places and formatting.
pub(super) fn digest(table: &DeTable<'_>, sum: &mut Sha256) {
    sum.update(b"{");
    for (key, value) in table {
        text(key.get_ref(), sum);
        digest_value(value.get_ref(), sum);
    }
    sum.update(b"}");
}

fn digest_value(value: &DeValue<'_>, sum: &mut Sha256) {
    match value {
        DeValue::String(string) => text(string, sum),
        DeValue::Array(list) => {
            sum.update(b"[");
            list.iter().for_each(|item| digest_value(item.get_ref(), sum));
            sum.update(b"]");
        }
        DeValue::Table(table) => digest(table, sum),
        DeValue::Integer(number) => text(&format!("#{number}"), sum),
        DeValue::Float(number) => text(&format!("#{number}"), sum),
        DeValue::Boolean(yes) => text(&format!("#{yes}"), sum),
        DeValue::Datetime(time) => text(&format!("#{time}"), sum),
    }
}

/// A text after its length, so that two texts have no ambiguous concatenation.
fn text(text: &str, sum: &mut Sha256) {
    sum.update(text.len().to_le_bytes());
    sum.update(text);
}
