//! Rules for each parameter of Postfix in a relay of a profile, for specs and hosts: `pkg/postfix/verdicts.tsv`, which has every
//! parameter of the catalogue.
//!
//! `check` applies them to [main-cf] and the options of services. The check of `main.cf.d` on the host (merge.awk) reads its
//! rows from the package: [`for_host`].

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::diag::{Diagnostic, Severity};
use crate::keys::{self, Relation};
use crate::package::Content;
use crate::postfix::Parameter;
use crate::postfix::catalogue::{Catalogue, key, lines};
use crate::postfix::check::lists;
use crate::relay::{Profile, Relay};

static VERDICTS: &str = include_str!("../../pkg/postfix/verdicts.tsv");

/// One row for a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The parameter; for one that exists once for each transport, with `*` in the transport's place.
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    /// The key of the spec that lifts the rule.
    pub(super) unless: Option<&'static str>,
    why: &'static str,
}

/// Rejected values; `pkg/postfix/verdicts.tsv` describes each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Free,
    Set,
    Key,
    Never,
    Only(Vec<String>),
    Not(Vec<&'static str>),
    Has(&'static str),
    Clients,
    Closed,
    Under(&'static str),
    Service,
    Idle(&'static str),
}

/// Where a person sets a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `[main-cf]`.
    MainCf,
    /// Options of a service that Postfix brings, and that another section leaves alone.
    Service,
    /// Options of a service that the spec defines. Most parameters of main.cf are not meant for it.
    OwnService,
}

/// Other facts that decide about a parameter.
pub(super) struct Facts<'a> {
    pub(super) relay: &'a Relay,
    /// Keys that the spec states.
    pub(super) stated: &'a [String],
    /// Whether the relay sets a parameter itself.
    pub(super) sets: &'a dyn Fn(&str) -> bool,
    /// Names of the services of master.cf.
    pub(super) services: &'a [String],
}

fn rows() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(VERDICTS))
}

/// The row of a parameter.
pub(super) fn of(name: &str, profile: Profile) -> Option<Verdict> {
    let find = |name: &str| {
        let first = rows().partition_point(|line| key(line) < name);
        let same = rows()[first..].iter().take_while(|line| key(line) == name);
        same.map(|line| Verdict::read(line)).find_map(|(profiles, verdict)| {
            (profiles == "all" || profiles.split(' ').any(|one| one == profile.name())).then_some(verdict)
        })
    };
    find(name).or_else(|| find(Catalogue::get(name)?.name))
}

impl Verdict {
    fn read(line: &'static str) -> (&'static str, Self) {
        let mut fields = line.split('\t').map(|field| if field == "-" { "" } else { field });
        let mut next = || fields.next().unwrap_or_default();
        let (name, profiles, verdict, why) = (next(), next(), next(), next());
        let (verdict, unless) = match verdict.split_once(" unless ") {
            Some((verdict, key)) => (verdict, Some(key)),
            None => (verdict, None),
        };
        let (word, rest) = verdict.split_once(' ').unwrap_or((verdict, ""));
        let rule = match word {
            "free" => Rule::Free,
            "set" => Rule::Set,
            "key" => Rule::Key,
            "only" => Rule::Only(rest.split('|').map(plain).collect()),
            "not" => Rule::Not(rest.split(' ').collect()),
            "has" => Rule::Has(rest),
            "clients" => Rule::Clients,
            "closed" => Rule::Closed,
            "under" => Rule::Under(rest),
            "service" => Rule::Service,
            "idle" => Rule::Idle(rest),
            _ => Rule::Never,
        };
        (profiles, Self { name, rule, unless, why })
    }

