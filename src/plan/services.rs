//! Edits of single services of master.cf from the spec, and checks that the relay still works.
//!
//! The sources are master(5), postconf(1), the man pages of the daemons, and what is measured in `pkg/postfix`.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use super::verdicts::{self, Facts, Place};
use crate::diag::{Diagnostic, Severity, Span, nearest};
use crate::platform::Format;
use crate::postfix::Parameter;
use crate::postfix::check::{Context, parameters, unbroken, value, whole};
use crate::postfix::main_cf::MainCf;
use crate::postfix::master_cf::{self, Argument, Column, Edit, Kind, Service, Wakeup, flag};
use crate::postfix::services::{Program, Shipped};
use crate::relay::{Placed, Profile, Recipients, Relay, ServiceOverride};

/// Edits of master.cf, behind those of all other sections.
pub(super) fn edits(relay: &Relay) -> Result<Vec<Edit>, String> {
    let mut edits = Vec::new();
    for own in &relay.services {
        let before = edits.len();
        if own.enabled {
            add(&mut edits, own)?;
        } else {
            edits.push(Edit::Remove(own.id.value.clone()));
        }
        for edit in &edits[before..] {
            edit.validate()?;
        }
    }
    Ok(edits)
}

fn add(edits: &mut Vec<Edit>, own: &ServiceOverride) -> Result<(), String> {
    let service = || own.id.value.clone();
    if own.command.is_some() {
        edits.push(Edit::Service(whole_service(own)?));
        return Ok(());
    }
    let said = |placed: &Option<Placed<bool>>| placed.as_ref().map(|said| flag(said.value).to_owned());
    let columns = [
        (Column::Private, said(&own.private)),
        (Column::Unprivileged, said(&own.unprivileged)),
        (Column::Chroot, said(&own.chroot)),
        (Column::Wakeup, own.wakeup.as_ref().map(|said| said.value.clone())),
        (Column::MaxProcesses, own.max_processes.as_ref().map(|said| said.value.to_string())),
    ];
    for (column, text) in columns {
        edits.extend(text.map(|value| Edit::Column { service: service(), column, value }));
    }
    for option in &own.options {
        edits.push(Edit::Override {
            service: service(),
            name: option.name.clone(),
            value: unbroken(option)?,
        });
    }
    Ok(())
}

/// A service of the spec's own, with what its program insists on where the spec does not say it.
fn whole_service(own: &ServiceOverride) -> Result<Service, String> {
    let (name, kind) = own.id.value.split_once('/').unwrap_or_default();
    let command = own.command.as_ref().map(|command| command.value.as_str()).unwrap_or_default();
    let program = Program::get(command);
    let mut service = Service::new(name, kind.parse()?, command);
    let said = |placed: &Option<Placed<bool>>| placed.as_ref().map(|said| said.value);
    service.private = said(&own.private).or(service.private);
    service.unprivileged =
        said(&own.unprivileged).or(program.and_then(|program| program.privileged.then_some(false)));
    service.chroot = said(&own.chroot).or(service.chroot);
    service.wakeup = own.wakeup.as_ref().map(|said| said.value.parse::<Wakeup>()).transpose()?;
    service.max_processes =
        own.max_processes.as_ref().map(|said| said.value).or(program.and_then(|program| program.limit));
    for option in &own.options {
        service = service.with(&option.name, value(option).map_err(|error| error.to_string())?);
    }
    service.arguments.extend(own.arguments.iter().map(|word| Argument::Word(word.value.clone())));
    Ok(service)
}

/// Names of all services that master.cf can have: Postfix's, and those of the spec and its sections.
pub(super) fn names(relay: &Relay, formats: &[Format]) -> Vec<String> {
    let mut edits = super::host::master_edits(relay);
    edits.extend(formats.iter().flat_map(|format| super::policies::edits(relay, format.facts())));
    let shipped = Shipped::all().map(|shipped| shipped.id.to_owned());
    let own = relay.services.iter().filter(|own| own.enabled).map(|own| own.id.value.clone());
    let ids = shipped.chain(made(&edits).into_iter().map(|made| made.id)).chain(own);
    ids.filter_map(|id| Some(id.rsplit_once('/')?.0.to_owned())).collect()
}

/// Edits of a service by other sections.
struct Made {
    id: String,
    /// Its program, if all of it is theirs.
    program: Option<String>,
    /// Parameters that they set for it.
    options: Vec<String>,
}

