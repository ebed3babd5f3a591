//! Mailboxes of the relay's own domains: who has one, and who keeps it.

/// The mailboxes that a relay takes mail for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailboxes {
    /// Who knows them.
    pub source: Source,
    /// Who keeps them.
    pub delivery: Delivery,
}

/// Where domains, mailboxes and aliases are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the package itself.
    Listed(Listed),
    /// In a database, whenever mail comes.
    Database(Database),
}

/// Mailboxes that the spec names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Domains with mailboxes.
    pub domains: Vec<String>,
    /// Their mailboxes: addresses in these domains.
    pub mailboxes: Vec<String>,
    /// Addresses, and `@domain` for all others of a domain, each with those who get its mail.
    pub aliases: Vec<(String, Vec<String>)>,
}

/// A database that knows the mailboxes. Its login is no part of this: it comes with the host's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// What it is, and where.
    pub store: Store,
    /// What it is asked.
    pub queries: Queries,
}

/// A kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// One that speaks SQL.
    Sql(Sql),
    /// A directory, see ldap_table(5).
    Ldap(Directory),
}

impl Store {
    /// Postfix's name of its tables.
    pub fn table_type(&self) -> &'static str {
        match self {
            Self::Sql(Sql { kind: SqlKind::Mysql, .. }) => "mysql",
            Self::Sql(Sql { kind: SqlKind::Pgsql, .. }) => "pgsql",
            Self::Ldap(_) => "ldap",
        }
    }
}

/// Where a database that speaks SQL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// Which.
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

/// What speaks SQL, see mysql_table(5) and pgsql_table(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlKind {
    /// MariaDB and MySQL.
    Mysql,
    /// PostgreSQL.
    Pgsql,
}

/// Where a directory is, and what it answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// `ldap://`, `ldaps://` or `ldapi://`.
    pub url: String,
    /// Whether it runs on the host itself.
    pub local: bool,
    /// Where to search: the name of an entry (DN).
    pub base: String,
    /// Whether TLS begins on the connection.
    pub start_tls: bool,
    /// Authorities that its certificate may be of; `None` for those of the host's LDAP library.
    pub ca_file: Option<String>,
    /// The attributes that are the answers.
    pub results: Results,
}

/// Names of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// Of a domain with mailboxes.
    pub domains: String,
    /// Of a mailbox: the name that its owner logs in by.
    pub mailboxes: String,
    /// Of an alias: who gets its mail.
    pub aliases: String,
}

/// SQL or filters with `%s` for what is looked up; what comes back is a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    /// Is this domain one with mailboxes?
    pub domains: String,
    /// Whose mailbox is this address? The answer is the name that its owner logs in by.
    pub mailboxes: String,
    /// Who gets the mail of this address, or of this `@domain`?
    pub aliases: String,
    /// How is this domain spoken to? `None`: nobody asks.
    pub tls_policies: Option<String>,
}

/// Who keeps the mailboxes; spoken to by LMTP (RFC 2033).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A socket in Postfix's queue folder, such as `private/dovecot-lmtp`.
    Socket(String),
    /// Host name or address, and port.
    Network(String, u16),
}
