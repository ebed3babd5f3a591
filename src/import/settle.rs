//! Checks the draft: keys that `check` rejects are removed and reported as lost.

use super::map::{Given, Mapped, Other};
use super::reading::Reading;
use super::report::Code;
use crate::diag::{Diagnostic, Severity, Source};
use crate::plan::{self, Planned};
use crate::relay::Providers;
use crate::spec;

/// Each round removes at least one key.
const ROUNDS: usize = 400;

/// Checks the draft until only open questions are left, and reports each of them.
pub(super) fn settle(mapped: &mut Mapped, reading: &Reading<'_>) {
    check(mapped, reading);
    let open: Vec<(String, String)> = mapped
        .draft
        .entries()
        .iter()
        .filter(|entry| entry.is_open())
        .map(|entry| {
            let section = entry.section.split('#').next().unwrap_or(&entry.section);
            let question = entry.comments.last().map_or("", |line| line.trim_start_matches("TODO: "));
            (format!("{section}.{}", entry.key), question.to_owned())
        })
        .collect();
    for (path, question) in open {
        let known = mapped.others.iter().any(|other| other.code == Code::Asked && other.subject == path)
            || mapped.verdicts.values().any(|given| given.code == Code::Asked && given.keys.contains(&path));
        if !known {
            mapped.others.push(Other { code: Code::Asked, subject: path, place: None, reason: question });
        }
    }
}

