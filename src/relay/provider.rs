//! Mail providers as data: the files in `pkg/providers`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::{Auth, OAuth2, TlsMode};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pkg/providers");

/// The preset of a mail provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    /// Name in the spec, and of its file.
    #[serde(default)]
    pub name: String,
    /// Name in a sentence.
    pub title: String,
    /// Documentation of its SMTP access.
    pub url: Option<String>,
    /// Host of a provider that has one for all.
    pub host: Option<String>,
    /// Default region.
    pub default_region: Option<String>,
    /// Hosts by region.
    #[serde(default)]
    pub regions: BTreeMap<String, String>,
    /// Ports in order of preference.
    #[serde(default)]
    pub ports: Vec<ProviderPort>,
    /// Authentication methods, in order of preference.
    pub auth: Vec<Auth>,
    /// Description of `RELAY_USERNAME`.
    pub username: Option<String>,
    /// Description of `RELAY_PASSWORD`.
    pub password: Option<String>,
    /// Its token endpoint.
    pub oauth2: Option<OAuth2>,
    /// Valid sender addresses.
    pub sender: SenderRule,
    /// The same in a sentence.
    pub sender_rule: Option<String>,
    /// Largest message, bytes, as sent (attachments grow by a third).
    pub message_size: Option<u64>,
    /// Maximum number of recipients of one message.
    pub recipients: Option<u32>,
    /// Maximum number of connections at a time.
    pub concurrency: Option<u32>,
    /// Pause between two messages, seconds.
    pub rate_delay: Option<u64>,
    /// Whether its servers announce SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// Whether it accepts the null sender (`MAIL FROM:<>`) of bounces; `None` if unknown.
    pub null_sender: Option<bool>,
    /// Names of fields that the documentation of the provider does not confirm.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// Further notes.
    #[serde(default, rename = "note")]
    pub notes: Vec<ProviderNote>,
}

/// A port of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderPort {
    /// TCP port.
    pub port: u16,
    /// How TLS starts on it.
    pub tls: TlsMode,
}

/// Valid sender addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SenderRule {
    /// Unknown, as for a custom smarthost.
    Any,
    /// Addresses or domains that are verified at the provider; others are rejected.
    Verified,
    /// The address of the account or its aliases; others are rejected.
    Account,
    /// The address of the account or its aliases; others are replaced by it.
    Rewritten,
}

/// A note about a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderNote {
    /// A sentence or two.
    pub text: String,
    /// URL of its source.
    pub source: String,
    /// Day when the source was read, `YYYY-MM-DD`.
    pub date: String,
    /// Whether `check` shows it to all users of the provider.
    #[serde(default)]
    pub warning: bool,
    /// The authentication method that it applies to, if only to one.
    pub auth: Option<Auth>,
}

/// The built-in providers. Each is parsed once, when it is first used.
#[derive(Debug)]
pub struct Providers {
    files: &'static Dir<'static>,
    read: Mutex<BTreeMap<String, Provider>>,
}

impl Providers {
    /// The embedded providers.
    pub fn builtin() -> Self {
        Self { files: &FILES, read: Mutex::default() }
    }

    /// Their names, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> =
            self.files.files().filter_map(|file| file.path().to_str()?.strip_suffix(".toml")).collect();
        names.sort_unstable();
        names
    }

    /// One of them.
    ///
    /// # Panics
    /// Never: a test reads every embedded file.
    pub fn get(&self, name: &str) -> Option<Provider> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = read.get(name) {
            return Some(provider.clone());
        }
        let text = self.files.get_file(format!("{name}.toml"))?.contents_utf8()?;
        match toml::from_str::<Provider>(text) {
            Ok(provider) => {
                let provider = Provider { name: name.to_owned(), ..provider };
                read.insert(name.to_owned(), provider.clone());
                Some(provider)
            }
            Err(error) => panic!("embedded data `{name}`: {error}"),
        }
    }

    /// All providers, sorted by name.
    pub fn all(&self) -> Vec<Provider> {
        self.names().into_iter().filter_map(|name| self.get(name)).collect()
    }
}

impl Provider {
    /// The name of the empty preset, for a custom smarthost.
    pub const CUSTOM: &'static str = "custom";
    /// The name of the preset without a smarthost.
    pub const DIRECT: &'static str = "direct";

    /// The preset for relays without a smarthost: mail goes to MX hosts, and most of these support SMTPUTF8.
    #[must_use]
    pub fn direct(self) -> Self {
        Self { name: Self::DIRECT.to_owned(), title: "MX hosts".to_owned(), smtputf8: true, ..self }
    }

