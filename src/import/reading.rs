//! The configuration as Postfix reads it: parameters with their places, services, and what would stop Postfix.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::expand::{expand, level};
use super::files::{facts, main_settings, services, text_of, unreadable, whole};
use super::ours::{self, Baseline};
use super::source::{Found, Source};
use super::tables::{self, Table};
use super::{defaults, stock};
use crate::diag::printable;
use crate::postfix::Release;
use crate::postfix::catalogue::Catalogue;
use crate::postfix::master_cf::Service;
use crate::relay::Profile;

/// A line of a file of the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Place {
    /// The file, as in the source.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
    /// The column, from 1 on.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", printable(&self.file), self.line)
    }
}

/// Fault of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable name, such as `no-parameter`.
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// One sentence: what is there, and what Postfix does with it.
    pub message: String,
    /// The fix.
    pub hint: String,
    /// Whether nothing can be imported with it.
    pub fatal: bool,
}

/// `name = value`, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) name: String,
    /// On one line, not expanded.
    pub(super) value: String,
    pub(super) place: Place,
    /// Earlier lines with the same name, which do not count.
    pub(super) earlier: Vec<Place>,
}

/// A service of master.cf.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) service: Service,
    pub(super) place: Place,
    /// The packages that bring it like this.
    pub(super) stocks: Vec<&'static str>,
}

/// A configuration that was read.
#[derive(Debug)]
pub(super) struct Reading<'s> {
    pub(super) source: &'s Source,
    /// In the order of the file, each name once.
    pub(super) settings: Vec<Setting>,
    index: BTreeMap<String, usize>,
    /// `None` without a master.cf.
    pub(super) services: Option<Vec<Placed>>,
    /// Oddities.
    pub(super) remarks: RefCell<Vec<Fault>>,
    /// The version of Postfix that the defaults are of.
    pub(super) version: Release,
    /// The stock that it is nearest to.
    pub(super) stock: Option<String>,
    tables: RefCell<BTreeMap<String, Rc<Table>>>,
    /// Names of files that were read.
    used: RefCell<BTreeSet<String>>,
    facts: BTreeMap<String, String>,
    /// Whether postpack wrote it.
    pub(super) ours: bool,
    baseline: OnceCell<Arc<Baseline>>,
}

/// Facts of the host, as the collector writes them.
pub(super) const FACTS: &str = "/etc/postfix/postpack.facts";

/// Reads a source.
///
/// # Errors
/// With all faults, if one of them is fatal.
pub(super) fn read(source: &Source) -> Result<Reading<'_>, Vec<Fault>> {
    read_as(source, true)
}

/// Reads files that this program just wrote, exactly as Postfix sees them.
pub(super) fn read_rendered(source: &Source) -> Result<Reading<'_>, Vec<Fault>> {
    read_as(source, false)
}

fn read_as(source: &Source, undo: bool) -> Result<Reading<'_>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut settings: Vec<Setting> = Vec::new();
    let mut index = BTreeMap::new();
    match text_of(source, "/etc/postfix/main.cf") {
        Ok(Some(text)) => main_settings(&text, &mut settings, &mut index, &mut faults),
        Ok(None) => {
            faults.push(whole("missing", "main.cf", "there is no main.cf", "import a folder that has one"));
        }
        Err(fault) => faults.push(fault),
    }
    let services = match text_of(source, "/etc/postfix/master.cf") {
        Ok(Some(text)) => Some(services(&text, &mut faults)),
        Ok(None) => None,
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let facts = facts(source);
    let written = undo && ours::is_ours(&settings);
    let mut services = services;
    if written {
        ours::undo(&mut settings);
        if services.is_none() {
            let text = ours::master_cf(source);
            let text = text.map(|text| crate::diag::Source { name: "master.edits".to_owned(), text });
            services = text.map(|text| self::services(&text, &mut faults));
        }
        for placed in services.iter_mut().flatten() {
            if ours::SERVICES.contains(&placed.service.name.as_str()) {
                placed.stocks.push("postpack");
            }
        }
    }
    let votes = settings.iter().flat_map(|setting| stock::of_parameter(&setting.name, &setting.value));
    let votes = votes.chain(services.iter().flatten().flat_map(|placed| placed.stocks.iter().copied()));
    let count = settings.len() + services.as_ref().map_or(0, Vec::len);
    let stock = stock::nearest(votes, count);
    let mut reading = Reading {
        source,
        version: Release::new(3, 7),
        stock,
        settings,
        index,
        services,
        remarks: RefCell::default(),
        tables: RefCell::default(),
        used: RefCell::default(),
        facts,
        ours: written,
        baseline: OnceCell::new(),
    };
    reading.version = reading.guess_version();
    for setting in &reading.settings {
        reading.judge(setting, &mut faults);
    }
    for setting in reading.settings.iter().filter(|setting| setting.name != "smtp_sasl_password_maps") {
        for spec in tables::named(&reading.expand(&setting.value)) {
            let Some(found) = tables::file_of(&spec).and_then(|path| source.get(path)) else { continue };
            if let Some(what) = unreadable(&found.bytes) {
                let message = format!("`{}` needs this table, which is {what}", setting.name);
                faults.push(whole(
                    "unreadable",
                    &found.name,
                    &message,
                    "unlock it first, and import it as Postfix reads it",
                ));
            }
        }
    }
    if faults.iter().any(|fault| fault.fatal) {
        faults.dedup();
        faults.extend(reading.remarks.take());
        faults.sort_by(|a, b| a.place.cmp(&b.place));
        return Err(faults);
    }
    reading.remarks.borrow_mut().extend(faults);
    Ok(reading)
}

