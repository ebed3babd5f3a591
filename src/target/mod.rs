//! Package formats and distributions as data: the files in `pkg/formats` and `pkg/distributions`.
//!
//! A package is built for a format. What differs between the distributions of one format is found out on the
//! host; here it is for checking a relay against them, and for showing it as it will be on one of them.

mod distribution;
mod format;

pub use distribution::{Distribution, Tests};
pub use format::{Format, FormatFacts, GreylistingFacts, IntegrationFacts, SpfFacts, Watch};
