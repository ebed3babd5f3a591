//! `[content]`, `[milter]` and `[notices]`: header and body checks, milters, and reports to the postmaster.

use super::abuse::endpoint;
use super::beginning::may_match;
use super::judge::Judge;
use super::pattern;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::spot::{Entries, Spot, Time};
use crate::keys::{ContentSection, MilterActionName, MilterSection, NoticeClass, NoticesSection};
use crate::relay::{Content, Identity, LineAction, Milter, MilterAction, Milters, Notices, Provider, Rule};

/// Header and body checks.
pub(super) fn check(judge: &mut Judge, section: Option<&ContentSection>, identity: &Identity) -> Content {
    let Some(section) = section else { return Content::default() };
    if identity.rewrites_addresses() {
        before_rewriting(judge, section.headers.as_ref());
    }
    let milter_headers = rules(judge, "content.milter-headers", section.milter_headers.as_ref());
    if milter_headers.iter().any(|(_, action)| matches!(action, LineAction::Prepend(_)))
        && let Some((_, value)) = section
            .milter_headers
            .as_ref()
            .and_then(|table| table.0.iter().find(|(_, value)| value.value.starts_with("prepend")))
    {
        let message = "Postfix cannot insert text before a header that a milter adds";
        judge.report(
            Diagnostic::error("content", value.span.clone(), message).hint("`replace LINE` works there"),
        );
    }
    Content {
        headers: rules(judge, "content.headers", section.headers.as_ref()),
        mime_headers: rules(judge, "content.mime-headers", section.mime_headers.as_ref()),
        nested_headers: rules(judge, "content.nested-headers", section.nested_headers.as_ref()),
        body: rules(judge, "content.body", section.body.as_ref()),
        milter_headers,
    }
}

fn rules(judge: &mut Judge, path: &str, entries: Option<&Entries<String>>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let groups = judge.read("pattern", path, "POSIX extended regular expressions", key, pattern::check);
        let of_key = format!("{path}.{}", values::shown(key.as_str()));
        let groups_or_many = groups.unwrap_or(u32::MAX);
        let read = |text: &str| action(text, groups_or_many);
        let action = judge.read("content", &of_key, "an action for the line or its message", value, read);
        if let (Some(_), Some(action)) = (groups, action) {
            rules.push((key.value.clone(), action));
        }
    }
    rules
}

/// Rules that prevent `[rewrite]` for a line: in header_checks(5), only the first rule that matches a line applies.
fn before_rewriting(judge: &mut Judge, entries: Option<&Entries<String>>) {
    const SENDERS: [&str; 4] = ["From", "Sender", "Resent-From", "Resent-Sender"];
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let word = value.value.split(' ').next().unwrap_or_default();
        // The other actions remove the message or the line, or replace the line.
        let stays = matches!(word, "hold" | "warn" | "prepend" | "redirect" | "permit");
        if stays && may_match(&key.value, &SENDERS) {
            let message = "[rewrite] does not change senders in a `From` or `Sender` line that this matches";
            judge.report(
                Diagnostic::warning("content", key.span.clone(), message)
                    .hint("begin the pattern with another header, such as `^Subject:`; `replace` can write the new sender"),
            );
        }
    }
}

/// An action, for a pattern with this number of groups.
fn action(text: &str, groups: u32) -> Result<LineAction, Fault> {
    values::line(text)?;
    let (word, rest) = text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim_start()));
    let said = || spoken(rest).map(str::to_owned);
    let needed =
        |what: &str| if rest.is_empty() { Err(Fault::new(format!("{what} is missing"))) } else { Ok(()) };
    let action = match word {
        "reject" => LineAction::Reject(said()?),
        "discard" => LineAction::Discard(said()?),
        "hold" => LineAction::Hold(said()?),
        "warn" => LineAction::Warn(said()?),
        "prepend" | "replace" => {
            needed("the line")?;
            references(rest, groups)?;
            let line = rest.to_owned();
            if word == "prepend" { LineAction::Prepend(line) } else { LineAction::Replace(line) }
        }
        "redirect" => {
            needed("the address")?;
            LineAction::Redirect(values::address(rest)?)
        }
        "ignore" | "permit" if !rest.is_empty() => return Err(Fault::new("its text is never sent")),
        "ignore" => LineAction::Ignore,
        "permit" => LineAction::Permit,
        _ => {
            return Err(Fault::new(format!("`{}` is not an action", values::shown(word))).hint(
                "write `reject`, `discard`, `hold`, `warn`, `ignore`, `prepend`, `replace`, `redirect` or `permit`",
            ));
        }
    };
    Ok(action)
}

