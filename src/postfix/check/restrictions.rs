//! Access restriction lists of smtpd(8).

use super::super::catalogue::{Catalogue, RestrictionInfo, RestrictionState};
use super::super::list::{Item, items};
use super::super::network::is_domain;
use super::{Subject, is_expression, lists, maps};

/// Restrictions that are allowed in lists of other daemons than smtpd(8).
const REWRITE: [&str; 6] = [
    "check_address_map",
    "permit_inet_interfaces",
    "permit_mynetworks",
    "permit_sasl_authenticated",
    "permit_tls_all_clientcerts",
    "permit_tls_clientcerts",
];
const POSTSCREEN: [&str; 3] = ["permit", "permit_mynetworks", "reject"];

/// Checks a restriction list of a stage.
pub(super) fn check(subject: &mut Subject<'_>, stage: &str) {
    let value = subject.value;
    let all = items(value);
    let mut rest = all.iter();
    while let Some(item) = rest.next() {
        if is_expression(item.text) && !item.text.contains(':') {
            continue;
        }
        // A table alone is looked up for what the stage looks at.
        if item.text.contains(':') {
            maps::one(subject, item.text, item.start);
            continue;
        }
        let few: Option<&[&str]> = match stage {
            "rewrite" => Some(&REWRITE),
            "postscreen" => Some(&POSTSCREEN),
            _ => None,
        };
        let known =
            Catalogue::restriction(item.text).filter(|info| info.subject != "rewrite" || stage == "rewrite");
        if let Some(few) = few.filter(|few| !few.contains(&item.text)) {
            unknown(subject, item, few);
            continue;
        }
        let Some(info) = known else {
            // This is the only way to name a user-defined list.
            if !subject.is_class(item.text) {
                unknown(subject, item, &[]);
            }
            continue;
        };
        state(subject, &info, item);
        place(subject, &info, item, stage);
        if let Some(kind) = info.argument.filter(|kind| *kind != "restriction") {
            argument(subject, &info, kind, item, rest.next());
        } else if info.argument.is_some() && rest.len() == 0 {
            subject.error(
                "restriction",
                Some(item.range()),
                format!("no restriction follows `{}`", item.text),
            );
        }
    }
    if subject.findings.is_empty() && subject.place.is_some() && !subject.context.parts {
        everything(subject, stage);
    }
}

fn unknown(subject: &mut Subject<'_>, item: &Item<'_>, few: &[&str]) {
    let name = subject.name;
    let message =
        format!("`{}` is no restriction for `{name}`: Postfix would refuse mail with 451", item.text);
    subject.error("unknown-restriction", Some(item.range()), message);
    if !few.is_empty() {
        subject.hint(format!("It takes {} and tables.", few.join(", ")));
    } else if let Some(nearest) = Catalogue::nearest_restriction(item.text) {
        subject.hint(format!("Did you mean `{nearest}`?"));
    }
}

fn state(subject: &mut Subject<'_>, info: &RestrictionInfo, item: &Item<'_>) {
    let (message, instead) = match info.state {
        RestrictionState::Current => return,
        RestrictionState::Removed(version, instead) => {
            (format!("`{}` is gone since Postfix {version}", info.name), instead)
        }
        RestrictionState::Deprecated(version, instead) => {
            (format!("Postfix {version} and later warn about `{}` in the log", info.name), instead)
        }
        RestrictionState::OldName(instead) => (format!("`{}` is an old name", info.name), instead),
    };
    subject.error("deprecated-restriction", Some(item.range()), message);
    let hint = subject.own_words(instead).unwrap_or(format!("Use `{instead}`."));
    subject.hint(hint);
}

/// Restrictions that look at something the stage does not have: postconf(5), the section of each list about what is valid in it.
fn place(subject: &mut Subject<'_>, info: &RestrictionInfo, item: &Item<'_>, stage: &str) {
    let name = subject.name;
    let range = Some(item.range());
    match (info.subject, stage) {
        ("etrn", "etrn") | ("bounce", "data" | "class") => {}
        ("etrn", _) | ("sender" | "recipient" | "bounce", "etrn") => {
            let message = format!("`{}` has nothing to look at in `{name}`", info.name);
            subject.error("restriction-place", range, message);
            let list = match info.subject {
                "etrn" => "smtpd_etrn_restrictions",
                "sender" => "smtpd_sender_restrictions",
                "bounce" => "smtpd_data_restrictions",
                _ => "smtpd_recipient_restrictions",
            };
            subject.put_into(list);
        }
        // "However, no recipient information is available in the case of multi-recipient mail."
        ("recipient", "data") => {
            let message = format!("`{}` does not see messages to several recipients in `{name}`", info.name);
            subject.warning("restriction-place", range, message);
            subject.put_into("smtpd_recipient_restrictions");
        }
        // "Use at the RCPT stage will only reject the second etc. recipient."
        ("bounce", _) => {
            let message = format!("`{}` lets the first recipient pass in `{name}`", info.name);
            subject.warning("restriction-place", range, message);
            subject.hint("Put it into `smtpd_data_restrictions`, where all recipients are known.".to_owned());
        }
        _ => {}
    }
}

