//! `[mailboxes]` and `[database]`: mailboxes, and the databases that list them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Spot};

/// Mailboxes of a mail server. They are listed here, or in `[database]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "mailboxes"))]
pub(crate) struct MailboxesSection {
    /// Addresses that have a mailbox.
    ///
    /// The relay accepts mail for their domains and those of the aliases.
    #[schemars(extend(
        "examples" = [["jane@acme.example", "joe@acme.test"]],
        "x-decides" = ["virtual_mailbox_domains", "virtual_mailbox_maps"],
        "x-adds-to" = ["smtpd_sender_login_maps"],
        "x-replaces" = ["mydestination", "local_transport"],
    ))]
    pub(crate) addresses: Option<Many<String>>,
    /// Addresses whose mail goes to others: `"sales@acme.example" = ["jane@acme.example"]`.
    ///
    /// `"@acme.example"` stands for every address of the domain that has neither a mailbox nor an alias.
    #[schemars(extend(
        "examples" = [{"sales@acme.test": ["jane@acme.example"]}],
        "x-adds-to" = ["virtual_alias_maps", "virtual_mailbox_domains", "smtpd_sender_login_maps"],
        "x-with" = "mailboxes.addresses = ['jane@acme.example']",
    ))]
    pub(crate) aliases: Option<Entries<Many<String>>>,
    /// LMTP server of the mailboxes: a socket in Postfix's queue directory, or `127.0.0.1:24`.
    #[schemars(extend(
        "default" = "private/dovecot-lmtp",
        "examples" = ["127.0.0.1:24"],
        "x-decides" = ["virtual_transport", "lmtp_delivery_status_filter"],
        "x-with" = "mailboxes.addresses = ['jane@acme.example']",
    ))]
    pub(crate) lmtp: Option<Spot<String>>,
}

/// A database that lists domains, mailboxes and aliases. Its login is RELAY_DATABASE_USERNAME and
/// RELAY_DATABASE_PASSWORD in the credentials of the host.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "mailboxes"))]
pub(crate) struct DatabaseSection {
    /// Kind of database.
    ///
    /// `mysql` includes MariaDB. `ldap` is a directory, such as OpenLDAP.
    #[schemars(extend("default" = "mysql", "examples" = ["pgsql"], "x-with" = "database.name = 'vimbadmin'"))]
    pub(crate) kind: Option<Spot<DatabaseKind>>,
    /// Host name, address, or the absolute path of a socket.
    ///
    /// For a directory it is a URL: `ldaps://ldap.acme.example`, `ldap://`, or `ldapi:///`, its socket on this
    /// host. The default is `localhost`, or that socket.
    #[schemars(extend("examples" = ["db.acme.example"], "x-with" = "database.name = 'vimbadmin'"))]
    pub(crate) host: Option<Spot<String>>,
    /// TCP port.
    ///
    /// The default is the usual port of the database.
    #[schemars(range(min = 1, max = 65535))]
    #[schemars(extend(
        "examples" = [3307],
        "x-with" = "database.name = 'vimbadmin'\ndatabase.host = 'db.acme.example'",
    ))]
    pub(crate) port: Option<Spot<i64>>,
    /// Name of the database.
    ///
    /// A directory has `base` instead.
    #[schemars(extend(
        "examples" = ["vimbadmin"],
        "x-adds-to" = ["virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_alias_maps", "smtpd_sender_login_maps"],
    ))]
    pub(crate) name: Option<Spot<String>>,
    /// Where in a directory the search begins, such as `dc=acme,dc=example`.
    #[schemars(extend(
        "examples" = ["dc=acme,dc=example"],
        "x-adds-to" = ["virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_alias_maps", "smtpd_sender_login_maps"],
        "x-with" = "database.kind = 'ldap'",
    ))]
    pub(crate) base: Option<Spot<String>>,
    /// Whether to use STARTTLS on an `ldap://` connection.
    ///
    /// The default is yes to another host, whose certificate is verified.
    #[schemars(extend(
        "examples" = [false],
        "x-with" = "database.kind = 'ldap'\ndatabase.base = 'dc=acme,dc=example'\ndatabase.host = 'ldap://127.0.0.1'",
    ))]
    pub(crate) start_tls: Option<Spot<bool>>,
    /// CA bundle for the certificate of the directory: an absolute path on the host.
    ///
    /// The default is the bundle of the host's LDAP library (ldap.conf).
    #[schemars(extend(
        "examples" = ["/etc/ssl/ldap-ca.pem"],
        "x-with" = "database.kind = 'ldap'\ndatabase.base = 'dc=acme,dc=example'\ndatabase.host = 'ldaps://ldap.acme.example'",
    ))]
    pub(crate) ca_file: Option<Spot<String>>,
    pub(crate) results: Option<Spot<ResultsSection>>,
    pub(crate) queries: Option<QueriesSection>,
}

