//! `[dependencies]`: package relations in the syntax of each format.

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::spot::Many;
use crate::keys::{DependenciesSection, RelationsSection};
use crate::target::Format;

/// Relations of a spec in addition to those that postpack adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies {
    deb: Extra,
    rpm: Extra,
    pacman: Extra,
}

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
        match format {
            Format::Deb => &self.deb,
            Format::Rpm => &self.rpm,
            Format::Pacman => &self.pacman,
        }
    }
}

pub(super) fn check(judge: &mut Judge, section: Option<&DependenciesSection>) -> Dependencies {
    let Some(section) = section else { return Dependencies::default() };
    Dependencies {
        deb: extra(judge, Format::Deb, section.deb.as_ref()),
        rpm: extra(judge, Format::Rpm, section.rpm.as_ref()),
        pacman: extra(judge, Format::Pacman, section.pacman.as_ref()),
    }
}

fn extra(judge: &mut Judge, format: Format, section: Option<&RelationsSection>) -> Extra {
    let Some(section) = section else { return Extra::default() };
    let mut list = |key: &str, list: Option<&Many<String>>| {
        let path = format!("dependencies.{format}.{key}");
        let what = format!("relations in the syntax of {format} packages");
        let alternatives = key != "conflicts";
        let read =
            judge.read_all("relation", &path, &what, list, |text| relation(format, text, alternatives));
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

/// Checks `name`, `name (>= 1)`, `name >= 1` or `name>=1`, and `a | b` if the format has alternatives.
fn relation(format: Format, text: &str, alternatives: bool) -> Result<String, Fault> {
    values::line(text)?;
    if text.contains(',') {
        return Err(Fault::new("it contains a comma").hint("write each relation as a separate item"));
    }
    if text.contains('|') && !(format == Format::Deb && alternatives) {
        return Err(Fault::new("alternatives (`|`) are not allowed here"));
    }
    for part in text.split('|') {
        one(format, part.trim())?;
    }
    Ok(text.to_owned())
}

fn one(format: Format, text: &str) -> Result<(), Fault> {
    let hint = match format {
        Format::Deb => "write it as `postfix (>= 3.5)`",
        Format::Rpm => "write it as `postfix >= 3.5`",
        Format::Pacman => "write it as `postfix>=3.5`",
    };
    let name = name_of(text);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Fault::new("it has no package name").hint(hint));
    }
    let rest = &text[name.len()..];
    if rest.is_empty() {
        return Ok(());
    }
    let constraint = match format {
        Format::Deb => rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')),
        Format::Rpm => rest.strip_prefix(' '),
        Format::Pacman => Some(rest),
    };
    let wrong = || Fault::new("its version constraint is not valid").hint(hint);
    let constraint = constraint.ok_or_else(wrong)?;
    let operators: &[&str] = match format {
        Format::Deb => &["<<", "<=", ">=", ">>", "="],
        Format::Rpm | Format::Pacman => &["<=", ">=", "<", ">", "="],
    };
    let version =
        operators.iter().find_map(|operator| constraint.strip_prefix(operator)).ok_or_else(wrong)?;
    let version =
        if format == Format::Pacman { version } else { version.strip_prefix(' ').ok_or_else(wrong)? };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+~:^_-".contains(c);
    if version.starts_with(|c: char| c.is_ascii_alphanumeric()) && version.chars().all(plain) {
        Ok(())
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_words() {
        for (format, good) in [
            (Format::Deb, "postfix (>= 3.5)"),
            (Format::Deb, "bsd-mailx | mailutils (<< 1:3.0~rc1)"),
            (Format::Rpm, "postfix >= 2:3.5.8-4.el9"),
            (Format::Pacman, "postfix>=3.5"),
        ] {
            assert!(relation(format, good, true).is_ok(), "{good}");
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
            assert!(relation(format, bad, true).is_err(), "{bad}");
        }
    }
}
