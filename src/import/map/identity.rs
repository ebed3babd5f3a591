//! The sender of the host's mail: `relay.from`, `relay.hostname`, `relay.helo-name` and `[rewrite.senders]`.

use super::{Code, Map, is_address, is_domain};
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

/// Rows of the tables that rewrite senders.
fn senders(map: &mut Map<'_, '_>) {
    let reading = map.reading;
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
                        self::row(map, name, *shape, row);
                    }
                }
                Table::Static(answer) => {
                    any = true;
                    catch_all(map, name, answer);
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
        if unknown {
            map.say_if_open(name, Code::Lost, &["rewrite.senders"], "a table that cannot be read here");
        } else if !any {
            map.say_if_open(name, Code::Dropped, &["rewrite.senders"], "the table is empty");
        }
    }
    masquerade(map);
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
    match fits {
        Some(domain) if is_domain(domain) => {
            if map.from.is_none() {
                map.from = Some(format!("@{}", domain.to_lowercase()));
                map.say("masquerade_domains", Code::Key, &["relay.from"], "");
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

/// One row of a table that rewrites senders.
fn row(map: &mut Map<'_, '_>, name: &str, shape: Shape, row: &Row) {
    let reading = map.reading;
    let answer = row.value.as_str();
    if matches!(shape, Shape::Regexp | Shape::Pcre) {
        if catches_all(&row.key) {
            catch_all(map, name, answer);
        } else {
            let place = row.place.clone();
            map.other(Code::Lost, name, Some(&place), "senders rewritten by a pattern");
            map.say(name, Code::Lost, &["rewrite.senders"], "senders rewritten by a pattern");
        }
        return;
    }
    let answer = if answer.contains('@') {
        answer.to_owned()
    } else {
        format!("{answer}@{}", reading.value("myorigin"))
    };
    match row.key.split_once('@') {
        // All addresses of the host.
        Some(("", domain)) if is_own(map, domain) => {
            if let Some(target) = answer.strip_prefix('@') {
                take_from(map, name, &format!("@{target}"));
            } else {
                take_from(map, name, &answer);
            }
        }
        Some(("", domain)) if is_address(&answer) && is_domain(domain) => {
            sender(map, name, &format!("@{domain}"), &answer, row);
        }
        Some((local, domain)) if is_own(map, domain) => local_sender(map, name, local, &answer, row),
        Some((_, domain)) if is_address(&answer) && is_domain(domain) && is_address(&row.key) => {
            sender(map, name, &row.key.clone(), &answer, row);
        }
        None if is_own(map, &row.key) && row.key.contains('.') => take_from(map, name, &answer),
        None => local_sender(map, name, &row.key.clone(), &answer, row),
        _ => lost(map, name, row, "a sender that [rewrite.senders] cannot express"),
    }
}

fn local_sender(map: &mut Map<'_, '_>, name: &str, local: &str, answer: &str, row: &Row) {
    // root is whose name most programs send in.
    if !is_address(answer) {
        lost(map, name, row, "the new sender is not a full address");
    } else if local == "root" && map.from.is_none() {
        take_from(map, name, answer);
    } else if map.from.as_deref() == Some(answer) {
        map.key_of_table(name, "relay.from");
    } else {
        sender(map, name, local, answer, row);
    }
}

fn sender(map: &mut Map<'_, '_>, name: &str, from: &str, to: &str, row: &Row) {
    if from == to {
        map.say_if_open(name, Code::Implied, &["rewrite.senders"], "senders that do not change");
        return;
    }
    let place = row.place.clone();
    if map.draft.get("rewrite.senders", from).is_none() {
        map.key("rewrite.senders", from, to.to_lowercase(), &[name]).comment(place.to_string());
    }
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

/// A pattern that every sender fits.
pub(super) fn catches_all(pattern: &str) -> bool {
    matches!(
        pattern.trim_start_matches('^').trim_end_matches('$'),
        ".*" | ".+" | "(.*)" | "(.+)" | ".*@.*" | ".+@.+" | "(.*)@(.*)" | ".*@.+" | ".+@.*" | "."
    )
}

fn catch_all(map: &mut Map<'_, '_>, name: &str, answer: &str) {
    let answer = answer.trim_matches(['<', '>']);
    // `$1@acme.example` keeps the local part.
    let kept = ["$1@", "${1}@", "$(1)@"].iter().find_map(|start| answer.strip_prefix(start));
    if let Some(domain) = kept.filter(|domain| is_domain(domain)) {
        take_from(map, name, &format!("@{domain}"));
    } else if is_address(answer) {
        take_from(map, name, answer);
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
                "noreply@acme.example",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_for_everything() {
        for pattern in [".*", "^.*$", ".+", "^(.*)@(.*)$", "."] {
            assert!(catches_all(pattern), "{pattern}");
        }
        for pattern in ["^root@", ".*@acme.example$", ""] {
            assert!(!catches_all(pattern), "{pattern}");
        }
    }
}
