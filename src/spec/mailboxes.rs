//! `[mailboxes]` and `[database]`: the mailboxes of a mail server.

use std::collections::BTreeSet;

use super::directory;
use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::keys::spot::Spot;
use crate::keys::{DatabaseKind, DatabaseSection, MailboxesSection, QueriesSection, Spec};
use crate::relay::{
    Database, Delivery, Identity, Listed, Mailboxes, Profile, Queries, Source, Sql, SqlKind, Store,
};

/// The tables of `ViMbAdmin`, which `PostfixAdmin` also has. `active` is a number or a boolean; `'1'` is both.
const DOMAINS: &str = "SELECT domain FROM domain WHERE domain = '%s' AND active = '1'";
const MAILBOXES: &str = "SELECT username FROM mailbox WHERE username = '%s' AND active = '1'";
const ALIASES: &str = "SELECT goto FROM alias WHERE address = '%s' AND active = '1'";

/// Description of a valid query.
const QUERY: &str = "a query with `%s` in place of the name to look up";

/// The mailboxes; `None` if the relay has none, or if the spec does not list them.
pub(super) fn check(
    judge: &mut Judge,
    spec: &Spec,
    profile: Profile,
    identity: &Identity,
    place: &Span,
) -> Option<Mailboxes> {
    let (listed, database) = (spec.mailboxes.as_ref(), spec.database.as_ref());
    if profile != Profile::MailServer {
        let given = [("mailboxes", listed.map(|it| &it.span)), ("database", database.map(|it| &it.span))];
        for (name, span) in given.into_iter().filter_map(|(name, span)| Some((name, span?))) {
            let message = format!("`{name}` needs mailboxes, and this profile has none");
            judge.report(
                Diagnostic::error("no-mailboxes", span.clone(), message)
                    .hint("use profile = \"mail-server\" for mailboxes"),
            );
        }
        return None;
    }
    let smarthosts = spec.smarthost.iter().flat_map(|hosts| &hosts.0);
    let mut named = smarthosts.filter_map(|host| host.value.name.as_ref());
    if let Some(name) = named.find(|name| database.is_some() && name.value == "database") {
        let message = "RELAY_DATABASE_PASSWORD is already the password of the database";
        judge.report(
            Diagnostic::error("mailboxes", name.span.clone(), message).hint("choose a different name"),
        );
    }
    let section = listed.map(|spot| &spot.value);
    let lmtp = section.and_then(|section| section.lmtp.as_ref());
    let what = "a socket in Postfix's queue folder such as `private/dovecot-lmtp`, or `host:port`";
    let delivery = match lmtp {
        None => Delivery::Socket("private/dovecot-lmtp".to_owned()),
        Some(_) => judge.read_if("lmtp", "mailboxes.lmtp", what, lmtp, delivery)?,
    };
    let is_listed = section.is_some_and(|section| section.addresses.is_some() || section.aliases.is_some());
    let source = match (database, section) {
        (Some(database), section) => {
            if let Some(span) = section.filter(|_| is_listed).and_then(first) {
                let message = "the database lists the mailboxes, so this list is never used";
                judge.report(
                    Diagnostic::error("mailboxes", span, message)
                        .hint("put them into the database, or remove [database]"),
                );
            }
            Source::Database(read_database(judge, database)?)
        }
        (None, Some(section)) if is_listed => Source::Listed(read_listed(judge, section, identity)),
        (None, _) => {
            judge.missing(
                "mailboxes.addresses",
                Some(listed.map_or(place, |spot| &spot.span)),
                "list the mailboxes: [mailboxes] addresses = [\"jane@acme.example\"], or name a [database]",
            );
            return None;
        }
    };
    Some(Mailboxes { source, delivery })
}

/// The first name that a section lists.
fn first(section: &MailboxesSection) -> Option<Span> {
    let address = section.addresses.as_ref().and_then(|list| list.0.first()).map(|spot| &spot.span);
    let alias = section.aliases.as_ref().and_then(|table| table.0.first()).map(|(key, _)| &key.span);
    address.or(alias).cloned()
}

