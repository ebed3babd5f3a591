//! Restriction lists as smtpd(8) walks them: what they do to a stranger, and where they end for everybody.

use std::ops::Range;

use super::super::catalogue::Catalogue;
use super::super::list::{Item, items};
use super::super::trust::{Effect, effect};
use super::CLASSES;
use super::lookup::{Found, find, results};

/// Value of a parameter of main.cf.
pub type Values<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One restriction of a list in which `$name` and restriction classes are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The restriction, or a table alone; with a `$` in it what it stands for is unknown.
    pub name: String,
    /// What follows it.
    pub argument: Option<String>,
    /// The place in the list of what it comes from.
    pub range: Range<usize>,
    /// Whether it follows `warn_if_reject`.
    logged: bool,
}

impl Step {
    /// The restriction as it is written.
    pub fn text(&self) -> String {
        match &self.argument {
            Some(argument) => format!("{} {argument}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its effect on a stranger that sends to any domain.
    fn effect(&self, stage: &str, values: Values<'_>) -> Effect {
        let effect = match effect(&self.name) {
            Effect::Other if self.name.contains('$') => return Effect::Some,
            Effect::Other if self.name.contains(':') => Effect::Table,
            known => known,
        };
        match effect {
            Effect::Refuses | Effect::Closes | Effect::RefusingTable if self.logged => Effect::Other,
            Effect::Table => table(&self.text(), stage, values),
            Effect::RefusingTable => match table(&self.text(), stage, values) {
                Effect::Refuses => Effect::Refuses,
                _ => Effect::Other,
            },
            other => other,
        }
    }
}

/// How deep classes and references are followed.
const DEPTH: usize = 8;

/// The restrictions of a list in their order.
pub fn steps(list: &str, values: Values<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    add(&mut steps, list, None, values, DEPTH);
    steps
}

fn add(steps: &mut Vec<Step>, list: &str, place: Option<&Range<usize>>, values: Values<'_>, depth: usize) {
    let classes = values(CLASSES).unwrap_or_default();
    let all = items(list);
    let mut rest = all.iter();
    let mut logged = false;
    while let Some(item) = rest.next() {
        let range = place.cloned().unwrap_or(item.range());
        let text = expand(item.text, values, depth);
        if text != item.text && depth > 0 {
            add(steps, &text, Some(&range), values, depth - 1);
            continue;
        }
        if items(&classes).iter().any(|class| class.text == item.text) && depth > 0 {
            let class = values(item.text).unwrap_or_default();
            add(steps, &class, Some(&range), values, depth - 1);
            continue;
        }
        if item.text.eq_ignore_ascii_case("warn_if_reject") {
            logged = true;
            continue;
        }
        let takes = Catalogue::restriction(item.text).is_some_and(|info| info.argument.is_some());
        let argument = rest.next_if(takes).map(|argument| expand(argument, values, depth));
        steps.push(Step { name: text, argument, range, logged });
        logged = false;
    }
}

trait NextIf<'a> {
    fn next_if(&mut self, takes: bool) -> Option<&'a str>;
}

impl<'a> NextIf<'a> for std::slice::Iter<'_, Item<'a>> {
    fn next_if(&mut self, takes: bool) -> Option<&'a str> {
        if takes { self.next().map(|item| item.text) } else { None }
    }
}

/// A text with the values of `$name`, `${name}` and `$(name)` that are known.
pub(super) fn expand(text: &str, values: Values<'_>, depth: usize) -> String {
    let mut known = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        known.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.chars().next() {
            Some(open @ ('{' | '(')) => {
                let close = if open == '{' { '}' } else { ')' };
                let end = after.find(close).unwrap_or(after.len() - 1);
                (&after[1..end.max(1)], end + 1)
            }
            Some('$') => ("", 1),
            _ => {
                let end =
                    after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        if let Some(value) = values(name).filter(|_| depth > 0 && !name.is_empty()) {
            known.push_str(&expand(&value, values, depth - 1));
        } else {
            known.push('$');
            known.push_str(&after[..length]);
        }
        rest = &after[length..];
    }
    known + rest
}

/// Effect of a table on strangers, `check_..._access type:name`, or only `type:name`.
fn table(text: &str, stage: &str, values: Values<'_>) -> Effect {
    let (check, table) = text.split_once(' ').unwrap_or(("", text));
    let looks_at = Catalogue::restriction(check).map_or(stage, |info| info.subject);
    let of = |stranger: &[&str]| {
        stranger
            .iter()
            .map(|key| find(table, key))
            .find(|found| *found != Found::Nothing)
            .unwrap_or(Found::Nothing)
    };
    let strangers: &[&[&str]] = match looks_at {
        "sender" | "recipient" => &[
            &["somebody@stranger.invalid", "stranger.invalid", ".stranger.invalid", "somebody@"],
            &["x@a.other.invalid", "a.other.invalid", ".other.invalid", "x@"],
        ],
        "helo" => &[&["stranger.invalid", ".stranger.invalid"], &["a.other.invalid", ".other.invalid"]],
        _ => &[
            &["stranger.invalid", ".stranger.invalid", "203.0.113.77", "203.0.113", "203.0", "203"],
            &["unknown", "198.51.100.9", "198.51.100", "198.51", "198"],
        ],
    };
    let effects: Vec<Effect> = strangers
        .iter()
        .map(|stranger| match of(stranger) {
            Found::Result(result) => action(result, stage, values),
            Found::Nothing => Effect::Other,
            Found::Unknown => Effect::Some,
        })
        .collect();
    match effects.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other == first) && *first != Effect::Other => *first,
        _ => {
            let all = results(table).unwrap_or_default();
            let permits =
                |result: &&str| matches!(action(result, stage, values), Effect::Permits | Effect::Some);
            if all.iter().any(permits) || effects.contains(&Effect::Some) {
                Effect::Some
            } else {
                Effect::Other
            }
        }
    }
}

