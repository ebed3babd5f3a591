//! What the systems that install a format have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::relay::Integration;

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// dpkg: Debian, Ubuntu.
    Deb,
    /// rpm: RHEL, Fedora, openSUSE.
    Rpm,
    /// pacman: Arch Linux.
    Pacman,
}

impl Format {
    /// Every format, in the order in which they are built and listed.
    pub const ALL: [Self; 3] = [Self::Deb, Self::Rpm, Self::Pacman];

    /// The name on the command line and in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Pacman => "pacman",
        }
    }

    /// What is known of its systems.
    pub fn facts(self) -> &'static FormatFacts {
        static FACTS: [OnceLock<FormatFacts>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
        let (cell, text) = match self {
            Self::Deb => (&FACTS[0], include_str!("../../pkg/formats/deb.toml")),
            Self::Rpm => (&FACTS[1], include_str!("../../pkg/formats/rpm.toml")),
            Self::Pacman => (&FACTS[2], include_str!("../../pkg/formats/pacman.toml")),
        };
        cell.get_or_init(|| super::distribution::embedded(self.name(), text))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| format!("`{text}` is no package format: deb, rpm or pacman"))
    }
}

/// The facts of a format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FormatFacts {
    /// The systems that use it.
    pub title: String,
    /// End of the file name, without a dot in front.
    pub extension: String,
    /// Folder of commands for the administrator.
    pub sbin: String,
    /// Folder of completion functions of zsh.
    pub zsh_completions: String,
    /// The aliases file that Postfix and other programs read there.
    pub aliases: String,
    /// Bundles of trusted authorities; the first existing one is used.
    pub ca_files: Vec<String>,
    /// Units that get the drop-in: whichever of them runs the daemon.
    pub units: Vec<String>,
    /// The package whose upgrade makes the configuration be applied again.
    pub watch: Watch,
    /// The name that all relay packages provide and conflict with.
    pub exclusive: String,
    /// Packages that Postfix cannot live with, where the package manager must be told by us, too.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// Package relations by what they are for, alternatives in order of preference, in the format's own words.
    pub relations: BTreeMap<String, Vec<String>>,
    /// What is missing for a program to write to root.
    pub integrations: BTreeMap<Integration, IntegrationFacts>,
    /// The greylisting daemon of its distributions, if they have one.
    pub greylisting: Option<GreylistingFacts>,
    /// Their policy daemon for SPF.
    pub spf: Option<SpfFacts>,
    /// Packages of lookup table types that are not in Postfix's own.
    pub maps: BTreeMap<String, String>,
}

/// What a program needs to write to root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationFacts {
    /// Files that are read beside its own: path, and name in `templates/integrations` or `templates/host/integrations`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Packages it calls, by their roles in [`FormatFacts::relations`].
    #[serde(default)]
    pub needs: Vec<String>,
    /// What a person should know, in particular where nothing is missing: one sentence.
    pub note: Option<String>,
}

/// What postgrey is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreylistingFacts {
    /// Its unit.
    pub unit: String,
    /// Its path.
    pub program: String,
    /// Files of the distribution's and the administrator's own exceptions.
    pub exempt: Vec<String>,
}

/// A policy daemon for SPF that spawn(8) starts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpfFacts {
    /// Its path.
    pub program: String,
    /// Who it runs as.
    pub user: String,
}

/// A package to watch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Its name.
    pub package: String,
    /// A folder of its files.
    pub path: String,
}
