//! `[direct]`: mail that goes directly to MX hosts.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::Many;

/// Checks of a host that sends mail directly to MX hosts, with `provider = "direct"`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DirectSection {
    /// Addresses from which other servers receive the mail, for `mail-relay doctor`.
    ///
    /// The default is the address of the host, unless that is private. Set it for a host behind NAT.
    #[schemars(extend(
        "examples" = [["203.0.113.5"]],
        "x-since" = "0.2.0",
        "x-with" = "relay.provider = 'direct'",
    ))]
    pub(crate) addresses: Option<Many<String>>,
    /// DNS block lists in which `mail-relay doctor` looks up these addresses.
    #[schemars(extend(
        "examples" = [["bl.acme.example"]],
        "x-since" = "0.2.0",
        "x-with" = "relay.provider = 'direct'",
    ))]
    pub(crate) block_lists: Option<Many<String>>,
}
