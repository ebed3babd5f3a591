//! `[transports]`: domains and addresses whose mail bypasses the smarthost.

use std::collections::BTreeSet;

use super::inbound::next_hop;
use super::judge::Judge;
use super::relay;
use super::smarthost::Smarthosts;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, nearest};
use crate::keys::spot::{Entries, Spot};
use crate::relay::{Identity, Inbound, Mailboxes, NextHop, Server, Source, Submission, Transport, Way};

/// The other sections that decide about mail and servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) smarthosts: Option<&'a Smarthosts>,
    pub(super) identity: &'a Identity,
    pub(super) server: Option<&'a Server>,
    pub(super) submission: Option<&'a Submission>,
    pub(super) inbound: Option<&'a Inbound>,
    pub(super) mailboxes: Option<&'a Mailboxes>,
}

/// The transports, each with its place.
pub(super) fn check(
    judge: &mut Judge,
    entries: Option<&Entries<String>>,
    known: Known<'_>,
) -> Vec<Transport> {
    let mut transports = Vec::new();
    let mut keys = BTreeSet::new();
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let path = format!("transports.{}", values::shown(key.as_str()));
        let what = "a server, `direct`, `discard`, or `error` or `retry` with text after it";
        let way = judge.read("transport", &path, what, value, way);
        let what = "domains, `.domain` for all below one, or addresses";
        let Some(name) = judge.read("transport", "transports", what, key, name) else { continue };
        if !keys.insert(name.clone()) {
            judge.report(relay::twice(key, &name));
            continue;
        }
        if let Some(finding) = owned(key, &name, known) {
            judge.report(finding);
        }
        let Some(way) = way else { continue };
        if let Way::Hop(hop) = &way {
            leads_on(judge, value, hop, known);
        }
        transports.push(Transport { key: name, way, span: value.span.clone() });
    }
    transports
}

/// A name that Postfix looks up.
fn name(text: &str) -> Result<String, Fault> {
    if text == "*" {
        return Err(Fault::new("it matches all mail").hint("[smarthost] sets the destination of all mail"));
    }
    if values::local_name(text).is_ok() && !text.contains('.') {
        return Err(Fault::new("it is a local name").hint(match text {
            "root" => "root-mail-to in [relay] sets the recipient",
            _ => "[aliases] sets the recipient",
        }));
    }
    values::recipients(text)
}

fn way(text: &str) -> Result<Way, Fault> {
    const WORDS: [&str; 4] = ["direct", "discard", "error", "retry"];
    values::access_text(text)?;
    if let Some((word @ ("error" | "retry" | "discard" | "local" | "virtual"), rest)) = text.split_once(':') {
        let fault = Fault::new("this is the syntax of transport(5)");
        return Err(match word {
            "discard" => fault.hint("write `discard`"),
            "local" | "virtual" => Fault::new("this host delivers nothing locally")
                .hint("[aliases] sets the recipient of a local name"),
            _ => fault.hint(format!("write `{word} {}`", values::shown(rest).trim())),
        });
    }
    let (word, said) = text.split_once(' ').map_or((text, ""), |(word, said)| (word, said.trim_start()));
    match (word, said) {
        ("error" | "retry", "") => {
            Err(Fault::new("the text is missing").hint("add the text: \"error 5.1.2 this domain has moved\""))
        }
        ("error", words) => told('5', words).map(Way::Error),
        ("retry", words) => told('4', words).map(Way::Retry),
        ("direct", "") => Ok(Way::Direct),
        ("discard", "") => Ok(Way::Discard),
        ("reject" | "bounce" | "defer" | "smarthost" | "relay" | "relayhost" | "default", "") => {
            Err(Fault::new("it is not a known action").hint(match word {
                "reject" | "bounce" => {
                    format!("write \"error 5.1.2\" and a text. A host of this name is `[{word}]`")
                }
                "defer" => format!("write \"retry 4.3.2\" and a text. A host of this name is `[{word}]`"),
                _ => {
                    format!("mail without an entry goes to [smarthost]. A host of this name is `[{word}]`")
                }
            }))
        }
        ("hold", _) => Err(Fault::new("mail is held when it arrives, not when it leaves")
            .hint("`retry` defers it; in a relay with clients, [access] recipients can hold it")),
        (_, "") => match nearest(word, WORDS).filter(|_| !word.contains(['.', ':', '['])) {
            Some(near) => Err(Fault::new("it has no dot, and it is not a known action")
                .hint(format!("did you mean `{near}`? A host of this name is `[{word}]`"))),
            None => next_hop(text).map(Way::Hop),
        },
        _ => Err(Fault::new(format!("no text is allowed after `{}`", values::shown(word)))
            .hint("a server has no blanks, such as `mx.partner.example:25`")),
    }
}

/// Text for the sender, with an optional status code (RFC 3463) that must have the class of the action.
fn told(class: char, words: &str) -> Result<String, Fault> {
    let first = words.split(' ').next().unwrap_or_default();
    let parts: Vec<&str> = first.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() == 3 && parts.iter().all(number) {
        if parts[0] != class.to_string() {
            let why = format!("`{first}` is not a valid code: it must begin with {class}");
            let hint = "5 is for permanent failures (`error`), 4 for temporary ones (`retry`)";
            return Err(Fault::new(why).hint(hint));
        }
        if first.len() == words.len() {
            return Err(Fault::new("the text after the code is missing"));
        }
    }
    Ok(words.to_owned())
}

