//! `[services]`: services of master.cf.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Counter, Entries, Many, Scalar, Spot};

/// A service of master.cf by its name and type, as in `[services."smtp/unix"]`. Settings that are absent stay as
/// the distribution or another section has them, and edits of the administrator are kept. With `command` it is a
/// service of your own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ServiceSection {
    /// Whether master.cf has the service.
    #[schemars(extend(
        "default" = true,
        "examples" = [false],
        "x-replaces" = ["master_service_disable"],
        "x-with" = "services.'uucp/unix' = {}",
    ))]
    pub(crate) enabled: Option<Spot<bool>>,
    /// Program of Postfix that a service of your own runs: `smtpd`, `pipe`.
    #[schemars(extend("examples" = ["smtp"], "x-with" = "services.'smtp-slow/unix' = {}"))]
    pub(crate) command: Option<Spot<String>>,
    /// Whether only Postfix itself can reach the service.
    ///
    /// The default is `false` for `inet`.
    #[schemars(extend("examples" = [true], "x-with" = "services.'smtp-slow/unix'.command = 'smtp'"))]
    pub(crate) private: Option<Spot<bool>>,
    /// Whether it runs as the mail owner instead of root.
    #[schemars(extend("examples" = [true]))]
    pub(crate) unprivileged: Option<Spot<bool>>,
    /// Whether it runs chrooted in the queue directory.
    ///
    /// The default for a service of your own is no.
    #[schemars(extend("examples" = [false]))]
    pub(crate) chroot: Option<Spot<bool>>,
    /// Seconds between wake-ups: `60`, `"1000?"` only after the service was used, or 0 for never.
    #[schemars(extend("examples" = [60]))]
    pub(crate) wakeup: Option<Spot<Counter>>,
    /// Largest number of processes, or 0 for any number.
    #[schemars(range(min = 0, max = 100_000), extend("examples" = [5]))]
    pub(crate) max_processes: Option<Spot<i64>>,
    /// Arguments of the program in addition to options: `["flags=DR", "user=vmail", "argv=/usr/bin/deliver"]`.
    #[schemars(extend(
        "examples" = [["user=nobody", "argv=/usr/bin/archive"]],
        "x-with" = "services.'archive/unix'.command = 'pipe'",
    ))]
    pub(crate) arguments: Option<Many<String>>,
    /// Postfix parameters with a different value for this service: `{ smtp_helo_timeout = "60s" }`.
    #[schemars(extend("examples" = [{"smtp_helo_timeout": "60s"}]))]
    pub(crate) options: Option<Entries<Scalar>>,
}
