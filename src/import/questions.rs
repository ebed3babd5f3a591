//! The proof by questions: what becomes of the mail of this host and of its domains, before the move and after it. Both answers come
//! from the same evaluator of main.cf and its tables, which knows no databases and no DNS.

use std::collections::{BTreeMap, BTreeSet};

use super::map;
use super::reading::Reading;
use super::role;
use super::tables::{self, Shape, Table};

/// A question with both answers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Question {
    /// Subject, such as `mail to root`.
    pub question: String,
    /// The answer of Postfix today.
    pub before: String,
    /// The answer of the relay.
    pub after: String,
}

/// The most names and domains of one kind.
const MOST: usize = 20;
/// The most addresses that one address is followed to.
const FARTHEST: usize = 200;
/// Longer chains of canonical addresses are loops.
const DEEPEST: usize = 10;
/// The class of canonical tables for recipients.
const RECIPIENT: &str = "envelope_recipient";
/// A recipient that nobody here knows.
const ELSEWHERE: &str = "someone@elsewhere.example";

/// Asks both configurations.
pub(super) fn ask(before: &Reading<'_>, after: &Reading<'_>) -> Vec<Question> {
    let (old, new) = (Evaluator::new(before), Evaluator::new(after));
    let mut all = vec![Question {
        question: "connection to the smarthost".to_owned(),
        before: old.connection(),
        after: new.connection(),
    }];
    for name in ["root", "www-data"] {
        all.push(Question {
            question: format!("sender of mail from {name}"),
            before: old.sender(name),
            after: new.sender(name),
        });
    }
    let mut recipients: Vec<String> = vec!["root".to_owned(), "nobody-here".to_owned()];
    recipients.extend(old.names.keys().filter(|name| !name.contains('@')).take(MOST).cloned());
    for domain in served(before).into_iter().take(MOST) {
        recipients.push(format!("nobody-here@{domain}"));
    }
    recipients.extend(known_addresses(before).into_iter().take(MOST));
    recipients.extend(routed(before).into_iter().take(MOST));
    recipients.push(ELSEWHERE.to_owned());
    let mut seen = BTreeSet::new();
    for recipient in recipients.into_iter().filter(|recipient| seen.insert(recipient.clone())) {
        all.push(Question {
            before: old.recipient(&recipient),
            after: new.recipient(&recipient),
            question: format!("mail to {recipient}"),
        });
    }
    all
}

/// Domains whose mail Postfix receives.
fn served(reading: &Reading<'_>) -> Vec<String> {
    let lists = ["virtual_mailbox_domains", "relay_domains"];
    let named = lists.iter().filter(|name| reading.is_set(name)).flat_map(|name| reading.list(name));
    role::alias_domains(reading)
        .into_iter()
        .chain(named.filter(|item| map::is_domain(item)))
        .filter(|domain| !role::is_local_name(reading, domain))
        .collect()
}

/// Addresses that tables of aliases and mailboxes have.
fn known_addresses(reading: &Reading<'_>) -> Vec<String> {
    ["virtual_alias_maps", "virtual_mailbox_maps"]
        .iter()
        .flat_map(|name| reading.tables(name))
        .flat_map(|(_, table)| match &*table {
            Table::Rows(Shape::Lookup, rows) => rows.iter().map(|row| row.key.clone()).collect(),
            _ => Vec::new(),
        })
        .filter(|key| map::is_address(key))
        .collect()
}

/// Addresses in the domains of transport_maps.
fn routed(reading: &Reading<'_>) -> Vec<String> {
    reading
        .tables("transport_maps")
        .iter()
        .flat_map(|(_, table)| match &**table {
            Table::Rows(Shape::Lookup, rows) => rows.iter().map(|row| row.key.clone()).collect(),
            _ => Vec::new(),
        })
        .filter_map(|key| {
            let domain = key.trim_start_matches('.');
            if map::is_address(&key) {
                Some(key.clone())
            } else {
                map::is_domain(domain)
                    .then(|| format!("someone@{}{domain}", if key.starts_with('.') { "sub." } else { "" }))
            }
        })
        .collect()
}

/// One configuration.
struct Evaluator<'r, 's> {
    reading: &'r Reading<'s>,
    /// Aliases of local delivery.
    names: BTreeMap<String, Vec<String>>,
}

/// Where mail to one address ends.
#[derive(Default)]
struct Walk {
    ends: BTreeSet<String>,
    seen: BTreeSet<String>,
}

/// The answer of tables to a key.
enum Found {
    Answer(String),
    /// A database or a table that the source lacks decides.
    Unknown,
    Nothing,
}

