//! `[relay]`, `[aliases]` and `[rewrite]`: provider, senders, and recipients of local mail.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::Judge;
use super::rewriting;
use super::values;
use crate::diag::{Diagnostic, Severity, Span, nearest};
use crate::keys::spot::{Entries, Many, Spot};
use crate::keys::{RelaySection, RewriteSection};
use crate::relay::{From, Identity, LocalMail, Profile, Provider, Providers, SenderRule};

/// The kind of relay.
pub(super) fn profile(judge: &mut Judge, section: &RelaySection) -> Option<Profile> {
    let Some(spot) = &section.profile else { return Some(Profile::NullClient) };
    let known = || Profile::ALL.iter().map(|profile| profile.name());
    if let Some(profile) = Profile::ALL.iter().find(|profile| profile.name() == spot.as_str()) {
        return Some(*profile);
    }
    let name = values::shown(spot.as_str());
    let finding = Diagnostic::error("profile", spot.span.clone(), format!("there is no profile `{name}`"));
    judge.report(match nearest(spot.as_str(), known()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint("`postpack profiles` lists them"),
    });
    None
}

/// The provider, if the spec names it or a smarthost implies it. `None` if it is absent or wrong.
pub(super) fn provider(
    judge: &mut Judge,
    section: &RelaySection,
    providers: &Providers,
    has_host: bool,
) -> Option<Provider> {
    let Some(spot) = &section.provider else {
        return if has_host { providers.get(Provider::CUSTOM) } else { None };
    };
    if spot.as_str() == Provider::DIRECT {
        return providers.get(Provider::CUSTOM).map(Provider::direct);
    }
    let found = providers.get(spot.as_str());
    if found.is_none() {
        let name = values::shown(spot.as_str());
        let finding =
            Diagnostic::error("provider", spot.span.clone(), format!("there is no provider `{name}`"));
        let known = providers.names().into_iter().chain([Provider::DIRECT]);
        judge.report(match nearest(spot.as_str(), known) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding
                .hint("`postpack providers` lists them")
                .hint("for any other: provider = \"custom\" and [smarthost] host = \"...\""),
        });
    }
    found
}

/// The region, if the provider has it. Reports a missing region if the provider requires one.
pub(super) fn region(
    judge: &mut Judge,
    section: &Spot<RelaySection>,
    provider: &Provider,
    needed: bool,
) -> Option<String> {
    let all: Vec<&str> = provider.regions.keys().map(String::as_str).collect();
    let Some(spot) = &section.value.region else {
        if needed && !all.is_empty() && provider.default_region.is_none() {
            let span = section.value.provider.as_ref().map_or(&section.span, |spot| &spot.span);
            let message = format!("{} has a host for each region: set `region`", provider.title);
            judge.report(
                Diagnostic::error("region", span.clone(), message)
                    .hint(format!("one of: {}", all.join(", "))),
            );
        }
        return None;
    };
    if provider.regions.contains_key(spot.as_str()) {
        return Some(spot.value.clone());
    }
    let name = values::shown(spot.as_str());
    judge.report(if all.is_empty() {
        Diagnostic::error("region", spot.span.clone(), format!("{} has no regions", provider.title))
            .hint("remove `region`")
    } else {
        let message = format!("{} has no region `{name}`", provider.title);
        let mut finding = Diagnostic::error("region", spot.span.clone(), message);
        if let Some(near) = nearest(spot.as_str(), all.iter().copied()) {
            finding = finding.hint(format!("did you mean `{near}`?"));
        }
        finding.hint(format!("one of: {}", all.join(", ")))
    });
    None
}

/// Names and sender addresses.
pub(super) fn identity(
    judge: &mut Judge,
    section: &RelaySection,
    rewrite: Option<&RewriteSection>,
    provider: Option<&Provider>,
    place: &Span,
) -> Identity {
    let what = "the full name of a host";
    let hostname =
        judge.read_if("host-name", "relay.hostname", what, section.hostname.as_ref(), values::fqdn);
    let origin = judge.read_if("domain", "relay.origin", "a domain", section.origin.as_ref(), values::domain);
    let helo_name =
        judge.read_if("host-name", "relay.helo-name", what, section.helo_name.as_ref(), values::helo_name);
    let from =
        judge.read_if("from", "relay.from", "a mail address or `@domain`", section.from.as_ref(), |text| {
            from(text, rewriting::receives(section))
        });
    let senders = rewriting::senders(judge, section, rewrite, from.as_ref());
    if let Some(provider) = provider {
        sender_rule(judge, section, provider, from.as_ref(), place);
    }
    Identity { hostname, origin, helo_name, from, senders }
}

