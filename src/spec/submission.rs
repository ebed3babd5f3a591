//! `[submission]`: users who submit mail from anywhere.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::sending;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, Span};
use crate::keys::spot::{Entries, Many};
use crate::keys::{ServerLevel, Spec, SubmissionSection};
use crate::relay::{Headers, Profile, Submission, SubmissionPort};

/// Headers in which mail programs reveal data about users.
const HEADERS: &[&str] = &["User-Agent", "X-Mailer", "X-Originating-IP"];

/// Settings for users; `None` if there are none.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Profile, place: &Span) -> Option<Submission> {
    let section = spec.submission.as_ref();
    if profile == Profile::NullClient {
        if let Some(spot) = section {
            let message = "`submission` needs users, and only the host itself uses a null client";
            judge.report(
                Diagnostic::error("no-clients", spot.span.clone(), message)
                    .hint("use profile = \"submission\" for users"),
            );
        }
        return None;
    }
    let by_profile = matches!(profile, Profile::Submission | Profile::MailServer);
    let place = match section {
        Some(spot) => &spot.span,
        None if by_profile => place,
        None => return None,
    };
    if spec.server.as_ref().is_none_or(|server| server.certificate.is_none()) {
        judge.missing(
            "server.certificate",
            Some(place),
            "users send their passwords only over TLS: [server] certificate = \"/etc/ssl/mail.pem\"",
        );
    }
    let level = spec.server.as_ref().and_then(|server| server.tls.as_ref());
    if let Some(level) = level.filter(|level| level.value == ServerLevel::None) {
        let message = "users would send their passwords without encryption";
        judge.report(
            Diagnostic::error("server-auth", level.span.clone(), message).hint("remove `tls` from [server]"),
        );
    }
    let nothing = SubmissionSection::default();
    let section = section.map_or(&nothing, |spot| &spot.value);
    Some(Submission {
        ports: ports(judge, section.ports.as_ref()),
        senders: senders(judge, section.senders.as_ref()),
        headers: headers(judge, section.strip.as_ref()),
    })
}

fn ports(judge: &mut Judge, list: Option<&Many<i64>>) -> Vec<SubmissionPort> {
    let Some(list) = list else { return SubmissionPort::ALL.to_vec() };
    let mut ports = Vec::new();
    for spot in &list.0 {
        let port = SubmissionPort::ALL.iter().find(|port| i64::from(port.number()) == spot.value);
        match port {
            Some(port) if !ports.contains(port) => ports.push(*port),
            Some(_) => {}
            None => {
                let fault = Fault::new("mail programs of users support two ports")
                    .hint("port 25 is for other servers");
                judge.refuse("port", "submission.ports", "587, 465 or both", spot.span.clone(), fault);
            }
        }
    }
    if ports.is_empty() { SubmissionPort::ALL.to_vec() } else { ports }
}

fn senders(judge: &mut Judge, entries: Option<&Entries<Many<String>>>) -> Vec<(String, Vec<String>)> {
    let mut senders = Vec::new();
    let mut names = BTreeSet::new();
    for (key, logins) in entries.map(|entries| entries.0.as_slice()).unwrap_or_default() {
        let what = "addresses or domains";
        let Some(name) = judge.read("sender", "submission.senders", what, key, |text| {
            values::sender(text).map(|name| name.to_ascii_lowercase())
        }) else {
            continue;
        };
        let path = format!("submission.senders.{name}");
        let logins = judge.read_all("login", &path, "login names", Some(&logins.value), login);
        if !names.insert(name.clone()) {
            let message = format!("`{name}` is a duplicate");
            judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
        } else if !logins.is_empty() {
            senders.push((name, logins.into_iter().map(|spot| spot.value).collect()));
        }
    }
    senders
}

/// A login name that Postfix treats as one name.
fn login(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._+=&'~@-".contains(*c))) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", values::character(odd)))),
        None => Ok(text.to_owned()),
    }
}

fn headers(judge: &mut Judge, list: Option<&Many<String>>) -> Headers {
    if list.is_none() {
        let strip = HEADERS.iter().map(|name| (*name).to_owned()).collect();
        return Headers { strip_received: true, strip, patterns: Vec::new() };
    }
    let (strip_received, strip) = sending::stripped(judge, "submission.strip", list);
    Headers { strip_received, strip, patterns: Vec::new() }
}
