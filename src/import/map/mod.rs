//! From settings to keys: each module writes the keys of its sections and says what became of the settings behind them.

mod access;
mod content;
mod forwards;
mod hops;
mod identity;
mod limits;
mod local;
mod mailboxes;
mod network;
mod patterns;
mod receiving;
mod restrictions;
mod senders;
mod services;
mod smarthost;
mod tls;
mod transports;

use std::collections::BTreeMap;

use super::draft::{Draft, Entry};
use super::judge::{has_password, masked};
use super::reading::{Place, Reading};
use super::report::Code;
use super::role::{Role, is_technical};
use super::verdict::{self, Kind};
use super::{Account, Answers, defaults, stock};
use crate::postfix::catalogue::Catalogue;
use crate::relay::{Profile, Provider};

pub(super) use hops::hop;

/// A spec, and what became of every setting.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) draft: Draft,
    /// By the name of the parameter.
    pub(super) verdicts: BTreeMap<String, Given>,
    /// Settings other than parameters: services, rows of tables, leftovers.
    pub(super) others: Vec<Other>,
    pub(super) accounts: Vec<Account>,
}

/// Records the verdict on a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) code: Code,
    /// Keys of the spec, such as `relay.from`.
    pub(super) keys: Vec<String>,
    pub(super) reason: String,
}

/// Something of the source that is no parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) code: Code,
    pub(super) subject: String,
    pub(super) place: Option<Place>,
    pub(super) reason: String,
}

/// Writes the spec.
pub(super) struct Map<'r, 's> {
    pub(super) reading: &'r Reading<'s>,
    pub(super) role: &'r Role,
    pub(super) answers: &'r Answers,
    pub(super) draft: Draft,
    pub(super) verdicts: BTreeMap<String, Given>,
    pub(super) others: Vec<Other>,
    pub(super) accounts: Vec<Account>,
    pub(super) provider: Option<Provider>,
    /// Servers that receive the mail, in order.
    hops: Vec<hops::Hop>,
    /// The address or `@domain` of the host's mail.
    pub(super) from: Option<String>,
    pub(super) root: Vec<String>,
    pub(super) own_files: Vec<String>,
    /// Why the TLS level is no longer what it was, for a comment.
    pub(super) tls_comment: Option<String>,
}

/// The name of the provider that owns the smarthost.
pub(super) fn provider_name(reading: &Reading<'_>, answers: &Answers) -> String {
    let named = answers.provider.clone();
    named
        .or_else(|| hops::owner(&hops::hops(&reading.value("relayhost"))).map(|own| own.name))
        .unwrap_or_else(|| Provider::CUSTOM.to_owned())
}

/// Maps a reading.
pub(super) fn map(reading: &Reading<'_>, role: &Role, answers: &Answers) -> Mapped {
    let mut map = Map {
        reading,
        role,
        answers,
        draft: Draft::default(),
        verdicts: BTreeMap::new(),
        others: Vec::new(),
        accounts: Vec::new(),
        provider: None,
        hops: Vec::new(),
        from: None,
        root: Vec::new(),
        own_files: Vec::new(),
        tls_comment: None,
    };
    smarthost::map(&mut map);
    identity::map(&mut map);
    local::map(&mut map);
    tls::map(&mut map);
    if let Some(comment) = map.tls_comment.take() {
        let place = [("smarthost", "host"), ("smarthost#0", "host"), ("relay", "provider")];
        if let Some((section, key)) =
            place.into_iter().find(|(section, key)| map.draft.get(section, key).is_some())
            && let Some(entry) = map.draft.get_mut(section, key)
        {
            entry.comment(comment);
        }
    }
    network::map(&mut map);
    receiving::map(&mut map);
    mailboxes::map(&mut map);
    restrictions::map(&mut map);
    content::map(&mut map);
    limits::map(&mut map);
    services::map(&mut map);
    package(&mut map);
    rest(&mut map);
    if !map.own_files.is_empty() {
        let mut files = std::mem::take(&mut map.own_files);
        files.sort();
        files.dedup();
        for file in &files {
            map.other(
                Code::Changed,
                file,
                None,
                "copy this table to the host: the package does not contain it",
            );
        }
        map.draft.set("relay", "own-files", list(files), &[]);
    }
    for name in reading.unused() {
        map.other(Code::Dropped, &name, None, "nothing refers to this file");
    }
    let Map { draft, verdicts, others, accounts, .. } = map;
    Mapped { draft, verdicts, others, accounts }
}

