//! The inventory of a fleet: one row per host or site, as CSV with a line of headings, or as JSON.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::MOST_PARTS;
use crate::diag::{Diagnostic, Span};

/// A cell: its text, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// False for a number, a boolean or a list of JSON, which is written in the same way in TOML.
    pub(super) is_text: bool,
    pub(super) span: Span,
}

/// One host or site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its place.
    pub(super) span: Span,
    /// Cells by column; empty CSV cells are absent.
    pub(super) cells: BTreeMap<String, Cell>,
}

impl Row {
    /// The text of a column.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(|cell| cell.text.as_str())
    }
}

/// Checks the name of a column. Each part of the name is a nested table.
fn too_deep(heading: &str) -> bool {
    heading.split('.').nth(MOST_PARTS).is_some()
}

/// The rows of an inventory, whose places are moved by `start`.
///
/// # Errors
/// The fault of the text, with its place.
pub(super) fn read(name: &str, text: &str, start: usize) -> Result<Vec<Row>, Diagnostic> {
    let is_json = std::path::Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let mut rows = if is_json { read_json(text) } else { read_csv(text) }
        .map_err(|finding| super::moved(finding, start))?;
    if rows.is_empty() {
        return Err(wrong(start..start, "the inventory has no rows"));
    }
    let shift = |span: &mut Span| *span = span.start + start..span.end + start;
    for row in &mut rows {
        shift(&mut row.span);
        row.cells.values_mut().for_each(|cell| shift(&mut cell.span));
    }
    Ok(rows)
}

fn wrong(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("inventory", span, message)
}

fn read_csv(text: &str) -> Result<Vec<Row>, Diagnostic> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let place = |position: Option<&csv::Position>| {
        let start = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        // The position is that of the line break before the record, if there is one.
        let start = start.min(text.len());
        start + text[start..].len() - text[start..].trim_start_matches(['\r', '\n']).len()
    };
    let refuse = |error: &csv::Error| {
        let start = place(error.position());
        let end = start + text[start..].find('\n').unwrap_or(text.len() - start);
        let why = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("a row of {len} cells, where the headings are {expected_len}")
            }
            _ => format!("not CSV: {error}"),
        };
        wrong(start..end, why)
    };
    let headings = reader.headers().map_err(|error| refuse(&error))?.clone();
    for (index, heading) in headings.iter().enumerate() {
        if too_deep(heading) {
            let what = format!("the name of a column has at most {MOST_PARTS} parts");
            return Err(wrong(cell_span(text, 0, index), what));
        }
        if heading.is_empty() || headings.iter().take(index).any(|other| other == heading) {
            let what = if heading.is_empty() {
                "a column has no heading".to_owned()
            } else {
                format!("two columns are called `{heading}`")
            };
            return Err(wrong(cell_span(text, 0, index), what));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| refuse(&error))?;
        let start = place(record.position());
        let cells = headings
            .iter()
            .zip(&record)
            .enumerate()
            .filter(|(_, (_, text))| !text.is_empty())
            .map(|(index, (heading, cell))| {
                let cell = Cell { text: cell.to_owned(), is_text: true, span: cell_span(text, start, index) };
                (heading.to_owned(), cell)
            })
            .collect();
        rows.push(Row { span: start..start, cells });
    }
    Ok(rows)
}

/// The place of a cell with its quotes, in the record that begins at `start`.
fn cell_span(text: &str, start: usize, index: usize) -> Span {
    let (mut begin, mut count, mut quoted) = (start, 0, false);
    let mut end = text.len();
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'"' => quoted = !quoted,
            b',' | b'\n' | b'\r' if !quoted => {
                if count == index {
                    end = at;
                    break;
                }
                if byte != b',' {
                    end = at;
                    break;
                }
                count += 1;
                begin = at + 1;
            }
            _ => {}
        }
    }
    let cell = &text[begin..end];
    let begin = begin + cell.len() - cell.trim_start().len();
    begin..begin + cell.trim().len()
}

