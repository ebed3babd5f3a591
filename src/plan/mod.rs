//! From a checked relay and the facts of a target to what must be on a host, and to the neutral package.

mod clients;
mod companions;
mod content;
mod entry;
mod facts;
mod host;
mod inbound;
mod layer;
mod lint;
mod mailboxes;
mod main_cf;
mod memory;
mod next_hops;
mod own_tables;
mod policies;
mod postscreen;
pub mod program;
mod recipes;
mod recipients;
mod render;
mod rewriting;
mod senders;
mod services;
mod submission;
mod surroundings;
mod table;
mod tables;
mod tls_policies;
mod transports;
mod verdicts;
mod words;

pub use companions::Companion;
pub use lint::check;
pub use memory::Memory;
pub use recipes::Recipe;
pub use render::{HostFile, render};
#[cfg(test)]
pub(crate) use verdicts::samples;
pub use verdicts::{ParameterRule, parameter_rule};

use std::sync::{Arc, OnceLock};

use crate::keys::HostProgram;
use crate::package::{Content, Entry, Lifecycle, Package, Relation, Relations, Requirement, Watch};
use crate::platform::{Format, FormatFacts};
use crate::relay::{Auth, Relay};
use crate::spec::Checked;
use crate::template::Templates;
use memory::Known;

/// Why a plan cannot be made. Specs are checked before, so this is about templates, or is a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A parameter that cannot be written.
    #[error("main.cf: `{name}`: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A service that cannot be edited so.
    #[error("master.cf: {0}")]
    Service(String),
    /// A table row that cannot be written.
    #[error("{table}: {reason}")]
    Table {
        /// The file.
        table: String,
        /// Why.
        reason: String,
    },
    /// A template that does not render, or renders something else than it was given.
    #[error(transparent)]
    Template(#[from] crate::template::Error),
    /// A relation in our data or in the spec that says nothing.
    #[error("`{0}` is no package relation")]
    Relation(String),
}

/// A checked spec with what is the same in its packages of all formats, made when it is first asked for.
#[derive(Debug)]
pub struct Planned {
    /// The spec.
    pub checked: Checked,
    memory: Arc<Memory>,
    host: OnceLock<Arc<Known>>,
    alike: OnceLock<Vec<Entry>>,
}

impl Planned {
    /// A spec of which nothing is made yet.
    pub fn new(checked: Checked) -> Self {
        Self::among(checked, &Arc::default())
    }

    /// Plans one of many relays with the same templates. Common parts are planned and checked once.
    pub fn among(mut checked: Checked, memory: &Arc<Memory>) -> Self {
        own_tables::expand(&mut checked.relay);
        Self { checked, memory: Arc::clone(memory), host: OnceLock::new(), alike: OnceLock::new() }
    }

    fn known(&self) -> Result<&Known, PlanError> {
        if let Some(known) = self.host.get() {
            return Ok(known);
        }
        let known = self.memory.of(host::host_plan(&self.checked.relay)?);
        Ok(self.host.get_or_init(|| known))
    }

    fn host(&self) -> Result<&host::HostPlan, PlanError> {
        Ok(&self.known()?.plan)
    }

    /// The text of main.cf, by the templates that are first given.
    fn main_cf(&self, templates: &Templates) -> Result<&Content, PlanError> {
        let known = self.known()?;
        if let Some(text) = known.text.get() {
            return Ok(text);
        }
        let text = host::main_cf_text(&known.plan.main_cf, templates)?;
        Ok(known.text.get_or_init(|| text.into()))
    }

    /// The entries that the packages of all formats have alike.
    fn alike(&self, templates: &Templates) -> Result<&[Entry], PlanError> {
        if let Some(entries) = self.alike.get() {
            return Ok(entries);
        }
        let entries = host::alike(self, templates)?;
        Ok(self.alike.get_or_init(|| entries))
    }
}