impl<'r, 's> Evaluator<'r, 's> {
    fn new(reading: &'r Reading<'s>) -> Self {
        let tables = tables::items(&reading.value("alias_maps"));
        let files =
            tables.iter().filter_map(|spec| tables::file_of(spec)).filter_map(|path| reading.file(path));
        let mut names = BTreeMap::new();
        for found in files {
            for alias in tables::aliases(&found.name, &String::from_utf8_lossy(&found.bytes)) {
                names.entry(alias.name).or_insert(alias.targets);
            }
        }
        Self { reading, names }
    }

    /// How Postfix talks to the first smarthost.
    fn connection(&self) -> String {
        let written = self.reading.value("relayhost");
        let Some(first) = tables::items(&written).into_iter().next() else {
            return "none".to_owned();
        };
        let policy = match self.find("smtp_tls_policy_maps", &first) {
            Found::Answer(answer) => answer.split_whitespace().next().map(str::to_lowercase),
            _ => None,
        };
        let level = policy.unwrap_or_else(|| self.level());
        let login =
            if self.reading.yes("smtp_sasl_auth_enable") { "with a login" } else { "without a login" };
        format!("{}, {}, {login}", bare(&first), tls(&level))
    }

    /// The level of TLS, also as Postfix before 2.3 had it.
    fn level(&self) -> String {
        let level = self.reading.value("smtp_tls_security_level").to_lowercase();
        match level.as_str() {
            "" if self.reading.yes("smtp_enforce_tls") => "verify".to_owned(),
            "" if self.reading.yes("smtp_use_tls") => "may".to_owned(),
            _ => level,
        }
    }

    /// The envelope sender with which mail of a local user leaves.
    fn sender(&self, name: &str) -> String {
        let mut address = self.qualified(name);
        for maps in ["sender_canonical_maps", "canonical_maps"] {
            match self.canonical(maps, "envelope_sender", &address) {
                Ok(new) => address = new,
                Err(()) => return format!("as {maps} has it"),
            }
        }
        if self.reading.list("masquerade_classes").iter().any(|class| class == "envelope_sender") {
            address = self.masqueraded(&address);
        }
        match self.rewritten("smtp_generic_maps", &address) {
            Ok(new) => new,
            Err(()) => "as smtp_generic_maps has it".to_owned(),
        }
    }

    /// Where mail to an address ends.
    fn recipient(&self, written: &str) -> String {
        let mut walk = Walk::default();
        let start = self.canonical("recipient_canonical_maps", RECIPIENT, &self.qualified(written));
        let start = start.and_then(|address| self.canonical("canonical_maps", RECIPIENT, &address));
        match start {
            Ok(address) => self.follow(&address, &mut walk),
            Err(()) => drop(walk.ends.insert("as the tables of canonical addresses have it".to_owned())),
        }
        walk.ends.into_iter().collect::<Vec<_>>().join("; ")
    }

    fn follow(&self, address: &str, walk: &mut Walk) {
        let mut open = vec![address.to_owned()];
        while let Some(address) = open.pop() {
            if !walk.seen.insert(address.clone()) || walk.seen.len() > FARTHEST {
                continue;
            }
            match self.address("virtual_alias_maps", &address) {
                Found::Answer(answer) => {
                    for target in tables::targets(&answer).iter().flat_map(|target| target.split_whitespace())
                    {
                        let target = self.completed(target, &address);
                        if target == address {
                            self.deliver(&address, walk, &mut open);
                        } else {
                            open.push(target);
                        }
                    }
                }
                Found::Unknown => drop(walk.ends.insert(format!("{address}, as a database has it"))),
                Found::Nothing => self.deliver(&address, walk, &mut open),
            }
        }
    }

    /// An address without aliases.
    fn deliver(&self, address: &str, walk: &mut Walk, open: &mut Vec<String>) {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        if self.is_in("mydestination", domain) {
            self.deliver_locally(local, domain, walk, open);
        } else if role::alias_domains(self.reading).iter().any(|own| own.eq_ignore_ascii_case(domain)) {
            walk.ends.insert("rejected: no such address".to_owned());
        } else if self.is_in("virtual_mailbox_domains", domain) {
            let listed = !self.reading.value("virtual_mailbox_maps").is_empty();
            walk.ends.insert(match self.address("virtual_mailbox_maps", address) {
                Found::Nothing if listed => "rejected: no such address".to_owned(),
                _ => format!("mailbox {address}"),
            });
        } else {
            walk.ends.insert(format!("{address} {}", self.way(address, domain)));
        }
    }