fn delivery(text: &str) -> Result<Delivery, Fault> {
    if text.starts_with('/') {
        return Err(Fault::new("Postfix uses only sockets in its queue folder")
            .hint("have Dovecot listen on /var/spool/postfix/private/dovecot-lmtp"));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        if !text.contains('/') {
            return Err(Fault::new("it must be a socket or a server with its port")
                .hint(format!("write `private/{text}` for a socket, `{text}:24` for a server")));
        }
        return values::path(&format!("/{text}")).map(|_| Delivery::Socket(text.to_owned()));
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0);
    let port = port.ok_or_else(|| Fault::new("the port after the colon is missing"))?;
    Ok(Delivery::Network(values::host(host)?, port))
}

fn read_listed(judge: &mut Judge, section: &MailboxesSection, identity: &Identity) -> Listed {
    let lower = |text: &str| values::address(text).map(|address| address.to_ascii_lowercase());
    let (path, what) = ("mailboxes.addresses", "addresses with a mailbox");
    let mut places: Vec<(String, Span)> = Vec::new();
    let mut mailboxes = Vec::new();
    for spot in judge.read_all("address", path, what, section.addresses.as_ref(), lower) {
        places.push((domain_of(&spot.value).to_owned(), spot.span));
        if !mailboxes.contains(&spot.value) {
            mailboxes.push(spot.value);
        }
    }
    let mut aliases = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, targets) in section.aliases.as_ref().map(|table| table.0.as_slice()).unwrap_or_default() {
        let what = "addresses, or `@domain` for all others of a domain";
        let name = judge.read("alias", "mailboxes.aliases", what, key, |text| match text.strip_prefix('@') {
            Some(domain) => values::domain(domain).map(|domain| format!("@{domain}")),
            None => lower(text),
        });
        let Some(name) = name else { continue };
        let path = format!("mailboxes.aliases.{name}");
        let targets = judge.read_all("alias", &path, "mail addresses", Some(&targets.value), values::address);
        places.push((domain_of(&name).to_owned(), key.span.clone()));
        if !seen.insert(name.clone()) {
            let message = format!("`{name}` is a duplicate");
            judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
        } else if !targets.is_empty() {
            aliases.push((name, targets.into_iter().map(|spot| spot.value).collect()));
        }
    }
    let own = identity.hostname.as_deref();
    if let Some((domain, span)) = places.iter().find(|(domain, _)| own == Some(domain)) {
        let message =
            format!("`{domain}` is the name of the server: its local names would be mixed with mailboxes");
        judge.report(
            Diagnostic::error("mailboxes", span.clone(), message)
                .hint(format!("choose a name in the domain: hostname = \"mail.{domain}\" in [relay]")),
        );
    }
    let mut domains: Vec<String> = places.into_iter().map(|(domain, _)| domain).collect();
    domains.sort_unstable();
    domains.dedup();
    Listed { domains, mailboxes, aliases }
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn read_database(judge: &mut Judge, spot: &Spot<DatabaseSection>) -> Option<Database> {
    let section = &spot.value;
    let kind = match section.kind.as_ref().map(|spot| spot.value) {
        Some(DatabaseKind::Ldap) => return directory::read(judge, spot),
        Some(DatabaseKind::Pgsql) => SqlKind::Pgsql,
        Some(DatabaseKind::Mysql) | None => SqlKind::Mysql,
    };
    for (name, span) in [
        ("base", section.base.as_ref().map(|spot| &spot.span)),
        ("start-tls", section.start_tls.as_ref().map(|spot| &spot.span)),
        ("ca-file", section.ca_file.as_ref().map(|spot| &spot.span)),
        ("results", section.results.as_ref().map(|spot| &spot.span)),
    ] {
        if let Some(span) = span {
            let message = format!("`{name}` is for directories");
            let finding = Diagnostic::error("database", span.clone(), message);
            judge.report(finding.hint("set kind = \"ldap\" to look up mailboxes in a directory"));
        }
    }
    if section.name.is_none() {
        let hint = "name it: name = \"vimbadmin\"";
        judge.missing("database.name", Some(&spot.span), hint);
    }
    let what = "a host name, an address, or the path of a socket";
    let host = match &section.host {
        None => Some("localhost".to_owned()),
        spot => judge.read_if("database", "database.host", what, spot.as_ref(), |text| {
            if text.starts_with('/') { values::path(text) } else { values::host(text) }
        }),
    };
    if let (Some(port), true) = (&section.port, host.as_ref().is_some_and(|host| host.starts_with('/'))) {
        let finding = Diagnostic::error("database", port.span.clone(), "a socket does not have a port");
        judge.report(finding.hint("remove `port`"));
    }
    let name = judge.read_if("database", "database.name", "a name", section.name.as_ref(), |text| {
        values::line(text)?;
        let odd = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "_-.".contains(*c)));
        odd.map_or(Ok(text.to_owned()), |odd| {
            Err(Fault::new(format!("{} is not allowed here", values::character(odd))))
        })
    });
    let usual = (DOMAINS, MAILBOXES, ALIASES);
    let queries = queries(judge, section.queries.as_ref(), usual, |_| Ok(()));
    let path = "database.queries.tls-policies";
    let policies = section.queries.as_ref().and_then(|own| own.tls_policies.as_ref());
    let tls_policies = judge.read_if("query", path, QUERY, policies, |text| {
        if columns(text) > 1 {
            return Err(Fault::new(
                "it selects several columns. Postfix joins them with commas, and the result is not a policy",
            )
            .hint("select one: SELECT CONCAT_WS(' ', policy, params) FROM ...; it skips NULL"));
        }
        query_text(text)
    });
    let queries = Queries { tls_policies, ..queries? };
    let port = section.port.as_ref().and_then(|port| u16::try_from(port.value).ok());
    Some(Database { store: Store::Sql(Sql { kind, host: host?, port, name: name? }), queries })
}