/// Reports mail that another section delivers.
fn owned(key: &Spot<String>, name: &str, known: Known<'_>) -> Option<Diagnostic> {
    let domain = name.rsplit_once('@').map_or(name, |(_, domain)| domain);
    let finding = |message: String, hint: &str| {
        Some(Diagnostic::error("transport", key.span.clone(), message).hint(hint))
    };
    let local = domain == "localhost" || domain.ends_with(".localdomain");
    if local || known.identity.hostname.as_deref() == Some(domain) {
        let hint = "root-mail-to in [relay] and [aliases] set its recipient";
        return finding(format!("`{domain}` is the host itself, whose mail goes to `root-mail-to`"), hint);
    }
    if known.inbound.is_some_and(|inbound| inbound.domains.iter().any(|(own, _)| own == domain)) {
        let hint = "its server is set there; [inbound.aliases] sends the mail of one address elsewhere";
        return finding(format!("`inbound.domains` sets the destination of `{domain}`"), hint);
    }
    if known.inbound.is_some_and(|inbound| inbound.receives_for(domain)) {
        let hint = "[inbound.aliases] sets the recipients";
        return finding(format!("`{domain}` is one of `inbound.alias-domains`"), hint);
    }
    match known.mailboxes.map(|mailboxes| &mailboxes.source) {
        Some(Source::Listed(listed)) if listed.domains.iter().any(|own| own == domain) => {
            let hint = "[mailboxes.aliases] sends the mail of one address elsewhere";
            finding(format!("`{domain}` has mailboxes here, and its mail goes to them"), hint)
        }
        _ => None,
    }
}

/// Reports a next hop that is the relay itself, or the smarthost, to which mail would go without a login.
fn leads_on(judge: &mut Judge, value: &Spot<String>, hop: &NextHop, known: Known<'_>) {
    let address: Option<std::net::IpAddr> = hop.host.parse().ok();
    let own = hop.host == "localhost"
        || known.identity.hostname.as_deref() == Some(&hop.host)
        || address.is_some_and(|address| {
            let listen = known.server.map(|server| server.listen.as_slice()).unwrap_or_default();
            address.is_loopback() || address.is_unspecified() || listen.contains(&address)
        });
    let ports = if known.submission.is_some() { &[25, 465, 587][..] } else { &[25] };
    let mut finding = |message: &str, hint: &str| {
        judge.report(Diagnostic::error("transport", value.span.clone(), message).hint(hint));
    };
    if own && ports.contains(&hop.port) {
        finding(
            "this is the relay itself: the mail would loop",
            "name the server that receives it; another program on this host needs a different port",
        );
    }
    let mut smarthosts = known.smarthosts.iter().flat_map(|hosts| &hosts.list);
    if smarthosts.any(|host| (&host.host, host.port) == (&hop.host, hop.port)) {
        finding(
            "this is the smarthost, which receives this mail anyway",
            "remove the entry: the relay would not log in there",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, read) in [
            ("Partner.Example", Some("partner.example")),
            (".intern.example", Some(".intern.example")),
            ("Alerts@Acme.example", Some("alerts@acme.example")),
            ("root", None),
            ("*", None),
            ("@acme.example", None),
            ("..acme.example", None),
            ("a b@acme.example", None),
        ] {
            assert_eq!(name(text).ok().as_deref(), read, "{text}");
        }
    }

    #[test]
    fn ways() {
        let hop = |host: &str, port| Ok(Way::Hop(NextHop { host: host.to_owned(), port }));
        assert_eq!(way("[mx.partner.example]:25"), hop("mx.partner.example", 25));
        assert_eq!(way("mx.partner.example"), hop("mx.partner.example", 25));
        assert_eq!(way("[fd00::5]:2525"), hop("fd00::5", 2525));
        assert_eq!(way("[discart]"), hop("discart", 25));
        assert_eq!(way("[relay]"), hop("relay", 25));
        assert_eq!(way("direct"), Ok(Way::Direct));
        assert_eq!(way("discard"), Ok(Way::Discard));
        assert_eq!(way("error it has moved"), Ok(Way::Error("it has moved".to_owned())));
        assert_eq!(way("retry 4.3.2 on Monday"), Ok(Way::Retry("4.3.2 on Monday".to_owned())));
        for wrong in [
            "",
            "error",
            "retry",
            "hold",
            "discart",
            "discard it",
            "mx.a.example 25",
            "error 4.1.1 x",
            "retry 5.1.1 x",
            "error 5.1.1",
            "a.example:",
            "slow:",
            "reject",
            "bounce",
            "defer",
            "smarthost",
            "relay",
            "smtp:[mx.a.example]:25",
            "discard:",
            "error:5.1.2 it has moved",
            "local:",
            "error a\nb",
            "error $x",
            "error \u{fc}",
        ] {
            assert!(way(wrong).is_err(), "{wrong:?}");
        }
    }
}
