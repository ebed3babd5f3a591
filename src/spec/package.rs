//! `[package]`: name, version, description and changelog.

use super::judge::Judge;
use super::license;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span, nearest};
use crate::keys::spot::Spot;
use crate::keys::{PackageSection, ReleaseSection};
use crate::package::{Architecture, Meta, Release, Version};
use crate::platform::{Distribution, Format};

/// Time stamp of packages whose spec has no date: 2026-01-01. Any fixed day would do, but not the current time.
pub(crate) const FALLBACK_TIME: u64 = 1_767_225_600;

/// Licence of a configuration whose spec names none: it grants no rights.
pub(crate) const OWN_LICENSE: &str = "LicenseRef-Proprietary";

/// Default summary and description.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) summary: String,
    pub(super) description: String,
}

/// The metadata and the time stamp of the files.
pub(super) fn check(
    judge: &mut Judge,
    section: Option<&Spot<PackageSection>>,
    words: &Words,
) -> Option<(Meta, u64)> {
    let Some(Spot { value: section, span }) = section else {
        let hint = "add [package] with name, version and maintainer";
        judge.missing("package", None, hint);
        return None;
    };
    let name =
        required(judge, span, "package.name", section.name.as_ref(), "such as name = \"acme-mail-relay\"")
            .and_then(|spot| {
                judge.read("package-name", "package.name", "a package name", spot, package_name)
            });
    let revision = number(section.release.as_ref(), 1);
    let epoch = number(section.epoch.as_ref(), 0);
    let version =
        required(judge, span, "package.version", section.version.as_ref(), "such as version = \"1.0.0\"")
            .and_then(|spot| judge.read("version", "package.version", "a version", spot, version));
    let version = version.map(|version| Version { epoch, revision, ..version });
    let hint = "such as maintainer = \"Platform Team <platform@acme.example>\"";
    let maintainer =
        required(judge, span, "package.maintainer", section.maintainer.as_ref(), hint).and_then(|spot| {
            judge.read("person", "package.maintainer", "a name and a mail address", spot, values::person)
        });
    let license = match &section.license {
        Some(spot) => {
            judge.read("license", "package.license", "an SPDX licence expression", spot, license::check)
        }
        None => Some(OWN_LICENSE.to_owned()),
    };
    if let (Some(spot), Some(text)) = (&section.license, &license)
        && let Some(finding) = license::unknown(text, spot.span.clone())
    {
        judge.report(finding);
    }
    let summary = match &section.summary {
        Some(spot) => summary(judge, spot),
        None => Some(words.summary.clone()),
    };
    let description = match &section.description {
        Some(spot) => judge.read("text", "package.description", "text", spot, values::paragraphs),
        None => Some(words.description.clone()),
    };
    let homepage =
        judge.read_if("url", "package.homepage", "a web address", section.homepage.as_ref(), values::url);
    let date = judge.read_if("date", "package.date", "a day", section.date.as_ref(), values::date);

    let releases = section.changelog.as_deref().unwrap_or_default();
    let mut changelog: Vec<Release> = releases
        .iter()
        .filter_map(|release| changelog_entry(judge, release, maintainer.as_deref(), epoch))
        .collect();
    let ordered = in_order(judge, releases, &changelog);
    let time = date.or_else(|| changelog.iter().map(|release| release.time).max()).unwrap_or(FALLBACK_TIME);

    let version = version?;
    for release in &mut changelog {
        if same_release(&release.version, &version) {
            release.version = version.clone();
        }
    }
    if let (Some(first), Some(spot)) = (changelog.first(), &section.version)
        && ordered
        && !same_release(&first.version, &version)
    {
        judge.report(
            Diagnostic::warning(
                "changelog",
                spot.span.clone(),
                "the changelog does not begin with this version",
            )
            .hint("add an entry for it at the top of `package.changelog`"),
        );
    }
    let maintainer = maintainer?;
    if changelog.is_empty() {
        changelog.push(Release {
            version: version.clone(),
            time,
            author: maintainer.clone(),
            changes: vec![format!("Version {}.", section.version.as_ref()?.as_str())],
        });
    }
    let meta = Meta {
        name: name?,
        version,
        architecture: Architecture::All,
        maintainer,
        license: license?,
        summary: summary?,
        description: description?,
        homepage,
        changelog,
    };
    Some((meta, time))
}

fn required<'a>(
    judge: &mut Judge,
    section: &Span,
    path: &str,
    spot: Option<&'a Spot<String>>,
    hint: &str,
) -> Option<&'a Spot<String>> {
    if spot.is_none() {
        judge.missing(path, Some(section), hint);
    }
    spot
}

/// A number whose range the schema has checked.
fn number(spot: Option<&Spot<i64>>, default: u32) -> u32 {
    spot.and_then(|spot| u32::try_from(spot.value).ok()).unwrap_or(default)
}

fn version(text: &str) -> Result<Version, Fault> {
    Version::parse(text).map_err(|error| Fault::new(error.to_string()))
}

