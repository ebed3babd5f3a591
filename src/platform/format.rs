//! The facts about a package format and its systems.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

use super::Integration;

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

    /// The facts about its systems.
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
    /// Suffix of the file name, without the dot.
    pub extension: String,
    /// Folder of commands for the administrator.
    pub sbin: String,
    /// Folder of completion functions of zsh.
    pub zsh_completions: String,
    /// The aliases file that Postfix and other programs read.
    pub aliases: String,
    /// CA bundles; the first existing one is used.
    pub ca_files: Vec<String>,
    /// Units that get the drop-in; one of them runs the daemon.
    pub units: Vec<String>,
    /// The package whose upgrade triggers an apply.
    pub watch: Watch,
    /// The name that all relay packages provide and conflict with.
    pub exclusive: String,
    /// Packages that conflict with Postfix, if our package must also declare that.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// How the format writes a relation with a version.
    pub relation: RelationSyntax,
    /// Package relations by what they are for, alternatives in order of preference, in the format's own words.
    pub relations: BTreeMap<String, Vec<String>>,
    /// Requirements of programs that write to root.
    pub integrations: BTreeMap<Integration, IntegrationFacts>,
    /// The greylisting daemon of its distributions, if they have one.
    pub greylisting: Option<GreylistingFacts>,
    /// Their policy daemon for SPF.
    pub spf: Option<SpfFacts>,
    /// Packages of lookup table types that are separate from Postfix.
    pub maps: BTreeMap<String, String>,
    /// Packages of systems whose Postfix has a type of tables without another package.
    #[serde(default)]
    pub without_package: BTreeMap<String, String>,
}

/// How a format writes a package relation with a version: the name of the package, `before_operator`, an operator,
/// `before_version`, the version, `after_version`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelationSyntax {
    /// A valid relation, for messages.
    pub example: String,
    /// Operators, longer ones before their beginnings.
    pub operators: Vec<String>,
    /// Text between the name and the operator.
    pub before_operator: String,
    /// Text between the operator and the version.
    pub before_version: String,
    /// Text after the version.
    pub after_version: String,
    /// Whether `a | b` names alternatives.
    pub alternatives: bool,
}

/// Requirements of a program that writes to root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationFacts {
    /// Additional files that it reads: path, and name in `templates/integrations` or `templates/host/integrations`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Packages it calls, by their roles in [`FormatFacts::relations`].
    #[serde(default)]
    pub needs: Vec<String>,
    /// One sentence for the user, for example that nothing is required.
    pub note: Option<String>,
}

/// The facts about postgrey.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreylistingFacts {
    /// Its unit.
    pub unit: String,
    /// Its path.
    pub program: String,
    /// Files of exceptions, of the distribution and of the administrator.
    pub exempt: Vec<String>,
}

/// A policy daemon for SPF that spawn(8) starts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpfFacts {
    /// Its path.
    pub program: String,
    /// Its user.
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
