//! `[inbound.aliases]`, `[mailboxes.aliases]` and alias domains: what virtual_alias_maps becomes.

use super::{Code, Map, is_address, is_domain, list, one_or_list};
use crate::import::role::{alias_domains, is_local_name};
use crate::import::tables::{self, Row, Shape, Table};

/// Of a relay that receives mail.
pub(super) fn received(map: &mut Map<'_, '_>) {
    alias_domains_of(map);
    aliases(map);
}

/// Of a relay that only sends.
pub(super) fn sent(map: &mut Map<'_, '_>) {
    local_domains(map);
    sender_aliases(map);
}

/// Domains that contain only aliases, without names of the host itself.
fn alias_domains_of(map: &mut Map<'_, '_>) {
    let mailboxes = map.role.profile == crate::relay::Profile::MailServer;
    let domains: Vec<String> = alias_domains(map.reading)
        .into_iter()
        .filter(|domain| is_domain(domain) && !is_local_name(map.reading, domain))
        .collect();
    let hosts: Vec<String> =
        alias_domains(map.reading).into_iter().filter(|domain| is_local_name(map.reading, domain)).collect();
    for host in hosts {
        map.other(
            Code::Changed,
            &format!("alias domain {host}"),
            map.reading.setting("virtual_alias_domains").map(|it| &it.place),
            "a name of the host itself: its names become [aliases]",
        );
    }
    if domains.is_empty() {
        map.say_if_open(
            "virtual_alias_domains",
            Code::Implied,
            &["inbound.alias-domains"],
            "no domain is in it",
        );
    } else if mailboxes {
        // A mail server takes the domains of its aliases from the aliases.
        map.key("inbound", "alias-domains", list(domains), &["virtual_alias_domains"]);
    } else {
        let origin = if map.reading.is_set("virtual_alias_domains") {
            "virtual_alias_domains"
        } else {
            "virtual_alias_maps"
        };
        map.key("inbound", "alias-domains", list(domains), &[origin]);
    }
}

/// virtual_alias_maps of a relay that receives: rows of domains that it serves, and rows of others.
fn aliases(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    let served: Vec<String> = alias_domains(reading)
        .into_iter()
        .chain(
            map.draft
                .entries()
                .iter()
                .filter(|entry| entry.section == "inbound.domains")
                .map(|entry| entry.key.clone()),
        )
        .collect();
    let mut served = Served { domains: served, any: false };
    if map.role.profile == crate::relay::Profile::MailServer {
        let (domains, unknown) = super::mailboxes::domains(reading);
        served.domains.extend(domains);
        served.any = unknown;
    }
    let mailboxes = map.role.profile == crate::relay::Profile::MailServer;
    let section = if mailboxes { "mailboxes.aliases" } else { "inbound.aliases" };
    for parameter in ["virtual_alias_maps", "virtual_maps"] {
        if !reading.is_set(parameter) {
            continue;
        }
        let tables = reading.tables(parameter);
        for (spec, table) in &tables {
            match &**table {
                Table::Rows(Shape::Lookup, rows) => {
                    for row in rows {
                        alias(map, parameter, section, row, &served);
                    }
                }
                Table::Rows(_, rows) => {
                    for row in rows {
                        map.other(Code::Lost, parameter, Some(&row.place.clone()), "an alias by pattern");
                    }
                    if !rows.is_empty() {
                        map.say(parameter, Code::Lost, &[section], "aliases by pattern");
                    }
                }
                Table::Missing | Table::Database { .. } => {}
                _ => {
                    map.other(
                        Code::Lost,
                        spec,
                        reading.setting(parameter).map(|it| &it.place),
                        "aliases by a table that cannot be read here",
                    );
                    map.say(parameter, Code::Lost, &[section], "a table that cannot be read here");
                }
            }
        }
        let database = tables.iter().any(|(_, table)| matches!(&**table, Table::Database { .. }));
        if database && !mailboxes {
            let reason =
                "aliases by a query: a relay without mailboxes lists its aliases in [inbound.aliases]";
            map.say(parameter, Code::Lost, &[section], reason);
        } else if !database {
            map.say_if_open(parameter, Code::Key, &["aliases", section], "");
        }
    }
}

/// Domains whose mail the relay receives.
struct Served {
    domains: Vec<String>,
    /// Whether a table that cannot be read here has more of them.
    any: bool,
}

impl Served {
    fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}

