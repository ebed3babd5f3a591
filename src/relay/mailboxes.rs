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
    /// What it speaks.
    pub kind: DatabaseKind,
    /// A host name, an address, or the absolute path of a socket.
    pub host: String,
    /// TCP port; `None` for the usual one.
    pub port: Option<u16>,
    /// Its name.
    pub name: String,
    /// What it is asked.
    pub queries: Queries,
}

impl Database {
    /// Whether it runs on the host itself.
    pub fn is_local(&self) -> bool {
        self.host.starts_with('/')
            || self.host == "localhost"
            || self.host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

/// A kind of database, see mysql_table(5) and pgsql_table(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// MariaDB and MySQL.
    Mysql,
    /// PostgreSQL.
    Pgsql,
}

impl DatabaseKind {
    /// Postfix's name of its tables.
    pub fn table_type(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Pgsql => "pgsql",
        }
    }
}

/// SQL with `%s` for what is looked up; a row that comes back is a yes.
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
