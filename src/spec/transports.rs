//! `[transports]`: domains and addresses whose mail bypasses the smarthost.

use std::collections::BTreeSet;

use super::inbound::next_hop;
use super::judge::Judge;
use super::relay;
use super::smarthost::Smarthosts;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span, nearest};
use crate::keys::spot::{Entries, Many, Spot};
use crate::relay::{
    Identity, Inbound, Mailboxes, NextHop, Server, ServiceOverride, Source, Submission, Transport, Way,
};

/// The other sections that decide about mail and servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) smarthosts: Option<&'a Smarthosts>,
    pub(super) identity: &'a Identity,
    pub(super) server: Option<&'a Server>,
    pub(super) submission: Option<&'a Submission>,
    pub(super) inbound: Option<&'a Inbound>,
    pub(super) mailboxes: Option<&'a Mailboxes>,
    pub(super) services: &'a [ServiceOverride],
}

/// The names of smarthosts in the values, a list for each that has some.
pub(super) fn lists(entries: Option<&Entries<Many<String>>>) -> Vec<Vec<String>> {
    let values = entries.map(|entries| entries.0.as_slice()).unwrap_or_default();
    let mut lists: Vec<Vec<String>> = Vec::new();
    for spot in values.iter().flat_map(|(_, value)| &value.value.0) {
        if let Some(names) = spot.as_str().strip_prefix("smarthost ") {
            let list: Vec<String> = names.split_ascii_whitespace().map(str::to_owned).collect();
            if !list.is_empty() && !lists.contains(&list) {
                lists.push(list);
            }
        }
    }
    lists
}

/// The transports, each with its place.
pub(super) fn check(
    judge: &mut Judge,
    entries: Option<&Entries<Many<String>>>,
    known: Known<'_>,
) -> Vec<Transport> {
    let mut transports = Vec::new();
    let mut keys = BTreeSet::new();
    let lists = lists(entries);
    for (key, value) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let path = format!("transports.{}", values::shown(key.as_str()));
        let way = one_or_several(judge, &path, &value.value);
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
        let transport = Transport { key: name, way, span: value.span.clone() };
        for (hop, spot) in transport.hops().iter().zip(&value.value.0) {
            leads_on(judge, spot, hop, known);
        }
        match &transport.way {
            Way::Service(name, _) => of_services(judge, &value.span, name, known),
            Way::Smarthost(name) => of_smarthosts(judge, &value.span, name, &lists, known),
            _ => {}
        }
        transports.push(transport);
    }
    transports
}

/// One way, or a list of servers in order of failover.
fn one_or_several(judge: &mut Judge, path: &str, value: &Many<String>) -> Option<Way> {
    let what = "a server, `direct`, `discard`, `error` or `retry` with text after it, `service NAME`, or `smarthost NAME`";
    let read: Vec<Option<Way>> =
        value.0.iter().map(|spot| judge.read("transport", path, what, spot, way)).collect();
    let ways: Option<Vec<Way>> = read.into_iter().collect();
    let ways = ways?;
    if let [_] = ways.as_slice() {
        return ways.into_iter().next();
    }
    let mut hops: Vec<NextHop> = Vec::new();
    for (way, spot) in ways.into_iter().zip(&value.0) {
        let finding = |message: &str| Diagnostic::error("transport", spot.span.clone(), message);
        match way {
            Way::Hops(one) if hops.iter().any(|hop| one.contains(hop)) => {
                judge.report(finding("this server is a duplicate").hint("remove one of the two"));
                return None;
            }
            Way::Hops(one) => hops.extend(one),
            _ => {
                let message = "a list is for servers, in order of failover";
                judge.report(finding(message).hint("write this value alone, without a list"));
                return None;
            }
        }
    }
    let wrapped = |hop: &NextHop| hop.begins_with_tls();
    if hops.iter().any(wrapped) && !hops.iter().all(wrapped) {
        let span = value.0.first().map(|spot| spot.span.clone()).unwrap_or_default();
        judge.report(
            Diagnostic::error("mixed-tls", span, "the servers of one list must start TLS in the same way")
                .hint("Postfix tries them with one set of options; `smtp_tls_wrappermode` is one of these"),
        );
    }
    Some(Way::Hops(hops))
}

