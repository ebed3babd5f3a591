//! Package formats and distributions as data: the files in `pkg/formats` and `pkg/distributions`.
//!
//! A package is built for a format, and differences between the distributions of a format are settled on the host. The facts here
//! are for checks of a relay against them, and for `render`.

mod distribution;
mod format;
mod integration;

pub use distribution::{Distribution, Tests};
pub use format::{Format, FormatFacts, GreylistingFacts, IntegrationFacts, RelationSyntax, SpfFacts, Watch};
pub use integration::Integration;