/// Effect of a result of access(5).
fn action(result: &str, stage: &str, values: Values<'_>) -> Effect {
    let word = result.split([' ', '\t', ',']).next().unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "OK" => Effect::Permits,
        // "An all-numerical result is treated as OK."
        _ if !result.is_empty() && result.bytes().all(|byte| byte.is_ascii_digit()) => Effect::Permits,
        "REJECT" | "DEFER" | "DISCARD" => Effect::Refuses,
        "DUNNO" | "DEFER_IF_PERMIT" | "DEFER_IF_REJECT" | "HOLD" | "FILTER" | "REDIRECT" | "PREPEND"
        | "WARN" | "INFO" | "BCC" | "" => Effect::Other,
        text if text.starts_with(['4', '5']) && text.len() == 3 => Effect::Refuses,
        _ => match walk(result, stage, values, true) {
            Walk { end: Outcome::Permits(_), .. } => Effect::Permits,
            Walk { end: Outcome::Refuses, may, .. } if may.is_empty() => Effect::Refuses,
            Walk { may, .. } if may.is_empty() => Effect::Other,
            _ => Effect::Some,
        },
    }
}

/// How a list ends for a stranger who wants to send anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It refuses.
    Refuses,
    /// A restriction permits.
    Permits(Step),
    /// Nothing holds for everybody: Postfix goes on with the next list.
    Through,
}

/// Effect of a list on a stranger that sends to any domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) end: Outcome,
    /// Restrictions before the end that may permit.
    pub(super) may: Vec<Step>,
}

impl Walk {
    /// Whether strangers are refused, all of them.
    pub(super) fn is_closed(&self) -> bool {
        self.end == Outcome::Refuses && self.may.is_empty()
    }
}

/// Walks a list for a stranger. `special` says whether the certificates of clients come from an authority of the relay's own.
pub(super) fn walk(list: &str, stage: &str, values: Values<'_>, special: bool) -> Walk {
    let mut may = Vec::new();
    for step in steps(list, values) {
        match step.effect(stage, values) {
            Effect::Refuses | Effect::Closes => return Walk { end: Outcome::Refuses, may },
            Effect::Permits => return Walk { end: Outcome::Permits(step), may },
            Effect::Certified if !special => return Walk { end: Outcome::Permits(step), may },
            Effect::Some | Effect::Table => may.push(step),
            Effect::Certified | Effect::Known | Effect::Own | Effect::RefusingTable | Effect::Other => {}
        }
    }
    Walk { end: Outcome::Through, may }
}

/// Whether a list rejects strangers in any case.
pub fn is_closed(list: &str) -> bool {
    walk(list, "recipient", &|_| None, false).is_closed()
}

/// Whether smtpd(8) starts with a list: has_required() of smtpd_check.c compares words as they are written, and stops at `permit`.
pub(super) fn is_enough_to_start(list: &str, values: Values<'_>) -> bool {
    const ENOUGH: [&str; 6] = [
        "reject_unauth_destination",
        "defer_unauth_destination",
        "reject",
        "defer",
        "defer_if_permit",
        "check_relay_domains",
    ];
    let list = expand(list, values, DEPTH);
    let classes = values(CLASSES).unwrap_or_default();
    has_required(&list, &items(&classes), &ENOUGH, values, DEPTH)
}