    fn deliver_locally(&self, local: &str, domain: &str, walk: &mut Walk, open: &mut Vec<String>) {
        let transport = self.reading.value("local_transport");
        if let Some(text) = transport.strip_prefix("error:") {
            walk.ends.insert(format!("returned: {text}"));
            return;
        }
        let Some(targets) = self.names.get(local) else {
            walk.ends.insert(format!("mailbox of {local} on this host"));
            return;
        };
        for target in targets {
            let name = target.trim_start_matches('\\');
            if target.starts_with(['|', '/', ':', '"']) {
                walk.ends.insert("a program, file or list on this host".to_owned());
            } else if name == local || target != name {
                walk.ends.insert(format!("mailbox of {name} on this host"));
            } else if name.contains('@') {
                open.push(name.to_lowercase());
            } else {
                open.push(format!("{name}@{domain}").to_lowercase());
            }
        }
    }

    /// By which way mail leaves.
    fn way(&self, address: &str, domain: &str) -> String {
        let reading = self.reading;
        let mut keys = vec![address.to_owned(), domain.to_owned()];
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            keys.push(format!(".{parent}"));
            rest = parent;
        }
        keys.push("*".to_owned());
        let mut hop = reading.value("relayhost");
        if reading.is_set("smtp_fallback_relay") {
            hop = format!("{hop} {}", reading.value("smtp_fallback_relay"));
        }
        match keys
            .iter()
            .map(|key| self.find("transport_maps", key))
            .find(|found| !matches!(found, Found::Nothing))
        {
            Some(Found::Answer(answer)) => {
                let (transport, next) = answer.split_once(':').unwrap_or((answer.as_str(), ""));
                match transport {
                    "error" => return format!("returned: {next}"),
                    "retry" => return format!("waits: {next}"),
                    "discard" => return "discarded".to_owned(),
                    // The name of the service says nothing about the way.
                    _ => next.clone_into(&mut hop),
                }
            }
            Some(_) => return "by the way that a database has".to_owned(),
            None => {
                let default = reading.value("default_transport");
                if let Some(text) = default.strip_prefix("error") {
                    return format!("returned{text}");
                }
            }
        }
        if hop.trim().is_empty() {
            return format!("by the MX of its domain, {}", tls(&self.level()));
        }
        let all: Vec<String> = tables::items(&hop).iter().map(|hop| bare(hop)).collect();
        format!("by {}", all.join(", "))
    }

    /// Whether a list of domains has one.
    fn is_in(&self, list: &str, domain: &str) -> bool {
        self.reading.list(list).iter().any(|item| {
            if item.contains(':') {
                return matches!(&*self.reading.table(item), Table::Rows(_, rows) if rows.iter().any(|row| row.key == domain));
            }
            item.eq_ignore_ascii_case(domain)
        })
    }

    /// An address with a domain.
    fn qualified(&self, written: &str) -> String {
        let (local, domain) = match written.split_once('@') {
            Some((local, domain)) => (local, domain.to_owned()),
            None => (written, self.reading.value("myorigin")),
        };
        let domain = if !domain.contains('.') && self.reading.yes("append_dot_mydomain") {
            format!("{domain}.{}", self.reading.value("mydomain"))
        } else {
            domain
        };
        format!("{local}@{domain}").to_lowercase()
    }

    /// The answer of an alias or canonical table as an address.
    fn completed(&self, answer: &str, asked: &str) -> String {
        match answer.strip_prefix('@') {
            Some(domain) => {
                format!("{}@{}", asked.split('@').next().unwrap_or_default(), domain).to_lowercase()
            }
            None => self.qualified(answer),
        }
    }

    /// A table of canonical addresses, if it is for this kind of address.
    fn canonical(&self, maps: &str, class: &str, address: &str) -> Result<String, ()> {
        let classes = self.reading.list(&maps.replace("_maps", "_classes"));
        if classes.iter().any(|own| own == class) {
            self.rewritten(maps, address)
        } else {
            Ok(address.to_owned())
        }
    }

    /// canonical(5): looked up until nothing changes.
    fn rewritten(&self, maps: &str, address: &str) -> Result<String, ()> {
        let mut address = address.to_owned();
        for _ in 0..DEEPEST {
            match self.address(maps, &address) {
                Found::Answer(answer) => {
                    let new = self.completed(&answer, &address);
                    if new == address {
                        break;
                    }
                    address = new;
                }
                Found::Unknown => return Err(()),
                Found::Nothing => break,
            }
        }
        Ok(address)
    }

    fn masqueraded(&self, address: &str) -> String {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        if self.reading.list("masquerade_exceptions").iter().any(|name| name == local) {
            return address.to_owned();
        }
        for own in self.reading.list("masquerade_domains") {
            if let Some(own) = own.strip_prefix('!') {
                if domain == own || domain.ends_with(&format!(".{own}")) {
                    break;
                }
            } else if domain.ends_with(&format!(".{own}")) {
                return format!("{local}@{own}");
            }
        }
        address.to_owned()
    }

    /// An address, then its name if its domain is one of the host, then `@domain`, each in all tables.
    fn address(&self, maps: &str, address: &str) -> Found {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let here = domain.eq_ignore_ascii_case(&self.reading.value("myorigin"))
            || self.is_in("mydestination", domain);
        let name = here.then(|| local.to_owned());
        let keys =
            std::iter::once(address.to_owned()).chain(name).chain(std::iter::once(format!("@{domain}")));
        for key in keys {
            match self.find(maps, &key) {
                Found::Nothing => {}
                found => return found,
            }
        }
        Found::Nothing
    }

    /// One key in all tables of a parameter. Patterns see whole addresses only.
    fn find(&self, maps: &str, key: &str) -> Found {
        for (_, table) in self.reading.tables(maps) {
            match &*table {
                Table::Rows(Shape::Lookup, rows) => {
                    if let Some(row) = rows.iter().find(|row| row.key.eq_ignore_ascii_case(key)) {
                        return Found::Answer(row.value.clone());
                    }
                }
                Table::Rows(Shape::Regexp | Shape::Pcre, rows)
                    if !key.starts_with('@') && key.contains('@') =>
                {
                    for row in rows {
                        if row.flags.contains(['!', '?']) {
                            return Found::Unknown;
                        }
                        let Ok(pattern) = regex::RegexBuilder::new(&row.key).case_insensitive(true).build()
                        else {
                            return Found::Unknown;
                        };
                        if let Some(groups) = pattern.captures(key) {
                            let mut answer = String::new();
                            groups.expand(&row.value.replace("$(", "${").replace(')', "}"), &mut answer);
                            return Found::Answer(answer);
                        }
                    }
                }
                Table::Rows(..) | Table::Missing => {}
                Table::Static(answer) => return Found::Answer(answer.clone()),
                Table::Database { .. } | Table::Unreadable | Table::Other => return Found::Unknown,
            }
        }
        Found::Nothing
    }
}

