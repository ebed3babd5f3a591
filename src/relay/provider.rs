//! Mail providers as data: the files in `pkg/providers`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::{Auth, OAuth2, TlsMode};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pkg/providers");

/// What is known of a mail provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    /// Name in the spec: that of its file.
    #[serde(default)]
    pub name: String,
    /// Name in a sentence.
    pub title: String,
    /// Its own description of SMTP access.
    pub url: Option<String>,
    /// Host of a provider that has one for all.
    pub host: Option<String>,
    /// Region used when the spec names none.
    pub default_region: Option<String>,
    /// Hosts by region.
    #[serde(default)]
    pub regions: BTreeMap<String, String>,
    /// Ports in order of preference.
    #[serde(default)]
    pub ports: Vec<ProviderPort>,
    /// Ways to prove who we are, in order of preference.
    pub auth: Vec<Auth>,
    /// What to put into `RELAY_USERNAME`.
    pub username: Option<String>,
    /// What to put into `RELAY_PASSWORD`.
    pub password: Option<String>,
    /// Where it gives out access tokens.
    pub oauth2: Option<OAuth2>,
    /// Whose addresses mail can come from.
    pub sender: SenderRule,
    /// The same in a sentence.
    pub sender_rule: Option<String>,
    /// Largest message, bytes, as sent (attachments grow by a third).
    pub message_size: Option<u64>,
    /// Most recipients of one message.
    pub recipients: Option<u32>,
    /// Most connections at a time.
    pub concurrency: Option<u32>,
    /// Pause between two messages, seconds.
    pub rate_delay: Option<u64>,
    /// Whether its servers announce SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// Whether it accepts the null sender (`MAIL FROM:<>`), which bounces have; `None` where nobody has seen it.
    pub null_sender: Option<bool>,
    /// Names of fields that nobody has seen in the provider's own words.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// What else to know.
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

/// Whose addresses mail can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SenderRule {
    /// Nothing is known: it is the administrator's smarthost.
    Any,
    /// Addresses or domains that were verified with the provider; others are refused.
    Verified,
    /// The account's own address or its aliases; others are refused.
    Account,
    /// The account's own address or its aliases; others are replaced by it.
    Rewritten,
}

/// Something to know about a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderNote {
    /// A sentence or two.
    pub text: String,
    /// Where it is from.
    pub source: String,
    /// When it was read there, `YYYY-MM-DD`.
    pub date: String,
    /// Whether `check` says it to everyone who uses the provider.
    #[serde(default)]
    pub warning: bool,
    /// The way to prove who we are that it is about, where it is about one.
    pub auth: Option<Auth>,
}

/// The providers that come with postpack. Each is read only when it is asked for, and once however often that is.
#[derive(Debug)]
pub struct Providers {
    files: &'static Dir<'static>,
    read: Mutex<BTreeMap<String, Provider>>,
}

impl Providers {
    /// Those embedded in the program.
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

    /// All of them, sorted by name.
    pub fn all(&self) -> Vec<Provider> {
        self.names().into_iter().filter_map(|name| self.get(name)).collect()
    }
}

impl Provider {
    /// The name of the provider that knows nothing: the administrator's own smarthost.
    pub const CUSTOM: &'static str = "custom";

    /// What takes the place of a provider where there is no smarthost: each domain has servers of its own (MX), and
    /// most of these know SMTPUTF8.
    #[must_use]
    pub fn direct(self) -> Self {
        Self {
            name: "direct".to_owned(),
            title: "the servers that DNS names".to_owned(),
            smtputf8: true,
            ..self
        }
    }

    /// The host for a region, or for all.
    pub fn host_in(&self, region: Option<&str>) -> Option<&str> {
        match region.or(self.default_region.as_deref()) {
            Some(region) => self.regions.get(region).map(String::as_str),
            None => self.host.as_deref(),
        }
    }

    /// Whether a host is one of the provider's.
    pub fn owns(&self, host: &str) -> bool {
        self.host.iter().chain(self.regions.values()).any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether bounces may be lost on their way: the provider refuses the null sender, or nobody knows that it accepts it.
    pub fn may_refuse_bounces(&self) -> bool {
        self.null_sender != Some(true) && !self.ports.is_empty()
    }

    /// What is known of the null sender, in a sentence.
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

    /// The host for lists, with a placeholder where a region must be chosen.
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
