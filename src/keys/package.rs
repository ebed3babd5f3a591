//! `[package]` and `[dependencies]`: the package that carries the relay.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Many, Spot};
use crate::platform::Format;

/// Name, version and description of the package.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct PackageSection {
    /// Name of the package, such as `acme-mail-relay`.
    ///
    /// Lower-case letters, digits, `+`, `-` and `.` are valid.
    #[schemars(required, extend("examples" = ["acme-mail-relay"]))]
    pub(crate) name: Option<Spot<String>>,
    /// Version, such as `1.2.0`, `1.2.0-rc.1` or `2026.11.21`.
    #[schemars(required, extend("examples" = ["1.2.0"]))]
    pub(crate) version: Option<Spot<String>>,
    /// Release of the package.
    ///
    /// Raise it to build the same version again.
    #[schemars(extend("default" = 1, "examples" = [2]), range(min = 1, max = 99_999))]
    pub(crate) release: Option<Spot<i64>>,
    /// Epoch of the version.
    ///
    /// Raise it once when the version scheme changes, so that new versions sort after old ones.
    #[schemars(extend("default" = 0, "examples" = [1]), range(min = 0, max = 99_999))]
    pub(crate) epoch: Option<Spot<i64>>,
    /// Maintainer of the package: `Name <mail@domain>`.
    #[schemars(required, extend("examples" = ["Platform Team <platform@acme.example>"]))]
    pub(crate) maintainer: Option<Spot<String>>,
    /// SPDX licence expression of your configuration.
    ///
    /// The default grants no rights. The host program in the package has a separate licence, MIT or Apache-2.0, which the copyright
    /// file names.
    #[schemars(extend("default" = "LicenseRef-Proprietary", "examples" = ["MIT"]))]
    pub(crate) license: Option<Spot<String>>,
    /// One line about the package, without a full stop.
    #[schemars(extend("examples" = ["Mail relay of ACME hosts"]))]
    pub(crate) summary: Option<Spot<String>>,
    /// Paragraphs about the package, separated by empty lines.
    #[schemars(extend("examples" = ["Sends the mail of ACME hosts."]))]
    pub(crate) description: Option<Spot<String>>,
    /// Web page of the package.
    #[schemars(extend("examples" = ["https://acme.example/relay"]))]
    pub(crate) homepage: Option<Spot<String>>,
    /// Day of the release, `YYYY-MM-DD`, which becomes the time stamp of every file.
    ///
    /// The default is the newest day of the changelog, or 2026-01-01 without one. The clock is never used, so the
    /// same spec gives the same bytes. `SOURCE_DATE_EPOCH` overrides it.
    #[schemars(extend("format" = "date", "examples" = ["2026-11-21"]))]
    pub(crate) date: Option<Spot<String>>,
    /// Releases, newest first.
    ///
    /// The default is one entry for this version.
    #[schemars(extend(
        "examples" = [[{"version": "1.0.0", "date": "2026-11-21", "changes": ["First release"]}]],
    ))]
    pub(crate) changelog: Option<Vec<Spot<ReleaseSection>>>,
    /// The package that contains the host program `mail-relay`.
    ///
    /// `bundled`: each package contains it, and a host needs no other package of yours. `shared`: `build` also writes a package
    /// `mail-relay`, and packages of configuration have a few kilobytes and depend on it. One upgrade then updates the program of all
    /// hosts.
    #[schemars(extend("default" = "bundled", "examples" = ["shared"]))]
    pub(crate) host_program: Option<Spot<HostProgram>>,
    /// Package formats (`deb`, `rpm`, `pacman`) or distributions (`postpack targets`) to build for.
    ///
    /// The default is all of them.
    #[schemars(extend("examples" = [["deb", "rpm"]]))]
    pub(crate) targets: Option<Many<String>>,
}

/// The package that contains the host program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(
    missing_docs,
    reason = "a schema describes documented variants one by one, and editors then complete none"
)]
pub enum HostProgram {
    #[default]
    Bundled,
    Shared,
}

/// An entry of the changelog.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ReleaseSection {
    /// Version of the release.
    #[schemars(required)]
    pub(crate) version: Option<Spot<String>>,
    /// Day of the release, `YYYY-MM-DD`.
    #[schemars(required, extend("format" = "date"))]
    pub(crate) date: Option<Spot<String>>,
    /// Author, `Name <mail@domain>`.
    ///
    /// The default is the maintainer.
    pub(crate) author: Option<Spot<String>>,
    /// Changes, one sentence each.
    #[schemars(required)]
    pub(crate) changes: Option<Many<String>>,
}

/// Package relations in addition to those that postpack adds, in the syntax of each format.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DependenciesSection {
    /// Relations of .deb packages: `bsd-mailx | mailutils`, `postfix (>= 3.5)`.
    pub(crate) deb: Option<RelationsSection>,
    /// Relations of .rpm packages: `postfix >= 3.5`.
    pub(crate) rpm: Option<RelationsSection>,
    /// Relations of .pkg.tar.zst packages: `postfix>=3.5`.
    pub(crate) pacman: Option<RelationsSection>,
}

impl DependenciesSection {
    /// The sections that are there.
    pub(crate) fn by_format(&self) -> Vec<(Format, &RelationsSection)> {
        let all = [(Format::Deb, &self.deb), (Format::Rpm, &self.rpm), (Format::Pacman, &self.pacman)];
        all.into_iter().filter_map(|(format, section)| Some((format, section.as_ref()?))).collect()
    }
}

/// Relations of one format.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RelationsSection {
    /// Packages that must be installed.
    pub(crate) depends: Option<Many<String>>,
    /// Packages that should be installed.
    pub(crate) recommends: Option<Many<String>>,
    /// Packages that can be useful.
    pub(crate) suggests: Option<Many<String>>,
    /// Packages that must not be installed.
    pub(crate) conflicts: Option<Many<String>>,
}
