//! A package version, before any format.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A structured version. Each format writes it in its own way: a pre-release sorts before its release in all.
///
/// dpkg, rpm and pacman order arbitrary text differently. The grammar that [`Version::parse`] accepts is the
/// part on which the three agree, and [`Ord`] is that order; a property test asks the real comparators.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// Epoch; 0 is not written.
    pub epoch: u32,
    /// Release numbers, one to four.
    pub numbers: Vec<u64>,
    /// Pre-release: empty for a release, else a word (`rc`) and one number or more.
    pub pre: Vec<String>,
    /// Build after the release: a word (`git`) and numbers or commit hashes; sorts after the release.
    pub build: Vec<String>,
    /// Package release, from 1.
    pub revision: u32,
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseVersionError(pub String);

/// Longer versions make file names that some file systems refuse.
const MAX_LENGTH: usize = 64;
/// Enough for a time stamp with seconds; the largest of them fits a `u64`.
const MAX_DIGITS: usize = 18;

impl Version {
    /// Reads `1.2.0`, `1.2.0-rc.1`, `1.2.0+git.7`, `2026.11.21` or `2026-11-21`, with epoch 0 and revision 1.
    ///
    /// `rc1` means the same as `rc.1`, and `rc` the same as `rc.0`.
    ///
    /// # Errors
    /// The text is nothing of the kind. The message says what to write instead.
    pub fn parse(text: &str) -> Result<Self, ParseVersionError> {
        let wrong = |message: String| Err(ParseVersionError(message));
        if text.is_empty() {
            return wrong("the version is empty".into());
        }
        let too_long = || wrong(format!("the version is longer than {MAX_LENGTH} characters"));
        if text.len() > MAX_LENGTH {
            return too_long();
        }
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !".-+".contains(*c)) {
            return wrong(match odd {
                '~' => "a pre-release is written with `-`, as in `1.2.0-rc.1`; each format gets its own sign"
                    .to_owned(),
                ':' => "the epoch is a separate key: `epoch = 1`".to_owned(),
                _ => format!("`{}` cannot be part of a version", odd.escape_default()),
            });
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return wrong(match text.strip_prefix('v') {
                Some(rest) if Self::parse(rest).is_ok() => format!("write `{rest}`, without the `v`"),
                _ => "a version begins with a number, as in `1.2.0`".to_owned(),
            });
        }
        if let Some(numbers) = iso_date(text) {
            return Ok(Self { numbers, ..Self::default() });
        }
        let (release, build) = split(text, '+');
        let (numbers, pre) = split(release, '-');
        let version = Self {
            numbers: parse_numbers(numbers)?,
            pre: pre.map(parse_pre).transpose()?.unwrap_or_default(),
            build: build.map(parse_build).transpose()?.unwrap_or_default(),
            ..Self::default()
        };
        // As it is written by us it can be a little longer: `rc` is `rc.0`.
        if version.to_string().len() > MAX_LENGTH { too_long() } else { Ok(version) }
    }

    /// The same version with another epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    /// The same version with another package release.
    #[must_use]
    pub fn with_revision(mut self, revision: u32) -> Self {
        self.revision = revision;
        self
    }

    /// All of it, as package managers order it: `1:1.2.0~rc1-1` with the sign `~`. [`Self::upstream`] describes the sign.
    pub(crate) fn full(&self, sign: &str) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.upstream(sign), self.revision)
    }

    /// Numbers, pre-release and build, without epoch and package release; `sign` comes before the pre-release.
    ///
    /// Word and first number are glued (`rc1`): with a dot between them dpkg would sort `rc.1` after `rcx.1`.
    pub(crate) fn upstream(&self, sign: &str) -> String {
        let mut text = self.release();
        for (sign, identifiers) in [(sign, &self.pre), ("+", &self.build)] {
            if let [word, rest @ ..] = identifiers.as_slice() {
                text += sign;
                text += word;
                for (index, identifier) in rest.iter().enumerate() {
                    if index > 0 || !identifier.starts_with(|c: char| c.is_ascii_digit()) {
                        text.push('.');
                    }
                    text += identifier;
                }
            }
        }
        text
    }

    fn release(&self) -> String {
        self.numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
    }
}