fn read_json(text: &str) -> Result<Vec<Row>, Diagnostic> {
    let refuse = |error: serde_json::Error, base: usize| {
        let line: usize =
            text[base..].split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (base + line + error.column().saturating_sub(1)).min(text.len());
        wrong(at..at, format!("not a JSON list of objects: {error}"))
    };
    let rows: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| refuse(error, 0))?;
    rows.into_iter()
        .map(|raw| {
            let span = span_of(text, raw);
            let mut cells = BTreeMap::new();
            json_cells(text, raw, "", &mut cells).map_err(|error| refuse(error, span.start))?;
            Ok(Row { span, cells })
        })
        .collect()
}

/// Nested objects are columns with dots in their names.
fn json_cells(
    text: &str,
    object: &RawValue,
    prefix: &str,
    cells: &mut BTreeMap<String, Cell>,
) -> Result<(), serde_json::Error> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(object.get())?;
    for (name, raw) in members {
        let name = format!("{prefix}{name}");
        if too_deep(&name) {
            let what = format!("objects are nested more than {MOST_PARTS} deep");
            return Err(<serde_json::Error as serde::de::Error>::custom(what));
        }
        let span = span_of(text, raw);
        let written = raw.get();
        match written.as_bytes().first() {
            Some(b'{') => json_cells(text, raw, &format!("{name}."), cells)?,
            Some(b'"') => {
                let cell = Cell { text: serde_json::from_str(written)?, is_text: true, span };
                cells.insert(name, cell);
            }
            Some(b'n') => {}
            // Numbers, booleans and lists of texts have the same syntax in JSON and TOML.
            _ => {
                let cell = Cell { text: written.to_owned(), is_text: false, span };
                cells.insert(name, cell);
            }
        }
    }
    Ok(())
}

/// The place of a value in the text that it borrows from.
fn span_of(text: &str, raw: &RawValue) -> Span {
    let start = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + raw.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, text: &str) -> Vec<String> {
        let rows = read(name, text, 0).unwrap();
        rows.iter()
            .map(|row| {
                let cells = row
                    .cells
                    .iter()
                    .map(|(name, cell)| format!("{name}={}@{}", cell.text, &text[cell.span.clone()]));
                cells.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    #[test]
    fn csv_cells_know_their_places() {
        let text = "site,relay.from,note\r\nberlin, a@b.example ,\"x, \"\"y\"\"\"\n\nrome,,z\n";
        assert_eq!(
            shown("hosts.csv", text),
            [
                "note=x, \"y\"@\"x, \"\"y\"\"\" relay.from=a@b.example@a@b.example site=berlin@berlin",
                "note=z@z site=rome@rome"
            ]
        );
    }

    #[test]
    fn json_objects_become_columns_with_dots() {
        let text = r#"[{"site": "berlin", "relay": {"from": "a@b.example"}, "port": 587, "x": null}, {"site": "r\u00f6m"}]"#;
        assert_eq!(
            shown("hosts.json", text),
            [
                "port=587@587 relay.from=a@b.example@\"a@b.example\" site=berlin@\"berlin\"",
                "site=röm@\"r\\u00f6m\""
            ]
        );
    }

    #[test]
    fn damage_is_refused_with_its_place() {
        let fault = |name: &str, text: &str| {
            let finding = read(name, text, 0).unwrap_err();
            let (span, _) = finding.label.unwrap_or((0..0, String::new()));
            format!("{} {:?}", finding.message, &text[span])
        };
        assert_eq!(fault("h.csv", "a,b\n1,2\n3\n"), "a row of 1 cells, where the headings are 2 \"3\"");
        assert_eq!(fault("h.csv", "a,a\n1,2\n"), "two columns are called `a` \"a\"");
        assert_eq!(fault("h.csv", "a,b\n"), "the inventory has no rows \"\"");
        assert!(fault("h.json", "{}").starts_with("not a JSON list of objects"));
        assert!(fault("h.json", "[1]").starts_with("not a JSON list of objects"));
    }
}
