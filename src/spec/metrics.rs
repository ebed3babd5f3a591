//! `[metrics]`: metrics for Prometheus.

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::MetricsSection;
use crate::relay::Metrics;

/// The folder of the textfile collector in the packages of Debian and Fedora (node_exporter has no default).
const FOLDER: &str = "/var/lib/prometheus/node-exporter";
/// By default, Prometheus scrapes once a minute.
const EVERY: u64 = 60;
const SHORTEST: u64 = 15;
const LONGEST: u64 = 86_400;

/// The metrics of a relay, if enabled.
pub(super) fn check(judge: &mut Judge, section: Option<&MetricsSection>) -> Option<Metrics> {
    let section = section?;
    let folder = judge.read_if(
        "path",
        "metrics.folder",
        "the folder of the textfile collector",
        section.folder.as_ref(),
        values::path,
    );
    let every = judge.read_scalar("time", "metrics.every", "a time", section.every.as_ref(), every);
    if section.enabled.as_ref().is_some_and(|spot| spot.value) {
        return Some(Metrics {
            folder: folder.unwrap_or_else(|| FOLDER.to_owned()),
            every: every.map_or(EVERY, |spot| spot.value),
        });
    }
    let keys =
        [section.folder.as_ref().map(|spot| &spot.span), section.every.as_ref().map(|spot| &spot.span)];
    if let Some(span) = keys.into_iter().flatten().next() {
        judge.report(
            Diagnostic::warning("metrics", span.clone(), "this has no effect without enabled = true")
                .hint("add `enabled = true`, or remove the section"),
        );
    }
    None
}

fn every(text: &str) -> Result<u64, Fault> {
    let seconds = values::duration(text)?;
    if (SHORTEST..=LONGEST).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(Fault::new("it is from `15s` to `1d`"))
    }
}