impl Default for Version {
    fn default() -> Self {
        Self { epoch: 0, numbers: vec![0], pre: Vec::new(), build: Vec::new(), revision: 1 }
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// As a person writes it, without epoch and package release: `1.2.0-rc.1+git.7`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.release())?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre.join("."))?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build.join("."))?;
        }
        Ok(())
    }
}

/// The order on which dpkg, rpm and pacman agree. Of builds that differ in a commit hash only, nothing is promised.
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let pre = match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_identifiers(&self.pre, &other.pre),
        };
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| self.numbers.cmp(&other.numbers))
            .then(pre)
            .then_with(|| compare_identifiers(&self.build, &other.build))
            .then_with(|| self.revision.cmp(&other.revision))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn compare_identifiers(left: &[String], right: &[String]) -> Ordering {
    // Numbers have no leading zeros, so the longer one is the larger one.
    let key = |text: &String| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits, if digits { text.len() } else { 0 }, text.clone())
    };
    left.iter().map(key).cmp(right.iter().map(key))
}

/// Splits at the first `sign`.
fn split(text: &str, sign: char) -> (&str, Option<&str>) {
    text.split_once(sign).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// `YYYY-MM-DD`, whose dashes would begin a pre-release.
fn iso_date(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let is_date = [year, month, day]
        .into_iter()
        .zip([4, 2, 2])
        .all(|(part, digits)| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()));
    is_date.then(|| [year, month, day].into_iter().filter_map(|part| part.parse().ok()).collect())
}

fn parse_numbers(text: &str) -> Result<Vec<u64>, ParseVersionError> {
    let numbers: Vec<u64> = text
        .split('.')
        .map(|part| {
            if part.is_empty() {
                return Err(ParseVersionError(format!("`{text}` has a dot without a number next to it")));
            }
            if part.len() > MAX_DIGITS {
                return Err(ParseVersionError(format!("the number `{part}` is too long")));
            }
            part.parse().map_err(|_| {
                let digits = part.trim_start_matches(|c: char| c.is_ascii_digit());
                ParseVersionError(format!(
                    "`{part}` is not a number; a pre-release is written with `-`, as in `1.2.0-{}`",
                    if digits.is_empty() { "rc.1" } else { digits },
                ))
            })
        })
        .collect::<Result<_, _>>()?;
    if numbers.len() > 4 {
        return Err(ParseVersionError("a version has at most four numbers".into()));
    }
    Ok(numbers)
}

fn parse_pre(text: &str) -> Result<Vec<String>, ParseVersionError> {
    let mut identifiers = parse_identifiers(text, "pre-release", '-')?;
    if let Some(odd) = identifiers.iter().skip(1).find(|part| !is_number(part)) {
        return Err(ParseVersionError(format!(
            "`{odd}` cannot follow in a pre-release, which is a word and numbers, as in `-rc.1`: dpkg, rpm and \
             pacman would order it differently"
        )));
    }
    if identifiers.len() == 1 {
        // `rc` alone and `rc` before a build would order differently.
        identifiers.push("0".into());
    }
    Ok(identifiers)
}

fn parse_build(text: &str) -> Result<Vec<String>, ParseVersionError> {
    let mut identifiers = parse_identifiers(text, "build", '+')?;
    if identifiers.get(1).is_some_and(|part| part == "0") && identifiers.len() == 2 {
        // dpkg reads `git0` and `git` as the same.
        identifiers.pop();
    }
    Ok(identifiers)
}