/// Reports a service that no section adds.
fn of_services(judge: &mut Judge, span: &Span, name: &str, known: Known<'_>) {
    let id = format!("{name}/unix");
    if known.services.iter().any(|service| service.enabled && service.id.value == id) {
        return;
    }
    let finding = Diagnostic::error("transport", span.clone(), format!("there is no service `{name}`"));
    let own = known.services.iter().filter_map(|service| service.id.value.strip_suffix("/unix"));
    judge.report(match nearest(name, own) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint(format!("add it: [services.\"{id}\"] command = \"smtp\"")),
    });
}

/// Reports names that are not those of one list of smarthosts.
fn of_smarthosts(judge: &mut Judge, span: &Span, name: &str, lists: &[Vec<String>], known: Known<'_>) {
    let Some(hosts) = known.smarthosts else { return };
    let mut finding = |message: String, hint: String| {
        judge.report(Diagnostic::error("transport", span.clone(), message).hint(hint));
    };
    let names = || hosts.list.iter().map(|host| host.name.as_str());
    let Some(list) = lists.iter().find(|list| list.first().is_some_and(|first| first == name)) else {
        return;
    };
    for one in list {
        let shown = values::shown(one);
        let Some(host) = hosts.list.iter().find(|host| host.name == *one) else {
            let hint = nearest(one, names()).map_or_else(
                || format!("name one: [[smarthost]] name = \"{shown}\""),
                |near| format!("did you mean `{near}`?"),
            );
            finding(format!("there is no smarthost `{shown}`"), hint);
            continue;
        };
        if list.len() > 1 && !host.senders.is_empty() {
            let hint = "name only the first smarthost of its list: the others follow in failover".to_owned();
            finding(format!("`{shown}` is in a list for `senders`"), hint);
        }
        if lists.iter().filter(|other| other.contains(one)).count() > 1 {
            let hint = "add the server again as a [[smarthost]] with a different name".to_owned();
            finding(format!("`{shown}` is in two lists"), hint);
        }
    }
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
    const WORDS: [&str; 6] = ["direct", "discard", "error", "retry", "service", "smarthost"];
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
        ("service" | "smarthost", "") if text.ends_with(word) => {
            Err(Fault::new("the name is missing").hint(match word {
                "service" => "add the name of a service of [services]: \"service slow\"".to_owned(),
                _ => format!("add the name of a [[smarthost]]: \"smarthost backup\". Mail without an entry goes to [smarthost]. A host of this name is `[{word}]`"),
            }))
        }
        ("service", said) => {
            let (name, server) = said.split_once(' ').unwrap_or((said, ""));
            let hops = if server.is_empty() { Vec::new() } else { vec![next_hop(server.trim())?] };
            let name = name.strip_suffix("/unix").unwrap_or(name);
            match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
                Some(odd) => Err(Fault::new(format!("{} is not allowed in a name", values::character(odd)))),
                None => Ok(Way::Service(name.to_owned(), hops)),
            }
        }
        ("smarthost", names) => {
            let first = names.split_ascii_whitespace().next().unwrap_or_default();
            Ok(Way::Smarthost(first.to_owned()))
        }
        ("direct", "") => Ok(Way::Direct),
        ("discard", "") => Ok(Way::Discard),
        ("reject" | "bounce" | "defer" | "relay" | "relayhost" | "default", "") => {
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
            None => next_hop(text).map(|hop| Way::Hops(vec![hop])),
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
        let hop = |host: &str, port| Ok(Way::Hops(vec![NextHop { host: host.to_owned(), port }]));
        assert_eq!(way("[mx.partner.example]:25"), hop("mx.partner.example", 25));
        assert_eq!(way("mx.partner.example"), hop("mx.partner.example", 25));
        assert_eq!(way("[fd00::5]:2525"), hop("fd00::5", 2525));
        assert_eq!(way("[discart]"), hop("discart", 25));
        assert_eq!(way("[relay]"), hop("relay", 25));
        assert_eq!(way("direct"), Ok(Way::Direct));
        assert_eq!(way("discard"), Ok(Way::Discard));
        assert_eq!(way("service slow"), Ok(Way::Service("slow".to_owned(), Vec::new())));
        let slow =
            Way::Service("slow".to_owned(), vec![NextHop { host: "mx.a.example".to_owned(), port: 25 }]);
        assert_eq!(way("service slow [mx.a.example]:25"), Ok(slow));
        assert_eq!(way("smarthost eu eu-2"), Ok(Way::Smarthost("eu".to_owned())));
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
            "service",
            "service a:b",
            "service slow mx.a.example:",
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
