//! Moving in: from a Postfix that somebody configured by hand to a spec, with a verdict on every setting.
//!
//! Data flow: [`source`] finds files, [`reading`] parses them in the syntax of Postfix, and [`role`] selects the profile. [`map`]
//! writes a [`draft`] of the spec, [`settle`] runs `check` on it and removes rejected keys, and [`proof`] compares the parameters
//! before and after the move. Nothing here writes to a source or uses the network.

mod defaults;
mod draft;
mod env;
mod expand;
mod files;
mod fleet;
mod judge;
mod map;
mod ours;
mod proof;
mod questions;
mod reading;
mod report;
mod role;
#[cfg(test)]
mod round_trip;
mod settle;
mod source;
mod stock;
mod tables;
mod verdict;

use draft::Draft;
use map::Mapped;
use reading::Reading;
use role::Role;

use crate::platform::Distribution;
use crate::relay::Profile;

pub use fleet::{Fleet, factor};
pub use proof::{Difference, Proof, Reason};
pub use questions::Question;
pub use reading::{Fault, Place};
pub use report::{Code, Item, Report};
pub use source::{Source, SourceError};

/// Answers that the source lacks, and options of the comparison.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Recipients of mail to root.
    pub root_mail_to: Vec<String>,
    /// The sender of the host's mail.
    pub from: Option<String>,
    /// The provider; without it, the one that owns the smarthost.
    pub provider: Option<String>,
    /// The profile; without it, the one that the facts suggest.
    pub profile: Option<Profile>,
    /// Name of the package.
    pub name: Option<String>,
    /// The distributions to compare on; the source's own, or Debian 13, if empty.
    pub targets: Vec<&'static Distribution>,
    /// Whether TLS levels stay as they are where `check` allows it.
    pub keep: bool,
}

/// An account that the source holds, for `relay.env`.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Key of `relay.env`.
    pub key: String,
    /// Its value: a secret, which only `--relay-env` may write.
    pub secret: String,
}

impl Account {
    /// The line of `relay.env`.
    pub fn to_line(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
        if !self.secret.is_empty() && self.secret.chars().all(plain) {
            format!("{}={}\n", self.key, self.secret)
        } else {
            format!("{}='{}'\n", self.key, self.secret.replace('\'', "'\\''"))
        }
    }
}

/// Shows the key alone.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A source that became a spec.
#[derive(Debug)]
pub struct Imported {
    /// The spec as text.
    pub spec: String,
    /// Verdicts on all settings.
    pub report: Report,
    /// Accounts found on the way.
    pub accounts: Vec<Account>,
    draft: Draft,
}

/// The script that packs the configuration of a host, with secrets masked.
pub fn collector() -> &'static str {
    include_str!("../../templates/import/collect.sh")
}

/// The draft with a verdict on every setting, and the profile.
fn draft_of(reading: &Reading<'_>, answers: &Answers) -> (Mapped, Role) {
    let role = role::decide(reading, answers);
    reading.compare_with_starter(role.profile, &map::provider_name(reading, answers));
    let mut mapped = map::map(reading, &role, answers);
    ours::forget(&mut mapped, reading);
    settle::settle(&mut mapped, reading);
    (mapped, role)
}

/// Turns a source into a spec.
///
/// # Errors
/// With every fault, if Postfix itself would stop or a file that decides the relay cannot be read.
pub fn import(source: &Source, answers: &Answers) -> Result<Imported, Vec<Fault>> {
    let reading = reading::read(source)?;
    let (mut mapped, profile) = draft_of(&reading, answers);
    let spec = mapped.draft.to_text();
    let proof = proof::prove(&mapped, &reading, answers);
    let accounts = std::mem::take(&mut mapped.accounts);
    let draft = mapped.draft.clone();
    Ok(Imported { spec, report: Report::new(&reading, mapped, profile, proof), accounts, draft })
}