/// The queries for domains, mailboxes and aliases: those of the spec if they are `fit`, else the `usual` ones.
pub(super) fn queries(
    judge: &mut Judge,
    section: Option<&QueriesSection>,
    usual: (&str, &str, &str),
    fit: impl Fn(&str) -> Result<(), Fault>,
) -> Option<Queries> {
    let mut read = |path: &str, query: Option<&Spot<String>>, usual: &str| match query {
        None => Some(usual.to_owned()),
        Some(_) => judge.read_if("query", path, QUERY, query, |text| {
            fit(text)?;
            query_text(text)
        }),
    };
    let domains = read("database.queries.domains", section.and_then(|own| own.domains.as_ref()), usual.0);
    let mailboxes =
        read("database.queries.mailboxes", section.and_then(|own| own.mailboxes.as_ref()), usual.1);
    let aliases = read("database.queries.aliases", section.and_then(|own| own.aliases.as_ref()), usual.2);
    Some(Queries { domains: domains?, mailboxes: mailboxes?, aliases: aliases?, tls_policies: None })
}

/// The number of columns of a SELECT, from its commas outside parentheses and quotes.
fn columns(query: &str) -> usize {
    let (mut depth, mut quoted, mut word, mut count) = (0_usize, None, String::new(), 1);
    for c in query.chars() {
        if let Some(quote) = quoted {
            quoted = (c != quote).then_some(quote);
            continue;
        }
        match c {
            '\'' | '"' | '`' => quoted = Some(c),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => count += 1,
            _ => {}
        }
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
        } else if depth == 0 && word.eq_ignore_ascii_case("from") {
            break;
        } else {
            word.clear();
        }
    }
    count
}

/// SQL on one line with a placeholder. Postfix escapes the values; see mysql_table(5).
fn query_text(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    let mut rest = text;
    let mut asks = false;
    while let Some((_, behind)) = rest.split_once('%') {
        match behind.chars().next() {
            Some('s' | 'S' | 'u' | 'U' | 'd' | 'D' | '1'..='9') => asks = true,
            Some('%') => {}
            _ => {
                return Err(Fault::new("`%` is followed by a letter that Postfix does not know")
                    .hint("write `%%` for a percent sign"));
            }
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    if asks { Ok(text.to_owned()) } else { Err(Fault::new("it does not look up anything: `%s` is missing")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_query() {
        for (query, count) in [
            ("SELECT policy FROM t WHERE domain = '%s'", 1),
            ("SELECT CONCAT_WS(' ', policy, params) FROM t WHERE domain = '%s' AND x IN (1, 2)", 1),
            ("select policy, params from t where domain = '%s'", 2),
            ("SELECT policy,params\tFROM t", 2),
            ("SELECT from_policy, \"a,b\", `c,d` FROM t, u", 3),
            ("SELECT 'a,b' || policy FROM t, u", 1),
            ("(SELECT a, b FROM t)", 1),
        ] {
            assert_eq!(columns(query), count, "{query}");
        }
    }
}
