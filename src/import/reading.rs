//! The configuration as Postfix reads it: parameters with their places, services, and what would stop Postfix.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::expand::{expand, level};
use super::source::{Found, Source};
use super::tables::{self, Table};
use super::{defaults, stock};
use crate::diag::{Source as Text, printable};
use crate::postfix::Release;
use crate::postfix::catalogue::{Catalogue, Kind};
use crate::postfix::main_cf;
use crate::postfix::master_cf::{self, Service};

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
}

/// Facts of the host, as the collector writes them.
pub(super) const FACTS: &str = "/etc/postfix/postpack.facts";

/// Reads a source.
///
/// # Errors
/// With all faults, if one of them is fatal.
pub(super) fn read(source: &Source) -> Result<Reading<'_>, Vec<Fault>> {
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

fn whole(code: &'static str, file: &str, message: &str, hint: &str) -> Fault {
    let place = Place { file: file.to_owned(), line: 1, column: 1 };
    Fault { code, place, message: message.to_owned(), hint: hint.to_owned(), fatal: true }
}

/// A file as text. Bytes that are no UTF-8 are in comments most of the time.
fn text_of(source: &Source, path: &str) -> Result<Option<Text>, Fault> {
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

fn main_settings(
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
fn is_template(value: &str) -> bool {
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

fn services(text: &Text, faults: &mut Vec<Fault>) -> Vec<Placed> {
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

fn facts(source: &Source) -> BTreeMap<String, String> {
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
            if item.starts_with('/') && depth < 3 {
                match self.file(&item) {
                    Some(found) => {
                        let text: String = String::from_utf8_lossy(&found.bytes)
                            .lines()
                            .filter(|line| !line.trim_start().starts_with('#'))
                            .collect::<Vec<_>>()
                            .join(" ");
                        self.add_items(&self.expand(&text), items, depth + 1);
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

    /// Parts that Postfix does not know, or cannot read.
    fn judge(&self, setting: &Setting, faults: &mut Vec<Fault>) {
        let value = self.expand(&setting.value);
        let mut fault = |code, message: String, hint: String, fatal| {
            faults.push(Fault { code, place: setting.place.clone(), message, hint, fatal });
        };
        let name = &setting.name;
        if has_password(&value) {
            fault(
                "secret",
                format!("`{name}` holds a password, which everybody on the host can read"),
                "put it into relay.env; change it if the file was ever shared".to_owned(),
                false,
            );
        }
        let Some(info) = Catalogue::get(name) else {
            if !self.refers_to(name) {
                let near = Catalogue::nearest(name)
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                fault(
                    "unknown-parameter",
                    format!("Postfix has no parameter `{name}` and ignores it"),
                    near,
                    false,
                );
            }
            return;
        };
        if value.contains('$') || is_template(&value) {
            return;
        }
        let (wrong, right) = match &info.kind {
            Kind::Boolean => {
                (!["yes", "no"].contains(&value.to_ascii_lowercase().as_str()), "`yes` or `no`".to_owned())
            }
            Kind::Integer(..) => (value.parse::<i64>().is_err(), "a whole number".to_owned()),
            Kind::Time => {
                let number = value.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
                (
                    number.parse::<u64>().is_err() || value.len() - number.len() > 1,
                    "a number with one unit: s, m, h, d or w".to_owned(),
                )
            }
            Kind::Word(words) if name.ends_with("_tls_security_level") => (
                !words.iter().any(|word| word.eq_ignore_ascii_case(&value)),
                format!(
                    "one of {}",
                    words
                        .iter()
                        .filter(|word| !word.is_empty())
                        .map(|word| format!("`{word}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
            _ => return,
        };
        if wrong && info.exists_in(self.version) {
            let shown = printable(&value);
            fault(
                "bad-value",
                format!("`{name}` cannot be `{shown}`, and Postfix stops here"),
                format!("write {right}"),
                true,
            );
        }
    }

    /// Whether another value refers to a name of the administrator's own, or a service of master.cf uses it.
    pub(super) fn refers_to(&self, name: &str) -> bool {
        let forms = [format!("${name}"), format!("${{{name}"), format!("$({name}")];
        let uses = |text: &str| {
            forms.iter().any(|form| {
                text.match_indices(form.as_str()).any(|(at, _)| {
                    !text[at + form.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                })
            })
        };
        self.settings.iter().any(|setting| uses(&setting.value))
            || self
                .services
                .iter()
                .flatten()
                .any(|placed| placed.service.arguments.iter().any(|argument| uses(&argument.to_string())))
    }
}

/// `static:user:password`, and credentials in a URL.
pub(super) fn has_password(value: &str) -> bool {
    tables::items(value).iter().any(|item| {
        let own = item.strip_prefix("static:").is_some_and(|rest| {
            rest.trim_start_matches('{').contains(':')
                && !rest.starts_with(['/', '['])
                && !rest.contains("::")
                && ![
                    "lmtp:", "smtp:", "relay:", "error:", "virtual:", "local:", "lmtps:", "smtps:",
                    "discard:", "retry:",
                ]
                .iter()
                .any(|way| rest.starts_with(way))
        });
        let url = item.split_once("://").is_some_and(|(_, rest)| {
            rest.split('/').next().is_some_and(|host| host.contains('@') && host.contains(':'))
        });
        own || url
    })
}

/// A value as messages may show it.
pub(super) fn masked(name: &str, value: &str) -> String {
    if has_password(value) || (name.contains("password") && value.starts_with("inline:")) {
        return "(masked)".to_owned();
    }
    printable(value)
}
