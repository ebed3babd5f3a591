//! The sender of the host's mail: `relay.from`, `relay.hostname`, `relay.helo-name` and `[rewrite.senders]`.

use super::patterns::{address, catches_all};
use super::{Code, Map, is_address, is_domain};
use crate::import::reading::Place;
use crate::import::role::is_local_name;
use crate::import::tables::{Row, Shape, Table};
use crate::relay::{Profile, SenderRule};

/// Tables that rewrite senders, in the order in which their answers count.
const MAPS: [&str; 3] = ["sender_canonical_maps", "smtp_generic_maps", "canonical_maps"];

pub(super) fn map(map: &mut Map<'_, '_>) {
    hostname(map);
    senders(map);
    from(map);
    helo(map);
}

fn hostname(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let Some(name) = reading.hostname() else {
        map.say("myhostname", Code::Dropped, &[], "a name that only the host knows");
        return;
    };
    if !is_domain(&name) {
        map.say(
            "myhostname",
            Code::Fixed,
            &["relay.hostname"],
            "a name without a domain: the full name of the host applies",
        );
    } else if map.role.profile == Profile::NullClient
        || reading.fact("hostname").is_some_and(|own| own.eq_ignore_ascii_case(&name))
    {
        map.say("myhostname", Code::Implied, &["relay.hostname"], "the name of the host");
    } else {
        map.key("relay", "hostname", name, &["myhostname"]);
    }
}

