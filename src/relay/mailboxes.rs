//! Mailboxes of the domains of the relay.

/// The mailboxes that a relay accepts mail for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailboxes {
    /// The list of mailboxes.
    pub source: Source,
    /// The LMTP server that stores the mail.
    pub delivery: Delivery,
}

/// The source of domains, mailboxes and aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the package itself.
    Listed(Listed),
    /// In a database, queried for each message.
    Database(Database),
}

/// Mailboxes that the spec lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Domains with mailboxes.
    pub domains: Vec<String>,
    /// Their mailboxes: addresses in these domains.
    pub mailboxes: Vec<String>,
    /// Aliases, and `@domain` for all other addresses of a domain, with their recipients.
    pub aliases: Vec<(String, Vec<String>)>,
}

/// A database with the mailboxes. Its login is not part of this: it is in the credentials of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The kind and place of the database.
    pub store: Store,
    /// The queries.
    pub queries: Queries,
}

/// A kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// An SQL database.
    Sql(Sql),
    /// A directory, see ldap_table(5).
    Ldap(Directory),
}

impl Store {
    /// The type of its tables in Postfix.
    pub fn table_type(&self) -> &'static str {
        match self {
            Self::Sql(Sql { kind: SqlKind::Mysql, .. }) => "mysql",
            Self::Sql(Sql { kind: SqlKind::Pgsql, .. }) => "pgsql",
            Self::Ldap(_) => "ldap",
        }
    }
}

/// The place of an SQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The kind of database.
    pub kind: SqlKind,
    /// A host name, an address, or the absolute path of a socket.
    pub host: String,
    /// TCP port; `None` for the usual one.
    pub port: Option<u16>,
    /// Its name.
    pub name: String,
}

impl Sql {
    /// Whether it runs on the host itself.
    pub fn is_local(&self) -> bool {
        self.host.starts_with('/')
            || self.host == "localhost"
            || self.host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

/// Kinds of SQL databases, see mysql_table(5) and pgsql_table(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlKind {
    /// MariaDB and MySQL.
    Mysql,
    /// PostgreSQL.
    Pgsql,
}

/// The place of a directory, and the attributes of its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// `ldap://`, `ldaps://` or `ldapi://`.
    pub url: String,
    /// Whether it runs on the host itself.
    pub local: bool,
    /// Where to search: the name of an entry (DN).
    pub base: String,
    /// Whether to use STARTTLS.
    pub start_tls: bool,
    /// CA bundle for its certificate; `None` for that of the host's LDAP library.
    pub ca_file: Option<String>,
    /// The attributes that contain the answers.
    pub results: Results,
}

/// Names of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// Of a domain with mailboxes.
    pub domains: String,
    /// Of a mailbox: the login of its owner.
    pub mailboxes: String,
    /// Of an alias: its recipients.
    pub aliases: String,
}

/// SQL or filters with `%s` for the name to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    /// Whether a domain has mailboxes: any result means yes.
    pub domains: String,
    /// The login of the owner of a mailbox.
    pub mailboxes: String,
    /// The recipients of an address, or of an `@domain`.
    pub aliases: String,
    /// The TLS policy of a domain; `None` for no query.
    pub tls_policies: Option<String>,
}

/// The server that stores the mail; Postfix uses LMTP (RFC 2033).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A socket in Postfix's queue folder, such as `private/dovecot-lmtp`.
    Socket(String),
    /// Host name or address, and port.
    Network(String, u16),
}
