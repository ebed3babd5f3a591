//! Mail to local names: `relay.root-mail-to`, `[aliases]`, and what ends with the mailboxes of the host.

use std::collections::{BTreeMap, BTreeSet};

use super::patterns::catches_all;
use super::{Code, Map, is_address, one_or_list};
use crate::import::reading::Place;
use crate::import::role::is_local_name;
use crate::import::tables::{self, Alias, Table};

/// Target of a local name.
#[derive(Debug, Default)]
struct Targets {
    addresses: Vec<String>,
    /// Mailboxes of the host that the chain ends in.
    mailboxes: Vec<String>,
    /// Addresses of `addresses` whose mail stayed on the host.
    left: Vec<String>,
    /// Commands, files and lists of addresses in files.
    programs: Vec<String>,
}

pub(super) fn map(map: &mut Map<'_, '_>) {
    let names = names(map);
    let delivers = delivers_locally(map);
    root(map, &names, delivers);
    aliases(map, &names, delivers);
    ends(map);
}

/// Whether mail to a name without a domain stays on the host.
fn delivers_locally(map: &Map<'_, '_>) -> bool {
    let reading = map.reading;
    let origin = reading.value("myorigin");
    let destinations = reading.list("mydestination");
    if destinations.is_empty() || reading.value("local_transport").starts_with("error") {
        return false;
    }
    origin.contains('$') || destinations.iter().any(|domain| domain.eq_ignore_ascii_case(&origin))
}

/// Local names of all tables, in lower case.
fn names(map: &mut Map<'_, '_>) -> BTreeMap<String, Alias> {
    let reading = map.reading;
    let mut names: BTreeMap<String, Alias> = BTreeMap::new();
    let mut add = |alias: Alias| {
        names.entry(alias.name.clone()).or_insert(alias);
    };
    // virtual_alias_maps come first: they apply to all mail.
    for parameter in ["virtual_alias_maps", "virtual_maps"] {
        if !reading.is_set(parameter) {
            continue;
        }
        for (_, table) in reading.tables(parameter) {
            let rows = match &*table {
                Table::Rows(tables::Shape::Lookup, rows) => rows,
                // One address for all mail is also that of root.
                Table::Static(answer) => {
                    let place = reading.setting(parameter).map(|setting| setting.place.clone());
                    if let Some(place) = place {
                        add(Alias { name: "root".to_owned(), targets: tables::targets(answer), place });
                    }
                    continue;
                }
                Table::Rows(_, rows) => {
                    if let Some(row) = rows.iter().find(|row| catches_all(&row.key)) {
                        let targets = tables::targets(&row.value);
                        add(Alias { name: "root".to_owned(), targets, place: row.place.clone() });
                    }
                    continue;
                }
                _ => continue,
            };
            for row in rows {
                let local = match row.key.split_once('@') {
                    None if row.key.contains('.') => continue,
                    None => row.key.clone(),
                    Some((local, domain))
                        if is_local_name(reading, domain)
                            || domain.eq_ignore_ascii_case(&reading.value("myorigin")) =>
                    {
                        local.to_owned()
                    }
                    Some(_) => continue,
                };
                add(Alias { name: local, targets: tables::targets(&row.value), place: row.place.clone() });
            }
        }
    }
    let written = if reading.is_set("alias_maps") {
        reading.value("alias_maps")
    } else {
        "hash:/etc/aliases".to_owned()
    };
    for spec in tables::items(&written) {
        let Some(path) = tables::file_of(&spec) else { continue };
        let Some(found) = reading.file(path) else {
            if reading.is_set("alias_maps") {
                reading.remark(
                    "missing-file",
                    path,
                    "main.cf names this table, but the source does not have it: treated as empty",
                );
            }
            continue;
        };
        for alias in tables::aliases(&found.name, &String::from_utf8_lossy(&found.bytes)) {
            add(alias);
        }
    }
    names
}

impl Map<'_, '_> {
    /// Says that a table became a key.
    pub(super) fn key_of_table(&mut self, name: &str, key: &str) {
        let lost = self
            .verdicts
            .get(name)
            .is_some_and(|given| matches!(given.code, Code::Lost | Code::Changed | Code::Fixed));
        if !lost {
            self.say(name, Code::Key, &[key], "");
        }
    }
}

/// Those that leave the host, as a spec has them.
fn mail_addresses(found: Vec<String>) -> Vec<String> {
    found.into_iter().filter(|address| is_address(address)).map(|address| lower_domain(&address)).collect()
}

