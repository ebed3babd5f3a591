//! `repo.toml`: what a repository is called, where it is published, and who signs it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::names::{Label, Name, Url};
use crate::diag::{Diagnostic, Source};

/// The settings of a repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The repository.
    pub repository: Description,
    /// Its keys; the first one that signs is used for what can have one signature only.
    pub keys: Vec<KeySource>,
}

impl Settings {
    /// The suite that client files name.
    pub(super) fn first_suite(&self) -> &str {
        self.repository.suites.first().map_or("stable", |suite| suite.as_str())
    }
}

/// The names and rules of a repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Description {
    /// Name in file names and in the configuration of clients. Changing it later cuts clients off.
    pub name: Name,
    /// Title for people; `Origin` and `Label` of apt. Changing it later makes apt ask.
    pub title: Label,
    /// Address of the published tree.
    pub url: Url,
    /// Suites. Client files name the first one.
    #[serde(default = "suites")]
    pub suites: Vec<Name>,
    /// How many publications of a suite are kept for `rollback`, and for clients that have an older index. At least 2.
    #[serde(default = "keep")]
    pub keep: usize,
    /// Days until apt rejects an index that was not signed again. Without it an index does not expire.
    pub valid_days: Option<u32>,
    /// Maintainer of the release package: `Name <mail@domain>`.
    pub maintainer: Maintainer,
}

/// `Name <mail@domain>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Maintainer(String);

impl Maintainer {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Maintainer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mail = text.strip_suffix('>').and_then(|text| text.rsplit_once(" <")).map(|(_, mail)| mail);
        let plain = !text.chars().any(crate::diag::is_odd) && text.trim() == text;
        if plain && mail.is_some_and(|mail| mail.contains('@') && !mail.contains(char::is_whitespace)) {
            return Ok(Self(text));
        }
        Err("must be a name and an address, such as `ACME packages <packages@acme.example>`")
    }
}

fn suites() -> Vec<Name> {
    ["stable", "testing"].iter().filter_map(|name| name.parse().ok()).collect()
}

fn keep() -> usize {
    5
}

/// Use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// It signs.
    Sign,
    /// Hosts get to know it. apt indexes have its signature as well.
    Announce,
    /// It signed what is still offered. Hosts keep it.
    Retire,
}

/// A key and who holds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeySource {
    /// Its use.
    #[serde(rename = "use", default = "signs")]
    pub purpose: Use,
    /// A secret key without a passphrase.
    pub file: Option<PathBuf>,
    /// An environment variable with such a key.
    pub env: Option<String>,
    /// A fingerprint or mail address of a key of gpg.
    pub gpg: Option<String>,
    /// A program that signs digests, with its arguments.
    pub command: Option<Vec<String>>,
    /// The certificate, where the key itself does not have all of it.
    pub certificate: Option<PathBuf>,
}

fn signs() -> Use {
    Use::Sign
}

impl Settings {
    /// Reads settings. Paths in them are relative to `folder`.
    ///
    /// # Errors
    /// Findings with their places.
    pub fn read(source: &Source, folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        let mut settings: Self = toml::from_str(&source.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            vec![Diagnostic::error("repository", span, error.message().to_owned())]
        })?;
        let found = settings.judge(&source.text);
        if !found.is_empty() {
            return Err(found);
        }
        for key in &mut settings.keys {
            for path in [&mut key.file, &mut key.certificate].into_iter().flatten() {
                *path = folder.join(&*path);
            }
        }
        Ok(settings)
    }

    fn judge(&self, text: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        // The place of the first line that sets a key: keys that are checked here occur once.
        let place = |key: &str| {
            let at =
                text.lines().scan(0, |at, line| Some((std::mem::replace(at, *at + line.len() + 1), line)));
            let at = at
                .filter(|(_, line)| line.trim_start().starts_with(key))
                .map(|(at, line)| at..at + line.len());
            at.into_iter().next().unwrap_or(0..0)
        };
        let mut wrong = |key: &str, message: &str, hint: &str| {
            found.push(Diagnostic::error("repository", place(key), message).hint(hint));
        };
        let suites = &self.repository.suites;
        let unique: std::collections::BTreeSet<&Name> = suites.iter().collect();
        if suites.is_empty() || unique.len() != suites.len() {
            wrong(
                "suites",
                "the suites must be named, each once",
                "write `suites = [\"stable\", \"testing\"]`",
            );
        }
        if self.repository.keep < 2 {
            let hint = "keep 2 or more: clients with the previous index still request its files";
            wrong("keep", "one publication is too few", hint);
        }
        if self.repository.valid_days.is_some_and(|days| days < 7) {
            let hint = "give 30 days or more, and run `postpack repo resign` in a weekly job";
            wrong("valid-days", "every host stops updating when an index is not signed again in time", hint);
        }
        if !self.keys.iter().any(|key| key.purpose == Use::Sign) {
            wrong("[[keys]]", "no key signs", "add a key with `use = \"sign\"`");
        }
        for key in &self.keys {
            let holders =
                [key.file.is_some(), key.env.is_some(), key.gpg.is_some(), key.command.is_some()].into_iter();
            let holders = holders.filter(|is| *is).count();
            let retired = key.purpose == Use::Retire && key.certificate.is_some();
            if holders > 1 || (holders == 0 && !retired) {
                let hint =
                    "give one of `file`, `env`, `gpg` or `command`; a retired key needs only `certificate`";
                wrong("[[keys]]", "a key must have one holder", hint);
            } else if key.command.is_some() && key.certificate.is_none() {
                let hint = "make one with `postpack key new --command`, and name it by `certificate`";
                wrong("command", "a key in a program needs its certificate", hint);
            }
        }
        found
    }
}

/// Settings to start from.
pub fn starter(name: &Name, url: &Url) -> String {
    format!(
        "# A signed package repository, published by `postpack repo publish`. See docs/repository.md.\n\
         [repository]\n\
         # Both are part of what hosts have configured: do not change them later.\n\
         name = \"{name}\"\n\
         title = \"{name} packages\"\n\
         # Where the folder `site` will be served.\n\
         url = \"{url}\"\n\
         maintainer = \"{name} packages <packages@{host}>\"\n\
         # Client files name the first one.\n\
         suites = [\"stable\", \"testing\"]\n\
         # Publications of a suite that stay, for rollbacks and for clients with an older index.\n\
         keep = 5\n\
         \n\
         # `postpack key new {name}.key` makes it. Other holders: env, gpg, command.\n\
         [[keys]]\n\
         use = \"sign\"\n\
         file = \"{name}.key\"\n",
        host =
            url.as_str().split('/').nth(2).and_then(|host| host.split(':').next()).unwrap_or("example.org"),
    )
}
