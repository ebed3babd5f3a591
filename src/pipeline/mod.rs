//! From sources to plans that can be built, for single specs and for the rows of a fleet. Every verb takes these steps; none
//! of them prints or reads the environment.

mod rows;
mod specs;

pub use rows::{Rows, RowsError};
pub use specs::{MissingFormat, Specs};

use std::sync::Arc;

use crate::diag::{Diagnostic, Source, has_errors};
use crate::fleet::{self, Refused, Setting};
use crate::plan::{self, Memory, Planned};
use crate::platform::Format;
use crate::relay::Providers;
use crate::spec::Checked;

/// A spec that was read and checked.
#[derive(Debug)]
pub struct Judged {
    /// The plan; `None` if the spec has errors.
    pub planned: Option<Planned>,
    /// Errors, warnings and notes, by file.
    pub findings: Refused,
    /// The files that the spec names.
    pub files: Vec<Source>,
}

/// Reads a spec, checks its syntax and values, and then what the relay would do on its targets. `time` replaces the time
/// stamp of the spec, in seconds since 1970. `read` returns the text of a file that the spec names.
pub fn judge(source: Source, settings: &[Setting], time: Option<u64>, read: fleet::Read<'_>) -> Judged {
    let (checked, mut findings, sources) = fleet::load(source, settings, &Providers::builtin(), read);
    let files = sources.iter().skip(1 + settings.len());
    let files = files.map(|(name, text)| Source { name: name.to_owned(), text: text.to_owned() }).collect();
    let planned = planned(checked, &Arc::default(), time, &mut findings);
    Judged { planned, findings: sources.split(findings), files }
}

/// The formats of a spec that were requested; all of them if none was.
fn selected(of_spec: &[Format], requested: &[Format]) -> Vec<Format> {
    let is_selected = |format: &Format| requested.is_empty() || requested.contains(format);
    of_spec.iter().copied().filter(is_selected).collect()
}

/// The inputs of the packages of the shared host program, for a digest: postpack itself has the rest.
fn program_inputs(formats: &[Format]) -> String {
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    format!("host program\0{}", names.join(" "))
}

/// The plan of a checked spec; nothing if there are errors, which are added to the findings.
fn planned(
    checked: Option<Checked>,
    memory: &Arc<Memory>,
    time: Option<u64>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Planned> {
    let planned = checked.map(|checked| Planned::among(checked, memory));
    if let Some(planned) = &planned {
        findings.extend(plan::check(planned));
    }
    let mut planned = planned.filter(|_| !has_errors(findings))?;
    planned.checked.time = time.unwrap_or(planned.checked.time);
    Some(planned)
}
