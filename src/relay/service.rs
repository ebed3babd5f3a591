//! Services of master.cf.

use crate::diag::Span;
use crate::postfix::Parameter;

/// A value with its place in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A changed or new service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceOverride {
    /// Its `name/type`.
    pub id: Placed<String>,
    /// False if it must be removed.
    pub enabled: bool,
    /// The program of a new service.
    pub command: Option<Placed<String>>,
    /// Whether only Postfix can reach it.
    pub private: Option<Placed<bool>>,
    /// Whether it runs as the mail owner.
    pub unprivileged: Option<Placed<bool>>,
    /// Whether it runs chrooted in the queue folder.
    pub chroot: Option<Placed<bool>>,
    /// Interval of wake-ups: seconds, with `?` after them if only after the service was used.
    pub wakeup: Option<Placed<String>>,
    /// Maximum number of processes, 0 for no limit.
    pub max_processes: Option<Placed<u32>>,
    /// Arguments of its program in addition to options.
    pub arguments: Vec<Placed<String>>,
    /// Parameters with a different value for this service.
    pub options: Vec<Parameter>,
}
