//! `[access]`, `[restrictions]` and `[abuse]`: what the restriction lists of smtpd(8) become.

use super::access::{self, Allowed};
use super::{Code, Map, list};
use crate::import::tables;
use crate::postfix::catalogue::{Catalogue, RestrictionState};

const LISTS: [&str; 5] = [
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
];

/// Restrictions that permit before the end of a list is reached.
const PERMITS: [&str; 5] = [
    "permit",
    "permit_mynetworks",
    "permit_sasl_authenticated",
    "permit_tls_clientcerts",
    "permit_inet_interfaces",
];

/// Restrictions that the relay always has.
const IMPLIED: [&str; 14] = [
    "permit",
    "permit_mynetworks",
    "permit_inet_interfaces",
    "permit_sasl_authenticated",
    "permit_tls_clientcerts",
    "permit_auth_destination",
    "permit_mx_backup",
    "reject_unauth_destination",
    "defer_unauth_destination",
    "reject_unlisted_recipient",
    "reject_unauth_pipelining",
    "reject_sender_login_mismatch",
    "reject_authenticated_sender_login_mismatch",
    "reject",
];

/// Lists in DNS that have ended.
const ENDED: [&str; 14] = [
    "sorbs.net",
    "njabl.org",
    "ahbl.org",
    "dsbl.org",
    "ordb.org",
    "abuseat.org",
    "five-ten-sg.com",
    "mail-abuse.org",
    "rfc-ignorant.org",
    "relays.ordb.org",
    "blackholes.us",
    "completewhois.com",
    "rfc-clueless.org",
    "spamcannibal.org",
];

pub(super) fn map(map: &mut Map<'_, '_>) {
    if !map.role.profile.has_clients() {
        relay_list(map);
        return;
    }
    let mut found = Found::default();
    for name in LISTS {
        if map.reading.is_set(name) {
            walk(map, name, &mut found);
        }
    }
    if map.reading.is_set("smtpd_recipient_restrictions") || map.reading.is_set("smtpd_client_restrictions") {
        let order = ["smtpd_client_restrictions", "smtpd_recipient_restrictions"].into_iter().find(|name| {
            let text = map.reading.value(name);
            let check = text.find("check_").or_else(|| text.find("reject_rbl"));
            matches!((check, text.find("permit_mynetworks")), (Some(check), Some(permit)) if check < permit)
        });
        if let Some(name) = order {
            map.other(
                Code::Changed,
                name,
                map.reading.setting(name).map(|it| &it.place),
                "order: trusted hosts are permitted before the tables and lists are checked",
            );
        }
    }
    found.write(map);
}

/// The list of a null client only decides about relaying, because it has no other clients.
fn relay_list(map: &mut Map<'_, '_>) {
    map.say(
        "smtpd_relay_restrictions",
        Code::Implied,
        &["relay.profile"],
        "only the host itself can connect",
    );
}

