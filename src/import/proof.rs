//! The proof by parameters: what Postfix did with each parameter before, against what it does with the files of the new
//! relay. Every difference has a reason; one without is a defect of the import, and is reported as such.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::draft::TODO;
use super::judge::masked;
use super::map::Mapped;
use super::questions::{self, Question};
use super::reading::{self, Reading};
use super::report::Code;
use super::source::Source;
use super::{Answers, defaults, stock};
use crate::diag::Source as Text;
use crate::plan::{self, Planned};
use crate::platform::Distribution;
use crate::postfix::catalogue::{Catalogue, key, lines};
use crate::relay::Providers;
use crate::spec;
use crate::template::Templates;

static DIFFERENCES: &str = include_str!("../../pkg/import/differences.tsv");

/// Stands for the name of the host, if the source has none with a domain.
const THIS_HOST: &str = "todo.host.example";
/// The text that replaces it in a report.
const NAMED: &str = "<full name of this host>";

/// Why a parameter differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No reason is known: a defect of the import.
    None,
    /// No key of a spec says it.
    Lost,
    /// The relay does something else on purpose.
    Changed,
    /// More is verified, or less is offered.
    Safer,
    /// How the relay rewrites local names and chooses ways.
    Construct,
    /// The version of Postfix or the distribution decides.
    Platform,
    /// Pace and limits.
    Tuned,
    /// Nothing on the relay uses it.
    NoEffect,
}

impl Reason {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no reason",
            Self::Lost => "lost",
            Self::Changed => "changed",
            Self::Safer => "safer",
            Self::Construct => "construct",
            Self::Platform => "platform",
            Self::Tuned => "tuned",
            Self::NoEffect => "no effect",
        }
    }
}

/// A parameter that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The parameter.
    pub name: String,
    /// The old value, expanded.
    pub before: String,
    /// The value on the target.
    pub after: String,
    /// Why.
    pub reason: Reason,
}

/// The comparison on one target.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// The distribution; empty if nothing was compared, because a question is open that decides the relay.
    pub target: String,
    /// How many parameters have the same value.
    pub same: usize,
    /// Those that differ.
    pub differences: Vec<Difference>,
    /// Answers about mail, before and after.
    pub questions: Vec<Question>,
}

fn table() -> &'static BTreeMap<&'static str, Reason> {
    static TABLE: OnceLock<BTreeMap<&str, Reason>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let read = |row: &'static str| {
            let reason = match row.split('\t').nth(1) {
                Some("safer") => Reason::Safer,
                Some("platform") => Reason::Platform,
                Some("tuned") => Reason::Tuned,
                _ => Reason::Construct,
            };
            (key(row), reason)
        };
        lines(DIFFERENCES).into_iter().map(read).collect()
    })
}

/// Compares on every target.
pub(super) fn prove(mapped: &Mapped, before: &Reading<'_>, answers: &Answers) -> Vec<Proof> {
    let (text, _) = mapped.draft.with_stand_ins();
    let (Some(checked), _) = spec::load(&Text { name: "import".to_owned(), text }, &Providers::builtin())
    else {
        return Vec::new();
    };
    let planned = Planned::new(checked);
    let of_source = before.fact("os").and_then(distribution).or_else(|| Distribution::get("debian-13"));
    let targets: Vec<&Distribution> =
        if answers.targets.is_empty() { of_source.into_iter().collect() } else { answers.targets.clone() };
    targets.into_iter().filter_map(|target| compare(mapped, before, &planned, target)).collect()
}

/// The distribution of `ID-VERSION_ID` of os-release(5).
fn distribution(os: &str) -> Option<&'static Distribution> {
    let (id, version) = os.rsplit_once('-').unwrap_or((os, ""));
    let major = version.split('.').next().unwrap_or_default();
    let names = [os.to_owned(), format!("{id}-{major}"), id.to_owned(), format!("{id}-sid")];
    names.iter().find_map(|name| Distribution::get(name))
}