/// A list of main.cf that accepts or refuses everything as it is written.
fn everything(subject: &mut Subject<'_>, stage: &str) {
    if matches!(stage, "rewrite" | "postscreen" | "class" | "etrn") {
        return;
    }
    let name = subject.name;
    // Values of other parameters are checked with the whole file.
    let Some(end) = lists::end(subject.value, stage, &|_| None, &|_| false) else { return };
    let range = Some(end.step.range.clone());
    if !end.permits && !end.permitting {
        subject.error(
            "refuses-everything",
            range,
            format!("`{name}` refuses everything: nothing before `{}` permits", end.step.text()),
        );
        subject.hint("Put a restriction that permits before it, such as `permit_mynetworks`.".to_owned());
    } else if end.permits && !end.refusing {
        subject.warning(
            "accepts-everything",
            range,
            format!("`{name}` accepts everything, as an empty list does"),
        );
    } else if let Some(next) = end.next {
        let message = format!("nothing after `{}` is looked at", end.step.text());
        subject.warning("restriction-order", Some(next), message);
    }
}

/// Lists that ended, with the year. Some of them answer everything with "listed" to be rid of who still asks.
const DEAD_LISTS: &[(&str, u16)] = &[
    ("ahbl.org", 2015),
    ("dsbl.org", 2009),
    ("njabl.org", 2013),
    ("ordb.org", 2006),
    ("sorbs.net", 2024),
    ("spamcannibal.org", 2018),
];

fn dead_list(subject: &mut Subject<'_>, argument: &Item<'_>) {
    let domain = argument.text.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| domain == name || domain.ends_with(&format!(".{name}"));
    if let Some((name, year)) = DEAD_LISTS.iter().find(|(name, _)| is(name)) {
        let message = format!("the list `{name}` ended in {year}: it stops nothing, or everything");
        subject.error("dead-list", Some(argument.range()), message);
        subject.hint("Remove it.".to_owned());
    }
}

fn argument(
    subject: &mut Subject<'_>,
    info: &RestrictionInfo,
    kind: &str,
    item: &Item<'_>,
    argument: Option<&Item<'_>>,
) {
    let name = info.name;
    let Some(argument) = argument else {
        subject.error("restriction", Some(item.range()), format!("nothing follows `{name}`"));
        return;
    };
    if is_expression(argument.text) && kind != "map" {
        return;
    }
    let text = argument.text;
    let fits = match kind {
        "map" if text.contains(':') || text.starts_with('$') => {
            maps::one(subject, text, argument.start);
            true
        }
        "policy" => {
            let endpoint = text.trim_start_matches(['{', ' ']);
            ["inet:", "unix:", "local:"].iter().any(|scheme| endpoint.starts_with(scheme))
        }
        "domain" => {
            let domain = text.split('=').next().unwrap_or_default();
            domain.contains('.') && is_domain(domain)
        }
        "seconds" => text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    if fits && kind == "domain" {
        dead_list(subject, argument);
    }
    if !fits {
        let wanted = match kind {
            "map" => "a table, `type:name`",
            "policy" => "a policy service, `inet:host:port` or `unix:path`",
            "domain" => "a domain",
            _ => "a number of seconds",
        };
        let message = format!("`{text}` cannot follow `{name}`: it takes {wanted}");
        subject.error("restriction", Some(argument.range()), message);
    } else if kind == "policy" && text.starts_with('{') && (text.contains(" =") || text.contains("= ")) {
        let message = "there are blanks around `=`: smtpd(8) would not start".to_owned();
        subject.error("restriction", Some(argument.range()), message);
        subject.hint("Write `name=value`.".to_owned());
    }
}
