//! What a spec says of single services of master.cf.

use crate::diag::Span;
use crate::postfix::Parameter;

/// A value with its place in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A service that is to be otherwise than Postfix's package has it, or one of the spec's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceOverride {
    /// Its `name/type`.
    pub id: Placed<String>,
    /// False if it is to be taken out.
    pub enabled: bool,
    /// The program of a service of the spec's own.
    pub command: Option<Placed<String>>,
    /// Whether only Postfix itself reaches it.
    pub private: Option<Placed<bool>>,
    /// Whether it runs as the mail owner.
    pub unprivileged: Option<Placed<bool>>,
    /// Whether it runs in the queue directory as its root.
    pub chroot: Option<Placed<bool>>,
    /// How often it is woken: seconds, and a `?` behind them if only once it has been used.
    pub wakeup: Option<Placed<String>>,
    /// Most processes at a time, 0 for any number.
    pub max_processes: Option<Placed<u32>>,
    /// What its program is told beside options.
    pub arguments: Vec<Placed<String>>,
    /// Parameters that it has another value of.
    pub options: Vec<Parameter>,
}