fn check(mapped: &mut Mapped, reading: &Reading<'_>) {
    let providers = Providers::builtin();
    for _ in 0..ROUNDS {
        let (text, places) = mapped.draft.with_stand_ins();
        let source = Source { name: "import".to_owned(), text };
        let (checked, mut findings) = spec::load(&source, &providers);
        if let Some(checked) = checked {
            findings.extend(plan::check(&Planned::new(checked)));
        }
        let errors: Vec<&Diagnostic> =
            findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        if errors.is_empty() {
            return;
        }
        let mut removed: Vec<(usize, String, &'static str)> = Vec::new();
        for error in &errors {
            let Some((span, _)) = &error.label else { continue };
            let entry = places.iter().find(|(line, _)| line.contains(&span.start));
            if let Some((_, index)) = entry
                && may_go(mapped, *index)
                && !removed.iter().any(|(other, ..)| other == index)
            {
                removed.push((*index, error.message.clone(), error.code));
            }
        }
        removed.sort_by_key(|(index, ..)| std::cmp::Reverse(*index));
        if removed.is_empty() {
            let answered = |error: &Diagnostic| {
                let start = error.label.as_ref().map(|(span, _)| span.start);
                let entry = start.and_then(|start| places.iter().find(|(line, _)| line.contains(&start)));
                entry.is_some_and(|(_, index)| mapped.draft.entries()[*index].is_open())
            };
            // A fault of a placeholder depends on the answer.
            let errors: Vec<&Diagnostic> = errors.into_iter().filter(|error| !answered(error)).collect();
            let asked = errors.iter().any(|error| ask(mapped, error));
            if asked {
                continue;
            }
            for error in errors {
                open(mapped, error);
            }
            return;
        }
        for (index, message, code) in removed {
            let entry = &mapped.draft.entries()[index];
            // An item of a list, such as a smarthost, is nothing without its host.
            let section = (entry.key == "host" && entry.section.contains('#')).then(|| entry.section.clone());
            // A service of the administrator's own would do something else without its options.
            let service = (entry.key == "options" && mapped.draft.get(&entry.section, "command").is_some())
                .then(|| entry.section.clone());
            let whole = take_out(mapped, reading, index, &message, code);
            if let Some(section) = section.or(service.filter(|_| whole)) {
                mapped.draft.remove_section(&section);
                break;
            }
        }
    }
}

/// Whether the draft is still a spec of the same relay without a key.
fn may_go(mapped: &Mapped, index: usize) -> bool {
    mapped.draft.entries().get(index).is_some_and(|entry| {
        let needed = entry.section == "package"
            || (entry.section == "relay" && matches!(entry.key.as_str(), "profile" | "provider"));
        !needed && !entry.is_open()
    })
}

/// Adds a question for a missing key. Returns false if there is none, or if the question exists.
fn ask(mapped: &mut Mapped, error: &Diagnostic) -> bool {
    let path = match (error.code, error.message.split('`').nth(1)) {
        ("missing-key", Some(path)) => path.to_owned(),
        ("certificate" | "server-auth", _) => "server.certificate".to_owned(),
        ("region", _) => "relay.region".to_owned(),
        _ => return false,
    };
    let (section, key, list, stand_in) = match path.as_str() {
        "inbound.domains" => ("inbound.domains", "acme.example", false, "todo.backend.example"),
        "mailboxes.addresses" => ("mailboxes", "addresses", true, "jane@mailboxes.example"),
        "smarthost.host" | "relay.provider" => ("smarthost", "host", false, "todo.smarthost.example"),
        "server.certificate" => ("server", "certificate", false, "/etc/ssl/mail.pem"),
        "network.trusted" => ("network", "trusted", true, "192.0.2.1"),
        "database.name" => ("database", "name", false, "vimbadmin"),
        "milter.servers" => ("milter", "servers", false, "inet:127.0.0.1:11332"),
        _ => return false,
    };
    if mapped.draft.get(section, key).is_some() {
        return false;
    }
    let hint = error.hints.first().cloned().unwrap_or_default();
    mapped.draft.ask(section, key, list, stand_in, &format!("{} ({hint})", error.message));
    mapped.others.push(Other {
        code: Code::Asked,
        subject: path,
        place: None,
        reason: error.message.clone(),
    });
    true
}

/// Takes a key out, or one of its options, and says so of the settings that it came from. Returns whether nothing of it is left.
fn take_out(mapped: &mut Mapped, reading: &Reading<'_>, index: usize, message: &str, code: &str) -> bool {
    let refused = mapped.draft.entries().get(index).and_then(|entry| {
        let options = entry.value.as_table()?;
        let name = options.keys().find(|name| message.contains(&format!("`{name}`")))?.clone();
        (options.len() > 1).then(|| (format!("{}.{name}", entry.section), name))
    });
    if let Some((subject, name)) = refused {
        mapped.draft.without_option(index, &name);
        let reason = format!("check rejects it ({code}): {message}");
        mapped.others.push(Other { code: Code::Lost, subject, place: None, reason });
        return false;
    }
    let entry = mapped.draft.remove(index);
    let path = format!("{}.{}", entry.section, entry.key);
    let reason = format!("check rejects it ({code}): {message}");
    if entry.origins.is_empty() {
        mapped.others.push(Other { code: Code::Lost, subject: path, place: None, reason });
        return true;
    }
    for name in &entry.origins {
        match reading.setting(name) {
            Some(_) => {
                let keys = vec![path.clone()];
                let others = mapped.draft.entries().iter().any(|other| other.origins.contains(name));
                if others {
                    mapped.others.push(Other {
                        code: Code::Lost,
                        subject: path.clone(),
                        place: reading.setting(name).map(|it| it.place.clone()),
                        reason: reason.clone(),
                    });
                    mapped.verdicts.insert(
                        name.clone(),
                        Given { code: Code::Changed, keys, reason: "a part of it is lost".to_owned() },
                    );
                } else {
                    mapped
                        .verdicts
                        .insert(name.clone(), Given { code: Code::Lost, keys, reason: reason.clone() });
                }
            }
            None => mapped.others.push(Other {
                code: Code::Lost,
                subject: name.clone(),
                place: None,
                reason: reason.clone(),
            }),
        }
    }
    true
}

/// A finding without a place in the draft: something is missing, and a person has to add it.
fn open(mapped: &mut Mapped, error: &Diagnostic) {
    let hint = error.hints.first().cloned().unwrap_or_default();
    mapped.draft.head.push(format!("TODO: {} ({hint})", error.message));
    mapped.others.push(Other {
        code: Code::Asked,
        subject: error.code.to_owned(),
        place: None,
        reason: error.message.clone(),
    });
}
