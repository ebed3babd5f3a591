//! Machines that a package is for.

/// Machine that a package runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Any machine: the package contains no machine code.
    All,
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}