fn made(edits: &[String]) -> Vec<Made> {
    let read = |edit: &String| match edit.split_once(' ')? {
        ("M", rest) => {
            let (id, line) = rest.split_once('=')?;
            let service = master_cf::parse(line).ok()?.pop()?;
            let options = service.arguments.into_iter().filter_map(|argument| match argument {
                Argument::Override(name, _) => Some(name),
                Argument::Word(_) => None,
            });
            Some(Made { id: id.to_owned(), program: Some(service.command), options: options.collect() })
        }
        ("P", rest) => {
            let (place, _) = rest.split_once('=')?;
            let (id, name) = place.rsplit_once('/')?;
            Some(Made { id: id.to_owned(), program: None, options: vec![name.to_owned()] })
        }
        _ => None,
    };
    edits.iter().filter_map(read).collect()
}

/// Checks the services of a spec. `others` are the edits of its other sections, `bare` the formats whose Postfix has no prepared
/// chroot.
pub(super) fn check(
    facts: &Facts<'_>,
    others: &[String],
    bare: &[&str],
    context: &Context<'_>,
) -> Vec<Diagnostic> {
    let relay = facts.relay;
    let made = made(others);
    let mut findings = Vec::new();
    for own in &relay.services {
        let mut judge = Judge {
            relay,
            own,
            shipped: Shipped::get(&own.id.value),
            made: made.iter().filter(|made| made.id == own.id.value).collect(),
            findings: Vec::new(),
        };
        judge.existence(&made);
        if judge.findings.is_empty() && own.enabled {
            judge.columns(bare);
            judge.arguments();
            judge.options(context, facts);
        }
        findings.append(&mut judge.findings);
    }
    findings.extend(same_port(relay, &made));
    findings
}

struct Judge<'a> {
    relay: &'a Relay,
    own: &'a ServiceOverride,
    shipped: Option<Shipped>,
    made: Vec<&'a Made>,
    findings: Vec<Diagnostic>,
}

impl<'a> Judge<'a> {
    fn error(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        let hint = hint.into();
        let finding = Diagnostic::error("service", span.clone(), message);
        self.findings.push(if hint.is_empty() { finding } else { finding.hint(hint) });
    }

