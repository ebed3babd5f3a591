//! Rules for the smarthosts of one list, and for the lists of single senders.

use super::judge::Judge;
use super::smarthost::Entry;
use crate::diag::{Diagnostic, Span};
use crate::keys::SmarthostSection;
use crate::keys::spot::Spot;
use crate::relay::Auth;

/// Checks the smarthosts of a spec together.
pub(super) fn check(
    judge: &mut Judge,
    sections: &[Spot<SmarthostSection>],
    entries: &[Entry<'_>],
    direct: bool,
) {
    names(judge, entries);
    without_tls(judge, entries);
    if !direct {
        no_usual(judge, sections, entries);
    }
    senders(judge, entries);
    let mut seen: Vec<&Entry<'_>> = Vec::new();
    for entry in entries {
        let shares = |other: &&Entry<'_>| other.smarthost.shares_list(&entry.smarthost);
        if !seen.iter().any(|other| shares(other)) {
            seen.push(entry);
            let list: Vec<&Entry<'_>> = entries.iter().filter(shares).collect();
            twice(judge, &list);
            one_mode(judge, &list);
            one_kind(judge, &list);
        }
    }
}

fn names(judge: &mut Judge, entries: &[Entry<'_>]) {
    for (at, entry) in entries.iter().enumerate() {
        let name = &entry.smarthost.name;
        if entries[..at].iter().any(|other| other.smarthost.name == *name) {
            let span = entry.section.value.name.as_ref().map_or(&entry.section.span, |spot| &spot.span);
            let message = format!("two smarthosts have the name `{name}`");
            judge.report(
                Diagnostic::error("smarthost", span.clone(), message)
                    .hint("their credentials would have the same keys in relay.env"),
            );
        }
    }
}

fn twice(judge: &mut Judge, list: &[&Entry<'_>]) {
    let server = |entry: &Entry<'_>| (entry.smarthost.host.to_ascii_lowercase(), entry.smarthost.port);
    for (at, entry) in list.iter().enumerate() {
        if list[..at].iter().any(|other| server(other) == server(entry)) {
            let span = entry.section.value.host.as_ref().map_or(&entry.section.span, |spot| &spot.span);
            let finding = Diagnostic::error("smarthost", span.clone(), "this smarthost is a duplicate")
                .hint("failover needs a different host, region or port");
            judge.report(if entry.smarthost.senders.is_empty() {
                finding.hint(
                    "for a second account there, name the senders that use it: senders = [\"@shop.example\"]",
                )
            } else {
                finding
            });
        }
    }
}

/// Senders that no list names also have a list.
fn no_usual(judge: &mut Judge, sections: &[Spot<SmarthostSection>], entries: &[Entry<'_>]) {
    if entries.len() < sections.len() || entries.iter().any(|entry| entry.smarthost.is_usual()) {
        return;
    }
    let first = sections.iter().find_map(|section| section.value.senders.as_ref()?.0.first());
    if let Some(first) = first
        && sections.iter().all(|section| section.value.senders.is_some())
    {
        let message = "every smarthost has `senders`, so other senders have none";
        judge.report(
            Diagnostic::error("senders", first.span.clone(), message)
                .labelled("bounces have an empty sender, which no list can contain")
                .hint("remove `senders` from one [[smarthost]], or add one without it"),
        );
    } else if let Some(entry) = entries.iter().find(|entry| entry.smarthost.list.is_some()) {
        let span = entry.section.value.name.as_ref().map_or(&entry.section.span, |spot| &spot.span);
        let message = "[transports] names this smarthost, so it takes no other mail, and nothing else does";
        judge.report(Diagnostic::error("transport", span.clone(), message).hint(
            "add a [[smarthost]] for all other mail; it can be the same server with a different `name`",
        ));
    }
}

/// Each sender belongs to one list.
fn senders(judge: &mut Judge, entries: &[Entry<'_>]) {
    for (at, entry) in entries.iter().enumerate() {
        let own = &entry.smarthost.senders;
        let other = entries[..at]
            .iter()
            .map(|other| &other.smarthost)
            .find(|other| other.senders != *own && other.senders.iter().any(|sender| own.contains(sender)));
        let Some(other) = other else { continue };
        let shared = own.iter().find(|sender| other.senders.contains(sender));
        let message =
            format!("`{}` is also one of the senders of `{}`", shared.map_or("", String::as_str), other.name);
        let spots = entry.section.value.senders.iter().flat_map(|list| &list.0);
        let span = spots.map(|spot| &spot.span).next().unwrap_or(&entry.section.span);
        judge.report(
            Diagnostic::error("senders", span.clone(), message)
                .hint("for failover, give both smarthosts the same `senders`")
                .hint(
                    "to use one server in two lists, add it to each as a [[smarthost]] with a different name",
                ),
        );
    }
}

/// A Postfix transport has one TLS mode, and all smarthosts of a list share a transport.
fn one_mode(judge: &mut Judge, list: &[&Entry<'_>]) {
    let Some(first) = list.first().map(|entry| &entry.smarthost) else { return };
    for entry in list.iter().skip(1) {
        let other = &entry.smarthost;
        if other.mode == first.mode {
            continue;
        }
        let span = entry.section.value.port.as_ref().map_or(&entry.section.span, |port| &port.span).clone();
        judge.report(
            Diagnostic::error("mixed-tls", span, "the smarthosts of one list must start TLS in the same way")
                .labelled(format!(
                    "{} on port {}, but the first is {} on port {}",
                    other.mode.name(),
                    other.port,
                    first.mode.name(),
                    first.port
                ))
                .hint("Postfix tries them with one set of options; `smtp_tls_wrappermode` is one of these")
                .hint("give them ports of the same kind, such as 587 and 587, or 465 and 465"),
        );
    }
}

/// All smarthosts share one TLS level.
fn without_tls(judge: &mut Judge, entries: &[Entry<'_>]) {
    let Some(first) = entries.first() else { return };
    for entry in entries.iter().skip(1) {
        let same = |other: &Entry<'_>| other.without_tls.is_some() == first.without_tls.is_some();
        // `one_mode` reports those with a different mode.
        if same(entry) || entry.smarthost.mode != first.smarthost.mode {
            continue;
        }
        let span = entry.section.value.port.as_ref().map_or(&entry.section.span, |port| &port.span).clone();
        judge.report(
            Diagnostic::error("mixed-tls", span, "one smarthost of the list has no TLS, and another has it")
                .hint("Postfix tries them with one TLS level; with `none` all mail would be sent without encryption"),
        );
    }
}

/// Postfix chooses the SASL mechanism by one filter for all smarthosts of a list.
fn one_kind(judge: &mut Judge, list: &[&Entry<'_>]) {
    let mixed = |span: &Span, message: &str| {
        Diagnostic::error("mixed-auth", span.clone(), message)
            .hint("Postfix tries them with one filter of mechanisms (`smtp_sasl_mechanism_filter`)")
    };
    let password = list.iter().find(|entry| entry.smarthost.auth == Auth::Password);
    if let Some(entry) = password
        && list.iter().any(|entry| entry.smarthost.auth == Auth::Xoauth2)
    {
        let span = entry.section.value.auth.as_ref().map_or(&entry.section.span, |spot| &spot.span);
        judge.report(mixed(span, "one smarthost of the list uses a password, and another a token"));
    }
    let mut wanting = list.iter().filter(|entry| entry.smarthost.auth == Auth::Password);
    let first = wanting.next().map(|entry| &entry.smarthost.mechanisms);
    if let Some(entry) = wanting.find(|entry| Some(&entry.smarthost.mechanisms) != first) {
        let spot = entry.section.value.mechanisms.as_ref().and_then(|list| list.0.first());
        let span = spot.map_or(&entry.section.span, |spot| &spot.span);
        judge.report(mixed(span, "the smarthosts of one list must have the same `mechanisms`"));
    }
}
