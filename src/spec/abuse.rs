//! `[abuse]`: checks of mail from other servers.

use super::judge::Judge;
use super::server;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::keys::AbuseSection;
use crate::keys::spot::{Many, Spot};
use crate::relay::{Abuse, Greylisting, Named};

/// Seconds until a client may try again: the default of postgrey and of most other greylisting programs.
const DELAY: u64 = 300;

/// The checks.
pub(super) fn check(judge: &mut Judge, section: Option<&AbuseSection>) -> Abuse {
    let Some(section) = section else { return Abuse::default() };
    let lists = "domains, such as `zen.spamhaus.org` or `zen.spamhaus.org=127.0.0.[2..11]`";
    let named = |spot: Spot<String>| Named { name: spot.value, span: spot.span };
    let mut read = |path, list: Option<&Many<String>>| -> Vec<Named> {
        judge.read_all("block-list", path, lists, list, dns_list).into_iter().map(named).collect()
    };
    let block_lists = read("abuse.block-lists", section.block_lists.as_ref());
    let name_lists = read("abuse.name-lists", section.name_lists.as_ref());
    let words = judge.read_if("words", "abuse.block-words", "text", section.block_words.as_ref(), words);
    if let (Some(spot), true) = (&section.block_words, block_lists.is_empty() && name_lists.is_empty()) {
        judge.report(
            Diagnostic::warning("words", spot.span.clone(), "this text is never sent: there are no lists")
                .hint("name one in `block-lists`"),
        );
    }
    let services = "policy services, `inet:HOST:PORT` or `unix:PATH`";
    let policies = judge.read_all("policy", "abuse.policies", services, section.policies.as_ref(), endpoint);
    Abuse {
        block_lists,
        name_lists,
        words,
        reject_own_senders: section.reject_own_senders.as_ref().is_some_and(|spot| spot.value),
        spf: section.spf.as_ref().filter(|spot| spot.value).map(|spot| spot.span.clone()),
        policies: policies.into_iter().map(named).collect(),
        greylisting: greylisting(judge, section),
    }
}

/// The keys in the spec, each with its place.
pub(super) fn given(section: &AbuseSection) -> Vec<(&'static str, Option<Span>)> {
    let many = |list: Option<&Many<String>>| Some(list?.0.first()?.span.clone());
    vec![
        ("abuse.block-lists", many(section.block_lists.as_ref())),
        ("abuse.name-lists", many(section.name_lists.as_ref())),
        ("abuse.block-words", section.block_words.as_ref().map(|spot| spot.span.clone())),
        ("abuse.reject-own-senders", section.reject_own_senders.as_ref().map(|spot| spot.span.clone())),
        ("abuse.spf", section.spf.as_ref().map(|spot| spot.span.clone())),
        ("abuse.policies", many(section.policies.as_ref())),
        ("abuse.greylisting", section.greylisting.as_ref().map(|spot| spot.span.clone())),
        ("abuse.greylist-delay", section.greylist_delay.as_ref().map(|spot| spot.span.clone())),
        ("abuse.greylist-words", section.greylist_words.as_ref().map(|spot| spot.span.clone())),
        ("abuse.greylist-exempt", many(section.greylist_exempt.as_ref())),
    ]
}

fn greylisting(judge: &mut Judge, section: &AbuseSection) -> Option<Greylisting> {
    let time = "a time, such as `5m`";
    let delay = judge.read_scalar(
        "time",
        "abuse.greylist-delay",
        time,
        section.greylist_delay.as_ref(),
        values::duration,
    );
    let words =
        judge.read_if("words", "abuse.greylist-words", "text", section.greylist_words.as_ref(), words);
    let exempt = judge.read_all(
        "greylist-exempt",
        "abuse.greylist-exempt",
        "domains, addresses or networks",
        section.greylist_exempt.as_ref(),
        |text| match values::domain(text) {
            Ok(domain) => Ok(domain),
            Err(_) => server::network(text).map(|network| network.to_string()),
        },
    );
    let on = section.greylisting.as_ref().is_some_and(|spot| spot.value);
    let idle = given(section)
        .into_iter()
        .filter(|(path, _)| path.starts_with("abuse.greylist-"))
        .find_map(|(path, span)| Some((path, span?)));
    if let (false, Some((path, span))) = (on, idle) {
        judge.report(
            Diagnostic::error("greylisting", span, format!("`{path}` has no effect without greylisting"))
                .hint("set greylisting = true, or remove the key"),
        );
    }
    on.then(|| Greylisting {
        delay: delay.map_or(DELAY, |spot| spot.value),
        words,
        exempt: exempt.into_iter().map(|spot| spot.value).collect(),
    })
}