    /// The program that another section, or Postfix's package, has it run.
    fn given(&self) -> Option<&'a str> {
        let theirs = self.made.iter().find_map(|made| made.program.as_deref());
        theirs.or(self.shipped.filter(|shipped| shipped.everywhere).map(|shipped| shipped.program))
    }

    fn existence(&mut self, made: &[Made]) {
        let own = self.own;
        let id = &own.id;
        let name = id.value.as_str();
        if !own.enabled {
            if let Some(why) = self.needed() {
                self.error(&id.span, format!("`{name}` cannot be removed: {why}"), "leave it as it is");
            } else if self.shipped.is_none() {
                self.unknown(made);
            }
            return;
        }
        match (&own.command, self.given()) {
            (Some(command), Some(program)) => {
                let message = format!("`{name}` already exists, and runs {program}(8)");
                let hint = "remove `command`, or give your service a different name";
                self.error(&command.span, message, hint);
            }
            (Some(command), None) if Program::get(&command.value).is_none() => {
                let message = format!("Postfix has no program `{}`", command.value);
                let hint = match Program::nearest(&command.value) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "use `spawn` or `pipe`".to_owned(),
                };
                self.error(&command.span, message, hint);
            }
            (None, None) => match self.shipped {
                Some(shipped) => {
                    let message = format!("not every Postfix has the service `{name}`");
                    let hint = format!("define it completely, with command = \"{}\"", shipped.program);
                    self.error(&id.span, message, hint);
                }
                None => self.unknown(made),
            },
            _ => {}
        }
    }

    fn unknown(&mut self, made: &[Made]) {
        let own = self.own;
        let (name, kind) = own.id.value.split_once('/').unwrap_or_default();
        let known = Shipped::all().map(|shipped| shipped.id).chain(made.iter().map(|made| made.id.as_str()));
        let alike = known.filter_map(|id| id.split_once('/')).filter(|id| id.1 == kind).map(|id| id.0);
        let hint = match nearest(name, alike) {
            Some(near) => format!("did you mean `{near}/{kind}`?"),
            None => "a service of your own needs `command`, the program of Postfix that it runs".to_owned(),
        };
        self.error(&own.id.span, format!("Postfix has no service `{}`", own.id.value), hint);
    }

    /// Why this relay cannot be without it.
    fn needed(&self) -> Option<&'static str> {
        let relay = self.relay;
        if !self.made.is_empty() {
            return Some("another section of the spec needs it");
        }
        let verifies = || {
            let asked = relay.inbound.as_ref().is_some_and(|it| it.recipients == Recipients::Verified);
            let server = relay.server.iter().map(|server| &server.restrictions);
            let mut own =
                server.flat_map(|own| [&own.client, &own.helo, &own.sender, &own.recipient]).flatten();
            let mut written = relay.parameters.iter();
            asked
                || own.any(|one| one.text.contains("reject_unverified"))
                || written.any(|parameter| parameter.value.contains("reject_unverified"))
        };
        match self.own.id.value.as_str() {
            "smtp/inet" if relay.profile != Profile::NullClient => Some("clients connect to it"),
            "relay/unix" if relay.inbound.is_some() => Some("it relays mail for the domains"),
            "lmtp/unix" if relay.mailboxes.is_some() => Some("it delivers mail to the mailboxes"),
            "proxywrite/unix" if relay.postscreen.is_some() => Some("postscreen stores its cache through it"),
            "verify/unix" if verifies() => Some("it verifies addresses"),
            _ => self.shipped.and_then(|shipped| shipped.needed),
        }
    }

    /// The program that it runs.
    fn program(&self) -> Option<Program> {
        let own = self.own.command.as_ref().map(|command| command.value.as_str());
        Program::get(own.or(self.given())?)
    }

    fn columns(&mut self, bare: &[&str]) {
        let own = self.own;
        let Some(program) = self.program() else { return };
        let limit = match self.shipped.filter(|_| own.command.is_none() && self.made.is_empty()) {
            Some(shipped) => shipped.limit(),
            None => program.limit,
        };
        if let (Some(said), Some(limit)) = (&own.max_processes, limit)
            && said.value != limit
        {
            let message = format!("{}(8) stops with a process limit other than {limit}", program.name);
            self.error(&said.span, message, "remove `max-processes`");
        }
        let inet = own.id.value.ends_with("/inet");
        if let Some(said) = own.private.as_ref().filter(|said| said.value && inet) {
            let message = "a port cannot be private: it is open to all clients that can reach the address";
            self.error(&said.span, message, "let it listen on the loopback: \"127.0.0.1:PORT/inet\"");
        }
        let (host, _) = port(own.id.value.split('/').next().unwrap_or_default());
        if inet && self.relay.server.is_none() && !host.is_empty() && !is_loopback(host) {
            let message = "only the host itself may reach a relay without clients";
            self.error(&own.id.span, message, "let it listen on the loopback: \"127.0.0.1:PORT/inet\"");
        }
        if let Some(said) = own.private.as_ref().filter(|_| self.given().is_some() && !inet) {
            let message = "this would move its socket, and Postfix would not find it";
            self.error(&said.span, message, "remove `private`");
        }
        if let Some(said) = own.unprivileged.as_ref().filter(|said| said.value && program.privileged) {
            self.error(
                &said.span,
                format!("{}(8) must start as root", program.name),
                "remove `unprivileged`",
            );
        }
        let Some(said) = own.chroot.as_ref().filter(|said| said.value) else { return };
        if let Some(why) = program.no_chroot {
            self.error(
                &said.span,
                format!("{}(8) cannot run in a chroot: {why}", program.name),
                "write `chroot = false`",
            );
        } else if !bare.is_empty() {
            let message = "only Postfix of Debian and Ubuntu copies files that a chroot needs, such as resolv.conf, into the queue folder";
            let finding = Diagnostic::warning("chroot", said.span.clone(), message).labelled(bare.join(", "));
            self.findings
                .push(finding.hint("provide it yourself, or list distributions: targets in [package]"));
        }
    }

    fn arguments(&mut self) {
        let own = self.own;
        let Some(command) = &own.command else {
            if let Some(first) = own.arguments.first() {
                let message = "the arguments of a service that already exists stay as they are";
                self.error(
                    &first.span,
                    message,
                    "parameters go into `options`; a service of your own has `command`",
                );
            }
            return;
        };
        if !["pipe", "spawn"].contains(&command.value.as_str()) {
            return;
        }
        let find = |key: &str| own.arguments.iter().find(|word| word.value.starts_with(key));
        for key in ["user=", "argv="] {
            if find(key).is_none() {
                let message = format!("{}(8) stops without `{key}...`", command.value);
                self.error(&command.span, message, format!("put it into `arguments`: \"{key}...\""));
            }
        }
        if let Some(user) = find("user=").filter(|word| is_root(&word.value)) {
            self.error(
                &user.span,
                format!("{}(8) runs nothing as root", command.value),
                "choose a different user",
            );
        }
    }

    /// The parameters one by one; [`together`] sees them with main.cf.
    fn options(&mut self, context: &Context<'_>, facts: &Facts<'_>) {
        let own = self.own;
        let is_theirs = own.command.is_some() || self.made.iter().any(|made| made.program.is_some());
        let place = if is_theirs { Place::OwnService } else { Place::Service };
        let refusal = |option: &Parameter| verdicts::judge(option, place, facts);
        let here = Context {
            refusal: &refusal,
            targets: context.targets.clone(),
            defined: context.defined,
            parts: false,
            classes: context.classes,
            brought: context.brought,
            clear: context.clear,
            has_file: context.has_file,
        };
        self.findings.extend(parameters(&own.options, &here));
        for option in &own.options {
            if self.made.iter().any(|made| made.options.contains(&option.name)) {
                let message = format!("another section of the spec sets `{}` for this service", option.name);
                self.error(&option.name_span, message, "remove it");
            } else if own.command.is_none() && value(option).is_ok() && unbroken(option).is_err() {
                let message = "postconf(1) does not accept blanks for a service that already exists";
                self.error(
                    &option.value_span,
                    message,
                    "a list can have commas without blanks; other values cannot",
                );
            }
        }
    }
}