/// The package of a relay in a format. All packages of one [`Planned`] are made with the same templates.
///
/// # Errors
/// If a template fails. Everything a spec can do wrong is found by [`check`] before.
pub fn package(planned: &Planned, format: Format, templates: &Templates) -> Result<Package, PlanError> {
    let checked = &planned.checked;
    let facts = format.facts();
    let commands = format!("{}/mail-relay", facts.sbin);
    let mut watch = vec![Watch {
        package: facts.watch.package.clone(),
        path: facts.watch.path.clone(),
        gives_back: true,
    }];
    if checked.host_program == HostProgram::Shared {
        watch.push(program::watch());
    }
    Ok(Package {
        meta: checked.meta.clone(),
        time: checked.time,
        entries: host::entries(planned, format, templates)?,
        relations: relations(checked, format, facts)?,
        lifecycle: Lifecycle {
            configure: format!("{commands} apply --package"),
            trigger: format!("{commands} apply --trigger"),
            remove: format!("{commands} remove"),
            units: host::enabled_units(checked),
            watch,
            purge: vec!["/etc/mail-relay".to_owned(), "/var/lib/mail-relay".to_owned()],
            mark: "/usr/share/mail-relay/facts".to_owned(),
            keyring: None,
        },
    })
}

fn relations(checked: &Checked, format: Format, facts: &FormatFacts) -> Result<Relations, PlanError> {
    let own = checked.dependencies.of(format);
    let role = |name: &str| -> Result<Relation, PlanError> {
        let alternatives = facts.relations.get(name).map(Vec::as_slice).unwrap_or_default();
        relation(alternatives.iter().map(String::as_str))
    };
    let mut relations = Relations {
        depends: vec![role("postfix")?, role("ca-certificates")?],
        conflicts: vec![Relation::to(&facts.exclusive)],
        provides: vec![Relation::to(&facts.exclusive)],
        ..Relations::default()
    };
    match checked.host_program {
        HostProgram::Shared => relations.depends.push(program::needed()),
        HostProgram::Bundled => {
            relations.conflicts.push(Relation::to(program::NAME));
            if format == Format::Deb {
                // With this, dpkg removes the shared program instead of failing. For dnf and pacman it would mean that any bundled
                // package may replace the program on an upgrade.
                relations.replaces.push(Relation::to(program::NAME));
            }
        }
    }
    let mut needs = surroundings::needs(&checked.host, facts);
    // Where the format has none, `check` has said so.
    needs.extend(
        policies::needs(&checked.relay).into_iter().filter(|role| facts.relations.contains_key(*role)),
    );
    for name in &needs {
        relations.depends.push(role(name)?);
    }
    if !needs.contains("mail-command") {
        relations.recommends.push(role("mail-command")?);
    }
    for kind in table_types(&checked.relay) {
        // On some systems of a format, Postfix itself has the type.
        let names = facts.maps.get(kind).into_iter().chain(facts.without_package.get(kind));
        relations.depends.push(relation(names.map(String::as_str))?);
    }
    if checked.relay.tls.mta_sts.is_some() && facts.relations.contains_key("mta-sts-resolver") {
        relations.depends.push(role("mta-sts-resolver")?);
    }
    if checked.relay.uses(Auth::Password) {
        relations.depends.push(role("sasl-plain")?);
    }
    if checked.relay.uses(Auth::Xoauth2) {
        // Where the format has none, the spec names its own.
        if facts.relations.contains_key("sasl-xoauth2") {
            relations.depends.push(role("sasl-xoauth2")?);
        }
        relations.depends.push(role("http-client")?);
    }
    for name in ["network-command", "tls-command"] {
        if facts.relations.contains_key(name) {
            relations.recommends.push(role(name)?);
        }
    }
    let extend = |list: &mut Vec<Relation>, words: &[String]| -> Result<(), PlanError> {
        for word in words {
            list.push(relation(word.split('|'))?);
        }
        Ok(())
    };
    extend(&mut relations.depends, &own.depends)?;
    extend(&mut relations.recommends, &own.recommends)?;
    extend(&mut relations.suggests, &own.suggests)?;
    extend(&mut relations.conflicts, &facts.conflicts)?;
    extend(&mut relations.conflicts, &own.conflicts)?;
    Ok(relations)
}

/// Types of tables whose packages the relay needs.
fn table_types(relay: &Relay) -> Vec<&'static str> {
    let mut types = mailboxes::table_types(relay);
    types.extend(own_tables::types(relay));
    types
}

fn relation<'a>(alternatives: impl Iterator<Item = &'a str>) -> Result<Relation, PlanError> {
    let any_of: Vec<Requirement> = alternatives
        .map(|text| Requirement::parse(text).ok_or_else(|| PlanError::Relation(text.to_owned())))
        .collect::<Result<_, _>>()?;
    if any_of.is_empty() { Err(PlanError::Relation(String::new())) } else { Ok(Relation { any_of }) }
}

#[cfg(test)]
mod injection;
#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod tests;
