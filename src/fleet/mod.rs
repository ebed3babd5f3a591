//! A fleet: one base spec, groups that override it, and an inventory with a row for each host or site.
//!
//! Each row becomes a separate spec. Its tables are merged, and their spans still point into the original files. Then it passes
//! through the same steps as any spec. Later settings override earlier ones: the base, the other sections of the fleet file,
//! the matching groups in their order, the columns of the row with a dot in their names (`relay.from`), command line
//! settings. In every text, `{{column}}` stands for the cell of that column.

mod inventory;
mod overlay;
mod select;
mod set;
mod tables;

pub use select::{Selector, SelectorError, Shard};
pub use set::{Setting, load};
pub use tables::Read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue};

use crate::diag::{Diagnostic, Severity, Source, Sources, Span, nearest};
use crate::relay::Providers;
use crate::spec::{self, Checked};
use inventory::Row;
use set::Placed;

/// Keys of `[fleet]`.
const KEYS: [&str; 2] = ["base", "inventory"];

/// The maximum number of parts in the name of a column or key. Each part is a nested table.
const MOST_PARTS: usize = 16;

/// The files of a fleet, read but not yet parsed.
#[derive(Debug)]
pub struct Files {
    sources: Sources,
    /// How many of the sources are files; options follow.
    count: usize,
    /// Files of `[tables]`.
    tables: tables::Starts,
    settings: Vec<Placed>,
    /// Start of the base, if it is a separate file.
    base: Option<usize>,
    /// Start of the inventory, and its file name, whose suffix decides the format.
    inventory: (usize, String),
}

/// A parsed fleet: every file exists and has a valid form.
#[derive(Debug)]
pub struct Fleet<'f> {
    files: &'f Files,
    base: DeTable<'f>,
    groups: Vec<Group<'f>>,
    rows: Vec<Row>,
    columns: BTreeSet<String>,
}

#[derive(Debug)]
struct Group<'f> {
    when: Selector,
    /// Place of `when`.
    span: Span,
    overlay: DeTable<'f>,
}

/// Findings with their files.
pub type Refused = Vec<(Source, Vec<Diagnostic>)>;

/// Whether a text describes a fleet and not one relay.
pub fn is_fleet(text: &str) -> bool {
    text.contains("fleet") && spec::parse(text).is_ok_and(|table| table.contains_key("fleet"))
}

impl Files {
    /// Reads the files of a fleet, with settings that override its specs. `read` returns the text of a file, or the reason why it
    /// cannot be read. Paths are relative to the folder of the fleet file.
    ///
    /// # Errors
    /// The fleet file, or a file name in it, is wrong.
    pub fn gather(
        source: Source,
        settings: &[Setting],
        read: impl Fn(&Path) -> Result<String, String>,
    ) -> Result<Self, Refused> {
        let folder = Path::new(&source.name).parent().map(Path::to_path_buf).unwrap_or_default();
        let mut findings = Vec::new();
        let mut sources = Sources::default();
        let words = match spec::parse(&source.text) {
            Ok(mut table) => words(&mut table, &mut findings),
            Err(errors) => {
                findings = errors;
                BTreeMap::new()
            }
        };
        sources.add(source);
        if findings.is_empty() && !words.contains_key("inventory") {
            let message = "`fleet.inventory` is missing: the file with a row for each host or site";
            findings.push(Diagnostic::new(Severity::Error, "fleet", None, message));
        }
        let mut starts = BTreeMap::new();
        for (key, (name, span)) in &words {
            let path = folder.join(name);
            match read(&path) {
                Ok(text) => {
                    starts.insert(*key, sources.add(Source { name: path.display().to_string(), text }));
                }
                Err(why) => findings.push(Diagnostic::error("fleet", span.clone(), why)),
            }
        }
        let mut tables = tables::Starts::new();
        let parents: Vec<usize> = [0].into_iter().chain(starts.get("base").copied()).collect();
        for start in parents {
            findings.extend(tables_of(start, &folder, &read, &mut tables, &mut sources));
        }
        let count = sources.iter().count();
        let settings = Placed::all(settings, &mut sources);
        match (starts.get("inventory"), words.get("inventory")) {
            (Some(start), Some((name, _))) if findings.is_empty() => Ok(Self {
                sources,
                count,
                tables,
                settings,
                base: starts.get("base").copied(),
                inventory: (*start, name.clone()),
            }),
            _ => Err(sources.split(findings)),
        }
    }
}