/// Attributes of a directory that contain the answers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ResultsSection {
    /// Attribute of a domain with mailboxes.
    #[schemars(extend(
        "default" = "associatedDomain",
        "examples" = ["dc"],
        "x-with" = "database.kind = 'ldap'\ndatabase.base = 'dc=acme,dc=example'",
    ))]
    pub(crate) domains: Option<Many<String>>,
    /// Attribute of a mailbox: the login of its owner.
    ///
    /// It must have one value.
    #[schemars(extend(
        "default" = "mail",
        "examples" = ["uid"],
        "x-with" = "database.kind = 'ldap'\ndatabase.base = 'dc=acme,dc=example'",
    ))]
    pub(crate) mailboxes: Option<Many<String>>,
    /// Attribute of an alias: the recipients of its mail.
    #[schemars(extend(
        "default" = "mail",
        "examples" = [["mail", "mailForwardingAddress"]],
        "x-with" = "database.kind = 'ldap'\ndatabase.base = 'dc=acme,dc=example'",
    ))]
    pub(crate) aliases: Option<Many<String>>,
}

/// SQL queries or LDAP filters of your own. `%s` is the name to look up, `%u` and `%d` the parts before and after
/// its `@`. The defaults are for the tables of `ViMbAdmin` and `PostfixAdmin`, and in a directory for
/// `associatedDomain` of `domainRelatedObject`, `mail` of `inetOrgPerson`, and `mailLocalAddress` of
/// `inetLocalMailRecipient`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct QueriesSection {
    /// Whether a domain has mailboxes: any row is a yes.
    #[schemars(extend(
        "examples" = ["SELECT name FROM domains WHERE name = '%s'"],
        "x-with" = "database.name = 'vimbadmin'",
    ))]
    pub(crate) domains: Option<Spot<String>>,
    /// Login of the owner of an address.
    #[schemars(extend(
        "examples" = ["SELECT login FROM users WHERE address = '%s'"],
        "x-with" = "database.name = 'vimbadmin'",
    ))]
    pub(crate) mailboxes: Option<Spot<String>>,
    /// Recipients of an address, or of an `@domain`.
    #[schemars(extend(
        "examples" = ["SELECT target FROM aliases WHERE address = '%s'"],
        "x-with" = "database.name = 'vimbadmin'",
    ))]
    pub(crate) aliases: Option<Spot<String>>,
    /// TLS policy of a domain, for mail that does not go through the smarthost.
    ///
    /// The column contains a level as in `[tls.policies]`, with attributes of Postfix after it: `secure
    /// match=mx.partner.example`. The default is no query.
    #[schemars(extend(
        "examples" = ["SELECT policy FROM tls WHERE domain = '%s'"],
        "x-adds-to" = ["smtp_tls_policy_maps"],
        "x-with" = "database.name = 'vimbadmin'",
    ))]
    pub(crate) tls_policies: Option<Spot<String>>,
}

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum DatabaseKind {
    Mysql,
    Pgsql,
    Ldap,
}