/// Findings of all lists.
#[derive(Default)]
pub(super) struct Found {
    /// Restrictions by the list of the spec, in order, each with the parameter that it is from.
    pub(super) words: Vec<(&'static str, String, &'static str)>,
    block: Vec<(String, &'static str)>,
    names: Vec<(String, &'static str)>,
    policies: Vec<(String, &'static str)>,
    classes: Vec<String>,
    /// Whether the current list lets through only the senders of its tables.
    pub(super) only_listed: bool,
    pub(super) allowed: Allowed,
}

fn walk(map: &mut Map<'_, '_>, name: &'static str, found: &mut Found) {
    let stage = match name {
        "smtpd_client_restrictions" => "client",
        "smtpd_helo_restrictions" => "helo",
        "smtpd_sender_restrictions" => "sender",
        _ => "recipient",
    };
    let mut items = tables::items(&map.reading.value(name));
    if let Some(baseline) = map.reading.baseline() {
        items = baseline.others(name, items);
    }
    found.only_listed = only_listed(name, &items);
    items_of(map, name, stage, &items, found, 0);
    if found.only_listed && found.allowed.is_empty() {
        found.words.push((stage, "reject".to_owned(), name));
    }
    found.only_listed = false;
    map.say_if_open(name, Code::Implied, &["network.trusted"], "the relay has these restrictions");
}

/// Whether a list accepts only the senders of its tables: it ends with `reject`, and no restriction before it permits others.
fn only_listed(name: &str, items: &[String]) -> bool {
    let words: Vec<String> = items.iter().map(|item| item.to_ascii_lowercase()).collect();
    name == "smtpd_sender_restrictions"
        && words.last().is_some_and(|last| last == "reject")
        && !words.iter().any(|word| PERMITS.contains(&word.as_str()))
}

fn items_of(
    map: &mut Map<'_, '_>,
    name: &'static str,
    stage: &'static str,
    items: &[String],
    found: &mut Found,
    depth: usize,
) {
    let receives = map.role.profile.receives();
    let mut rest = items.iter().peekable();
    while let Some(item) = rest.next() {
        let word = item.to_ascii_lowercase();
        if word == "warn_if_reject" {
            let next = rest.next().cloned().unwrap_or_default();
            if Catalogue::restriction(&next).is_some_and(|info| info.argument.is_some()) {
                rest.next();
            }
            map.other(
                Code::Dropped,
                &format!("warn_if_reject {next}"),
                place(map, name).as_ref(),
                "a test that rejected nothing",
            );
            continue;
        }
        // A table without a word in front is one for the stage's own subject.
        if word.contains(":/") || word.starts_with("hash:") || word.starts_with("proxy:") {
            let check = match stage {
                "client" => "check_client_access",
                "helo" => "check_helo_access",
                "sender" => "check_sender_access",
                _ => "check_recipient_access",
            };
            access::table(map, name, stage, check, item, found);
            continue;
        }
        let Some(info) = Catalogue::restriction(&word) else {
            // A restriction class of the administrator's own.
            if map.reading.list("smtpd_restriction_classes").contains(item) && depth < 4 {
                found.classes.push(item.clone());
                let inner = tables::items(&map.reading.value(item));
                items_of(map, name, stage, &inner, found, depth + 1);
                continue;
            }
            map.other(Code::Lost, item, place(map, name).as_ref(), "not a restriction of Postfix");
            continue;
        };
        let argument = info.argument.and_then(|_| rest.next()).cloned();
        if word == "reject_maps_rbl" {
            let zones = map.reading.list("maps_rbl_domains");
            let each: Vec<String> =
                zones.into_iter().flat_map(|zone| ["reject_rbl_client".to_owned(), zone]).collect();
            let keys = if receives { "abuse.block-lists" } else { "restrictions.client" };
            map.say("maps_rbl_domains", Code::Fixed, &[keys], "each list is named where it is used");
            items_of(map, name, stage, &each, found, depth + 1);
            continue;
        }
        let word = match info.state {
            RestrictionState::OldName(new) => new.to_owned(),
            RestrictionState::Removed(_, new) | RestrictionState::Deprecated(_, new)
                if !new.contains(' ') && Catalogue::restriction(new).is_some() =>
            {
                map.other(Code::Fixed, &word, place(map, name).as_ref(), &format!("replaced by `{new}`"));
                new.to_owned()
            }
            _ => word,
        };
        match (word.as_str(), argument) {
            ("reject_unverified_recipient", _) if receives => {
                if map.draft.has_section("inbound.domains")
                    && map.draft.get("inbound", "recipients").is_none()
                {
                    map.say_if_open(name, Code::Key, &["inbound.recipients"], "");
                }
            }
            (word, _) if IMPLIED.contains(&word) => {}
            (
                "reject_rbl_client"
                | "reject_rhsbl_client"
                | "reject_rhsbl_sender"
                | "reject_rhsbl_helo"
                | "reject_rhsbl_reverse_client",
                Some(zone),
            ) => {
                if ended(&zone) {
                    map.other(
                        Code::Dropped,
                        &format!("{word} {zone}"),
                        place(map, name).as_ref(),
                        "this list is no longer operated",
                    );
                } else if receives {
                    let lists = if word == "reject_rbl_client" { &mut found.block } else { &mut found.names };
                    lists.push((zone, name));
                } else {
                    found.words.push((stage, format!("{word} {zone}"), name));
                }
            }
            ("check_policy_service", Some(service)) => policy(map, name, stage, &service, found),
            (word, Some(argument)) if word.starts_with("check_") && word.ends_with("_access") => {
                access::table(map, name, stage, word, &argument, found);
            }
            (word, argument) => {
                let stage = match info.subject {
                    "client" if receives => stage,
                    "helo" => "helo",
                    "sender" => "sender",
                    "recipient" => "recipient",
                    _ => stage,
                };
                let text = argument.map_or_else(|| word.to_owned(), |argument| format!("{word} {argument}"));
                found.words.push((stage, text, name));
            }
        }
    }
}

pub(super) fn place(map: &Map<'_, '_>, name: &str) -> Option<super::Place> {
    map.reading.setting(name).map(|setting| setting.place.clone())
}

fn ended(zone: &str) -> bool {
    let host = zone.split('=').next().unwrap_or(zone);
    ENDED.iter().any(|end| host == *end || host.ends_with(&format!(".{end}")))
}

/// A policy service: greylisting, SPF, or one of the administrator's own.
fn policy(map: &mut Map<'_, '_>, name: &'static str, stage: &'static str, service: &str, found: &mut Found) {
    let place_of = service
        .trim_start_matches('{')
        .split([',', ' ', '}'])
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .to_owned();
    if !map.role.profile.receives() {
        found.words.push((stage, format!("check_policy_service {place_of}"), name));
        return;
    }
    if place_of.ends_with(":10023") || place_of.contains("postgrey") {
        map.key("abuse", "greylisting", true, &[name]);
    } else if place_of.contains("spf") {
        map.key("abuse", "spf", true, &[name]);
        // Its package has a policy daemon for SPF, which others lack.
        let of_debian =
            |text: &str| ["debian", "ubuntu"].iter().any(|os| text.to_lowercase().starts_with(os));
        if map.reading.fact("os").or(map.reading.stock.as_deref()).is_some_and(of_debian) {
            map.draft.set("package", "targets", list(["deb".to_owned()]), &[]);
        }
    } else {
        found.policies.push((place_of, name));
    }
}

impl Found {
    fn write(self, map: &mut Map<'_, '_>) {
        if !self.allowed.is_empty() {
            map.key("access", "allowed-senders", list(self.allowed.0), &["smtpd_sender_restrictions"]);
        }
        let unique = |items: &[(String, &'static str)]| {
            let mut texts: Vec<String> = Vec::new();
            let mut from: Vec<&'static str> = Vec::new();
            for (text, name) in items {
                if !texts.contains(text) {
                    texts.push(text.clone());
                }
                if !from.contains(name) {
                    from.push(name);
                }
            }
            (texts, from)
        };
        for (key, items) in
            [("block-lists", &self.block), ("name-lists", &self.names), ("policies", &self.policies)]
        {
            let (texts, from) = unique(items);
            if !texts.is_empty() {
                map.key("abuse", key, list(texts), &from);
            }
        }
        for stage in ["client", "helo", "sender", "recipient"] {
            let of_stage: Vec<(String, &'static str)> = self
                .words
                .iter()
                .filter(|(own, ..)| *own == stage)
                .map(|(_, text, name)| (text.clone(), *name))
                .collect();
            let (texts, from) = unique(&of_stage);
            if !texts.is_empty() {
                map.key("restrictions", stage, list(texts), &from);
            }
        }
        if !self.classes.is_empty() {
            map.say(
                "smtpd_restriction_classes",
                Code::Key,
                &["restrictions"],
                "written out where they are used",
            );
            for class in &self.classes {
                map.say(class, Code::Key, &["restrictions"], "written out where it is used");
            }
        }
    }
}
