//! The facts about a distribution.

use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Format;
use crate::postfix::Installation;
use crate::postfix::check::Target;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pkg/distributions");

/// A release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Distribution {
    /// Name on the command line, and of its file.
    #[serde(skip_deserializing)]
    pub id: String,
    /// Name in a sentence.
    pub title: String,
    /// Its package format.
    pub format: Format,
    /// Rebuilds with the same facts.
    #[serde(default)]
    pub also: Vec<String>,
    /// Version of systemd.
    pub systemd: u32,
    /// The unit that runs the daemon.
    pub unit: String,
    /// CA bundle.
    pub ca_file: String,
    /// The aliases file that Postfix and other programs read.
    pub aliases: String,
    /// Whether the packaged master.cf runs services in a chroot.
    pub chroot: bool,
    /// Folder of the Postfix daemons.
    pub daemon_directory: String,
    /// Group of postdrop and postqueue.
    pub setgid_group: String,
    /// Fields that were not verified on the system itself.
    pub unverified: Vec<String>,
    /// Where packages for it were tested.
    pub tests: Tests,
    /// Sources of the facts.
    pub source: String,
    /// Relations of the format that no package of the distribution satisfies.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Its Postfix.
    pub postfix: Installation,
}

/// Where packages for a distribution were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tests {
    /// The lab boots this system.
    Lab,
    /// The lab boots a Debian with its package manager and its Postfix.
    StandIn,
    /// Nowhere: its facts are from its packages and documents.
    None,
}

impl Tests {
    /// A few words for lists.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Lab => "booted",
            Self::StandIn => "stand-in",
            Self::None => "never booted",
        }
    }
}

impl Distribution {
    /// All distributions, by name.
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Distribution>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all: Vec<_> = FILES.files().filter_map(|file| read(file.path().to_str()?)).collect();
            all.sort_by(|a, b| a.id.cmp(&b.id));
            all
        })
    }

    /// The distribution with that name, or the one that `name` is a rebuild of.
    pub fn get(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|d| d.id == name || d.also.iter().any(|also| also == name))
    }

    /// The distributions with a format.
    pub fn of(format: Format) -> impl Iterator<Item = &'static Self> {
        Self::all().iter().filter(move |distribution| distribution.format == format)
    }

    /// Whether a package of the distribution satisfies a relation of the format.
    pub fn has(&self, relation: &str) -> bool {
        self.format.facts().relations.contains_key(relation)
            && !self.lacks.iter().any(|name| name == relation)
    }

    /// The name of a drop-in folder: instances share that of their template.
    pub fn drop_in_unit(&self) -> String {
        match self.unit.split_once('@') {
            Some((name, _)) => format!("{name}@.service"),
            None => self.unit.clone(),
        }
    }

    /// Facts for the check of a main.cf.
    pub fn check_target(&self) -> Target<'_> {
        Target { title: &self.title, postfix: &self.postfix, map_packages: &self.format.facts().maps }
    }

    /// Whether all facts were verified on the system itself or in its packages.
    pub fn verified(&self) -> bool {
        self.unverified.is_empty()
    }
}

fn read(path: &str) -> Option<Distribution> {
    let id = path.strip_suffix(".toml")?;
    let mut distribution: Distribution = embedded(path, FILES.get_file(path)?.contents_utf8()?);
    id.clone_into(&mut distribution.id);
    Some(distribution)
}

/// Reads a file that is part of this program.
pub(super) fn embedded<T: DeserializeOwned>(name: &str, text: &str) -> T {
    match toml::from_str(text) {
        Ok(data) => data,
        // A test reads every embedded file.
        Err(error) => panic!("embedded data `{name}`: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read() {
        let all = Distribution::all();
        assert_eq!(all.len(), FILES.files().count());
        for distribution in all {
            let facts = distribution.format.facts();
            assert!(facts.ca_files.contains(&distribution.ca_file), "{}", distribution.id);
            assert!(facts.units.contains(&distribution.drop_in_unit()), "{}", distribution.id);
            let postfix = &distribution.postfix;
            assert!(postfix.indexed.contains(&postfix.default_database_type), "{}", distribution.id);
        }
    }

    #[test]
    fn rebuilds_are_found() {
        assert_eq!(Distribution::get("rocky-9").map(|d| d.id.as_str()), Some("rhel-9"));
        assert_eq!(
            Distribution::get("debian-12").map(Distribution::drop_in_unit).unwrap(),
            "postfix@.service"
        );
        assert!(Distribution::get("debian-1").is_none());
    }

    #[test]
    fn every_format_has_systems_and_relations() {
        for format in Format::ALL {
            assert!(Distribution::of(format).count() > 0);
            for role in ["postfix", "sasl-plain", "ca-certificates", "mail-command"] {
                assert!(format.facts().relations.contains_key(role), "{format}: {role}");
            }
        }
    }

    #[test]
    fn overview() {
        let rows: Vec<_> = Distribution::all()
            .iter()
            .map(|d| {
                format!(
                    "{:20} {:7} postfix {:8} systemd {} {:18} {}{}",
                    d.id,
                    d.format.name(),
                    d.postfix.version.to_string(),
                    d.systemd,
                    d.unit,
                    d.postfix.default_database_type,
                    if d.verified() { "" } else { " *" }
                )
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }
}
