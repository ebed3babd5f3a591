//! `[services]`: services of master.cf.

use std::cell::Cell;

use super::judge::Judge;
use super::sending;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::ServiceSection;
use crate::keys::spot::{Entries, Spot};
use crate::relay::{Placed, ServiceOverride};

/// The services, in the order of the spec.
pub(super) fn check(judge: &mut Judge, table: Option<&Entries<ServiceSection>>) -> Vec<ServiceOverride> {
    let mut services: Vec<ServiceOverride> = Vec::new();
    for (key, section) in table.map(|table| table.0.as_slice()).unwrap_or_default() {
        let Some(id) = judge.read("service", "services", "names and types of services", key, id) else {
            continue;
        };
        services.push(read(judge, Placed { value: id, span: key.span.clone() }, &section.value));
    }
    services
}

fn read(judge: &mut Judge, id: Placed<String>, section: &ServiceSection) -> ServiceOverride {
    let path = format!("services.{}", id.value);
    let placed = |spot: &Option<Spot<bool>>| {
        spot.as_ref().map(|spot| Placed { value: spot.value, span: spot.span.clone() })
    };
    let what = "the name of a program of Postfix";
    let command = judge.read_if("service", &format!("{path}.command"), what, section.command.as_ref(), word);
    let command =
        command.zip(section.command.as_ref()).map(|(value, spot)| Placed { value, span: spot.span.clone() });
    let what = "seconds, as in `60` or `\"1000?\"`";
    let wakeup =
        judge.read_scalar("service", &format!("{path}.wakeup"), what, section.wakeup.as_ref(), wakeup);
    let what = "items without blanks";
    // Options behind `argv=` are for the program, such as `-oi` of sendmail(1).
    let of_program = Cell::new(false);
    let argument = |text: &str| {
        of_program.set(of_program.get() || text.starts_with("argv="));
        argument(text, of_program.get())
    };
    let arguments =
        judge.read_all("service", &format!("{path}.arguments"), what, section.arguments.as_ref(), argument);
    let enabled = section.enabled.as_ref().is_none_or(|spot| spot.value);
    let service = ServiceOverride {
        enabled,
        command,
        private: placed(&section.private),
        unprivileged: placed(&section.unprivileged),
        chroot: placed(&section.chroot),
        wakeup: wakeup.map(|spot| Placed { value: spot.value, span: spot.span }),
        max_processes: section.max_processes.as_ref().and_then(|spot| {
            Some(Placed { value: u32::try_from(spot.value).ok()?, span: spot.span.clone() })
        }),
        arguments: arguments.into_iter().map(|spot| Placed { value: spot.value, span: spot.span }).collect(),
        options: sending::parameters(judge, &format!("{path}.options"), section.options.as_ref()),
        id,
    };
    // Wrong keys were reported already.
    let said = says_more(section) || judge.removed.iter().any(|key| key.starts_with(&format!("{path}.")));
    if !enabled && said {
        let message = format!("`{}` is removed, so its other settings have no effect", service.id.value);
        let finding = Diagnostic::error("service", service.id.span.clone(), message);
        judge.report(finding.hint("keep only `enabled = false`, or remove it"));
    } else if enabled && !said {
        let message = format!("there are no settings for `{}`", service.id.value);
        let finding = Diagnostic::error("service", service.id.span.clone(), message);
        judge.report(finding.hint("remove the section, or set what should differ: `enabled = false`"));
    }
    service
}

/// Whether any key other than `enabled` is set.
fn says_more(section: &ServiceSection) -> bool {
    section.command.is_some()
        || section.private.is_some()
        || section.unprivileged.is_some()
        || section.chroot.is_some()
        || section.wakeup.is_some()
        || section.max_processes.is_some()
        || section.arguments.is_some()
        || section.options.is_some()
}

const KINDS: &[&str] = &["inet", "unix", "unix-dgram", "fifo", "pass"];

fn id(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    let Some((name, kind)) = text.split_once('/') else {
        return Err(Fault::new("it has no type")
            .hint(format!("write `{}/unix`, or `/inet` for a port", values::shown(text))));
    };
    if !KINDS.contains(&kind) {
        let why = format!("`{}` is not a type", values::shown(kind));
        return Err(Fault::new(why).hint(format!("the type of a service is {}", KINDS.join(", "))));
    }
    let more = if kind == "inet" { "._-:[]" } else { "._-" };
    let odd = name.chars().find(|c| !(c.is_ascii_alphanumeric() || more.contains(*c)));
    match odd {
        Some(odd) => Err(Fault::new(format!("{} is not allowed in a name", values::character(odd)))),
        None if name.is_empty() || name.starts_with('-') => Err(Fault::new("it has no name")),
        None => Ok(text.to_owned()),
    }
}

fn word(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-')) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", values::character(odd)))
            .hint("use `spawn` or `pipe`: arguments = [\"user=...\", \"argv=...\"]")),
        None => Ok(text.to_owned()),
    }
}

fn wakeup(text: &str) -> Result<String, Fault> {
    let seconds = text.strip_suffix('?').unwrap_or(text);
    match seconds.parse::<u32>() {
        Ok(0) if text.ends_with('?') => {
            Err(Fault::new("an interval of 0 seconds means never").hint("write `0`"))
        }
        Ok(_) if !seconds.starts_with('+') => Ok(text.to_owned()),
        _ => Err(Fault::new("it is not a whole number of seconds")),
    }
}

/// Checks that postconf(1) treats the value as one word.
fn argument(text: &str, of_program: bool) -> Result<String, Fault> {
    values::line(text)?;
    if text.starts_with("-o") && !of_program {
        return Err(Fault::new("it is an option of master.cf").hint("put it into `options`"));
    }
    if text.starts_with(['#', '{']) {
        return Err(Fault::new("master.cf would read it differently"));
    }
    let mut open = 0i32;
    for c in text.chars() {
        open += i32::from(c == '{') - i32::from(c == '}');
        if open < 0 {
            break;
        }
    }
    if open != 0 {
        return Err(Fault::new("its braces are not balanced"));
    }
    match text.chars().find(|c| c.is_whitespace()) {
        Some(_) => Err(Fault::new("it contains a blank").hint("make each part an item of the list")),
        None => Ok(text.to_owned()),
    }
}
