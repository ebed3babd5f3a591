//! Mailboxes: the domains that mail is taken for, who gets it, and who keeps it.
//!
//! The sources are VIRTUAL_README, MYSQL_README, PGSQL_README, mysql_table(5), proxymap(8) and lmtp(8).

use super::PlanError;
use super::layer::{Item, Layer};
use super::table::{Kind, Table, table};
use super::words::server;
use crate::postfix::client::Client;
use crate::postfix::table::{Lookup, TableError};
use crate::relay::{Database, Delivery, Directory, Listed, Relay, Source, Sql, SqlKind, Store};

/// Tables of mailboxes that the spec lists.
const MAILBOXES: &str = "mailboxes";
const ALIASES: &str = "mailbox_aliases";
/// Queries of a database.
const SQL: Files = Files {
    domains: "sql_domains.cf",
    mailboxes: "sql_mailboxes.cf",
    aliases: "sql_aliases.cf",
    tls_policies: "sql_tls_policies.cf",
};
const LDAP: Files = Files {
    domains: "ldap_domains.cf",
    mailboxes: "ldap_mailboxes.cf",
    aliases: "ldap_aliases.cf",
    tls_policies: "ldap_tls_policies.cf",
};

/// Names of tables.
struct Files {
    domains: &'static str,
    mailboxes: &'static str,
    aliases: &'static str,
    tls_policies: &'static str,
}

fn files(database: &Database) -> &'static Files {
    match database.store {
        Store::Sql(_) => &SQL,
        Store::Ldap(_) => &LDAP,
    }
}

/// Domains, mailboxes, and the way to them.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(mailboxes) = &relay.mailboxes else { return };
    layer.section(
        "Mail for mailboxes: delivered by LMTP. Unknown recipients are rejected during the session.",
    );
    match &mailboxes.source {
        Source::Listed(listed) => {
            layer.list("virtual_mailbox_domains", listed.domains.iter().map(|domain| Item::from(&**domain)));
        }
        Source::Database(database) => {
            layer.set("virtual_mailbox_domains", &asked(database, files(database).domains));
        }
    }
    layer.set("virtual_mailbox_maps", &names(&mailboxes.source).1);
    let nexthop = match &mailboxes.delivery {
        Delivery::Socket(path) => format!("lmtp:unix:{path}"),
        Delivery::Network(host, port) => format!("lmtp:inet:{}", server(host, *port)),
    };
    layer.set("virtual_transport", &nexthop);
    // Notices of Postfix to a mailbox have the sender that they would leave with.
    layer.set("lmtp_generic_maps", "$smtp_generic_maps");
}

/// First entries of virtual_alias_maps: aliases, and every mailbox as its own alias. Without these, the alias of a whole domain
/// would receive the mail of its mailboxes.
pub(super) fn alias_maps(relay: &Relay) -> Vec<Item> {
    let Some(mailboxes) = &relay.mailboxes else { return Vec::new() };
    let (aliases, own) = names(&mailboxes.source);
    aliases.into_iter().chain([own]).map(|name| Item::from(&*name)).collect()
}

/// Logins that may use an address as the sender: its owner, and the recipients of its mail.
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
        Source::Database(database) => {
            let files = files(database);
            (Some(asked(database, files.aliases)), asked(database, files.mailboxes))
        }
    }
}

/// Asked by proxymap(8): for all of Postfix together, outside of any chroot.
fn asked(database: &Database, name: &str) -> String {
    format!("proxy:{}:/etc/postfix/{name}", database.store.table_type())
}

/// The query for the TLS policy of a domain, if there is one.
pub(super) fn tls_policies(relay: &Relay) -> Option<String> {
    let database = database(relay)?;
    database.queries.tls_policies.as_ref().map(|_| asked(database, files(database).tls_policies))
}

/// Whether mail for addresses of a domain may be for mailboxes: a translation of the domain to itself would then hide
/// addresses without a mailbox. The content of a database is unknown here.
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

/// The lookup of domains with mailboxes, where a database has these.
pub(super) fn domain_database(relay: &Relay) -> Option<String> {
    database(relay).map(|database| asked(database, files(database).domains))
}

