//! Single specs.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::build::{Job, Units};
use crate::diag::Source;
use crate::fleet::Setting;
use crate::keys::HostProgram;
use crate::plan::Planned;
use crate::platform::Format;

/// Specs that were planned and can be built.
#[derive(Debug, Default)]
pub struct Specs {
    jobs: Vec<Mutex<Option<Vec<Job>>>>,
    inputs: Vec<String>,
    files: Vec<Source>,
    /// The formats of those that share the host program. Its packages are built after the specs.
    shared: BTreeSet<Format>,
}

/// The error for a requested format that the targets of a spec do not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFormat {
    /// The format.
    pub asked: Format,
    /// The formats of the spec.
    pub of_spec: Vec<Format>,
}

impl Specs {
    /// Adds a spec. `text`, `settings` and `files` are what it was made of; `asked` limits its formats, unless it is empty.
    ///
    /// # Errors
    /// The spec has no target of a requested format.
    pub fn add(
        &mut self,
        planned: Planned,
        text: &str,
        settings: &[Setting],
        files: Vec<Source>,
        asked: &[Format],
    ) -> Result<(), MissingFormat> {
        let of_spec = &planned.checked.formats;
        if let Some(missing) = asked.iter().find(|format| !of_spec.contains(format)) {
            return Err(MissingFormat { asked: *missing, of_spec: of_spec.clone() });
        }
        let formats = super::selected(of_spec, asked);
        if planned.checked.host_program == HostProgram::Shared {
            self.shared.extend(formats.iter().copied());
        }
        let settings = settings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\0");
        let time = planned.checked.time.to_string();
        let mut parts = vec![text, settings.as_str(), &time];
        parts.extend(files.iter().map(|file| file.text.as_str()));
        self.inputs.push(parts.join("\0"));
        self.files.extend(files);
        self.jobs.push(Mutex::new(Some(Job::all(planned, &formats))));
        Ok(())
    }

    /// The files that the specs name.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The inputs of all of them, for a digest.
    pub fn inputs(&self) -> String {
        let program = if self.shared.is_empty() { String::new() } else { self.program_inputs() };
        self.inputs.concat() + &program
    }

    fn program_formats(&self) -> Vec<Format> {
        self.shared.iter().copied().collect()
    }

    fn program_inputs(&self) -> String {
        super::program_inputs(&self.program_formats())
    }
}

impl Units for Specs {
    fn count(&self) -> usize {
        self.jobs.len() + usize::from(!self.shared.is_empty())
    }

    fn jobs(&self, unit: usize) -> Option<Vec<Job>> {
        match self.jobs.get(unit) {
            Some(jobs) => jobs.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => Some(Job::programs(&self.program_formats())),
        }
    }

    fn inputs(&self, unit: usize) -> String {
        self.inputs.get(unit).cloned().unwrap_or_else(|| self.program_inputs())
    }
}
