//! The one table of spec keys.
//!
//! A key is a field of a section's struct. Its Rust type is what the parser reads, its doc comment is its documentation, and
//! its attributes are the rest of its entry:
//!
//! | attribute | meaning |
//! |---|---|
//! | `required`, `range(..)`, `"default"` | as in JSON Schema |
//! | `"examples"` | values as a person would write them; tests set each one |
//! | `"x-with"` | TOML that the examples need in the same spec |
//! | `"x-profiles"` | the profiles that know the key, where not all do: `clients`, `inbound` or `mailboxes`; on a section for all of its keys |
//! | `"x-decides"` | Postfix parameters whose value follows from this key: each has one such key |
//! | `"x-adds-to"` | Postfix parameters that another key decides, and whose value also depends on this one |
//! | `"x-replaces"` | Postfix parameters that do nothing in a relay, and for which this key is what a person wants |
//! | `"x-since"` | the release that brought the key, where it was not the first one |
//!
//! Everything else that says something about keys follows from the table: the parser's view of the form ([`schema`]), the
//! JSON Schema and the reference ([`reference`]), hints, the origins that the host shows, and `postpack explain`.

mod access;
mod content;
mod direct;
mod host;
mod inbound;
mod internal;
mod limits;
mod mailboxes;
mod network;
mod package;
pub mod reference;
mod relay;
pub mod schema;
mod services;
mod smarthost;
mod spec;
pub(crate) mod spot;
mod staging;
mod submission;
mod table;
mod tables;
mod tls;

pub(crate) use access::{AccessSection, RestrictionsSection};
pub(crate) use content::{ContentSection, MilterActionName, MilterSection, NoticeClass, NoticesSection};
pub(crate) use direct::DirectSection;
pub(crate) use host::{
    FirewallName, FirewallSection, HardeningSection, IntegrationsSection, MetricsSection, SystemdSection,
};
pub(crate) use inbound::{AbuseSection, InboundSection, PostscreenSection};
pub use internal::{INTERNAL, internal};
pub(crate) use limits::LimitsSection;
pub(crate) use mailboxes::{DatabaseKind, DatabaseSection, MailboxesSection, QueriesSection};
pub(crate) use network::{Ip, NetworkSection, ServerAuth, ServerLevel, ServerSection};
pub use package::HostProgram;
pub(crate) use package::{DependenciesSection, PackageSection, RelationsSection, ReleaseSection};
pub(crate) use relay::{HeadersSection, RelaySection, RewriteSection};
pub(crate) use services::ServiceSection;
pub(crate) use smarthost::{AuthMethod, SmarthostSection, TlsStart};
pub(crate) use spec::Spec;
pub(crate) use staging::StagingSection;
pub(crate) use submission::SubmissionSection;
pub use table::{Key, Kind, Relation, all, get, hint, of_parameter, of_postfix, related};
pub(crate) use tables::{TableSection, TableType};
pub(crate) use tls::{Level, MinVersion, TlsSection};

/// The release that brought the keys that name no other one.
pub const FIRST_RELEASE: &str = "0.1.0";
