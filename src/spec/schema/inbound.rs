//! The words of relays that take mail from anybody.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spot::Entries;

/// Mail from anybody: for whom it is taken, and where it goes. Only for relays that receive.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct InboundSection {
    /// Domains, each with the server behind that gets its mail: `"acme.example" = "mail.acme.lan"`, or an address, with
    /// a port where it is not 25: `"10.0.0.5:2525"`, `"[fd00::5]:2525"`.
    pub(in super::super) domains: Option<Entries<String>>,
}
