//! The profile of a host, with the reasons.

use super::Answers;
use super::reading::Reading;
use super::tables::{self, Table};
use crate::relay::Profile;

/// The profile of a host.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) profile: Profile,
    /// Why, each a sentence.
    pub(super) reasons: Vec<String>,
    /// Whether mail leaves by the MX of each domain.
    pub(super) direct: bool,
}

/// Decides: mailboxes, then domains of others, then logins, then trusted networks.
pub(super) fn decide(reading: &Reading<'_>, answers: &Answers) -> Role {
    let facts = Facts::new(reading);
    let (profile, reasons) = match answers.profile {
        Some(profile) => (profile, vec!["as stated by --profile".to_owned()]),
        None => facts.profile(),
    };
    Role { profile, reasons, direct: reading.value("relayhost").is_empty() }
}

struct Facts<'r, 's> {
    reading: &'r Reading<'s>,
    /// Whether other hosts reach port 25.
    listens: bool,
}

impl<'r, 's> Facts<'r, 's> {
    fn new(reading: &'r Reading<'s>) -> Self {
        let interfaces = reading.list("inet_interfaces");
        let loopback = |name: &String| {
            matches!(name.as_str(), "loopback-only" | "localhost" | "127.0.0.1" | "::1" | "[::1]")
        };
        let by_main = !interfaces.iter().all(loopback);
        let services = reading.services.as_deref().unwrap_or_default();
        let inet = services.iter().filter(|placed| placed.service.kind.name() == "inet");
        // An address in the name of a service overrides the list; without a service on port 25 nothing listens there.
        let mut open =
            inet.filter(|placed| matches!(placed.service.command.as_str(), "smtpd" | "postscreen"));
        let listens = if reading.services.is_some() {
            open.any(|placed| match placed.service.name.rsplit_once(':') {
                Some((host, _)) => !loopback(&host.to_owned()),
                None => by_main,
            })
        } else {
            by_main
        };
        Self { reading, listens }
    }

    fn profile(&self) -> (Profile, Vec<String>) {
        let reading = self.reading;
        if !self.listens {
            return (Profile::NullClient, vec!["only the host itself connects: inet_interfaces".to_owned()]);
        }
        if self.has_domains("virtual_mailbox_domains") {
            return (
                Profile::MailServer,
                vec!["virtual_mailbox_domains names domains with mailboxes".to_owned()],
            );
        }
        if let Some(reason) = self.keeps_unix_mailboxes() {
            return (Profile::MailServer, vec![reason]);
        }
        let mut domains = Vec::new();
        if self.has_domains("relay_domains") {
            domains.push("relay_domains names domains of other servers".to_owned());
        }
        if !alias_domains(reading).is_empty() {
            domains.push("virtual_alias_domains names domains of aliases".to_owned());
        }
        if !domains.is_empty() {
            return (Profile::MailGateway, domains);
        }
        let trusted = trusted(reading);
        if logs_users_in(reading) {
            return (
                Profile::Submission,
                vec!["users log in (smtpd_sasl_auth_enable) and no domain is received".to_owned()],
            );
        }
        if !trusted.is_empty() {
            let names = trusted.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            return (Profile::LanRelay, vec![format!("mynetworks trusts {names}")]);
        }
        let reason = "no domains, no logins and no trusted network: the default of inet_interfaces alone makes no relay for others";
        (Profile::NullClient, vec![reason.to_owned()])
    }

    /// Whether a list of domains names any that the host does not have for itself.
    fn has_domains(&self, name: &str) -> bool {
        let reading = self.reading;
        if !reading.is_set(name) {
            return false;
        }
        let own = reading.list("mydestination");
        reading.list(name).iter().any(|item| {
            if own.contains(item) {
                return false;
            }
            match tables::parts(item) {
                Some(_)
                    if item.contains(":/") || item.starts_with("proxy:") || item.starts_with("inline:") =>
                {
                    match &*reading.table(item) {
                        Table::Rows(_, rows) => !rows.is_empty(),
                        Table::Database { .. } | Table::Other | Table::Static(_) | Table::Unreadable => true,
                        Table::Missing => super::stock::of_parameter(
                            name,
                            &reading.setting(name).map(|it| it.value.clone()).unwrap_or_default(),
                        )
                        .is_empty(),
                    }
                }
                _ => true,
            }
        })
    }