/// A next hop as host and port.
fn bare(written: &str) -> String {
    match map::hop(written) {
        Some(hop) => format!("{}:{}", hop.host, hop.port.unwrap_or(25)),
        None => written.to_owned(),
    }
}

/// A TLS level as a person says it.
fn tls(level: &str) -> &'static str {
    match level {
        "" | "none" => "without TLS",
        "may" => "with TLS if offered",
        "encrypt" => "with TLS, unverified",
        "dane" | "dane-only" => "with TLS by DANE",
        "fingerprint" => "with TLS, verified by fingerprint",
        _ => "with verified TLS",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, reading};
    use super::*;

    fn source(files: &[(&str, &str)]) -> Source {
        let files =
            files.iter().map(|(name, text)| (format!("/etc/postfix/{name}"), text.as_bytes().to_vec()));
        Source::files("test", files.collect())
    }

    #[test]
    fn a_host_with_aliases_and_rules() {
        let source = source(&[
            (
                "main.cf",
                "myhostname = web1.acme.example\nmydomain = acme.example\nmydestination = $myhostname, localhost\n\
                 relayhost = [smtp.acme.example]:587\nsmtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = yes\n\
                 alias_maps = hash:/etc/postfix/aliases\nvirtual_alias_domains = old.example\n\
                 virtual_alias_maps = hash:/etc/postfix/virtual\nsmtp_generic_maps = regexp:/etc/postfix/generic\n\
                 transport_maps = hash:/etc/postfix/transport\n",
            ),
            ("aliases", "root: jane, \\\\root\njane: jane@acme.example\nlist: \"|/bin/x\"\n"),
            ("virtual", "info@old.example root@web1.acme.example\n@loop.example @loop.example\n"),
            ("generic", "/^(.*)@web1\\.acme\\.example$/ $1-web1@acme.example\n"),
            ("transport", ".inside.example smtp:[10.0.0.9]\nbad.example error:5.1.2 no\n"),
        ]);
        let reading = reading::read(&source).unwrap();
        let asked = Evaluator::new(&reading);
        assert_eq!(asked.connection(), "smtp.acme.example:587, with TLS, unverified, with a login");
        assert_eq!(asked.sender("root"), "root-web1@acme.example");
        for (to, end) in [
            ("root", "jane@acme.example by smtp.acme.example:587; mailbox of root on this host"),
            ("jane", "jane@acme.example by smtp.acme.example:587"),
            ("list", "a program, file or list on this host"),
            ("bob", "mailbox of bob on this host"),
            ("info@old.example", "jane@acme.example by smtp.acme.example:587; mailbox of root on this host"),
            ("bob@old.example", "rejected: no such address"),
            ("x@loop.example", "x@loop.example by smtp.acme.example:587"),
            ("x@a.inside.example", "x@a.inside.example by 10.0.0.9:25"),
            ("x@bad.example", "x@bad.example returned: 5.1.2 no"),
        ] {
            assert_eq!(asked.recipient(to), end, "{to}");
        }
    }
}