fn compare(mapped: &Mapped, before: &Reading<'_>, planned: &Planned, target: &Distribution) -> Option<Proof> {
    let files = plan::render(planned, target, &Templates::builtin()).ok()?;
    let mut files: BTreeMap<String, Vec<u8>> = files
        .into_iter()
        .filter(|file| file.path.starts_with("/etc/postfix/"))
        .map(|file| (file.path, file.content))
        .collect();
    let facts = format!(
        "mail_version={}\nhostname={}\n",
        target.postfix.version,
        before.hostname().filter(|name| name.contains('.')).unwrap_or_else(|| THIS_HOST.to_owned())
    );
    files.insert(reading::FACTS.to_owned(), facts.into_bytes());
    let source = Source::files(target.id.clone(), files);
    let after = reading::read_rendered(&source).ok()?;
    let set = before.settings.iter().chain(&after.settings).map(|setting| setting.name.clone());
    let names: BTreeSet<String> = defaults::names()
        .map(str::to_owned)
        .chain(set)
        .filter(|name| Catalogue::get(name).is_some())
        .collect();
    let mut questions = questions::ask(before, &after);
    for question in &mut questions {
        question.before = question.before.replace("$myhostname", NAMED);
        question.after = mapped
            .draft
            .stand_ins()
            .fold(question.after.replace(THIS_HOST, NAMED), |text, stand_in| text.replace(stand_in, TODO));
    }
    let mut proof = Proof { target: target.title.clone(), questions, ..Proof::default() };
    for name in &names {
        let name = name.as_str();
        let known = |reading: &Reading<'_>| {
            reading.is_set(name) || Catalogue::get(name).is_some_and(|info| info.exists_in(reading.version))
        };
        // A parameter that one of both does not have makes no difference.
        if !known(before) || !known(&after) {
            continue;
        }
        let (old, new) = (before.value(name), after.value(name));
        if plain(&old) == plain(&new) {
            proof.same += 1;
            continue;
        }
        let reason = reason(mapped, before, &after, name);
        proof.differences.push(Difference {
            name: name.to_owned(),
            before: masked(name, &old),
            after: masked(name, &new),
            reason,
        });
    }
    proof.differences.sort_by(|a, b| (a.reason, &a.name).cmp(&(b.reason, &b.name)));
    Some(proof)
}

/// Lists in one form, times and numbers as they are, letters alike.
fn plain(value: &str) -> String {
    let text = stock::plain(value);
    let mut words: Vec<&str> = text.split(' ').collect();
    // The items of a list may be reordered only if their order has no meaning, so they stay.
    words.retain(|word| !word.is_empty());
    let text = words.join(" ");
    match text.as_str() {
        "Yes" | "YES" => "yes".to_owned(),
        "No" | "NO" => "no".to_owned(),
        _ => match super::map::seconds(&text) {
            Some(seconds) if text.ends_with(|c: char| c.is_ascii_alphabetic()) => format!("{seconds}s"),
            _ => text,
        },
    }
}

fn reason(mapped: &Mapped, before: &Reading<'_>, after: &Reading<'_>, name: &str) -> Reason {
    // The services for single senders have the limits of smtp(8).
    let service = Catalogue::transport_of(name).filter(|service| service.starts_with("smarthost-"));
    let name_of_limit = service.map_or_else(|| name.to_owned(), |service| name.replacen(service, "smtp", 1));
    let known = table().get(name_of_limit.as_str()).copied();
    if let Some(given) = mapped.verdicts.get(name) {
        match given.code {
            Code::Lost => return Reason::Lost,
            Code::Changed => return Reason::Changed,
            Code::Fixed => return Reason::Safer,
            Code::Dropped => return Reason::NoEffect,
            // It was to be the same, with references to what the host decides.
            Code::MainCf => {
                let same = before.setting(name).is_some_and(|setting| {
                    after.setting(name).is_some_and(|new| before.expand_own(&setting.value) == new.value)
                });
                return if same { Reason::Platform } else { Reason::None };
            }
            Code::Key | Code::Implied | Code::Asked => {
                if let Some(known) = known {
                    return known;
                }
                // A value that only refers to a differing parameter, or to folders of Postfix, has the same reason.
                if !after.is_set(name) && given.code == Code::Implied {
                    return if Some(before.value(name))
                        == defaults::of(name, before.version).map(|text| before.expand(text))
                    {
                        Reason::Platform
                    } else {
                        Reason::NoEffect
                    };
                }
                return Reason::None;
            }
        }
    }
    if let Some(known) = known {
        return known;
    }
    if after.is_set(name) {
        // Limits of a service that only the relay has.
        let own = Catalogue::transport_of(name).is_some() && !before.is_set(name);
        return if own { Reason::Construct } else { Reason::None };
    }
    // It is not set: its default differs between versions, or it follows a differing parameter.
    let raw = |reading: &Reading<'_>| defaults::of(name, reading.version).unwrap_or_default();
    let follows = raw(after).split('$').skip(1).any(|part| {
        let inner = part.trim_start_matches(['{', '(']);
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        before.value(&inner[..end]) != after.value(&inner[..end])
    });
    if follows { Reason::Construct } else { Reason::Platform }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_of_parameters() {
        let rows = lines(DIFFERENCES);
        assert!(rows.is_sorted_by(|a, b| key(a) < key(b)));
        for row in rows {
            assert!(Catalogue::get(key(row)).is_some(), "{row}");
            assert_eq!(row.split('\t').count(), 3, "{row}");
        }
    }
}