/// `[package]`, first in the file.
fn package(map: &mut Map<'_, '_>) {
    let domain = map.domain().unwrap_or_default();
    let label = domain.split('.').next().filter(|label| !label.is_empty()).map(str::to_owned);
    let word: String = label
        .unwrap_or_default()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let word = word.trim_matches('-');
    let what = match map.role.profile {
        Profile::NullClient => "mail-relay",
        Profile::LanRelay => "lan-relay",
        Profile::MailGateway => "mail-gateway",
        Profile::Submission => "submission",
        Profile::MailServer => "mail-server",
    };
    let starts = word.starts_with(|c: char| c.is_ascii_lowercase());
    let name = map
        .answers
        .name
        .clone()
        .unwrap_or_else(|| if starts { format!("{word}-{what}") } else { format!("own-{what}") });
    map.draft.set("package", "name", name, &[]);
    map.draft.set("package", "version", "1.0.0", &[]);
    let person = map.root.iter().chain(map.from.as_ref()).find(|address| !address.starts_with('@')).cloned();
    let person = person.or_else(|| (!domain.is_empty()).then(|| format!("postmaster@{domain}")));
    let person = person.unwrap_or_else(|| "postmaster@localhost.localdomain".to_owned());
    map.draft.set("package", "maintainer", format!("Postmaster <{person}>"), &[]);
}

/// Settings that no module has said anything of: what the data says.
fn rest(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    for setting in &reading.settings {
        if map.verdicts.contains_key(&setting.name) {
            continue;
        }
        let name = setting.name.as_str();
        let value = reading.value(name);
        let Some(row) = verdict::of(name, map.role.profile, &setting.value).filter(|_| true) else {
            if crate::import::env::is_variable(name) {
                map.say(
                    name,
                    Code::Lost,
                    &[],
                    "a variable of the container image, for which there is no key",
                );
            } else if reading.refers_to(name) {
                map.say(name, Code::Implied, &[], "a user-defined name, expanded where it is used");
            } else {
                let near = Catalogue::nearest(name)
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                map.say(name, Code::Dropped, &[], &format!("Postfix has no such parameter{near}"));
            }
            continue;
        };
        // The row for the expanded value, if the value as written has no row.
        let row = match row.kind {
            Kind::Implied => row,
            _ => verdict::of(name, map.role.profile, &value).unwrap_or(row),
        };
        let keys: Vec<String> = row.keys.iter().map(|key| (*key).to_owned()).collect();
        if is_default(reading, name, &value) {
            map.say_keys(name, Code::Implied, keys, "Postfix's default");
            continue;
        }
        if let Some(maps) = maps_of_classes(name).filter(|maps| reading.value(maps).is_empty()) {
            map.say_keys(name, Code::Dropped, keys, &format!("without {maps} it has no effect"));
            continue;
        }
        if let Some(reason) = map.without_rows(name, &value) {
            map.say_keys(name, Code::Dropped, keys, reason);
            continue;
        }
        if reading.ours && name.starts_with("smarthost-") {
            map.say_keys(name, Code::Implied, keys, "follows from [[smarthost]] senders");
            continue;
        }
        if let Some(transport) = Catalogue::transport_of(name)
            && !map.has_transport(transport)
        {
            map.say_keys(
                name,
                Code::Dropped,
                keys,
                &format!("for the service `{transport}`, which this relay does not have"),
            );
            continue;
        }
        match row.kind {
            Kind::Implied => map.say_keys(name, Code::Implied, keys, row.reason),
            Kind::Dropped => map.say_keys(name, Code::Dropped, keys, row.reason),
            Kind::Changed => map.say_keys(name, Code::Changed, keys, row.reason),
            Kind::Lost => map.say_keys(name, Code::Lost, keys, row.reason),
            Kind::Key => {
                let reason = format!("no value of {} expresses this", words(&keys));
                map.say_keys(name, Code::Lost, keys, &reason);
            }
            Kind::MainCf
                if name == "smtpd_banner" && !stock::of_parameter(name, &setting.value).is_empty() =>
            {
                map.say_keys(name, Code::Dropped, keys, "the greeting of the package's own main.cf");
            }
            Kind::MainCf => map.main_cf(name),
        }
    }
}