/// Follows a local name to its end.
fn resolve(map: &Map<'_, '_>, names: &BTreeMap<String, Alias>, name: &str, delivers: bool) -> Targets {
    let reading = map.reading;
    let mut targets = Targets::default();
    let mut seen = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) || seen.len() > 200 {
            continue;
        }
        let Some(alias) = names.get(&name) else {
            let origin = reading.value("myorigin");
            let address = format!("{name}@{origin}");
            if !delivers && is_address(&address) {
                targets.addresses.push(address);
            } else {
                targets.mailboxes.push(name);
            }
            continue;
        };
        for target in &alias.targets {
            let bare = target.trim_start_matches('\\').trim_matches(['<', '>']);
            if target.starts_with('|')
                || target.starts_with('/')
                || target.starts_with(":include:")
                || target.starts_with("\"|")
            {
                targets.programs.push(target.clone());
            } else if let Some((local, domain)) = bare.rsplit_once('@') {
                let here = reading.list("mydestination").iter().any(|own| own.eq_ignore_ascii_case(domain));
                // A relay that only sends no longer keeps this domain: the address is one of its real mail server.
                if here && !map.role.profile.receives() && !is_local_name(reading, domain) && is_address(bare)
                {
                    targets.addresses.push(bare.to_owned());
                    targets.left.push(bare.to_owned());
                } else if reading.list("mydestination").iter().any(|own| own.eq_ignore_ascii_case(domain)) {
                    open.push(local.to_lowercase());
                } else {
                    targets.addresses.push(bare.to_owned());
                }
            } else {
                open.push(bare.to_lowercase());
            }
        }
    }
    let mut seen = BTreeSet::new();
    targets.addresses.retain(|address| seen.insert(address.clone()));
    targets
}

/// Aliases that packages bring, all of which end at root.
const STOCK: [&str; 46] = [
    "postmaster",
    "mailer-daemon",
    "nobody",
    "hostmaster",
    "usenet",
    "news",
    "webmaster",
    "www",
    "ftp",
    "abuse",
    "noc",
    "security",
    "bin",
    "daemon",
    "adm",
    "lp",
    "sync",
    "shutdown",
    "halt",
    "mail",
    "uucp",
    "operator",
    "games",
    "gopher",
    "manager",
    "dumper",
    "newsadm",
    "newsadmin",
    "usenet",
    "ftpadm",
    "ftpadmin",
    "ftp-adm",
    "ftp-admin",
    "www-data",
    "decode",
    "info",
    "marketing",
    "sales",
    "support",
    "virusalert",
    "administrator",
    "system",
    "toor",
    "msgs",
    "sshd",
    "named",
];

fn root(map: &mut Map<'_, '_>, names: &BTreeMap<String, Alias>, delivers: bool) {
    let reading = map.reading;
    if !map.answers.root_mail_to.is_empty() {
        map.root = map.answers.root_mail_to.clone();
        map.draft.set("relay", "root-mail-to", one_or_list(map.root.clone()), &[]);
        return;
    }
    let known = names.contains_key("root") || reading.ours;
    let mut found = resolve(map, names, "root", delivers);
    if reading.ours {
        let written = reading.value("relay_root_mail_to");
        found = Targets { addresses: tables::targets(&written), ..Targets::default() };
    }
    let mut addresses = mail_addresses(found.addresses);
    // Without an alias, mail goes to root at the name of the host, which other servers may not know.
    let nowhere = !known
        && (map.provider.is_some() || map.role.direct)
        && addresses.iter().any(|address| {
            let domain = address.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
            is_local_name(reading, domain)
        });
    if nowhere {
        addresses.clear();
    }
    let place = names.get("root").map(|alias| alias.place.clone());
    for mailbox in &found.mailboxes {
        if known {
            map.other(
                Code::Changed,
                &format!("mailbox {mailbox}"),
                place.as_ref(),
                "mail to root was delivered to this mailbox of the host, which gets no more mail",
            );
        }
    }
    for address in &found.left {
        let local = address.split('@').next().unwrap_or_default();
        let reason = format!(
            "mail to root was delivered to the mailbox of {local} on this host: now it leaves as {address}"
        );
        map.other(Code::Changed, &format!("mailbox {local}"), place.as_ref(), &reason);
    }
    for program in &found.programs {
        map.other(
            Code::Lost,
            "alias root",
            place.as_ref(),
            &format!("mail to root went to {}", kind_of(program)),
        );
    }
    if reading.ours && (addresses.is_empty() || addresses == [reading.value("relay_from")]) {
        // `from` is the default.
        map.root = addresses;
        return;
    }
    if addresses.is_empty() {
        // Without an alias, root's mail is read on the host or nowhere.
        let mailbox = found.mailboxes.first().cloned().unwrap_or_else(|| "root".to_owned());
        let question = match &place {
            Some(place) if mailbox != "root" => {
                format!(
                    "who receives mail to root? It went to the mailbox of {mailbox} on this host ({place})."
                )
            }
            _ => "who receives mail to root? The source has no alias for it.".to_owned(),
        };
        let domain = map.domain().unwrap_or_else(|| "acme.example".to_owned());
        let stand_in = format!("todo.root@{domain}");
        map.draft.ask("relay", "root-mail-to", false, &stand_in, &question);
        map.other(Code::Asked, "relay.root-mail-to", place.as_ref(), "who receives mail to root?");
        return;
    }
    let comment =
        (!known).then(|| format!("mail to root leaves as {}, which is not in mydestination", addresses[0]));
    map.root.clone_from(&addresses);
    let origins: Vec<&str> =
        ["alias_maps", "virtual_alias_maps"].into_iter().filter(|name| reading.is_set(name)).collect();
    let entry = map.draft.set("relay", "root-mail-to", one_or_list(addresses), &origins);
    if let Some(comment) = comment {
        entry.comment(comment);
    }
}

