//! Cache of plans and findings: the hosts of a fleet differ in their names, but seldom in their main.cf.

use std::sync::{Arc, OnceLock};

use super::PlanError;
use super::host::{HostPlan, Units, certificate_files, log_folder, pipe_service, watched_files};
use crate::diag::Diagnostic;
use crate::package::Content;
use crate::postfix::Parameter;
use crate::recent::Recent;
use crate::relay::{Hardening, Metrics};
use crate::spec::Checked;

/// Parts that many packages of a run share.
#[derive(Debug, Default)]
pub struct Memory {
    plans: Recent<Known>,
    units: Recent<KnownUnits>,
}

/// Units, and what they follow from.
#[derive(Debug)]
pub(super) struct KnownUnits {
    sbin: &'static str,
    hardening: Hardening,
    metrics: Option<Metrics>,
    log_folder: Option<String>,
    certificate: Vec<String>,
    piped: bool,
    watched: Vec<String>,
    pub(super) units: Units,
}

/// A plan with what follows from it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) plan: HostPlan,
    /// The text of main.cf.
    pub(super) text: OnceLock<Content>,
    judged: Recent<Judged>,
}

/// Findings of a plan, with all inputs that they depend on.
#[derive(Debug)]
struct Judged {
    targets: Vec<&'static str>,
    written: Vec<Parameter>,
    findings: Vec<Diagnostic>,
}

impl Memory {
    /// The plan as it is remembered.
    pub(super) fn of(&self, plan: HostPlan) -> Arc<Known> {
        let known = self.plans.get(|known| known.plan == plan);
        known.unwrap_or_else(|| self.plans.add(Known { plan, text: OnceLock::new(), judged: Recent::new() }))
    }

    /// The units of a relay whose command is in this folder. Calls `make` on first use.
    pub(super) fn units(
        &self,
        sbin: &'static str,
        checked: &Checked,
        make: impl FnOnce() -> Result<Units, PlanError>,
    ) -> Result<Arc<KnownUnits>, PlanError> {
        let (relay, host) = (&checked.relay, &checked.host);
        let known = self.units.get(|known| {
            known.sbin == sbin
                && known.hardening == host.hardening
                && known.metrics == host.metrics
                && known.log_folder.as_deref() == log_folder(relay)
                && known.certificate == certificate_files(relay)
                && known.piped == pipe_service(relay).is_some()
                && known.watched == watched_files(relay)
        });
        match known {
            Some(known) => Ok(known),
            None => Ok(self.units.add(KnownUnits {
                sbin,
                hardening: host.hardening.clone(),
                metrics: host.metrics.clone(),
                log_folder: log_folder(relay).map(str::to_owned),
                certificate: certificate_files(relay).into_iter().map(str::to_owned).collect(),
                piped: pipe_service(relay).is_some(),
                watched: watched_files(relay).into_iter().map(str::to_owned).collect(),
                units: make()?,
            })),
        }
    }
}

impl Known {
    /// Findings of the plan on these targets, with the parameters that the user wrote. Calls `judge` on first use.
    pub(super) fn findings(
        &self,
        targets: Vec<&'static str>,
        written: &[Parameter],
        judge: impl FnOnce() -> Vec<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let known = self.judged.get(|judged| judged.targets == targets && judged.written == written);
        let judged = known.unwrap_or_else(|| {
            self.judged.add(Judged { targets, written: written.to_vec(), findings: judge() })
        });
        judged.findings.clone()
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