/// The tables that a list of classes is for.
fn maps_of_classes(name: &str) -> Option<&'static str> {
    Some(match name {
        "canonical_classes" => "canonical_maps",
        "sender_canonical_classes" => "sender_canonical_maps",
        "recipient_canonical_classes" => "recipient_canonical_maps",
        "masquerade_classes" | "masquerade_exceptions" => "masquerade_domains",
        _ => return None,
    })
}

/// The newer name of a parameter that takes the same values.
fn renamed(name: &str) -> Option<&'static str> {
    let info = Catalogue::get(name)?;
    let new = Catalogue::get(info.instead.filter(|_| info.deprecated.is_some())?)?;
    (info.kind == new.kind && !name.contains("_per_site")).then_some(new.name)
}

/// Whether a value is what Postfix does without it.
pub(super) fn is_default(reading: &Reading<'_>, name: &str, value: &str) -> bool {
    let default = defaults::of(name, reading.version).map(|default| reading.expand(default));
    default.is_some_and(|default| stock::plain(&default) == stock::plain(value))
}

impl Map<'_, '_> {
    /// Sets a key that says what `origins` said.
    pub(super) fn key(
        &mut self,
        section: &str,
        key: &str,
        value: impl Into<toml::Value>,
        origins: &[&str],
    ) -> &mut Entry {
        let set: Vec<&str> = origins.iter().copied().filter(|name| self.reading.is_set(name)).collect();
        let path = format!("{}.{key}", section.split('#').next().unwrap_or(section));
        for name in &set {
            let given = self.verdicts.entry((*name).to_owned()).or_insert_with(|| Given {
                code: Code::Key,
                keys: Vec::new(),
                reason: String::new(),
            });
            if given.code == Code::Implied {
                given.code = Code::Key;
                given.reason.clear();
            }
            if !given.keys.contains(&path) {
                given.keys.push(path.clone());
            }
        }
        self.draft.set(section, key, value, &set)
    }

    /// Says what became of a setting, if the file has it. A verdict with a loss is not taken back.
    pub(super) fn say(&mut self, name: &str, code: Code, keys: &[&str], reason: &str) {
        self.say_keys(name, code, keys.iter().map(|key| (*key).to_owned()).collect(), reason);
    }

    pub(super) fn say_keys(&mut self, name: &str, code: Code, keys: Vec<String>, reason: &str) {
        if !self.reading.is_set(name) {
            return;
        }
        let old = self.verdicts.get(name);
        if old.is_some_and(|old| old.code == Code::Lost && code != Code::Lost) {
            return;
        }
        let mut keys = keys;
        if let Some(old) = old {
            keys.extend(old.keys.iter().filter(|key| !keys.contains(key)).cloned().collect::<Vec<_>>());
        }
        self.verdicts.insert(name.to_owned(), Given { code, keys, reason: reason.to_owned() });
    }

    /// Says what became of a setting that nothing was said of.
    pub(super) fn say_if_open(&mut self, name: &str, code: Code, keys: &[&str], reason: &str) {
        if !self.verdicts.contains_key(name) {
            self.say(name, code, keys, reason);
        }
    }

    /// Says what became of something that is no parameter.
    pub(super) fn other(&mut self, code: Code, subject: &str, place: Option<&Place>, reason: &str) {
        let other =
            Other { code, subject: subject.to_owned(), place: place.cloned(), reason: reason.to_owned() };
        if !self.others.contains(&other) {
            self.others.push(other);
        }
    }

    /// Copies a parameter to `[main-cf]`.
    pub(super) fn main_cf(&mut self, name: &str) {
        let Some(setting) = self.reading.setting(name) else { return };
        let value = self.reading.expand_own(&setting.value);
        let tables: Vec<String> = super::tables::named(&self.reading.expand(&value));
        if has_password(&value) {
            self.say(name, Code::Lost, &[], "it contains a password");
            return;
        }
        self.bring(&tables);
        if let Some(new) = renamed(name).filter(|new| !self.reading.is_set(new)) {
            self.draft.set("main-cf", new, value, &[name]);
            self.say(name, Code::Fixed, &[&format!("main-cf.{new}")], &format!("an old name of `{new}`"));
            // The file does not have the new one, whose value differs from now on.
            if let Some(given) = self.verdicts.get(name).cloned() {
                self.verdicts.insert(new.to_owned(), given);
            }
            return;
        }
        self.draft.set("main-cf", name, value, &[name]);
        self.say(name, Code::MainCf, &[&format!("main-cf.{name}")], "");
    }