    /// The word of a value that is refused, or all of it. merge.awk decides the same.
    fn refused<'v>(&self, value: &'v str) -> Option<&'v str> {
        let words = || value.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        let open = value.contains('$');
        match &self.rule {
            Rule::Never => Some(value),
            Rule::Only(values) => (!values.contains(&plain(value))).then_some(value),
            Rule::Not(refused) => words().find(|word| refused.iter().any(|no| no.eq_ignore_ascii_case(word))),
            Rule::Has(word) => (!open && !words().any(|one| one.eq_ignore_ascii_case(word))).then_some(value),
            Rule::Under(folder) => {
                (!open && !value.is_empty() && !value.starts_with(folder)).then_some(value)
            }
            Rule::Closed => (!open && !lists::is_closed(value)).then_some(value),
            // The check of the whole main.cf knows the clients.
            Rule::Clients | Rule::Free | Rule::Set | Rule::Key | Rule::Service | Rule::Idle(_) => None,
        }
    }

    /// Requirement of a value, to end the sentence "it must ...".
    fn wanted(&self) -> String {
        match &self.rule {
            Rule::Only(values) if values.iter().all(String::is_empty) => "be empty".to_owned(),
            Rule::Only(values) => format!("be {}", quoted(values.iter().map(String::as_str), " or ")),
            Rule::Not(words) => format!("not contain {}", quoted(words.iter().copied(), " or ")),
            Rule::Has(word) => format!("contain `{word}`"),
            Rule::Clients => "not trust everybody".to_owned(),
            Rule::Closed => "reject strangers, by `reject` after permits for others".to_owned(),
            Rule::Under(folder) if folder.ends_with('/') => format!("name a file under `{folder}`"),
            Rule::Under(start) => format!("begin with `{start}`"),
            _ => "not be set".to_owned(),
        }
    }

    /// The rule in a few words.
    fn told(&self) -> String {
        let told = match self.rule {
            Rule::Free => "any value, unless the spec decides it by a key".to_owned(),
            Rule::Set => "rejected while the relay sets it".to_owned(),
            Rule::Key => "rejected, because a key of the spec decides it".to_owned(),
            Rule::Never => "refused".to_owned(),
            Rule::Service => "must name a service of master.cf".to_owned(),
            Rule::Idle(program) => format!("no effect, unless a service of the spec runs {program}"),
            _ => format!("must {}", self.wanted()),
        };
        match self.unless {
            Some(key) => format!("{told}, unless {key} = true"),
            None => told,
        }
    }

    /// Whether the spec says that its rule does not count.
    fn lifted(&self, relay: &Relay) -> bool {
        match self.unless {
            Some("tls.allow-cleartext-password") => relay.tls.cleartext_password,
            Some("network.allow-bare-newlines") => relay.network.bare_newlines,
            Some("server.allow-cleartext-password") => {
                relay.server.as_ref().is_some_and(|server| server.cleartext_password)
            }
            _ => false,
        }
    }

    /// A sentence followed by the reason, if the row has one.
    fn because(&self, sentence: String) -> String {
        if self.why.is_empty() { sentence } else { format!("{sentence}: {}", self.why) }
    }
}

/// The rule of `[main-cf]` for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterRule {
    /// In words: `any value`, or `must contain ...`.
    pub told: String,
    /// The reason, if there is more to say than the keys do.
    pub why: &'static str,
}

/// The rule of `[main-cf]` for a parameter in relays of a profile; `None` if Postfix does not know it.
pub fn parameter_rule(name: &str, profile: Profile) -> Option<ParameterRule> {
    let verdict = of(name, profile)?;
    Some(ParameterRule { told: verdict.told(), why: verdict.why })
}