impl Reading<'_> {
    /// The setting of that name.
    pub(super) fn setting(&self, name: &str) -> Option<&Setting> {
        self.index.get(name).map(|at| &self.settings[*at])
    }

    /// Whether the file sets it.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// The value that counts, expanded; empty where neither the file nor Postfix has one.
    pub(super) fn value(&self, name: &str) -> String {
        self.lookup(name).map(|value| self.expand(&value).trim().to_owned()).unwrap_or_default()
    }

    /// Whether a parameter is `yes`.
    pub(super) fn yes(&self, name: &str) -> bool {
        self.value(name).eq_ignore_ascii_case("yes")
    }

    /// The items of a list, with those of the files that it names.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let mut items = Vec::new();
        self.add_items(&self.value(name), &mut items, 0);
        items
    }

    fn add_items(&self, text: &str, items: &mut Vec<String>, depth: usize) {
        for item in tables::items(text) {
            // Postfix warns, and ignores the rest of the line.
            if item.starts_with('#') {
                break;
            }
            if item.starts_with('/') && depth < 3 {
                match self.file(&item) {
                    Some(found) => {
                        for line in String::from_utf8_lossy(&found.bytes).lines() {
                            self.add_items(&self.expand(line), items, depth + 1);
                        }
                    }
                    None => self.remark(
                        "missing-file",
                        &item,
                        "the list of main.cf names this file, and the source does not have it",
                    ),
                }
            } else {
                items.push(item);
            }
        }
    }

    /// A file of the source, which then counts as used.
    pub(super) fn file(&self, path: &str) -> Option<Found> {
        let found = self.source.get(path)?;
        self.used.borrow_mut().insert(found.name.clone());
        Some(found)
    }

    /// Files of the folder that nothing refers to.
    pub(super) fn unused(&self) -> Vec<String> {
        let named = self.named_files();
        for path in named {
            self.file(&path);
        }
        let used = self.used.borrow();
        let ours = [
            "main.cf",
            "master.cf",
            "postpack.facts",
            "dynamicmaps.cf",
            "postfix-files",
            "main.cf.proto",
            "master.cf.proto",
            "post-install",
            "postfix-script",
            "expect.txt",
            "os-release",
        ];
        let others = self.source.list().into_iter().filter(|name| {
            let stem = [".db", ".lmdb", ".cdb"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            !used.contains(stem)
                && !ours.contains(&name.as_str())
                && !name.contains(".d/")
                && !name.starts_with("sasl/smtpd.conf")
        });
        others.collect()
    }

    /// Files that a value of main.cf or an option of a service names.
    fn named_files(&self) -> Vec<String> {
        let options = self
            .services
            .iter()
            .flatten()
            .flat_map(|placed| placed.service.arguments.iter().map(ToString::to_string));
        let values = self.settings.iter().map(|setting| setting.value.clone()).chain(options);
        values
            .flat_map(|value| tables::items(&self.expand(&value)))
            .filter_map(|item| {
                let item = item.rsplit_once('=').map_or(item.as_str(), |(_, value)| value);
                tables::file_of(item)
                    .map(str::to_owned)
                    .or_else(|| item.starts_with('/').then(|| item.to_owned()))
            })
            .collect()
    }

    /// Says something odd once.
    pub(super) fn remark(&self, code: &'static str, file: &str, message: &str) {
        let fault = Fault {
            code,
            place: Place { file: file.to_owned(), line: 1, column: 1 },
            message: message.to_owned(),
            hint: String::new(),
            fatal: false,
        };
        let mut remarks = self.remarks.borrow_mut();
        if !remarks.contains(&fault) {
            remarks.push(fault);
        }
    }

    /// A table by `type:name`, read once.
    pub(super) fn table(&self, spec: &str) -> Rc<Table> {
        if let Some(table) = self.tables.borrow().get(spec) {
            return Rc::clone(table);
        }
        let table = Rc::new(tables::read(self, spec));
        self.tables.borrow_mut().insert(spec.to_owned(), Rc::clone(&table));
        table
    }

    /// Compares with the relay of a starter spec from now on, if postpack wrote the configuration.
    pub(super) fn compare_with_starter(&self, profile: Profile, provider: &str) {
        let smarthost = !self.value("relayhost").is_empty();
        if self.ours && self.baseline.set(Baseline::new(profile, provider, smarthost)).is_ok() {
            self.tables.borrow_mut().clear();
        }
    }

    pub(super) fn baseline(&self) -> Option<&Baseline> {
        self.baseline.get().map(Arc::as_ref)
    }

    /// All tables of a list of maps, in order.
    pub(super) fn tables(&self, name: &str) -> Vec<(String, Rc<Table>)> {
        tables::items(&self.value(name))
            .into_iter()
            .filter(|item| item.contains(':'))
            .map(|item| {
                let table = self.table(&item);
                (item, table)
            })
            .collect()
    }

    /// Replaces references to parameters.
    pub(super) fn expand(&self, text: &str) -> String {
        expand(text, &|name| self.lookup(name))
    }

    /// Expands references to names that the administrator defined, and to parameters that the relay sets differently. `$myhostname`
    /// stays.
    pub(super) fn expand_own(&self, text: &str) -> String {
        expand(text, &|name| match name {
            "mydomain" | "myorigin" | "mydestination" | "mynetworks" | "config_directory"
            | "data_directory" => {
                Some(self.value(name)).filter(|value| !value.is_empty() && !value.contains('$'))
            }
            name if Catalogue::get(name).is_none() && self.is_set(name) => self.lookup(name),
            _ => None,
        })
    }

    /// A value that is not expanded.
    fn lookup(&self, name: &str) -> Option<String> {
        if let Some(setting) = self.setting(name) {
            let value = &setting.value;
            // A file name stands for its first line here.
            if value.starts_with('/') && matches!(name, "myorigin" | "myhostname" | "mydomain") {
                let found = self.file(value)?;
                return String::from_utf8_lossy(&found.bytes)
                    .lines()
                    .next()
                    .map(|line| line.trim().to_owned());
            }
            return Some(value.clone());
        }
        match name {
            "mydomain" => {
                // As written: a name that refers to the domain would look it up again.
                let name = self
                    .setting("myhostname")
                    .map(|setting| &setting.value)
                    .or_else(|| self.facts.get("hostname"))?;
                let (_, domain) = name.split_once('.')?;
                (!domain.contains('$')).then(|| domain.to_owned())
            }
            "myhostname" => self.facts.get("hostname").cloned(),
            "config_directory" => Some("/etc/postfix".to_owned()),
            "queue_directory" => Some("/var/spool/postfix".to_owned()),
            "data_directory" => Some("/var/lib/postfix".to_owned()),
            "compatibility_level" => Some("0".to_owned()),
            "mail_version" => Some(self.version.to_string()),
            "mynetworks" => self.facts.get("mynetworks").cloned(),
            name => defaults::of(name, self.version).map(str::to_owned),
        }
    }

    /// Facts about the host from the collector.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name).map(String::as_str)
    }

    /// The host's own name, if the source has it.
    pub(super) fn hostname(&self) -> Option<String> {
        Some(self.value("myhostname"))
            .filter(|name| !name.is_empty() && !name.contains('$'))
            .map(|name| name.to_ascii_lowercase())
    }

    fn guess_version(&self) -> Release {
        if let Some(version) = self.fact("mail_version").and_then(|text| text.parse().ok()) {
            return version;
        }
        let of_stock =
            self.stock.as_deref().and_then(stock::version).and_then(|text| text.parse::<Release>().ok());
        let written = self.setting("compatibility_level").map(|setting| level(&setting.value));
        match (written.as_deref(), of_stock) {
            (Some([major, minor]), stock) if *major >= 3 => {
                let number = |part: u32| u16::try_from(part).unwrap_or_default();
                let least = Release::new(number(*major), number(*minor));
                stock.filter(|stock| *stock >= least).unwrap_or(least)
            }
            (_, Some(stock)) => stock.max(Release::new(3, 4)),
            _ => Release::new(3, 5),
        }
    }
}
