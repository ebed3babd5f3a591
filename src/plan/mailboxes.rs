//! Mailboxes: the domains that mail is taken for, who gets it, and who keeps it.
//!
//! The sources are VIRTUAL_README, MYSQL_README, PGSQL_README, mysql_table(5), proxymap(8) and lmtp(8).

use super::PlanError;
use super::layer::{Item, Layer};
use super::table::{Kind, Table, table};
use crate::postfix::client::Client;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Database, DatabaseKind, Delivery, Listed, Relay, Source};

/// Tables of mailboxes that the spec lists.
const MAILBOXES: &str = "mailboxes";
const ALIASES: &str = "mailbox_aliases";
/// What a database is asked.
const SQL_DOMAINS: &str = "sql_domains.cf";
const SQL_MAILBOXES: &str = "sql_mailboxes.cf";
const SQL_ALIASES: &str = "sql_aliases.cf";
const SQL_TLS_POLICIES: &str = "sql_tls_policies.cf";

/// Domains, mailboxes, and the way to them.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(mailboxes) = &relay.mailboxes else { return };
    layer.section("Mail for mailboxes. Who has none is refused at once; who has one is served by LMTP.");
    match &mailboxes.source {
        Source::Listed(listed) => {
            layer.list("virtual_mailbox_domains", listed.domains.iter().map(|domain| Item::from(&**domain)));
        }
        Source::Database(database) => layer.set("virtual_mailbox_domains", &asked(database, SQL_DOMAINS)),
    }
    layer.set("virtual_mailbox_maps", &names(&mailboxes.source).1);
    let nexthop = match &mailboxes.delivery {
        Delivery::Socket(path) => format!("lmtp:unix:{path}"),
        Delivery::Network(host, port) if host.contains(':') => format!("lmtp:inet:[ipv6:{host}]:{port}"),
        Delivery::Network(host, port) => format!("lmtp:inet:[{host}]:{port}"),
    };
    layer.set("virtual_transport", &nexthop);
    // What the host's own programs send to a mailbox is rewritten as if it left.
    layer.set("lmtp_generic_maps", "$smtp_generic_maps");
}

/// What stands first in virtual_alias_maps: aliases, and every mailbox as its own alias. Else the alias of a whole domain
/// would have the mail of its mailboxes.
pub(super) fn alias_maps(relay: &Relay) -> Vec<Item> {
    let Some(mailboxes) = &relay.mailboxes else { return Vec::new() };
    let (aliases, own) = names(&mailboxes.source);
    aliases.into_iter().chain([own]).map(|name| Item::from(&*name)).collect()
}

/// Who may send in the name of an address: its owner, and who gets its mail.
pub(super) fn owners(relay: &Relay) -> Vec<String> {
    let Some(mailboxes) = &relay.mailboxes else { return Vec::new() };
    let (aliases, own) = names(&mailboxes.source);
    aliases.into_iter().chain([own]).collect()
}

/// The table of aliases, if there is one, and that of mailboxes.
fn names(source: &Source) -> (Option<String>, String) {
    let indexed = |name: &str| format!("$default_database_type:/etc/postfix/{name}");
    match source {
        Source::Listed(listed) => {
            ((!listed.aliases.is_empty()).then(|| indexed(ALIASES)), indexed(MAILBOXES))
        }
        Source::Database(database) => (Some(asked(database, SQL_ALIASES)), asked(database, SQL_MAILBOXES)),
    }
}

/// Asked by proxymap(8): for all of Postfix together, outside of any chroot.
fn asked(database: &Database, name: &str) -> String {
    format!("proxy:{}:/etc/postfix/{name}", database.kind.table_type())
}

/// What is asked for the TLS policy of a domain, if the database knows any.
pub(super) fn tls_policies(relay: &Relay) -> Option<String> {
    let database = database(relay)?;
    database.queries.tls_policies.as_ref().map(|_| asked(database, SQL_TLS_POLICIES))
}

/// Whether mail for addresses of a domain may be for mailboxes: a translation of the domain to itself would then hide
/// who has none. What is in a database is known to nobody here.
pub(super) fn may_be_in(relay: &Relay, domain: &str) -> bool {
    database(relay).is_some() || domains(relay).iter().any(|known| known == domain)
}

/// The domains with mailboxes, where the spec lists these.
pub(super) fn domains(relay: &Relay) -> &[String] {
    match relay.mailboxes.as_ref().map(|mailboxes| &mailboxes.source) {
        Some(Source::Listed(listed)) => &listed.domains,
        Some(Source::Database(_)) | None => &[],
    }
}