impl Files {
    /// A digest of all files and settings: SHA-256, hexadecimal.
    pub fn digest(&self) -> String {
        format!("{:x}", Sha256::digest(self.sources.text()))
    }

    /// All files, each with its name and text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().take(self.count)
    }
}

/// Reads the files of `[tables]` in the part of the sources that begins at `start`, and in its groups.
fn tables_of(
    start: usize,
    folder: &Path,
    read: Read<'_>,
    tables: &mut tables::Starts,
    sources: &mut Sources,
) -> Vec<Diagnostic> {
    let text = sources.part(start).to_owned();
    if !text.contains("tables") {
        return Vec::new();
    }
    // `Fleet::read` reports what is wrong with it.
    let Ok(mut table) = spec::parse(&text) else { return Vec::new() };
    let groups = groups(&mut table, &mut Vec::new());
    let parts = [&table].into_iter().chain(groups.iter().map(|group| &group.overlay));
    let mut add = |file: Source| sources.add(file);
    let findings =
        parts.flat_map(|part| tables::read(part, folder, read, tables, &mut add)).collect::<Vec<_>>();
    findings.into_iter().map(|finding| moved(finding, start)).collect()
}

/// Removes `[fleet]` from a table and returns the names of files.
fn words(table: &mut DeTable<'_>, findings: &mut Vec<Diagnostic>) -> BTreeMap<&'static str, (String, Span)> {
    let mut words = BTreeMap::new();
    let Some(section) = table.remove("fleet") else { return words };
    let span = section.span();
    let DeValue::Table(section) = section.into_inner() else {
        findings.push(Diagnostic::error(
            "fleet",
            span,
            "`fleet` must be a table: [fleet] with inventory and base",
        ));
        return words;
    };
    for (key, value) in section {
        let name: &str = key.get_ref();
        let Some(known) = KEYS.into_iter().find(|known| *known == name) else {
            let hint = nearest(name, KEYS).map_or_else(
                || format!("known here: {}", KEYS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is no key `{name}` in [fleet]");
            findings.push(Diagnostic::error("unknown-key", key.span(), message).hint(hint));
            continue;
        };
        if let Some(text) = value.get_ref().as_str() {
            words.insert(known, (text.to_owned(), value.span()));
        } else {
            let message = format!("`fleet.{known}` must be the name of a file");
            findings.push(Diagnostic::error("fleet", value.span(), message));
        }
    }
    words
}

impl<'f> Fleet<'f> {
    /// Parses the files of a fleet.
    ///
    /// # Errors
    /// The faults of the files.
    pub fn read(files: &'f Files) -> Result<Self, Refused> {
        let mut findings = Vec::new();
        let mut table = |start: usize| match spec::parse(files.sources.part(start)) {
            Ok(table) => overlay::moved_table(table, start),
            Err(errors) => {
                findings.extend(errors.into_iter().map(|finding| moved(finding, start)));
                DeTable::new()
            }
        };
        let mut own = table(0);
        let mut base = files.base.map(&mut table).unwrap_or_default();
        words(&mut own, &mut Vec::new());
        let groups = groups(&mut own, &mut findings);
        overlay::merge(&mut base, &own);
        let (start, name) = &files.inventory;
        let rows = inventory::read(name, files.sources.part(*start), *start).unwrap_or_else(|finding| {
            findings.push(finding);
            Vec::new()
        });
        let columns = rows.iter().flat_map(|row| row.cells.keys().cloned()).collect();
        let fleet = Self { files, base, groups, rows, columns };
        if findings.is_empty() {
            for group in &fleet.groups {
                for column in group.when.columns().filter(|column| !fleet.columns.contains(*column)) {
                    findings.push(Diagnostic::error("fleet", group.span.clone(), fleet.no_column(column)));
                }
            }
        }
        if findings.is_empty() { Ok(fleet) } else { Err(files.sources.split(findings)) }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows; a parsed fleet has some.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The selected rows: those that match a selector (all without one), then one shard of them.
    ///
    /// # Errors
    /// A selector names a column that the inventory does not have, or matches no row.
    pub fn select(&self, only: &[Selector], shard: Option<Shard>) -> Result<Vec<usize>, String> {
        for column in only.iter().flat_map(Selector::columns) {
            if !self.columns.contains(column) {
                return Err(self.no_column(column));
            }
        }
        if let Some(selector) = only.iter().find(|selector| !self.has(selector)) {
            return Err(self.unmatched(selector).join("; "));
        }
        let meant =
            |row: &Row| only.is_empty() || only.iter().any(|selector| selector.matches(|name| row.get(name)));
        let rows = (0..self.rows.len()).filter(|index| meant(&self.rows[*index]));
        Ok(rows
            .enumerate()
            .filter(|(number, _)| shard.is_none_or(|shard| shard.takes(*number)))
            .map(|(_, row)| row)
            .collect())
    }

    /// Whether a selector matches any row.
    fn has(&self, selector: &Selector) -> bool {
        self.rows.iter().any(|row| selector.matches(|name| row.get(name)))
    }

    /// The reason why a selector matches no row, and a suggestion.
    fn unmatched(&self, selector: &Selector) -> [String; 2] {
        const SHOWN: usize = 8;
        let Some(alone) = selector.parts().find(|part| !self.has(part)) else {
            let why = format!("no row of the inventory matches `{selector}`");
            return [why, "each condition matches some row, but no row matches all of them".to_owned()];
        };
        let why = format!("no row of the inventory matches `{alone}`");
        let column = alone.columns().next().unwrap_or_default();
        let values: BTreeSet<&str> = self.rows.iter().filter_map(|row| row.get(column)).collect();
        let plain = alone.pattern().replace(['*', '?'], "");
        let hint = nearest(&plain, values.iter().copied()).map_or_else(
            || {
                let shown: Vec<&str> = values.iter().copied().take(SHOWN).collect();
                let more = values.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                format!("values of `{column}`: {}{more}", shown.join(", "))
            },
            |near| format!("did you mean `{near}`?"),
        );
        [why, hint]
    }

    /// Groups that match no row.
    fn idle_groups(&self) -> impl Iterator<Item = Diagnostic> {
        self.groups.iter().filter(|group| !self.has(&group.when)).map(|group| {
            let [why, hint] = self.unmatched(&group.when);
            let message = format!("the group has no effect: {why}");
            Diagnostic::warning("group", group.span.clone(), message).hint(hint)
        })
    }

    fn no_column(&self, column: &str) -> String {
        let known: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        match nearest(column, known.iter().copied()) {
            Some(near) => format!("the inventory has no column `{column}`; did you mean `{near}`?"),
            None => format!("the inventory has no column `{column}`; it has {}", known.join(", ")),
        }
    }

    /// The spec of a row, as one table.
    fn document(&self, row: usize) -> Result<DeTable<'f>, Vec<Diagnostic>> {
        let row = &self.rows[row];
        let mut table = self.base.clone();
        for group in self.groups.iter().filter(|group| group.when.matches(|name| row.get(name))) {
            overlay::merge(&mut table, &group.overlay);
        }
        for (column, cell) in row.cells.iter().filter(|(column, _)| column.contains('.')) {
            overlay::set(
                &mut table,
                column,
                overlay::value(column, cell, self.files.sources.text()),
                &cell.span,
            );
        }
        for setting in &self.files.settings {
            setting.put(&mut table, self.files.sources.text());
        }
        let mut findings = Vec::new();
        overlay::fill(&mut table, &mut |name, span| {
            let Some(name) = name else {
                let message = format!("with its columns this text is longer than {} bytes", overlay::LONGEST);
                findings.push(Diagnostic::error("fleet", span, message));
                return String::new();
            };
            if row.get(name).is_none() {
                findings.push(Diagnostic::error("fleet", span, self.no_column(name)));
            }
            row.get(name).unwrap_or_default().to_owned()
        });
        findings.extend(tables::put(&mut table, &self.files.sources, &self.files.tables));
        if findings.is_empty() { Ok(table) } else { Err(findings) }
    }

    /// `hosts.csv:12`.
    fn place(&self, span: &Span) -> String {
        self.files.sources.place(span)
    }

    /// The place of the row: `hosts.csv:12`.
    pub fn row_place(&self, row: usize) -> String {
        self.place(&self.rows[row].span)
    }

    /// A digest of all inputs of the package of a row: SHA-256, hexadecimal.
    pub fn digest(&self, row: usize) -> String {
        let mut digest = Sha256::new();
        if let Ok(table) = self.document(row) {
            overlay::digest(&table, &mut digest);
        }
        format!("{:x}", digest.finalize())
    }

    /// Checks the spec of a row. Findings point into the text of all files.
    pub fn check(&self, row: usize, providers: &Providers) -> (Option<Checked>, Vec<Diagnostic>) {
        match self.document(row) {
            Ok(table) => spec::load_own_table(table, self.files.sources.text(), providers),
            Err(findings) => (None, findings),
        }
    }

    /// Findings of rows and groups by file, each once: a fault of the base affects every host.
    pub fn sort_out(&self, findings: Vec<(usize, Vec<Diagnostic>)>) -> Refused {
        let mut known: Vec<(Diagnostic, Vec<usize>)> = Vec::new();
        let mut index: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (row, finding) in
            findings.into_iter().flat_map(|(row, list)| list.into_iter().map(move |finding| (row, finding)))
        {
            let start = finding.label.as_ref().map_or(usize::MAX, |(span, _)| span.start);
            let at = *index.entry((start, finding.message.clone())).or_insert(known.len());
            match known.get_mut(at) {
                Some((_, rows)) => rows.push(row),
                None => known.push((finding, vec![row])),
            }
        }
        let told = known.into_iter().map(|(finding, rows)| {
            let first = self.row_place(rows[0]);
            let inside = finding.label.as_ref().is_some_and(|(span, _)| self.place(span) == first);
            match rows.len() {
                1 if inside => finding,
                1 => finding.hint(format!("the row is {first}")),
                count => finding.hint(format!("so in {count} rows; the first is {first}")),
            }
        });
        self.files.sources.split(self.idle_groups().chain(told).collect())
    }

    /// Whether the package of a row shares the host program.
    pub fn shares_program(&self) -> bool {
        // Most fleets do not name the key, and then no row needs to be assembled.
        if !self.files.sources.text().contains("host-program") {
            return false;
        }
        (0..self.len()).into_par_iter().any(|row| {
            let table = self.document(row);
            table.is_ok_and(|table| {
                overlay::text_at(&table, "package", "host-program").as_deref() == Some("shared")
            })
        })
    }

    /// Name and version of the package of a row, if its spec has them.
    pub fn package(&self, row: usize) -> Option<[String; 2]> {
        let table = self.document(row).ok()?;
        let word = |key| overlay::text_at(&table, "package", key);
        Some([word("name")?, word("version").unwrap_or_default()])
    }

    /// Rows that would make packages with the same name and version, found before anything is built.
    pub fn collisions(&self, rows: &[usize]) -> Vec<(usize, Vec<Diagnostic>)> {
        let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut found = Vec::new();
        for row in rows {
            let Ok(table) = self.document(*row) else { continue };
            let words: Vec<String> = ["name", "version", "release", "epoch"]
                .iter()
                .map(|key| overlay::text_at(&table, "package", key).unwrap_or_default())
                .collect();
            let name = words[0].clone();
            if let Some(first) = seen.insert(words, *row) {
                let message = format!("two rows make the same package `{name}`");
                let finding = Diagnostic::error("collision", self.rows[*row].span.clone(), message)
                    .hint(format!("the other row is {}", self.row_place(first)))
                    .hint("give package.name or package.version something of the row, such as name = \"acme-relay-{{site}}\"");
                found.push((*row, vec![finding]));
            }
        }
        found
    }
}

/// A finding about a file that begins at `start`.
fn moved(mut finding: Diagnostic, start: usize) -> Diagnostic {
    if let Some((span, _)) = &mut finding.label {
        *span = span.start + start..span.end + start;
    }
    finding
}

/// Removes the `[[group]]`s from the table and returns them.
fn groups<'f>(own: &mut DeTable<'f>, findings: &mut Vec<Diagnostic>) -> Vec<Group<'f>> {
    let Some(value) = own.remove("group") else { return Vec::new() };
    let mut wrong = |span: Span, message: &str| findings.push(Diagnostic::error("fleet", span, message));
    let span = value.span();
    let DeValue::Array(list) = value.into_inner() else {
        wrong(span, "groups are written [[group]], each with `when` and what it overrides");
        return Vec::new();
    };
    let mut groups = Vec::new();
    for item in list {
        let span = item.span();
        let DeValue::Table(mut overlay) = item.into_inner() else {
            wrong(span, "a group is a table with `when` and what it overrides");
            continue;
        };
        let Some(when) = overlay.remove("when") else {
            wrong(span, "a group has no `when`: say which rows it is for, such as when = \"site=berlin*\"");
            continue;
        };
        match when.get_ref().as_str().map(str::parse::<Selector>) {
            Some(Ok(selector)) => groups.push(Group { when: selector, span: when.span(), overlay }),
            Some(Err(error)) => wrong(when.span(), &error.to_string()),
            None => wrong(when.span(), "`when` must be a text such as \"site=berlin*\""),
        }
    }
    groups
}