/// Text for a client or the log.
fn spoken(text: &str) -> Result<&str, Fault> {
    if text.contains('$') {
        return Err(Fault::new("`$` is not allowed in its text"));
    }
    if text.is_empty() { Ok(text) } else { values::access_text(text) }
}

/// `$1`, `${1}` and `$$`. Postfix skips a rule that refers to a missing group.
fn references(text: &str, groups: u32) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if let Some(next) = after.strip_prefix('$') {
            rest = next;
            continue;
        }
        let inner = after.strip_prefix('{').unwrap_or(after);
        let digits = inner.len() - inner.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u32 = inner[..digits].parse().unwrap_or(0);
        if number == 0 || (after.starts_with('{') && !inner[digits..].starts_with('}')) {
            return Err(
                Fault::new("`$` is not followed by a number").hint("write `$$` for the character itself")
            );
        }
        if !after.starts_with('{')
            && inner[digits..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(Fault::new("Postfix reads the letters after `$` and the number as part of its name")
                .hint(format!("write `${{{number}}}`")));
        }
        if number > groups {
            return Err(Fault::new(format!(
                "the pattern has {groups} groups in parentheses, no group {number}"
            )));
        }
        rest = &inner[digits..];
    }
    Ok(())
}

/// The milters; `None` if there are none.
pub(super) fn milters(judge: &mut Judge, section: Option<&MilterSection>) -> Option<Milters> {
    let section = section?;
    let what = "milters, `inet:HOST:PORT` or `unix:PATH`";
    let servers = judge.read_all("milter", "milter.servers", what, section.servers.as_ref(), milter);
    if section.servers.as_ref().is_none_or(|list| list.0.is_empty()) {
        judge.missing("milter.servers", None, "add their addresses: servers = \"inet:127.0.0.1:11332\"");
    }
    let mut time = |path: &str, spot: Option<&Spot<Time>>| {
        let read = judge.read_scalar("time", path, "a time, such as `30s`", spot, values::duration);
        read.map(|spot| spot.value)
    };
    Some(Milters {
        timeouts: [
            time("milter.connect-timeout", section.connect_timeout.as_ref()),
            time("milter.command-timeout", section.command_timeout.as_ref()),
            time("milter.content-timeout", section.content_timeout.as_ref()),
        ],
        servers: servers.into_iter().map(|spot| spot.value).collect(),
        without: match section.default_action.as_ref().map(|spot| spot.value) {
            Some(MilterActionName::Reject) => MilterAction::Reject,
            Some(MilterActionName::Accept) => MilterAction::Accept,
            Some(MilterActionName::Quarantine) => MilterAction::Quarantine,
            Some(MilterActionName::Tempfail) | None => MilterAction::Tempfail,
        },
        local: section.local.as_ref().is_none_or(|spot| spot.value),
    })
}

/// The address of a milter, followed by options that override keys of the section.
fn milter(text: &str) -> Result<Milter, Fault> {
    values::line(text)?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let mut milter = Milter { place: endpoint(words.next().unwrap_or_default())?, ..Milter::default() };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let time = TIMEOUTS.iter().position(|name| *name == key);
        let twice = match (key, time) {
            ("default-action", _) => milter.without.replace(action_of(value)?).is_some(),
            (_, Some(at)) => milter.timeouts[at].replace(values::duration(value)?).is_some(),
            _ => {
                return Err(Fault::new(format!("`{}` is not an option of a milter", values::shown(word))).hint(
                    "write `default-action=accept`, `connect-timeout=30s`, `command-timeout=30s` or `content-timeout=5m`",
                ));
            }
        };
        if twice {
            return Err(Fault::new(format!("`{key}` is a duplicate")));
        }
    }
    Ok(milter)
}