/// The types of tables that need separate packages.
pub(super) fn table_types(relay: &Relay) -> Vec<&'static str> {
    database(relay).map(|database| database.store.table_type()).into_iter().collect()
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
    units.extend(database(relay).and_then(|database| match &database.store {
        Store::Sql(sql) if !sql.is_local() => None,
        Store::Sql(Sql { kind: SqlKind::Mysql, .. }) => Some("mariadb.service".to_owned()),
        Store::Sql(Sql { kind: SqlKind::Pgsql, .. }) => Some("postgresql.service".to_owned()),
        Store::Ldap(directory) => directory.local.then(|| "slapd.service".to_owned()),
    }));
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
            let (queries, files) = (&database.queries, files(database));
            let tls_policies = queries.tls_policies.as_deref();
            [
                (files.domains, "Domains with mailboxes.", &*queries.domains),
                (files.mailboxes, "The login of the owner of a mailbox.", &*queries.mailboxes),
                (files.aliases, "The recipients of an address.", &*queries.aliases),
            ]
            .into_iter()
            .chain(tls_policies.map(|query| (files.tls_policies, "The TLS policy of a domain.", query)))
            .map(|(name, title, query)| {
                let made = match &database.store {
                    Store::Sql(sql) => sql_client(sql, title, query),
                    Store::Ldap(directory) => ldap_client(directory, title, query, result(directory, name)),
                };
                table(name, Kind::Database, made)
            })
            .collect()
        }
    }
}

/// The attributes that answer what a table asks.
fn result<'a>(directory: &'a Directory, name: &str) -> &'a str {
    match name {
        _ if name == LDAP.domains => &directory.results.domains,
        _ if name == LDAP.mailboxes => &directory.results.mailboxes,
        _ => &directory.results.aliases,
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
    let mut rows = Lookup::new("Aliases, see virtual(5).");
    for (address, targets) in &listed.aliases {
        rows.insert(address, &targets.join(", "))?;
    }
    Ok(rows)
}

/// Without the login, which `mail-relay apply` adds.
fn sql_client(sql: &Sql, title: &str, query: &str) -> Result<Client, TableError> {
    let mut file = Client::new(title);
    let hosts = match (sql.host.starts_with('/'), sql.port) {
        (true, _) => format!("unix:{}", sql.host),
        (false, Some(port)) => format!("inet:{}:{port}", sql.host),
        (false, None) => sql.host.clone(),
    };
    file.set("hosts", &hosts)?;
    file.set("dbname", &sql.name)?;
    file.set("query", query)?;
    Ok(file)
}

/// The same of a directory. Its certificate is verified, which is not Postfix's default.
fn ldap_client(
    directory: &Directory,
    title: &str,
    filter: &str,
    attributes: &str,
) -> Result<Client, TableError> {
    let mut file = Client::new(title);
    file.set("server_host", &directory.url)?;
    file.set("version", "3")?;
    if directory.start_tls {
        file.set("start_tls", "yes")?;
    }
    if directory.start_tls || directory.url.starts_with("ldaps:") {
        file.set("tls_require_cert", "yes")?;
        if let Some(path) = &directory.ca_file {
            file.set("tls_ca_cert_file", path)?;
        }
    }
    file.set("search_base", &directory.base)?;
    file.set("query_filter", filter)?;
    file.set("result_attribute", attributes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Results;

    #[test]
    fn a_database_is_asked_where_it_is() {
        let mut sql = Sql {
            kind: SqlKind::Mysql,
            host: "localhost".to_owned(),
            port: None,
            name: "vimbadmin".to_owned(),
        };
        let hosts = |sql: &Sql| {
            sql_client(sql, "x", "SELECT 1").unwrap().to_string().lines().nth(1).unwrap().to_owned()
        };
        assert!(sql.is_local());
        assert_eq!(hosts(&sql), "hosts = localhost");
        sql.host = "/run/mysqld/mysqld.sock".to_owned();
        assert!(sql.is_local());
        assert_eq!(hosts(&sql), "hosts = unix:/run/mysqld/mysqld.sock");
        (sql.host, sql.port) = ("192.0.2.7".to_owned(), Some(3307));
        assert!(!sql.is_local());
        assert_eq!(hosts(&sql), "hosts = inet:192.0.2.7:3307");
    }

    #[test]
    fn a_directory_proves_who_it_is() {
        let directory = Directory {
            url: "ldap://ldap.acme.example".to_owned(),
            local: false,
            base: "dc=acme,dc=example".to_owned(),
            start_tls: true,
            ca_file: Some("/etc/ssl/ldap.pem".to_owned()),
            results: Results {
                domains: "associatedDomain".to_owned(),
                mailboxes: "mail".to_owned(),
                aliases: "mail".to_owned(),
            },
        };
        let file = ldap_client(&directory, "Who?", "(mail=%s)", "mail").unwrap();
        insta::assert_snapshot!(file.to_string(), @r"
        # Who?
        server_host = ldap://ldap.acme.example
        version = 3
        start_tls = yes
        tls_require_cert = yes
        tls_ca_cert_file = /etc/ssl/ldap.pem
        search_base = dc=acme,dc=example
        query_filter = (mail=%s)
        result_attribute = mail
        ");
    }
}