/// A value as it is compared: words with one blank between them, in lower case.
fn plain(value: &str) -> String {
    let words: Vec<&str> = value.split([',', ' ', '\t']).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

/// The finding about a parameter that a person set, if there is one.
pub(super) fn judge(parameter: &Parameter, place: Place, facts: &Facts<'_>) -> Option<Diagnostic> {
    let name = parameter.name.as_str();
    let verdict = of(name, facts.relay.profile)?;
    if verdict.lifted(facts.relay) || (place == Place::OwnService && verdict.unless.is_none()) {
        return None;
    }
    let at_name = |code, message: String| Diagnostic::error(code, parameter.name_span.clone(), message);
    let keys = keys::hint(name, facts.relay.profile);
    match &verdict.rule {
        Rule::Free | Rule::Set => {
            let related = keys::of_parameter(name, facts.relay.profile).into_iter();
            let decisive = related.filter(|(_, relation)| *relation != Relation::Replaces);
            let is_stated = |key: &str| facts.stated.iter().any(|one| one == key);
            let stated: Vec<&str> =
                decisive.map(|(key, _)| key.path.as_str()).filter(|key| is_stated(key)).collect();
            let taken = match (&verdict.rule, place) {
                (Rule::Set, Place::MainCf) => true,
                // A single service may differ from parameters that the relay sets without a reason.
                (Rule::Set, _) => !verdict.why.is_empty(),
                _ => place == Place::MainCf && !stated.is_empty(),
            };
            if !taken || !(facts.sets)(name) {
                return None;
            }
            let keys = if stated.is_empty() { keys } else { stated };
            let message = match keys.as_slice() {
                [] => format!("this relay sets `{name}`, and a value here would replace it completely"),
                keys => {
                    let keys = quoted(keys.iter().copied(), " and ");
                    format!(
                        "this relay sets `{name}` by {keys}, and a value here would replace it completely"
                    )
                }
            };
            Some(instead(at_name("parameter-owned", verdict.because(message)), &keys))
        }
        Rule::Key => {
            let named = quoted(keys.iter().copied(), " and ");
            let message = format!("`{name}` follows from {named} of the spec");
            Some(instead(at_name("parameter-owned", verdict.because(message)), &keys))
        }
        Rule::Service => {
            let value = parameter.value.as_str();
            if value.contains('$') || facts.services.iter().any(|service| service == value) {
                return None;
            }
            let message = format!("`{name}`: master.cf has no service `{value}`");
            Some(Diagnostic::error("unknown-service", parameter.value_span.clone(), message))
        }
        Rule::Idle(program) => {
            let runs = |command: &str| command == *program;
            let mut own = facts.relay.services.iter().filter_map(|own| own.command.as_ref());
            if place != Place::MainCf || own.any(|command| runs(&command.value)) {
                return None;
            }
            let message = verdict.because(format!("`{name}` has no effect"));
            let finding = Diagnostic::warning("ineffective-parameter", parameter.name_span.clone(), message);
            Some(instead(finding, &keys))
        }
        Rule::Never if verdict.unless.is_some() => {
            let finding =
                at_name("parameter-refused", verdict.because(format!("`{name}` cannot be set here")));
            let key = verdict.unless.unwrap_or_default();
            Some(finding.hint(format!("If you accept that, set `{key} = true`.")))
        }
        Rule::Never => {
            let (code, message) = if keys.is_empty() {
                ("parameter-refused", format!("`{name}` cannot be set here"))
            } else if (facts.sets)(name) {
                let named = quoted(keys.iter().copied(), " and ");
                ("parameter-owned", format!("`{name}` follows from {named} of the spec"))
            } else {
                ("parameter-owned", format!("`{name}` cannot be set here"))
            };
            Some(instead(at_name(code, verdict.because(message)), &keys))
        }
        Rule::Only(_) | Rule::Not(_) | Rule::Has(_) | Rule::Clients | Rule::Closed | Rule::Under(_) => {
            verdict.refused(&parameter.value)?;
            let message = verdict.because(format!("`{name}` must {}", verdict.wanted()));
            let finding = Diagnostic::new(
                Severity::Error,
                "parameter-refused",
                Some(parameter.value_span.clone()),
                message,
            );
            Some(match verdict.unless {
                Some(key) => finding.hint(format!("If you accept that, set `{key} = true`.")),
                None => instead(finding, &keys),
            })
        }
    }
}

/// With what to do: the keys that decide it, or nothing.
fn instead(finding: Diagnostic, keys: &[&'static str]) -> Diagnostic {
    match keys {
        [] => finding.hint("Remove it."),
        keys => finding.hint(format!("Set {} instead.", quoted(keys.iter().copied(), " or "))),
    }
}

/// Rules of `main.cf.d` for merge.awk: name, rule, arguments of the rule, reason. The hosts of a fleet share them.
pub(super) fn for_host(relay: &Relay) -> Content {
    static TEXTS: [OnceLock<Content>; 8 * Profile::ALL.len()] =
        [const { OnceLock::new() }; 8 * Profile::ALL.len()];
    let profile = Profile::ALL.iter().position(|profile| *profile == relay.profile).unwrap_or_default();
    let text = || text_for_host(relay.profile, |verdict| verdict.lifted(relay)).into();
    TEXTS[8 * profile + flags(relay)].get_or_init(text).clone()
}

/// The same for relays of a profile that lift no rule.
pub(super) fn for_profile(profile: Profile) -> String {
    text_for_host(profile, |_| false)
}

/// Whether a relay lifts a rule of its profile.
pub(super) fn is_special(relay: &Relay) -> bool {
    flags(relay) != 0
}

fn flags(relay: &Relay) -> usize {
    let inbound = relay.server.as_ref().is_some_and(|server| server.cleartext_password);
    usize::from(relay.tls.cleartext_password)
        + 2 * usize::from(inbound)
        + 4 * usize::from(relay.network.bare_newlines)
}

fn text_for_host(profile: Profile, is_lifted: impl Fn(&Verdict) -> bool) -> String {
    let mut text = String::from(
        "# Rules for main.cf.d. Written by postpack: name, rule, values, reason. Read by `mail-relay apply`.\n",
    );
    for line in rows() {
        let (profiles, verdict) = Verdict::read(line);
        let here = profiles == "all" || profiles.split(' ').any(|one| one == profile.name());
        if !here || is_lifted(&verdict) {
            continue;
        }
        let (rule, words) = match &verdict.rule {
            Rule::Never => ("never", String::new()),
            Rule::Only(values) => ("only", values.join("|")),
            Rule::Not(words) => ("not", words.join(" ")),
            Rule::Has(word) => ("has", (*word).to_owned()),
            Rule::Clients => ("clients", String::new()),
            Rule::Closed => ("closed", String::new()),
            Rule::Under(folder) => ("under", (*folder).to_owned()),
            _ => continue,
        };
        let why = verdict.because(format!("it must {}", verdict.wanted()));
        let keys = match (verdict.unless, keys::hint(verdict.name, profile).as_slice()) {
            (None, []) => String::new(),
            (_, keys) => format!("; set {} in the spec instead", quoted(keys.iter().copied(), " or ")),
        };
        let _ = writeln!(text, "{}\t{rule}\t{words}\t{why}{keys}", verdict.name);
    }
    text
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trust;