    /// The host for a region, or for all regions.
    pub fn host_in(&self, region: Option<&str>) -> Option<&str> {
        match region.or(self.default_region.as_deref()) {
            Some(region) => self.regions.get(region).map(String::as_str),
            None => self.host.as_deref(),
        }
    }

    /// Whether a host belongs to the provider.
    pub fn owns(&self, host: &str) -> bool {
        self.host.iter().chain(self.regions.values()).any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether bounces may be lost: the provider rejects the null sender, or is not known to accept it.
    pub fn may_refuse_bounces(&self) -> bool {
        self.null_sender != Some(true) && !self.ports.is_empty()
    }

    /// A sentence about the null sender.
    pub fn null_sender_text(&self) -> &'static str {
        match self.null_sender {
            Some(true) => "accepted",
            Some(false) => "refused, so a bounce cannot be returned",
            None => "not known, so postpack assumes that bounces may be refused",
        }
    }

    /// How TLS starts on one of its ports.
    pub fn mode_of(&self, port: u16) -> Option<TlsMode> {
        self.ports.iter().find(|own| own.port == port).map(|own| own.tls)
    }

    /// The host for lists, with a placeholder if a region is required.
    pub fn default_host_text(&self) -> String {
        match self.host_in(None) {
            Some(host) => host.to_owned(),
            None => match self.regions.iter().next() {
                Some((region, host)) => host.replace(region.as_str(), "REGION"),
                None => "[smarthost] host".to_owned(),
            },
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.title, self.name)?;
        let mut row = |name: &str, value: &str| writeln!(f, "  {name:<14}{value}");
        if let Some(url) = &self.url {
            row("see", url)?;
        }
        row("host", &self.default_host_text())?;
        if !self.regions.is_empty() {
            let names: Vec<&str> = self.regions.keys().map(String::as_str).collect();
            row("regions", &names.join(" "))?;
        }
        if !self.ports.is_empty() {
            let ports: Vec<String> =
                self.ports.iter().map(|own| format!("{} {}", own.port, own.tls.name())).collect();
            row("ports", &ports.join(", "))?;
        }
        for (name, value) in [
            ("user name", &self.username),
            ("password", &self.password),
            ("sender", &self.sender_rule),
            ("message size", &self.message_size.map(|size| format!("{size} bytes"))),
            ("recipients", &self.recipients.map(|count| format!("{count} per message"))),
            ("connections", &self.concurrency.map(|count| count.to_string())),
            ("pause", &self.rate_delay.map(|seconds| format!("{seconds} s between two messages"))),
        ] {
            if let Some(value) = value {
                row(name, value)?;
            }
        }
        row("SMTPUTF8", if self.smtputf8 { "yes" } else { "no" })?;
        if self.name != Self::CUSTOM {
            row("null sender", self.null_sender_text())?;
        }
        if !self.unverified.is_empty() {
            row("unverified", &self.unverified.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "\n  {}\n  ({}, {})", note.text, note.source, note.date)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_consistent() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pkg/providers");
        let providers = Providers::builtin();
        let all = providers.all();
        assert_eq!(all.len(), fs_err::read_dir(folder).unwrap().count(), "embedded data is stale");
        for provider in &all {
            let name = &provider.name;
            assert!(!provider.auth.is_empty(), "{name}");
            if name == Provider::CUSTOM {
                continue;
            }
            assert!(provider.host.is_some() == provider.regions.is_empty(), "{name}: host or regions");
            assert!(!provider.ports.is_empty() && provider.url.is_some(), "{name}");
            assert!(provider.sender_rule.is_some() && provider.sender != SenderRule::Any, "{name}");
            assert!(!provider.notes.is_empty(), "{name}: nothing says where this is from");
            if let Some(region) = &provider.default_region {
                assert!(provider.regions.contains_key(region), "{name}");
            }
            if provider.auth.contains(&Auth::Password) {
                assert!(provider.username.is_some() && provider.password.is_some(), "{name}");
            }
            let unverified = provider.unverified.iter().any(|field| field == "null-sender");
            assert!(
                provider.null_sender.is_none() == unverified,
                "{name}: null-sender is known or unverified"
            );
            for note in &provider.notes {
                assert!(note.date.len() == 10, "{name}: {}", note.date);
            }
        }
    }

    #[test]
    fn overview() {
        let rows: Vec<String> = Providers::builtin()
            .all()
            .iter()
            .map(|p| {
                let ports: Vec<String> =
                    p.ports.iter().map(|own| format!("{}{}", own.port, &own.tls.name()[..1])).collect();
                format!("{:18} {:42} {}", p.name, p.default_host_text(), ports.join(" "))
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }
}