/// Text for a client, in a line that Postfix and systemd expand.
fn words(text: &str) -> Result<String, Fault> {
    values::access_text(text)?;
    match text.chars().find(|c| "#{}\"\\".contains(*c)) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", values::character(odd)))),
        None => Ok(text.to_owned()),
    }
}

/// `domain`, or `domain=FILTER`, where the filter names answers.
fn dns_list(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    match text.split_once('=') {
        None => values::domain(text),
        Some((domain, filter)) => {
            let domain = values::domain(domain)?;
            if !is_filter(filter) {
                return Err(Fault::new(format!("`{}` is not a filter for answers", values::shown(filter)))
                    .hint(
                        "write an address, with `[2..11]` or `[2;4]` in place of a number: `127.0.0.[2..11]`",
                    ));
            }
            Ok(format!("{domain}={filter}"))
        }
    }
}

/// Four numbers separated by dots; `[a;b..c]` stands for any of several.
fn is_filter(text: &str) -> bool {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|_| digits)
    };
    let choice = |text: &str| match text.split_once("..") {
        None => number(text).is_some(),
        Some((low, high)) => number(low).zip(number(high)).is_some_and(|(low, high)| low <= high),
    };
    let part = |text: &str| match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.split(';').all(choice),
        None => number(text).is_some(),
    };
    // A dot between brackets is not a separator.
    let mut inside = false;
    let parts: Vec<&str> = text
        .split(|c| {
            inside = (inside || c == '[') && c != ']';
            c == '.' && !inside
        })
        .collect();
    parts.len() == 4 && parts.into_iter().all(part)
}

/// `inet:host:port` or `unix:path`.
pub(super) fn endpoint(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    let wrong =
        |why: &str| Err(Fault::new(why).hint("such as `inet:127.0.0.1:10040` or `unix:private/policy`"));
    if let Some(odd) = text.chars().find(|c| c.is_whitespace() || "{}$,\"\\#".contains(*c)) {
        return Err(Fault::new(format!("{} is not allowed here", values::character(odd))));
    }
    match text.split_once(':') {
        Some(("unix", path)) if !path.is_empty() => Ok(text.to_owned()),
        Some(("unix", _)) => wrong("the path is missing"),
        Some(("inet", place)) => match place.rsplit_once(':') {
            Some((host, port)) => {
                let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
                values::host(bare)?;
                match port.parse::<u16>() {
                    Ok(number) if number > 0 => Ok(text.to_owned()),
                    _ => wrong("it does not end with a port"),
                }
            }
            None => wrong("it does not end with a port"),
        },
        _ => wrong("it must begin with `inet:` or `unix:`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_answers() {
        for good in ["127.0.0.2", "127.0.0.[2..11]", "127.0.[0;1].[2..4;9]", "[127].0.0.1"] {
            assert!(is_filter(good), "{good}");
        }
        for wrong in [
            "",
            "127.0.0",
            "127.0.0.256",
            "127.0.0.[2..1]",
            "127.0.0.[2",
            "127.0.0.2.",
            "1.2.3.4.5",
            "127.0.0.[]",
            "a.b.c.d",
        ] {
            assert!(!is_filter(wrong), "{wrong}");
        }
    }

    #[test]
    fn endpoints() {
        for good in
            ["inet:127.0.0.1:10040", "inet:[::1]:10040", "unix:private/policy", "unix:/run/policyd.sock"]
        {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for wrong in
            ["10040", "inet:10040", "inet:host:", "inet:host:0", "unix:", "unix:a b", "tcp:host:1", "unix:$x"]
        {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