/// The types of tables that are in packages of their own.
pub(super) fn table_types(relay: &Relay) -> Vec<&'static str> {
    database(relay).map(|database| database.kind.table_type()).into_iter().collect()
}

/// The database, if there is one.
pub(super) fn database(relay: &Relay) -> Option<&Database> {
    match &relay.mailboxes.as_ref()?.source {
        Source::Database(database) => Some(database),
        Source::Listed(_) => None,
    }
}

/// Units of the host itself without which there is no mail for mailboxes.
pub(super) fn units(relay: &Relay) -> Vec<String> {
    let mut units = Vec::new();
    if relay.mailboxes.is_some() || relay.submission.is_some() {
        units.push("dovecot.service".to_owned());
    }
    if let Some(database) = database(relay).filter(|database| database.is_local()) {
        let unit = match database.kind {
            DatabaseKind::Mysql => "mariadb.service",
            DatabaseKind::Pgsql => "postgresql.service",
        };
        units.push(unit.to_owned());
    }
    units
}

/// The tables that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let Some(mailboxes) = &relay.mailboxes else { return Ok(Vec::new()) };
    match &mailboxes.source {
        Source::Listed(listed) => {
            let mut tables = vec![table(MAILBOXES, Kind::Indexed, own(listed))?];
            if !listed.aliases.is_empty() {
                tables.push(table(ALIASES, Kind::Indexed, aliases(listed))?);
            }
            Ok(tables)
        }
        Source::Database(database) => {
            let queries = &database.queries;
            let tls_policies = queries.tls_policies.as_ref();
            [
                (SQL_DOMAINS, "Is this domain one with mailboxes?", &queries.domains),
                (SQL_MAILBOXES, "Whose mailbox is this address?", &queries.mailboxes),
                (SQL_ALIASES, "Who gets the mail of this address?", &queries.aliases),
            ]
            .into_iter()
            .chain(tls_policies.map(|query| (SQL_TLS_POLICIES, "How is this domain spoken to?", query)))
            .map(|(name, title, query)| table(name, Kind::Database, client(database, title, query)))
            .collect()
        }
    }
}

fn own(listed: &Listed) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("Addresses with a mailbox, each with the login of its owner; see virtual(5).");
    for address in &listed.mailboxes {
        rows.insert(address, address)?;
    }
    Ok(rows)
}

fn aliases(listed: &Listed) -> Result<Lookup, TableError> {
    let mut rows = Lookup::new("Addresses whose mail goes to others, see virtual(5).");
    for (address, targets) in &listed.aliases {
        rows.insert(address, &targets.join(", "))?;
    }
    Ok(rows)
}

/// Without the login, which `mail-relay apply` adds.
fn client(database: &Database, title: &str, query: &str) -> Result<Client, TableError> {
    let mut file = Client::new(title);
    let hosts = match (database.host.starts_with('/'), database.port) {
        (true, _) => format!("unix:{}", database.host),
        (false, Some(port)) => format!("inet:{}:{port}", database.host),
        (false, None) => database.host.clone(),
    };
    file.set("hosts", &hosts)?;
    file.set("dbname", &database.name)?;
    file.set("query", query)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Queries;

    #[test]
    fn a_database_is_asked_where_it_is() {
        let mut database = Database {
            kind: DatabaseKind::Mysql,
            host: "localhost".to_owned(),
            port: None,
            name: "vimbadmin".to_owned(),
            queries: Queries {
                domains: "d".to_owned(),
                mailboxes: "m".to_owned(),
                aliases: "a".to_owned(),
                tls_policies: None,
            },
        };
        let hosts = |database: &Database| {
            client(database, "x", "SELECT 1").unwrap().to_string().lines().nth(1).unwrap().to_owned()
        };
        assert!(database.is_local());
        assert_eq!(hosts(&database), "hosts = localhost");
        database.host = "/run/mysqld/mysqld.sock".to_owned();
        assert!(database.is_local());
        assert_eq!(hosts(&database), "hosts = unix:/run/mysqld/mysqld.sock");
        (database.host, database.port) = ("192.0.2.7".to_owned(), Some(3307));
        assert!(!database.is_local());
        assert_eq!(hosts(&database), "hosts = inet:192.0.2.7:3307");
    }
}