fn has_required(list: &str, classes: &[Item<'_>], enough: &[&str], values: Values<'_>, depth: usize) -> bool {
    let all = items(list);
    let mut rest = all.iter().map(|item| item.text);
    while let Some(text) = rest.next() {
        let class = || values(text).filter(|_| depth > 0 && classes.iter().any(|class| class.text == text));
        match text {
            "warn_if_reject" => drop(rest.next()),
            "permit" => return false,
            // Its expansion is unknown.
            _ if text.contains('$') || enough.contains(&text) => return true,
            _ => {
                if class().is_some_and(|class| has_required(&class, classes, enough, values, depth - 1)) {
                    return true;
                }
            }
        }
    }
    false
}

/// The first restriction of a list that holds for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The restriction.
    pub step: Step,
    /// Whether it permits.
    pub permits: bool,
    /// Whether something before it permits some requests.
    pub permitting: bool,
    /// Whether something before it refuses some requests.
    pub refusing: bool,
    /// Items after it, which are never evaluated.
    pub next: Option<Range<usize>>,
}

/// Where a list ends for everybody; `None` if nowhere, or if that depends on what `$name` stands for. `not_counted` names
/// restrictions and tables that permit nobody who matters here.
pub fn end(list: &str, stage: &str, values: Values<'_>, not_counted: &dyn Fn(&str) -> bool) -> Option<End> {
    let (mut permitting, mut refusing) = (false, false);
    let all = steps(list, values);
    for (at, step) in all.iter().enumerate() {
        let word = step.name.to_ascii_lowercase();
        if word.starts_with('$') {
            return None;
        }
        let counted = !not_counted(&word) && !step.argument.as_deref().is_some_and(not_counted);
        let effect = step.effect(stage, values);
        if matches!(effect, Effect::Refuses | Effect::Permits) {
            let next = all.get(at + 1).map(|next| next.range.clone()).filter(|next| *next != step.range);
            return Some(End {
                step: step.clone(),
                permits: effect == Effect::Permits,
                permitting,
                refusing,
                next,
            });
        }
        let is_table = word.contains(':');
        if !is_table && Catalogue::restriction(&word).is_none() {
            return None;
        }
        if matches!(effect, Effect::Some | Effect::Certified | Effect::Known | Effect::Own) {
            permitting |= counted;
        }
        let refuses = ["reject_", "defer_", "check_"].iter().any(|start| word.starts_with(start));
        refusing |= !step.logged && (refuses || is_table);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str) -> Option<String> {
        let text = match name {
            CLASSES => "open, strict, nested",
            "open" => "permit",
            "strict" => "permit_mynetworks, reject",
            "nested" => "sleep 1, open",
            "mine" => "permit_mynetworks, reject_unauth_destination",
            "any" => "static:OK",
            "loop" => "$loop",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn the_end_of_a_list() {
        // What it is, whether something before it permits, whether something before it refuses, whether something follows.
        let cases = [
            ("", None),
            ("permit_mynetworks, reject_unauth_destination", None),
            ("reject", Some(("reject", false, false, false))),
            ("Permit", Some(("Permit", false, false, false))),
            ("permit_mynetworks, reject", Some(("reject", true, false, false))),
            ("permit_mynetworks reject permit", Some(("reject", true, false, true))),
            ("warn_if_reject reject, permit", Some(("permit", false, false, false))),
            ("warn_if_reject reject_rbl_client zen.example, defer", Some(("defer", false, false, false))),
            ("reject_rbl_client zen.example, permit", Some(("permit", false, true, false))),
            ("check_client_access cidr:/own, reject", Some(("reject", false, true, false))),
            ("check_client_access cidr:/x, reject", Some(("reject", true, true, false))),
            ("cidr:/x, reject", Some(("reject", true, true, false))),
            ("check_sender_mx_access cidr:/x, reject", Some(("reject", false, true, false))),
            ("check_policy_service inet:a:1, reject", Some(("reject", true, true, false))),
            (
                "check_policy_service { inet:127.0.0.1:1 } , permit , reject",
                Some(("permit", true, true, true)),
            ),
            ("sleep 1, reject", Some(("reject", false, false, false))),
            (
                "check_client_access static:OK, reject",
                Some(("check_client_access static:OK", false, false, true)),
            ),
            ("static:REJECT, reject", Some(("static:REJECT", false, false, true))),
            ("$more, reject", None),
            ("unknown, reject", None),
            ("strict, permit", Some(("reject", true, false, true))),
        ];
        for (list, expected) in cases {
            let found = end(list, "client", &values, &|text| text == "cidr:/own");
            let found = found.map(|it| (it.step.text(), it.permitting, it.refusing, it.next.is_some()));
            let expected =
                expected.map(|(text, a, b, c): (&str, bool, bool, bool)| (text.to_owned(), a, b, c));
            assert_eq!(found, expected, "{list}");
        }
    }

    /// What a stranger meets, as smtpd(8) would walk the list: `closed`, `may`, `open` or `through`.
    #[test]
    fn a_stranger_walks_a_list() {
        let cases = [
            ("permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination", "closed"),
            ("permit_mynetworks", "through"),
            ("permit", "open"),
            ("PERMIT, reject", "open"),
            ("reject, permit", "closed"),
            ("warn_if_reject reject_unauth_destination, permit", "open"),
            ("warn_if_reject reject_unauth_destination", "through"),
            ("warn_if_reject check_client_access static:REJECT, reject", "closed"),
            ("check_client_access static:OK, reject", "open"),
            ("check_client_access static:42, reject", "open"),
            ("check_client_access static:permit, reject", "open"),
            ("check_client_access static:open, reject", "open"),
            ("check_client_access static:REJECT, permit", "closed"),
            ("check_client_access static:DUNNO, reject", "closed"),
            ("check_client_access $any, reject", "open"),
            ("static:OK, reject_unauth_destination", "open"),
            ("check_recipient_access static:OK, reject", "open"),
            ("check_sender_access inline:{a.example=OK}, reject_unauth_destination", "may"),
            ("check_sender_access inline:{a.example=REJECT}, reject_unauth_destination", "closed"),
            ("check_sender_access inline:{{a.example = open}}, reject", "may"),
            ("check_client_access pcre:{{/./ OK}}, reject_unauth_destination", "open"),
            ("check_client_access regexp:{{/./ permit}}, reject", "open"),
            ("check_client_access regexp:{{!/^10\\./ OK}}, reject", "open"),
            ("check_client_access regexp:{{/^10\\./ OK}}, reject", "may"),
            ("check_client_access cidr:{{0.0.0.0/0 OK}}, reject", "open"),
            ("check_client_access cidr:{{0.0.0.0/1 OK}, {128.0.0.0/1 OK}}, reject", "open"),
            ("check_client_access cidr:{{10.0.0.0/8 OK}}, reject", "may"),
            ("check_client_access cidr:{{10.0.0.0/8 REJECT}}, reject", "closed"),
            ("check_helo_access inline:{x=OK}, reject", "may"),
            ("check_client_access hash:/etc/postfix/x, reject", "may"),
            ("check_client_access unionmap:{inline:{x=OK}, static:OK}, reject", "open"),
            ("check_sender_mx_access static:OK, reject", "closed"),
            ("check_reverse_client_hostname_access static:OK, reject", "closed"),
            ("check_policy_service inet:127.0.0.1:1, reject", "may"),
            ("permit_tls_all_clientcerts, reject", "open"),
            ("permit_tls_clientcerts, reject", "closed"),
            ("permit_dnswl_client list.example, reject", "may"),
            ("permit_mx_backup, reject", "may"),
            ("permit_naked_ip_address, reject", "open"),
            ("permit_inet_interfaces, permit_auth_destination, reject", "closed"),
            ("open, reject_unauth_destination", "open"),
            ("nested, reject", "open"),
            ("strict", "closed"),
            ("$mine", "closed"),
            ("${mine}", "closed"),
            ("$(mine), permit", "closed"),
            ("$unknown, reject", "may"),
            ("$loop, reject", "may"),
            ("sleep 1, defer_if_permit", "through"),
        ];
        for (list, expected) in cases {
            let found = walk(list, "recipient", &values, false);
            let word = match (&found.end, found.may.is_empty()) {
                (Outcome::Refuses, true) => "closed",
                (Outcome::Refuses, false) => "may",
                (Outcome::Permits(_), _) => "open",
                (Outcome::Through, _) => "through",
            };
            assert_eq!(word, expected, "{list}: {found:?}");
        }
    }

    #[test]
    fn what_smtpd_needs_to_start() {
        for (list, starts) in [
            ("permit_mynetworks, reject_unauth_destination", true),
            ("reject", true),
            ("REJECT", false),
            ("permit, reject", false),
            ("open, reject", true),
            ("open", false),
            ("strict", true),
            ("$mine", true),
            ("$any", false),
            ("$unknown", true),
            ("warn_if_reject reject", false),
            ("defer_if_permit", true),
            ("", false),
        ] {
            assert_eq!(is_enough_to_start(list, &values), starts, "{list}");
        }
    }
}