fn from(text: &str, receives: bool) -> Result<From, values::Fault> {
    match text.strip_prefix('@') {
        Some(domain) => values::domain(domain).map(From::Domain),
        None if text.contains('<') && !receives => Err(values::Fault::new("it has a name").hint(format!(
            "write only the address; for a name in From: [rewrite.senders] \"*\" = \"{}\"",
            values::shown(text)
        ))),
        None if !text.contains('@') && values::domain(text).is_ok() => {
            Err(values::Fault::new("it has no `@`")
                .hint(format!("write `noreply@{text}`, or `@{text}` to keep the local part")))
        }
        None => values::address(text).map(From::Address),
    }
}

/// Checks senders by the rule of the provider.
fn sender_rule(
    judge: &mut Judge,
    section: &RelaySection,
    provider: &Provider,
    from: Option<&From>,
    place: &Span,
) {
    let title = &provider.title;
    let rule = provider.sender_rule.clone().unwrap_or_default();
    let span = section.from.as_ref().map_or(place, |spot| &spot.span).clone();
    let finding = match (provider.sender, from) {
        (SenderRule::Any, _)
        | (SenderRule::Verified, Some(_))
        | (SenderRule::Account, Some(From::Address(_))) => return,
        // A wrong `from` has its own finding.
        (_, None) if section.from.is_some() || judge.was_removed("relay.from") => return,
        (SenderRule::Verified | SenderRule::Account, None) => Diagnostic::warning(
            "sender",
            span,
            format!("without `from`, mail leaves as user@HOST, which {title} rejects"),
        )
        .hint("set from = \"noreply@acme.example\" with a sender of yours"),
        (SenderRule::Account, Some(From::Domain(_))) => Diagnostic::warning(
            "sender",
            span,
            format!("{title} accepts only the addresses of the account and rejects others of the domain"),
        )
        .hint("set `from` to the account's address"),
        (SenderRule::Rewritten, Some(From::Address(_))) => Diagnostic::new(
            Severity::Note,
            "sender",
            Some(span),
            format!("if `from` is not the account, {title} replaces it"),
        ),
        (SenderRule::Rewritten, _) => Diagnostic::warning(
            "sender",
            span,
            format!("{title} replaces sender addresses that do not belong to the account"),
        )
        .hint("set `from` to the address of the account"),
    };
    judge.report(if rule.is_empty() { finding } else { finding.hint(rule) });
}

/// Postfix ignores case.
pub(super) fn twice(key: &Spot<String>, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-name", key.span.clone(), format!("`{name}` is a duplicate"))
        .hint("upper and lower case are the same")
}