/// Keys of times, in the order of [`Milter::timeouts`].
const TIMEOUTS: [&str; 3] = ["connect-timeout", "command-timeout", "content-timeout"];

fn action_of(word: &str) -> Result<MilterAction, Fault> {
    MilterAction::ALL.into_iter().find(|action| action.name() == word).ok_or_else(|| {
        Fault::new(format!("`{}` is not an action", values::shown(word)))
            .hint("write `tempfail`, `reject`, `accept` or `quarantine`")
    })
}

/// The default classes of Postfix, and `2bounce`: a provider that rejects the null sender also rejects bounces, and a notice is
/// the only trace of the lost message.
const WITH_LOST_BOUNCES: [&str; 3] = ["resource", "software", "2bounce"];

/// Recipients and classes of notices.
pub(super) fn notices(
    judge: &mut Judge,
    section: Option<&NoticesSection>,
    provider: Option<&Provider>,
) -> Notices {
    let mut notices = section.map(|section| stated(judge, section)).unwrap_or_default();
    let is_stated = section.is_some_and(|section| section.classes.is_some());
    if !is_stated && provider.is_some_and(Provider::may_refuse_bounces) {
        notices.classes = WITH_LOST_BOUNCES.map(str::to_owned).to_vec();
    }
    notices
}

fn stated(judge: &mut Judge, section: &NoticesSection) -> Notices {
    let name = |class: NoticeClass| match class {
        NoticeClass::Bounce => "bounce",
        NoticeClass::DoubleBounce => "2bounce",
        NoticeClass::Data => "data",
        NoticeClass::Delay => "delay",
        NoticeClass::Policy => "policy",
        NoticeClass::Protocol => "protocol",
        NoticeClass::Resource => "resource",
        NoticeClass::Software => "software",
    };
    let mut classes: Vec<String> = Vec::new();
    for spot in section.classes.iter().flat_map(|list| &list.0) {
        let name = name(spot.value).to_owned();
        if !classes.contains(&name) {
            classes.push(name);
        }
    }
    let mut address = |path: &str, spot: Option<&Spot<String>>| {
        judge.read_if("address", path, "a mail address", spot, values::address)
    };
    let to = address("notices.to", section.to.as_ref());
    let [bounces, double_bounces, delays] = [
        address("notices.bounces-to", section.bounces_to.as_ref()),
        address("notices.double-bounces-to", section.double_bounces_to.as_ref()),
        address("notices.delays-to", section.delays_to.as_ref()),
    ]
    .map(|own| own.or_else(|| to.clone()));
    Notices { classes, to: [bounces, double_bounces, delays, to] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milters() {
        let place = "inet:127.0.0.1:11332".to_owned();
        assert_eq!(milter(&place), Ok(Milter { place: place.clone(), ..Milter::default() }));
        let own = format!("{place} content-timeout=2m  default-action=accept");
        let timeouts = [None, None, Some(120)];
        assert_eq!(milter(&own), Ok(Milter { place, without: Some(MilterAction::Accept), timeouts }));
        for wrong in
            ["", "inet:1", "accept", "unix:x accept", "unix:x default-action=no", "unix:x connect-timeout=3"]
        {
            assert!(milter(wrong).is_err(), "{wrong}");
        }
        assert!(milter("unix:x default-action=accept default-action=accept").is_err());
    }

    #[test]
    fn actions() {
        for (text, groups) in [
            ("reject", 0),
            ("reject no lotteries", 0),
            ("ignore", 0),
            ("replace X: $1 ${2} $$", 2),
            ("redirect a@b.example", 0),
        ] {
            assert!(action(text, groups).is_ok(), "{text}");
        }
        for (text, groups) in [
            ("", 0),
            ("REJECT", 0),
            ("reject $1", 1),
            ("ignore it", 0),
            ("prepend", 0),
            ("replace X: $1", 0),
            ("replace X: $", 1),
            ("replace X: ${1", 1),
            ("replace X: $1x", 1),
            ("redirect somebody", 0),
            ("filter smtp:x", 0),
        ] {
            assert!(action(text, groups).is_err(), "{text}");
        }
    }
}