    /// Tables that the administrator has to copy to the host.
    pub(super) fn bring(&mut self, tables: &[String]) {
        let files = tables.iter().filter_map(|table| super::tables::file_of(table));
        self.own_files.extend(files.map(str::to_owned));
    }

    /// Why a list of tables changes nothing, if it has no rows.
    pub(super) fn without_rows(&self, name: &str, value: &str) -> Option<&'static str> {
        let is_maps = matches!(Catalogue::get(name)?.kind, crate::postfix::catalogue::Kind::Maps);
        let items = super::tables::items(value);
        if !is_maps || items.is_empty() {
            return None;
        }
        let tables: Vec<_> = items.iter().map(|item| self.reading.table(item)).collect();
        let empty = |table: &super::tables::Table| matches!(table, super::tables::Table::Rows(_, rows) if rows.is_empty());
        let missing = |table: &super::tables::Table| matches!(table, super::tables::Table::Missing);
        if tables.iter().all(|table| empty(table)) {
            Some("the table is empty")
        } else if tables.iter().all(|table| empty(table) || missing(table)) {
            Some("the table is not in the source, so it is treated as empty")
        } else {
            None
        }
    }

    /// Whether the new relay has a transport of that name.
    fn has_transport(&self, name: &str) -> bool {
        let id = format!("{name}/unix");
        let dropped = |other: &Other| other.code == Code::Dropped && other.subject == format!("service {id}");
        let ours = ["smtp", "relay", "lmtp", "error", "retry", "discard", "default"].contains(&name);
        let there = self.reading.services.iter().flatten().any(|placed| placed.service.name == name)
            && !self.others.iter().any(dropped);
        ours || self.draft.has_section(&format!("services.\"{id}\""))
            || (there
                && stock::has_service(&id)
                && !["local", "virtual", "mailman", "dovecot", "maildrop", "cyrus", "uucp"].contains(&name))
    }

    /// `main.cf:27 name = value`, for a comment.
    pub(super) fn quote(&self, name: &str) -> String {
        match self.reading.setting(name) {
            Some(setting) => format!("{}: {name} = {}", setting.place, masked(name, &setting.value)),
            None => format!("{name} is not set"),
        }
    }

    /// The domain that the host's mail belongs to.
    pub(super) fn domain(&self) -> Option<String> {
        let of_from =
            self.from.as_ref().and_then(|from| from.rsplit_once('@')).map(|(_, domain)| domain.to_owned());
        let known = self.provider.as_ref().is_some_and(|provider| provider.name == "gmail");
        let own = of_from.filter(|_| !known).or_else(|| {
            let domain = self.reading.value("mydomain");
            (domain.contains('.') && !domain.contains('$')).then_some(domain)
        });
        own.filter(|domain| !is_technical(domain))
            .map(|domain| registered(&domain))
            .filter(|domain| domain.contains('.'))
    }
}

/// The last two labels of a domain, which most names are registered by.
fn registered(domain: &str) -> String {
    let labels: Vec<&str> = domain.rsplit('.').take(2).collect();
    labels.into_iter().rev().collect::<Vec<_>>().join(".")
}

/// A list of texts.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> toml::Value {
    toml::Value::Array(items.into_iter().map(toml::Value::String).collect())
}

/// One text, or a list of several.
pub(super) fn one_or_list(mut items: Vec<String>) -> toml::Value {
    if items.len() == 1 { toml::Value::String(items.remove(0)) } else { list(items) }
}

/// `a`, `a and b`.
fn words(keys: &[String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ")
}

/// Whether an address of mail is plain enough for a spec.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#%&'*+-/=?^_`{}~.".contains(c))
        && is_domain(domain)
}

/// Whether a text is a domain with a dot.
pub(super) fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// Seconds of a time with its unit.
pub(super) fn seconds(text: &str) -> Option<u64> {
    limits::time(text, 's')
}