fn alias(map: &mut Map<'_, '_>, parameter: &'static str, section: &'static str, row: &Row, served: &Served) {
    let reading = map.reading;
    let place = row.place.clone();
    let Some((local, domain)) = row.key.split_once('@') else { return };
    if is_local_name(reading, domain)
        || domain.eq_ignore_ascii_case(&reading.value("myorigin")) && !served.has(domain)
    {
        return;
    }
    if !served.has(domain) && !served.any {
        map.other(
            Code::Dropped,
            &format!("alias {}", row.key),
            Some(&place),
            "in a domain of other servers: it only redirected mail that left through this host",
        );
        return;
    }
    let mut good = Vec::new();
    for target in tables::targets(&row.value).iter().flat_map(|target| target.split_whitespace()) {
        let target = target.trim_matches(['<', '>']);
        let here = target.rsplit_once('@').is_none_or(|(_, domain)| {
            reading.list("mydestination").iter().any(|own| own.eq_ignore_ascii_case(domain))
                && !served.has(domain)
        });
        if here {
            let name = target.split('@').next().unwrap_or(target).to_owned();
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                &format!("its mail went to the mailbox of {name} on this host"),
            );
        } else if is_address(target) {
            good.push(target.to_owned());
        } else {
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                &format!("its target `{}` is not a plain address", crate::diag::printable(target)),
            );
        }
    }
    if good.is_empty() || !(local.is_empty() || is_address(&row.key)) {
        if !good.is_empty() {
            map.other(
                Code::Lost,
                &format!("alias {}", row.key),
                Some(&place),
                "its name is not a plain address",
            );
        }
        return;
    }
    let mailbox = map.reading.tables("virtual_mailbox_maps").iter().any(|(_, table)| match &**table {
        Table::Rows(_, rows) => rows.iter().any(|own| own.key.eq_ignore_ascii_case(&row.key)),
        _ => false,
    });
    if mailbox && good == [row.key.clone()] {
        let reason = "an address with a mailbox keeps its mail from the catch-all of its domain";
        map.other(Code::Implied, &format!("alias {}", row.key), Some(&place), reason);
        map.say_if_open(parameter, Code::Key, &[section], "");
        return;
    }
    if map.draft.get(section, &row.key).is_none() {
        map.key(section, &row.key, one_or_list(good), &[parameter]);
    }
}

/// A relay that takes no mail for domains: its alias domains are local names.
fn local_domains(map: &mut Map<'_, '_>) {
    if !map.reading.is_set("virtual_alias_domains") {
        return;
    }
    let domains: Vec<String> = alias_domains(map.reading)
        .into_iter()
        .filter(|domain| is_domain(domain) && !is_local_name(map.reading, domain))
        .collect();
    if domains.is_empty() {
        map.say("virtual_alias_domains", Code::Implied, &["relay.local-domains"], "no domain is in it");
    } else {
        map.key("relay", "local-domains", list(domains), &["virtual_alias_domains"]);
    }
}

/// Aliases of addresses with a domain, of a relay that only sends.
fn sender_aliases(map: &mut Map<'_, '_>) {
    let reading = map.reading;
    for parameter in ["virtual_alias_maps", "virtual_maps"] {
        if !reading.is_set(parameter) {
            continue;
        }
        let mut any = false;
        for (spec, table) in reading.tables(parameter) {
            match &*table {
                Table::Rows(Shape::Lookup, rows) => {
                    for row in rows {
                        any = true;
                        let Some((_, domain)) = row.key.split_once('@') else { continue };
                        if is_local_name(reading, domain)
                            || domain.eq_ignore_ascii_case(&reading.value("myorigin"))
                        {
                            continue;
                        }
                        map.other(
                            Code::Lost,
                            &format!("alias {}", row.key),
                            Some(&row.place.clone()),
                            "an address in another domain, to which mail through this host was redirected",
                        );
                    }
                }
                Table::Rows(_, rows) => {
                    for row in rows {
                        any = true;
                        if super::patterns::catches_all(&row.key) {
                            let target = row.value.clone();
                            let same = map.root.contains(&target);
                            let (code, reason) = if same {
                                (Code::Changed, "all mail went there; now only mail to local names does")
                            } else {
                                (Code::Lost, "all mail went to one address, for any recipient")
                            };
                            map.other(code, parameter, Some(&row.place.clone()), reason);
                        } else {
                            map.other(Code::Lost, parameter, Some(&row.place.clone()), "an alias by pattern");
                        }
                    }
                }
                Table::Missing => {}
                _ => {
                    any = true;
                    map.other(
                        Code::Lost,
                        &spec,
                        reading.setting(parameter).map(|it| &it.place),
                        "aliases by a table that cannot be read here",
                    );
                    map.say(parameter, Code::Lost, &["aliases"], "a table that cannot be read here");
                }
            }
        }
        if any {
            map.say_if_open(parameter, Code::Key, &["relay.root-mail-to", "aliases"], "");
        } else {
            map.say_if_open(parameter, Code::Dropped, &["aliases"], "the table is empty");
        }
    }
}
