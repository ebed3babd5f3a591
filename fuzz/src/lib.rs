//! What must hold for any input, one function per target. libFuzzer calls them by way of `fuzz_targets/`, and
//! `tests/fuzz.rs` of postpack calls them with every file of `corpus/`, without libFuzzer.
//!
//! Nothing in here is a fault of the input: each function refuses by a panic what postpack must never do.

mod import;
mod main_cf;
mod master_cf;
mod order;
mod packages;
mod spec;
mod tables;
mod versions;

pub use import::import;
pub use main_cf::main_cf;
pub use master_cf::master_cf;
pub use packages::packages;
pub use spec::{judge, parameters, spec};
pub use tables::tables;
pub use versions::versions;

/// A target: any bytes at all.
pub type Target = fn(&[u8]);

/// The targets by the names of their folders in `corpus/`.
pub const TARGETS: [(&str, Target); 8] = [
    ("spec", spec),
    ("parameters", parameters),
    ("main_cf", main_cf),
    ("master_cf", master_cf),
    ("tables", tables),
    ("versions", versions),
    ("packages", packages),
    ("import", import),
];