/// Debian policy 5.6.1 is the strictest of the three formats.
fn package_name(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if ["postfix", "mail-relay", "mail-relay-config"].contains(&text) {
        return Err(Fault::new("a package with this name exists, and this one would replace it")
            .hint("use the name of your organisation, as in `acme-mail-relay`"));
    }
    if let Some(odd) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "+.-".contains(*c))) {
        return Err(Fault::new(format!("{} is not allowed here", values::character(odd)))
            .hint("use lower-case letters, digits, `+`, `-` and `.`"));
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(
            Fault::new("it has capital letters").hint(format!("write `{}`", text.to_ascii_lowercase()))
        );
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Fault::new("it does not begin with a letter or digit"));
    }
    if !(2..=100).contains(&text.len()) {
        return Err(Fault::new("it must have 2 to 100 characters"));
    }
    Ok(text.to_owned())
}

fn summary(judge: &mut Judge, spot: &Spot<String>) -> Option<String> {
    let text = judge.read("text", "package.summary", "one line of text", spot, |text| {
        values::line(text).map(str::to_owned)
    })?;
    if text.chars().count() >= 80 {
        judge.report(Diagnostic::warning(
            "summary",
            spot.span.clone(),
            "package managers truncate summaries at 80 characters",
        ));
    } else if text.ends_with('.') {
        judge.report(
            Diagnostic::warning("summary", spot.span.clone(), "a summary is not a sentence")
                .hint("remove the full stop at the end"),
        );
    }
    Some(text)
}

fn changelog_entry(
    judge: &mut Judge,
    release: &Spot<ReleaseSection>,
    maintainer: Option<&str>,
    epoch: u32,
) -> Option<Release> {
    let Spot { value: entry, span } = release;
    let hint = "each entry has version, date and changes";
    let version = required(judge, span, "package.changelog.version", entry.version.as_ref(), hint)
        .and_then(|spot| judge.read("version", "package.changelog.version", "a version", spot, version));
    let time = required(judge, span, "package.changelog.date", entry.date.as_ref(), hint)
        .and_then(|spot| judge.read("date", "package.changelog.date", "a day", spot, values::date));
    let author = match &entry.author {
        Some(spot) => judge.read(
            "person",
            "package.changelog.author",
            "a name and a mail address",
            spot,
            values::person,
        ),
        None => maintainer.map(str::to_owned),
    };
    let changes: Vec<String> = judge
        .read_all("text", "package.changelog.changes", "one line of text", entry.changes.as_ref(), |text| {
            values::line(text).map(str::to_owned)
        })
        .into_iter()
        .map(|spot| spot.value)
        .collect();
    if entry.changes.as_ref().is_none_or(|changes| changes.0.is_empty()) {
        judge.missing("package.changelog.changes", Some(span), hint);
    }
    if changes.is_empty() {
        return None;
    }
    Some(Release { version: Version { epoch, ..version? }, time: time?, author: author?, changes })
}

/// Whether the newest release is first, and each one is above older ones.
fn in_order(judge: &mut Judge, entries: &[Spot<ReleaseSection>], read: &[Release]) -> bool {
    // Only if all entries are valid do both lists have the same positions.
    if entries.len() != read.len() {
        return true;
    }
    let mut ordered = true;
    for (pair, entry) in read.windows(2).zip(entries.iter().skip(1)) {
        if pair[1].time > pair[0].time {
            ordered = false;
            judge.report(
                Diagnostic::error(
                    "changelog",
                    entry.span.clone(),
                    "this release is newer than the one above it",
                )
                .hint("put the newest release first"),
            );
        }
    }
    ordered
}

fn same_release(a: &Version, b: &Version) -> bool {
    a.numbers == b.numbers && a.pre == b.pre && a.build == b.build
}

/// The formats to build, and their distributions.
pub(super) fn targets(
    judge: &mut Judge,
    section: Option<&Spot<PackageSection>>,
) -> (Vec<Format>, Vec<String>) {
    let named = section.and_then(|section| section.value.targets.as_ref());
    let Some(named) = named else {
        return (
            Format::ALL.to_vec(),
            Distribution::all().iter().map(|distribution| distribution.id.clone()).collect(),
        );
    };
    if named.0.is_empty() {
        let span = section.map_or(0..0, |section| section.span.clone());
        judge.report(
            Diagnostic::error("target", span, "`package.targets` is empty: nothing would be built")
                .hint("remove the key to build for all"),
        );
    }
    let mut formats = Vec::new();
    let mut targets = Vec::new();
    for spot in &named.0 {
        if let Ok(format) = spot.as_str().parse::<Format>() {
            formats.push(format);
            targets.extend(Distribution::of(format).map(|distribution| distribution.id.clone()));
        } else if let Some(distribution) = Distribution::get(spot.as_str()) {
            formats.push(distribution.format);
            targets.push(distribution.id.clone());
        } else {
            let name = values::shown(spot.as_str());
            let finding =
                Diagnostic::error("target", spot.span.clone(), format!("there is no target `{name}`"));
            let known = Format::ALL.into_iter().map(Format::name);
            let known = known.chain(Distribution::all().iter().map(|distribution| distribution.id.as_str()));
            judge.report(match nearest(spot.as_str(), known) {
                Some(near) => finding.hint(format!("did you mean `{near}`?")),
                None => finding.hint("a format (`deb`, `rpm`, `pacman`) or a name from `postpack targets`"),
            });
        }
    }
    formats.sort_unstable();
    formats.dedup();
    targets.sort_unstable();
    targets.dedup();
    (formats, targets)
}