/// Domains in lower case, as they are compared.
fn lower_domain(address: &str) -> String {
    address
        .rsplit_once('@')
        .map_or_else(|| address.to_owned(), |(local, domain)| format!("{local}@{}", domain.to_lowercase()))
}

fn kind_of(target: &str) -> &'static str {
    match target.chars().next() {
        Some(':') => "a list of addresses in a file",
        Some('/') => "a file",
        _ => "a program",
    }
}

fn aliases(map: &mut Map<'_, '_>, names: &BTreeMap<String, Alias>, delivers: bool) {
    let reading = map.reading;
    let mut written = false;
    for (name, alias) in names {
        if name == "root" {
            continue;
        }
        if name.is_empty() || name.contains('@') {
            catch_all(map, alias);
            continue;
        }
        let found = resolve(map, names, name, delivers);
        let place: Place = alias.place.clone();
        for program in &found.programs {
            map.other(
                Code::Lost,
                &format!("alias {name}"),
                Some(&place),
                &format!("mail to it goes to {}", kind_of(program)),
            );
        }
        let stock = STOCK.contains(&name.as_str()) || name.starts_with("postfix");
        let known = !(stock && map.root.is_empty());
        for mailbox in found.mailboxes.iter().filter(|mailbox| *mailbox != "root" && known) {
            if !stock || !["nobody", "bitbucket"].contains(&mailbox.as_str()) {
                let code = if map.role.profile.receives() { Code::Lost } else { Code::Changed };
                map.other(
                    code,
                    &format!("alias {name}"),
                    Some(&place),
                    &format!(
                        "its mail went to the mailbox of {mailbox} on this host; now it goes to root-mail-to"
                    ),
                );
            }
        }
        let addresses = mail_addresses(found.addresses);
        let same =
            addresses.len() == map.root.len() && addresses.iter().all(|address| map.root.contains(address));
        if addresses.is_empty() || same {
            continue;
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c)) {
            map.other(
                Code::Lost,
                &format!("alias {name}"),
                Some(&place),
                "its name is not a valid local name in a spec",
            );
            continue;
        }
        written = true;
        let origin = if reading.is_set("alias_maps") { "alias_maps" } else { "virtual_alias_maps" };
        map.key("aliases", name, one_or_list(addresses), &[origin]);
    }
    for name in ["alias_maps", "alias_database"] {
        let keys: &[&str] =
            if written { &["aliases", "relay.root-mail-to"] } else { &["relay.root-mail-to"] };
        map.say_if_open(name, Code::Key, keys, "");
    }
}

/// `@host` in virtual_alias_maps: all local names without an alias.
fn catch_all(map: &mut Map<'_, '_>, alias: &Alias) {
    let place = alias.place.clone();
    let same = alias.targets.iter().all(|target| map.root.contains(&lower_domain(target)));
    if same {
        map.other(
            Code::Implied,
            "catch-all of the host's name",
            Some(&place),
            "root-mail-to receives mail to every local name without an alias",
        );
    } else {
        map.other(
            Code::Changed,
            "catch-all of the host's name",
            Some(&place),
            "mail to local names without an alias goes to root-mail-to",
        );
    }
}

/// Mailboxes of the host end.
fn ends(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if !reading.is_set("mydestination") {
        return;
    }
    if reading
        .setting("mydestination")
        .is_some_and(|setting| setting.value.replace([' ', '\t'], "").contains(",,"))
    {
        map.other(
            Code::Fixed,
            "mydestination",
            reading.setting("mydestination").map(|it| &it.place),
            "an empty item in the list",
        );
    }
    if reading.list("mydestination").is_empty() {
        map.say("mydestination", Code::Implied, &[], "the relay delivers nothing on the host");
        return;
    }
    let receives = map.role.profile.receives();
    let domains: Vec<String> = crate::import::role::mail_domains(reading);
    if receives {
        if domains.is_empty() {
            map.say("mydestination", Code::Implied, &["relay.root-mail-to"], "the names of the host");
        } else {
            let reason = format!("mailboxes of Unix users for {}", domains.join(", "));
            map.say("mydestination", Code::Lost, &[], &reason);
        }
        return;
    }
    if let Some(domain) = domains.first() {
        let reason = format!("mail to {domain} stayed on this host; now it leaves through the smarthost");
        map.say("mydestination", Code::Changed, &["relay.local-domains"], &reason);
    } else {
        map.say(
            "mydestination",
            Code::Changed,
            &["relay.root-mail-to"],
            "mail to local users goes to root-mail-to, and no longer to mailboxes on this host",
        );
    }
}