/// Rules of all tables for senders. One of them becomes `relay.from`.
#[derive(Default)]
struct Rules {
    /// The parameter and the address or `@domain` of all senders of the host.
    all: Vec<(&'static str, String)>,
    single: Vec<Single>,
}

/// A rule for one sender, or for all of a domain that is not the host's.
struct Single {
    parameter: &'static str,
    /// A local name, an address or `@domain`.
    key: String,
    to: String,
    place: Option<Place>,
}

/// Rows of the tables that rewrite senders.
fn senders(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let mut rules = Rules::default();
    for name in MAPS {
        if !reading.is_set(name) {
            continue;
        }
        let tables = reading.tables(name);
        let mut any = false;
        let mut unknown = tables.is_empty() && !reading.value(name).is_empty();
        for (spec, table) in &tables {
            match &**table {
                Table::Rows(shape, rows) => {
                    any |= !rows.is_empty();
                    for row in rows {
                        self::row(map, name, *shape, row, &mut rules);
                    }
                }
                Table::Static(answer) => {
                    any = true;
                    catch_all(map, name, answer, &mut rules);
                }
                Table::Missing => {}
                _ => {
                    unknown = true;
                    map.other(
                        Code::Lost,
                        spec,
                        None,
                        "senders rewritten by a table that cannot be read here",
                    );
                }
            }
        }
        if name == "canonical_maps" && any {
            let place = reading.setting(name).map(|it| &it.place);
            let reason = "it also rewrote recipients: [rewrite.senders] changes senders only";
            map.other(Code::Changed, "recipients of canonical_maps", place, reason);
        }
        if unknown {
            map.say_if_open(name, Code::Lost, &["rewrite.senders"], "a table that cannot be read here");
        } else if !any {
            let reason = map.without_rows(name, &reading.value(name)).unwrap_or("the table is empty");
            map.say_if_open(name, Code::Dropped, &["rewrite.senders"], reason);
        }
    }
    rules.write(map);
    masquerade(map);
}

impl Rules {
    fn write(self, map: &mut Map<'_, '_>) {
        let mut all = self.all.into_iter();
        if let Some((name, address)) = all.next() {
            take_from(map, name, &address);
        }
        for (name, address) in all {
            if map.from.as_deref() == Some(address.as_str()) {
                map.key_of_table(name, "relay.from");
            } else {
                map.say(name, Code::Changed, &["relay.from"], "a second sender for all local mail");
            }
        }
        // Most programs send as root: without a rule for all, theirs is the sender of the host.
        if map.from.is_none()
            && !origin_is_mail_domain(map)
            && let Some(root) = self.single.iter().find(|single| single.key == "root")
        {
            take_from(map, root.parameter, &root.to);
        }
        for single in self.single {
            if map.from.as_deref() == Some(single.to.as_str()) && !single.key.contains('@') {
                map.key_of_table(single.parameter, "relay.from");
                continue;
            }
            if single.key == single.to {
                map.say_if_open(
                    single.parameter,
                    Code::Implied,
                    &["rewrite.senders"],
                    "senders that do not change",
                );
                continue;
            }
            if map.draft.get("rewrite.senders", &single.key).is_none() {
                let entry = map.key("rewrite.senders", &single.key, single.to, &[single.parameter]);
                if let Some(place) = single.place {
                    entry.comment(place.to_string());
                }
            }
        }
    }
}

/// Whether local senders belong to a domain with mailboxes elsewhere, and not to the host's own name.
fn origin_is_mail_domain(map: &Map<'_, '_>) -> bool {
    let origin = map.reading.value("myorigin");
    is_domain(&origin) && !is_local_name(map.reading, &origin)
}

/// `node.acme.example` becomes `acme.example`.
fn masquerade(map: &mut Map<'_, '_>) {
    let domains: Vec<String> = map
        .reading
        .list("masquerade_domains")
        .into_iter()
        .filter(|domain| !domain.starts_with('!'))
        .collect();
    let origin = map.reading.value("myorigin");
    let fits = domains.iter().find(|domain| origin == **domain || origin.ends_with(&format!(".{domain}")));
    if map.role.profile.has_clients() && !domains.is_empty() {
        let place = map.reading.setting("masquerade_domains").map(|it| &it.place);
        let reason =
            "senders of clients lost the names of their hosts: list these senders in [rewrite.senders]";
        map.other(Code::Lost, "masquerade_domains of clients", place, reason);
    }
    match fits {
        Some(domain) if is_domain(domain) => {
            if map.from.is_none() {
                map.from = Some(format!("@{}", domain.to_lowercase()));
                map.say("masquerade_domains", Code::Key, &["relay.from"], "");
                exceptions(map, &origin, domain);
            } else {
                map.say(
                    "masquerade_domains",
                    Code::Dropped,
                    &["relay.from"],
                    "senders already have their address",
                );
            }
        }
        None if domains.is_empty() => {}
        _ => map.say(
            "masquerade_domains",
            Code::Lost,
            &["relay.from"],
            "the host's mail does not come from this domain",
        ),
    }
}

/// Senders that keep the name of the host.
fn exceptions(map: &mut Map<'_, '_>, origin: &str, domain: &str) {
    const NAME: &str = "masquerade_exceptions";
    if origin == domain || !is_domain(origin) {
        map.say(NAME, Code::Implied, &["relay.from"], "all local senders have this domain already");
        return;
    }
    for name in map.reading.list(NAME) {
        let kept = format!("{name}@{origin}").to_lowercase();
        if is_address(&kept) && map.draft.get("rewrite.senders", &name).is_none() {
            map.key("rewrite.senders", &name, kept, &[NAME]);
        }
    }
}

/// The key that a pattern with a constant answer stands for, by what it matches of the host's own senders.
fn probe(map: &Map<'_, '_>, pattern: &str) -> Option<String> {
    let origin = map.reading.value("myorigin").to_lowercase();
    let pattern = regex::RegexBuilder::new(pattern).case_insensitive(true).build().ok()?;
    let matches = |name: &str| pattern.is_match(&format!("{name}@{origin}"));
    if !is_domain(&origin) || !matches("root") {
        return None;
    }
    if ["www-data", "jane", "x-7.y"].iter().all(|name| matches(name)) {
        return Some(format!("@{origin}"));
    }
    let others = ["www-data", "jane", "xroot", "rootx", "cron", "nobody"];
    (!others.iter().any(|name| matches(name))).then(|| format!("root@{origin}"))
}

/// One row of a table that rewrites senders.
fn row(map: &mut Map<'_, '_>, name: &'static str, shape: Shape, row: &Row, rules: &mut Rules) {
    let reading = map.reading;
    let mut answer = row.value.clone();
    let mut key = row.key.clone();
    if matches!(shape, Shape::Regexp | Shape::Pcre) {
        if row.flags.contains(['!', '?']) {
            return lost(map, name, row, "senders rewritten by a pattern");
        }
        if catches_all(&row.key) {
            return catch_all(map, name, &row.value, rules);
        }
        // `$1@acme.example` keeps the local part, as `@acme.example` does in an indexed table.
        if let Some(domain) = kept(&row.value) {
            answer = format!("@{domain}");
        }
        let constant = !answer.contains(['$', '\\']);
        match address(&row.key).or_else(|| probe(map, &row.key)).filter(|_| constant) {
            Some(plain) => key = plain,
            None => return lost(map, name, row, "senders rewritten by a pattern"),
        }
    }
    let answer = answer.to_lowercase();
    let answer =
        if answer.contains('@') { answer } else { format!("{answer}@{}", reading.value("myorigin")) };
    let place = Some(row.place.clone());
    let mut single = |key: &str, to: String| {
        rules.single.push(Single { parameter: name, key: key.to_owned(), to, place: place.clone() });
    };
    match key.split_once('@') {
        // All addresses of the host.
        Some(("", domain)) if is_own(map, domain) => {
            if counts(map, domain) {
                rules.all.push((name, answer));
            } else {
                other_name(map, name, row);
            }
        }
        Some(("", domain)) if is_address(&answer) && is_domain(domain) => {
            single(&format!("@{domain}"), answer);
        }
        Some((local, domain)) if domain.is_empty() || is_own(map, domain) => {
            if !is_address(&answer) {
                lost(map, name, row, "the new sender is not a full address");
            } else if domain.is_empty() || counts(map, domain) {
                // Clients write the address in full.
                if map.role.profile.has_clients() && is_address(&key) && origin_is_mail_domain(map) {
                    single(&key, answer.clone());
                }
                single(local, answer);
            } else {
                other_name(map, name, row);
            }
        }
        Some((_, domain)) if is_address(&answer) && is_domain(domain) && is_address(&key) => {
            single(&key, answer);
        }
        None if key.contains('.') && is_own(map, &key) => rules.all.push((name, answer)),
        None if is_address(&answer) => single(&key, answer),
        None => lost(map, name, row, "the new sender is not a full address"),
        _ => lost(map, name, row, "a sender that [rewrite.senders] cannot express"),
    }
}

/// Whether local mail has a sender in this domain.
fn counts(map: &Map<'_, '_>, domain: &str) -> bool {
    !origin_is_mail_domain(map) || map.reading.value("myorigin").eq_ignore_ascii_case(domain)
}

/// A row for a name of the host that local senders do not get, because `myorigin` is a mail domain.
fn other_name(map: &mut Map<'_, '_>, name: &'static str, row: &Row) {
    let place = row.place.clone();
    let reason =
        "only for senders that a program writes with this name of the host: they get the address of `from`";
    map.other(Code::Changed, name, Some(&place), reason);
    map.say_if_open(name, Code::Changed, &["relay.from"], reason);
}

fn lost(map: &mut Map<'_, '_>, name: &str, row: &Row, reason: &str) {
    let place = row.place.clone();
    map.other(Code::Lost, name, Some(&place), reason);
    map.say(name, Code::Lost, &["rewrite.senders"], reason);
}

fn is_own(map: &Map<'_, '_>, domain: &str) -> bool {
    let reading = map.reading;
    is_local_name(reading, domain)
        || reading.hostname().is_some_and(|own| own == domain)
        || reading.value("myorigin").eq_ignore_ascii_case(domain)
}

/// The domain of `$1@acme.example`.
fn kept(answer: &str) -> Option<&str> {
    ["$1@", "${1}@", "$(1)@"]
        .iter()
        .find_map(|start| answer.strip_prefix(start))
        .filter(|domain| is_domain(domain))
}

fn catch_all(map: &mut Map<'_, '_>, name: &'static str, answer: &str, rules: &mut Rules) {
    let answer = answer.trim_matches(['<', '>']);
    if let Some(domain) = kept(answer) {
        rules.all.push((name, format!("@{}", domain.to_lowercase())));
    } else if is_address(answer) {
        rules.all.push((name, answer.to_lowercase()));
        if map.role.profile.has_clients() && map.draft.get("rewrite.senders", "*").is_none() {
            map.key("rewrite.senders", "*", answer.to_lowercase(), &[name]);
        }
        if name == "sender_canonical_maps" {
            map.other(Code::Fixed, name, None, "the rule caught the empty sender of bounces, and the senders of forwarded mail: now it is that of local mail");
        }
    } else {
        map.say(name, Code::Lost, &["relay.from"], "every sender becomes a text that is not an address");
    }
}

fn take_from(map: &mut Map<'_, '_>, name: &str, address: &str) {
    let address = address.to_lowercase();
    if map.from.as_ref().is_some_and(|from| *from != address) {
        // The first table that says it counts; the account of a provider that rewrites senders does anyway.
        map.key_of_table(name, "relay.from");
        if map
            .provider
            .as_ref()
            .is_some_and(|provider| matches!(provider.sender, SenderRule::Any | SenderRule::Verified))
        {
            map.say(name, Code::Changed, &["relay.from"], "a second sender for all local mail");
        } else {
            map.from = Some(address);
        }
        return;
    }
    map.from = Some(address);
    map.key_of_table(name, "relay.from");
}

/// Decides `relay.from`.
fn from(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    if let Some(answer) = map.answers.from.clone() {
        map.from = Some(answer);
    } else if reading.ours {
        map.from = Some(reading.value("relay_from").to_lowercase()).filter(|from| from.contains('@'));
    }
    if map.from.is_none() {
        map.from = super::content::from_of_header(map);
    }
    let origin = reading.value("myorigin").to_lowercase();
    let own_name = reading.hostname().is_some_and(|own| own == origin);
    let technical = is_local_name(reading, &origin) && !(own_name && origin.split('.').count() == 2);
    if map.from.is_none() && is_domain(&origin) && !technical {
        map.from = Some(format!("@{origin}"));
        map.say("myorigin", Code::Key, &["relay.from"], "");
    } else {
        map.say(
            "myorigin",
            Code::Implied,
            &["relay.from"],
            "local senders get the address of `from`, or the name of the host",
        );
    }
    let needed = map
        .provider
        .as_ref()
        .is_some_and(|provider| matches!(provider.sender, SenderRule::Verified | SenderRule::Account));
    match map.from.clone() {
        Some(from) => {
            map.draft.set("relay", "from", from, &["myorigin"]);
        }
        None if needed => {
            let rule =
                map.provider.as_ref().and_then(|provider| provider.sender_rule.clone()).unwrap_or_default();
            map.draft.ask(
                "relay",
                "from",
                false,
                "todo.from@acme.example",
                &format!("the sender of this host's mail: {rule}"),
            );
            map.other(
                Code::Asked,
                "relay.from",
                None,
                "the source does not show which sender the provider accepts",
            );
        }
        None => {}
    }
    // A draft without origins must not name settings that the file does not have.
    if let Some(entry) = map.draft.get_mut("relay", "from") {
        entry.origins.retain(|name| reading.is_set(name));
    }
}

fn helo(map: &mut Map<'_, '_>) {
    let name = map.reading.value("smtp_helo_name").to_lowercase();
    if !map.reading.is_set("smtp_helo_name") {
        return;
    }
    if map.reading.hostname().is_some_and(|own| own == name) || name.contains('$') {
        map.say("smtp_helo_name", Code::Implied, &["relay.helo-name"], "the name of the host");
    } else if is_domain(&name) {
        map.key("relay", "helo-name", name, &["smtp_helo_name"]);
    }
}