/// Files that the administrator provides on each host.
pub(super) fn own_files(judge: &mut Judge, section: &RelaySection) -> Vec<String> {
    let spots =
        judge.read_all("path", "relay.own-files", "absolute paths", section.own_files.as_ref(), values::path);
    let mut files: Vec<String> = spots.into_iter().map(|spot| spot.value).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Recipients of mail to local names.
pub(super) fn local_mail(
    judge: &mut Judge,
    section: &RelaySection,
    aliases: Option<&Entries<Many<String>>>,
    identity: &Identity,
) -> LocalMail {
    let mut root: Vec<String> = judge
        .read_all(
            "address",
            "relay.root-mail-to",
            "mail addresses",
            section.root_mail_to.as_ref(),
            values::address,
        )
        .into_iter()
        .map(|spot| spot.value)
        .collect();
    if section.root_mail_to.is_none() && !judge.was_removed("relay.root-mail-to") {
        match (&identity.from, &section.from) {
            (Some(From::Address(address)), Some(spot)) => {
                root.push(address.clone());
                let answers = ["noreply", "no-reply", "donotreply", "do-not-reply", "bounce", "bounces"];
                let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
                let unread = answers.contains(&local.as_str());
                let severity = if unread { Severity::Warning } else { Severity::Note };
                let message = format!("mail to root goes to `{address}`, the sender address");
                judge.report(
                    Diagnostic::new(severity, "root-mail", Some(spot.span.clone()), message)
                        .hint("set the recipient: root-mail-to = \"ops@acme.example\""),
                );
            }
            // A wrong `from` may have been the intended recipient.
            (None, from) if from.is_some() || judge.was_removed("relay.from") => {}
            _ => judge.report(
                Diagnostic::new(
                    Severity::Warning,
                    "root-mail",
                    section.from.as_ref().map(|spot| spot.span.clone()),
                    "mail to root has no recipient: it goes to root@HOST at the smarthost, which probably rejects it",
                )
                .hint("set the recipient: root-mail-to = \"ops@acme.example\" in [relay]"),
            ),
        }
    }
    let (domains, mail_domains) = rewriting::domains(judge, section);
    LocalMail { root_mail_to: root, aliases: check_aliases(judge, aliases), domains, mail_domains }
}

fn check_aliases(judge: &mut Judge, aliases: Option<&Entries<Many<String>>>) -> Vec<(String, Vec<String>)> {
    let Some(entries) = aliases else { return Vec::new() };
    let mut read: Vec<(Spot<String>, Vec<Spot<String>>)> = Vec::new();
    let mut names = BTreeSet::new();
    for (key, targets) in &entries.0 {
        let Some(name) = judge.read("local-name", "aliases", "local names", key, values::local_name) else {
            continue;
        };
        if name == "root" {
            judge.report(
                Diagnostic::error("alias", key.span.clone(), "mail to root has a separate key")
                    .hint("set root-mail-to in [relay]"),
            );
            continue;
        }
        let path = format!("aliases.{name}");
        let targets =
            judge.read_all("alias", &path, "an address or a local name", Some(&targets.value), |text| {
                if text.contains('@') { values::address(text) } else { alias_target(text) }
            });
        if targets.is_empty() {
            continue;
        }
        if names.insert(name.clone()) {
            read.push((Spot::new(name, key.span.clone()), targets));
        } else {
            judge.report(twice(key, &name));
        }
    }
    loops(judge, &read);
    read.into_iter()
        .map(|(name, targets)| (name.value, targets.into_iter().map(|target| target.value).collect()))
        .collect()
}

fn alias_target(text: &str) -> Result<String, values::Fault> {
    let no_delivery = |what: &str| {
        Err(values::Fault::new(format!("it is {what}, but the relay delivers nothing on the host"))
            .hint("write an address, or the name of another alias"))
    };
    match text.chars().next() {
        Some('|') => no_delivery("a command"),
        Some('/') => no_delivery("a file"),
        Some(':') => no_delivery("an include"),
        _ => values::local_name(text),
    }
}

/// Reports aliases that form a loop. Each loop is reported once, where it closes.
pub(super) fn loops(judge: &mut Judge, aliases: &[(Spot<String>, Vec<Spot<String>>)]) {
    let index: BTreeMap<&str, usize> =
        aliases.iter().enumerate().map(|(index, (key, _))| (key.value.as_str(), index)).collect();
    let mut state = vec![Walk::Ahead; aliases.len()];
    for start in 0..aliases.len() {
        if state[start] != Walk::Ahead {
            continue;
        }
        // An explicit path instead of recursion: a chain of aliases may be longer than the stack is deep.
        state[start] = Walk::OnPath;
        let mut path = vec![(start, aliases[start].1.iter())];
        while let Some((at, targets)) = path.last_mut() {
            let Some(target) = targets.next() else {
                state[*at] = Walk::Behind;
                path.pop();
                continue;
            };
            let Some(next) = index.get(target.value.as_str()).copied() else { continue };
            match state[next] {
                Walk::Behind => {}
                Walk::Ahead => {
                    state[next] = Walk::OnPath;
                    path.push((next, aliases[next].1.iter()));
                }
                Walk::OnPath => {
                    let name = &target.value;
                    judge.report(
                        Diagnostic::error(
                            "alias-loop",
                            target.span.clone(),
                            format!("mail to `{name}` leads back to `{name}`"),
                        )
                        .hint("set an address for one of these names"),
                    );
                }
            }
        }
    }
}

/// State of a walk along the aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    Ahead,
    OnPath,
    Behind,
}
