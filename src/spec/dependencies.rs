//! `[dependencies]`: package relations in the syntax of each format.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::spot::Many;
use crate::keys::{DependenciesSection, RelationsSection};
use crate::platform::{Format, RelationSyntax};

/// Relations of a spec in addition to those that postpack adds, by format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies(BTreeMap<Format, Extra>);

/// Relations of one format, in its syntax.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// Required packages.
    pub depends: Vec<String>,
    /// Recommended packages.
    pub recommends: Vec<String>,
    /// Suggested packages.
    pub suggests: Vec<String>,
    /// Packages that must not be installed.
    pub conflicts: Vec<String>,
}

impl Dependencies {
    /// The relations for a format.
    pub fn of(&self, format: Format) -> &Extra {
        static NONE: Extra = Extra {
            depends: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
            conflicts: Vec::new(),
        };
        self.0.get(&format).unwrap_or(&NONE)
    }
}

pub(super) fn check(judge: &mut Judge, section: Option<&DependenciesSection>) -> Dependencies {
    let Some(section) = section else { return Dependencies::default() };
    let sections = section.by_format().into_iter();
    Dependencies(sections.map(|(format, section)| (format, extra(judge, format, section))).collect())
}

fn extra(judge: &mut Judge, format: Format, section: &RelationsSection) -> Extra {
    let syntax = &format.facts().relation;
    let mut list = |key: &str, list: Option<&Many<String>>| {
        let path = format!("dependencies.{format}.{key}");
        let what = format!("relations in the syntax of {format} packages");
        let alternatives = key != "conflicts";
        let read =
            judge.read_all("relation", &path, &what, list, |text| relation(syntax, text, alternatives));
        for spot in &read {
            if key == "conflicts" && name_of(&spot.value) == "postfix" {
                judge.report(Diagnostic::error(
                    "relation",
                    spot.span.clone(),
                    "the relay depends on Postfix and cannot conflict with it",
                ));
            }
        }
        read.into_iter().map(|spot| spot.value).collect()
    };
    Extra {
        depends: list("depends", section.depends.as_ref()),
        recommends: list("recommends", section.recommends.as_ref()),
        suggests: list("suggests", section.suggests.as_ref()),
        conflicts: list("conflicts", section.conflicts.as_ref()),
    }
}

fn name_of(relation: &str) -> &str {
    relation.split(|c: char| !(c.is_ascii_alphanumeric() || "+._-".contains(c))).next().unwrap_or_default()
}

/// Checks one relation: the name of a package, perhaps with a version, or alternatives where they are allowed.
fn relation(syntax: &RelationSyntax, text: &str, alternatives: bool) -> Result<String, Fault> {
    values::line(text)?;
    if text.contains(',') {
        return Err(Fault::new("it contains a comma").hint("write each relation as a separate item"));
    }
    if text.contains('|') && !(syntax.alternatives && alternatives) {
        return Err(Fault::new("alternatives (`|`) are not allowed here"));
    }
    for part in text.split('|') {
        one(syntax, part.trim())?;
    }
    Ok(text.to_owned())
}

fn one(syntax: &RelationSyntax, text: &str) -> Result<(), Fault> {
    let hint = format!("write it as `{}`", syntax.example);
    let name = name_of(text);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Fault::new("it has no package name").hint(hint));
    }
    let rest = &text[name.len()..];
    if rest.is_empty() || version_of(syntax, rest).is_some_and(is_version) {
        return Ok(());
    }
    Err(Fault::new("its version constraint is not valid").hint(hint))
}

/// The version in the text after the name of a package.
fn version_of<'t>(syntax: &RelationSyntax, rest: &'t str) -> Option<&'t str> {
    let constraint = rest.strip_prefix(&syntax.before_operator)?.strip_suffix(&syntax.after_version)?;
    let version = syntax.operators.iter().find_map(|operator| constraint.strip_prefix(operator.as_str()))?;
    version.strip_prefix(&syntax.before_version)
}

fn is_version(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+~:^_-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_words() {
        for format in Format::ALL {
            let syntax = &format.facts().relation;
            assert!(relation(syntax, &syntax.example, false).is_ok(), "{format}");
        }
        for (format, good) in [
            (Format::Deb, "postfix (>= 3.5)"),
            (Format::Deb, "bsd-mailx | mailutils (<< 1:3.0~rc1)"),
            (Format::Rpm, "postfix >= 2:3.5.8-4.el9"),
            (Format::Pacman, "postfix>=3.5"),
        ] {
            assert!(relation(&format.facts().relation, good, true).is_ok(), "{good}");
        }
        for (format, bad) in [
            (Format::Deb, "postfix >= 3.5"),
            (Format::Deb, "postfix, mailutils"),
            (Format::Deb, "postfix (> 3.5)"),
            (Format::Deb, "a |"),
            (Format::Rpm, "a | b"),
            (Format::Rpm, "postfix>=3.5"),
            (Format::Pacman, "postfix >= 3.5"),
            (Format::Pacman, "$(id)"),
            (Format::Pacman, "a\nb"),
            (Format::Rpm, ""),
        ] {
            assert!(relation(&format.facts().relation, bad, true).is_err(), "{bad}");
        }
    }
}