    /// Mail for a domain that users of the host read.
    fn keeps_unix_mailboxes(&self) -> Option<String> {
        let reading = self.reading;
        let domains = mail_domains(reading);
        let set = |name: &str| {
            reading.setting(name).is_some_and(|setting| {
                !setting.value.is_empty() && super::stock::of_parameter(name, &setting.value).is_empty()
            })
        };
        let kept = [
            "home_mailbox",
            "mailbox_command",
            "mailbox_transport",
            "mail_spool_directory",
            "mailbox_transport_maps",
        ]
        .into_iter()
        .find(|name| set(name));
        let receives = logs_users_in(reading)
            || ["smtpd_recipient_restrictions", "smtpd_client_restrictions", "smtpd_sender_restrictions"]
                .iter()
                .any(|name| {
                    let list = reading.value(name);
                    ["reject_rbl_client", "reject_maps_rbl", "check_policy_service"]
                        .iter()
                        .any(|check| list.contains(check))
                })
            || set("smtpd_milters");
        let direct = reading.value("relayhost").is_empty();
        let domain = domains.first()?;
        if !(kept.is_some() || receives) || !(direct || kept.is_some() && receives) {
            return None;
        }
        Some(format!("mydestination has {domain}, whose mail users of this host read"))
    }
}

/// Domains of `mydestination` that are no names of the host itself.
pub(super) fn mail_domains(reading: &Reading<'_>) -> Vec<String> {
    reading.list("mydestination").into_iter().filter(|name| !is_local_name(reading, name)).collect()
}

/// Whether a domain is a name of the host: its own, localhost, a name without a dot, or a technical one.
pub(super) fn is_local_name(reading: &Reading<'_>, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains('$')
        || is_technical(&name)
        || reading.hostname().is_some_and(|own| own == name && own.split('.').count() > 2)
        || reading.value("myhostname").eq_ignore_ascii_case(&name)
}

/// Whether nobody outside of a network can have this domain: a name without a dot, or one for private networks.
pub(super) fn is_technical(name: &str) -> bool {
    let private =
        [".local", ".localdomain", ".lan", ".internal", ".home", ".intranet", ".home.arpa", ".localhost"];
    !name.contains('.') || name.starts_with("localhost.") || private.iter().any(|end| name.ends_with(end))
}

/// Domains that contain only aliases.
pub(super) fn alias_domains(reading: &Reading<'_>) -> Vec<String> {
    if reading.is_set("virtual_alias_domains") {
        let mut domains = Vec::new();
        for item in reading.list("virtual_alias_domains") {
            if item.contains(":/") || item.starts_with("proxy:") {
                if let Table::Rows(_, rows) = &*reading.table(&item) {
                    // This can also be a table of aliases, whose keys with an address are not domains.
                    domains.extend(
                        rows.iter()
                            .map(|row| row.key.clone())
                            .filter(|key| !key.contains('@') && key.contains('.')),
                    );
                }
            } else {
                domains.push(item.to_ascii_lowercase());
            }
        }
        return domains;
    }
    // By default these are the keys of virtual_alias_maps that are domains.
    let maps = reading.tables(if reading.is_set("virtual_alias_maps") {
        "virtual_alias_maps"
    } else {
        "virtual_maps"
    });
    let mut domains = Vec::new();
    for (_, table) in maps {
        if let Table::Rows(tables::Shape::Lookup, rows) = &*table {
            domains.extend(
                rows.iter().map(|row| row.key.clone()).filter(|key| !key.contains('@') && key.contains('.')),
            );
        }
    }
    domains
}

/// Whether users log in.
pub(super) fn logs_users_in(reading: &Reading<'_>) -> bool {
    reading.yes("smtpd_sasl_auth_enable")
        || reading.services.iter().flatten().any(|placed| {
            placed.service.command == "smtpd"
                && placed
                    .service
                    .arguments
                    .iter()
                    .any(|argument| argument.to_string() == "-o smtpd_sasl_auth_enable=yes")
        })
}

/// Networks that a person trusts, without the loopback.
pub(super) fn trusted(reading: &Reading<'_>) -> Vec<String> {
    if !reading.is_set("mynetworks") {
        return Vec::new();
    }
    let loopback = |item: &String| {
        let address = item.trim_start_matches('[').split([']', '/']).next().unwrap_or_default();
        address.starts_with("127.")
            || address == "::1"
            || address.starts_with("::ffff:127")
            || address == "localhost"
    };
    reading.list("mynetworks").into_iter().filter(|item| !loopback(item)).collect()
}