/// Checks main.cf together with the options of a service: open relays, passwords without encryption.
pub(super) fn together(relay: &Relay, main: &MainCf, context: &Context<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for own in relay.services.iter().filter(|own| !own.options.is_empty()) {
        let mut read = MainCf::new();
        let is_own = |name: &str| own.options.iter().any(|option| option.name == name);
        let kept = main.iter().filter(|setting| !is_own(&setting.name));
        let settings = kept.map(|setting| (setting.name.as_str(), Some(setting.value.clone())));
        // Programs of the host may say what a proxy would.
        let is_private = {
            let (name, kind) = own.id.value.split_once('/').unwrap_or_default();
            kind == "unix" || is_loopback(port(name).0)
        };
        let counts = |name: &str| !(is_private && name.ends_with("_upstream_proxy_protocol"));
        let options = own.options.iter().filter(|option| counts(&option.name));
        let options = options.map(|option| (option.name.as_str(), value(option).ok()));
        for (name, value) in settings.chain(options) {
            // Values that cannot be written were reported before.
            let _ = value.map(|value| read.set(name, value));
        }
        let known = whole(main, &relay.parameters, context);
        for mut finding in whole(&read, &own.options, context) {
            let is_known =
                |other: &Diagnostic| other.code == finding.code && other.message == finding.message;
            let counts = finding.severity == Severity::Error || finding.code == "may-relay";
            if !counts || known.iter().any(is_known) {
                continue;
            }
            if finding.label.is_none() {
                finding.label = Some((own.id.span.clone(), String::new()));
            }
            findings.push(finding);
        }
    }
    findings
}

/// Whether `user=NAME:GROUP` names root, by name or number, or its group.
fn is_root(argument: &str) -> bool {
    let is_root =
        |name: &str| name == "root" || (!name.is_empty() && name.bytes().all(|digit| digit == b'0'));
    argument.split([':', '=']).skip(1).any(is_root)
}

/// Ports by the names that Postfix's master.cf has for them.
fn port(name: &str) -> (&str, &str) {
    let (host, port) = name.rsplit_once(':').unwrap_or(("", name));
    let number = match port {
        "smtp" => "25",
        "submission" => "587",
        "smtps" | "submissions" => "465",
        other => other,
    };
    (host, number)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Two services at one port: master(8) cannot bind the second, and ends.
fn same_port(relay: &Relay, made: &[Made]) -> Vec<Diagnostic> {
    let removed = |id: &str| relay.services.iter().any(|own| !own.enabled && own.id.value == id);
    let shipped = Shipped::all().filter(|shipped| shipped.everywhere).map(|shipped| shipped.id);
    let mut taken: Vec<&str> =
        shipped.chain(made.iter().map(|made| made.id.as_str())).filter(|id| !removed(id)).collect();
    let mut findings = Vec::new();
    for own in relay.services.iter().filter(|own| own.enabled && own.command.is_some()) {
        let id = own.id.value.as_str();
        let Some((name, Kind::Inet)) =
            id.split_once('/').and_then(|(name, kind)| Some((name, kind.parse().ok()?)))
        else {
            continue;
        };
        let (host, number) = port(name);
        let meets = |other: &&&str| {
            let Some((other, "inet")) = other.split_once('/') else { return false };
            let (there, same) = port(other);
            same == number && (there == host || there.is_empty() || host.is_empty())
        };
        if let Some(other) = taken.iter().find(meets) {
            let message = format!("`{other}` already listens on port {number}: Postfix would not start");
            findings.push(
                Diagnostic::error("service", own.id.span.clone(), message)
                    .hint("choose a different port, or disable the other service: enabled = false"),
            );
        }
        taken.push(id);
    }
    findings
}