/// A word, then numbers and mixed identifiers; a number glued to the word is taken off.
fn parse_identifiers(text: &str, what: &str, sign: char) -> Result<Vec<String>, ParseVersionError> {
    let wrong = |message: String| Err(ParseVersionError(message));
    let mut identifiers = Vec::new();
    for (index, part) in text.split('.').enumerate() {
        if part.is_empty() || part.contains(['-', '+']) {
            return wrong(format!(
                "the {what} `{sign}{text}` is not a word and numbers with dots between them, as in `{sign}rc.1`"
            ));
        }
        if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return wrong(format!("write `{part}` in small letters"));
        }
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &part[letters.len()..];
        if digits.len() > MAX_DIGITS {
            return wrong(format!("the number in `{part}` is too long"));
        }
        if index > 0 {
            identifiers.push(if letters.is_empty() { number(digits) } else { part.to_owned() });
            continue;
        }
        if letters.is_empty() {
            return wrong(match what {
                "build" => format!(
                    "write `+git.{text}` or `+build.{text}`: rpm would read a number as part of the release"
                ),
                _ => format!(
                    "a pre-release begins with a word, as in `-rc.{text}`; the package release is a separate key: `release = 1`"
                ),
            });
        }
        if letters.bytes().any(|byte| byte.is_ascii_digit()) {
            return wrong(format!("the {what} begins with `{part}`, which is not a word"));
        }
        identifiers.push(letters.to_owned());
        if !digits.is_empty() {
            identifiers.push(number(digits));
        }
    }
    Ok(identifiers)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Without leading zeros.
fn number(digits: &str) -> String {
    let number = digits.trim_start_matches('0');
    if number.is_empty() { "0".into() } else { number.into() }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn what_a_person_writes_is_read() {
        for (text, shown) in [
            ("1", "1"),
            ("1.2", "1.2"),
            ("1.2.3.4", "1.2.3.4"),
            ("1.2.0-rc.1+git.7", "1.2.0-rc.1+git.7"),
            ("1.2.0-rc1", "1.2.0-rc.1"),
            ("1.2.0-beta", "1.2.0-beta.0"),
            ("1.2.0+git7.0abc12f", "1.2.0+git.7.0abc12f"),
            ("1.2.0+dirty", "1.2.0+dirty"),
            ("2026.11.21", "2026.11.21"),
            ("2026-11-01", "2026.11.1"),
            ("20261121", "20261121"),
        ] {
            assert_eq!(Version::parse(text).unwrap().to_string(), shown, "{text}");
            assert_eq!(Version::parse(shown).unwrap().to_string(), shown, "{shown}");
        }
    }

    #[test]
    fn what_the_formats_would_order_differently_is_refused_with_a_reason() {
        let mut lines = String::new();
        for text in [
            "",
            "v1.2.0",
            "latest",
            "1..2",
            "1.2.0rc1",
            "1.2.0~rc1",
            "1:1.2.0",
            "1.2.0-1",
            "1.2.0+20261121",
            "1.2.0-rc.x",
            "1.2.0-RC.1",
            "1.2.0-",
            "1.2.0+",
            "1.2.3.4.5",
            "1.2 0",
            "1.2\n",
            "1.2.0-rc-1",
            "1.2.0-rc.1+a+b",
            "99999999999999999999",
            "1.2.0-rc.9999999999999999999",
            "1-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
            "1.é",
        ] {
            let error = Version::parse(text).expect_err(text);
            let _ = writeln!(lines, "{text:?}: {error}");
        }
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn order_is_that_of_releases() {
        let order = [
            "0.9",
            "1.0-alpha",
            "1.0-alpha.2",
            "1.0-alpha.10",
            "1.0-rc.1",
            "1.0-rc.1+git.1",
            "1.0-rc.2",
            "1.0",
            "1.0+git",
            "1.0+git.9",
            "1.0+git.10",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.0.10",
            "2026.1.1",
        ]
        .map(|text| Version::parse(text).unwrap());
        assert!(order.is_sorted());
    }
}
