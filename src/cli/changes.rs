//! Options that override keys of a spec.

use crate::fleet::Setting;

/// Settings that override every spec.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Changes {
    /// Set a key of the spec, such as package.version=1.4.0.
    ///
    /// It overrides the spec and, in a fleet, the rows of the inventory. The value is written like a cell of an inventory:
    /// plain text, with semicolons between the items of a list. May be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Set the release of the package, like --set package.release=N.
    #[arg(long, value_name = "N")]
    release: Option<String>,
}

impl Changes {
    /// The settings, weakest first.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let release = self.release.iter().map(|value| Setting::release("--release", value));
        self.set.iter().cloned().chain(release).collect()
    }
}
