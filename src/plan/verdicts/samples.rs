//! A spec of each profile, and the examples of keys on top of it.

use crate::diag::Source;
use crate::relay::Profile;

const PACKAGE: &str =
    "[package]\nname = 'acme-mail-relay'\nversion = '1.0.0'\nmaintainer = 'Ops <ops@acme.example>'\n";
const CERTIFICATE: &str = "[server]\ncertificate = '/etc/ssl/relay.pem'\n";

/// A spec of each profile in which nothing is wrong.
fn base(profile: Profile) -> toml::Table {
    let smarthost = "[smarthost]\nhost = 'smtp.lab.example'\n";
    let named = "from = 'noreply@acme.example'\nroot-mail-to = 'ops@acme.example'\n";
    let sections = match profile {
        Profile::NullClient => format!("{named}{smarthost}"),
        Profile::LanRelay => format!("{named}{smarthost}[network]\ntrusted = ['10.66.0.0/24']\n"),
        Profile::Submission => format!("{named}{smarthost}{CERTIFICATE}[submission.senders]\n'jane@acme.example' = 'jane'\n"),
        Profile::MailGateway => {
            "from = '@acme.example'\nroot-mail-to = 'ops@acme.example'\n[inbound.domains]\n'acme.example' = '10.0.0.5'\n".to_owned()
        }
        Profile::MailServer => {
            format!("from = '@acme.example'\nroot-mail-to = 'ops@acme.example'\n{CERTIFICATE}[mailboxes]\naddresses = ['jane@acme.example']\n")
        }
    };
    format!("{PACKAGE}[relay]\nprofile = '{}'\n{sections}", profile.name()).parse().unwrap()
}

/// The example of a key, with what it needs.
pub(crate) fn sample(key: &str) -> String {
    let key = crate::keys::get(key).unwrap_or_else(|| panic!("there is no key {key}"));
    toml::to_string(&key.example_table().unwrap_or_else(|| panic!("{} has no example", key.path))).unwrap()
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

pub(crate) fn with(profile: Profile, more: &str) -> Source {
    let (mut table, more): (_, toml::Table) = (base(profile), more.parse().unwrap());
    // Values that the other samples have in a different form.
    let value = |section: &str, key: &str| more.get(section)?.get(key)?.as_str().map(str::to_owned);
    let provider = value("relay", "provider").filter(|name| name != "custom");
    if provider.is_some() && value("smarthost", "host").is_none() {
        table.remove("smarthost");
    }
    if more.contains_key("database") {
        table.remove("mailboxes");
    }
    merge(&mut table, more);
    Source { name: "relay.toml".to_owned(), text: toml::to_string(&table).unwrap() }
}
