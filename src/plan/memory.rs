//! What was planned and judged before: the hosts of a fleet differ in their names, but seldom in their main.cf.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::PlanError;
use super::host::{HostPlan, log_folder};
use crate::diag::Diagnostic;
use crate::package::{Content, Entry};
use crate::relay::{Hardening, Metrics, Parameter, Relay};
use crate::target::Format;

/// How many of each are remembered. A fleet has about one for each of its groups.
const REMEMBERED: usize = 48;

/// What many packages of a run have alike, each held once.
#[derive(Debug, Default)]
pub struct Memory {
    /// Most recently used last.
    plans: Mutex<Vec<Arc<Known>>>,
    units: Mutex<Vec<Units>>,
}

/// Units and drop-ins of a format. They follow from these, and from nothing else.
#[derive(Debug)]
struct Units {
    format: Format,
    hardening: Hardening,
    metrics: Option<Metrics>,
    log_folder: Option<String>,
    entries: Vec<Entry>,
}

/// A plan with what follows from it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) plan: HostPlan,
    /// The text of main.cf.
    pub(super) text: OnceLock<Content>,
    judged: Mutex<Vec<Judged>>,
}

/// What was found in a plan. It follows from these, and from nothing else.
#[derive(Debug)]
struct Judged {
    targets: Vec<&'static str>,
    written: Vec<Parameter>,
    findings: Vec<Diagnostic>,
}

impl Memory {
    /// The plan as it is remembered.
    pub(super) fn of(&self, plan: HostPlan) -> Arc<Known> {
        let mut list = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match list.iter().rposition(|known| known.plan == plan) {
            Some(at) => list.remove(at),
            None => Arc::new(Known { plan, text: OnceLock::new(), judged: Mutex::default() }),
        };
        remember(&mut list, Arc::clone(&known));
        known
    }

    /// The units of a relay in a format: `make` makes them when they are asked for the first time.
    pub(super) fn units(
        &self,
        format: Format,
        relay: &Relay,
        make: impl FnOnce() -> Result<Vec<Entry>, PlanError>,
    ) -> Result<Vec<Entry>, PlanError> {
        let mut list = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |units: &&Units| {
            units.format == format
                && units.hardening == relay.hardening
                && units.metrics == relay.metrics
                && units.log_folder.as_deref() == log_folder(relay)
        };
        if let Some(units) = list.iter().find(same) {
            return Ok(units.entries.clone());
        }
        let entries = make()?;
        let (hardening, metrics) = (relay.hardening.clone(), relay.metrics.clone());
        let log_folder = log_folder(relay).map(str::to_owned);
        remember(&mut list, Units { format, hardening, metrics, log_folder, entries: entries.clone() });
        Ok(entries)
    }
}

/// Adds to a list, from which the oldest goes when it is long.
fn remember<T>(list: &mut Vec<T>, new: T) {
    if list.len() == REMEMBERED {
        list.remove(0);
    }
    list.push(new);
}

impl Known {
    /// What is wrong with the plan on these targets, where a person has written these parameters of it: `judge` says so
    /// when it is asked for the first time.
    pub(super) fn findings(
        &self,
        targets: Vec<&'static str>,
        written: &[Parameter],
        judge: impl FnOnce() -> Vec<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let mut list = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judged) =
            list.iter().find(|judged| judged.targets == targets && judged.written == written)
        {
            return judged.findings.clone();
        }
        let findings = judge();
        remember(&mut list, Judged { targets, written: written.to_vec(), findings: findings.clone() });
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::super::host::host_plan;
    use super::super::tests::load;
    use super::*;
    use crate::diag::Severity;
    use crate::spec;

    #[test]
    fn a_plan_is_judged_once_for_the_same_targets_and_parameters() {
        let plan = || host_plan(&load(spec::example()).unwrap().relay).unwrap();
        let memory = Memory::default();
        let (known, again) = (memory.of(plan()), memory.of(plan()));
        assert!(Arc::ptr_eq(&known, &again));
        let finding = |message: &str| vec![Diagnostic::new(Severity::Warning, "x", None, message.to_owned())];
        let parameter = |value: &str| Parameter {
            name: "mynetworks".to_owned(),
            value: value.to_owned(),
            name_span: 0..1,
            value_span: 2..3,
        };
        let (one, other) = ([parameter("a")], [parameter("b")]);
        assert_eq!(known.findings(vec!["debian-12"], &[], || finding("first")), finding("first"));
        assert_eq!(again.findings(vec!["debian-12"], &[], || finding("again")), finding("first"));
        assert_eq!(again.findings(vec!["debian-13"], &[], || finding("target")), finding("target"));
        assert_eq!(again.findings(vec!["debian-12"], &one, || finding("one")), finding("one"));
        assert_eq!(again.findings(vec!["debian-12"], &other, || finding("other")), finding("other"));
    }

    #[test]
    fn another_plan_is_another() {
        let checked = load(spec::example()).unwrap();
        let memory = Memory::default();
        let first = memory.of(host_plan(&checked.relay).unwrap());
        let mut relay = checked.relay.clone();
        relay.identity.hostname = Some("else.acme.example".to_owned());
        relay.tls.connection_reuse = !relay.tls.connection_reuse;
        assert!(!Arc::ptr_eq(&first, &memory.of(host_plan(&relay).unwrap())));
    }
}
