//! `[staging]`: hosts whose mail must not reach its recipients.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::Spot;

/// Redirection of all mail, for staging and test hosts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StagingSection {
    /// Address that receives the mail for all recipients.
    ///
    /// The headers keep the recipients. Mail to root and to other local names goes to `root-mail-to`, as do bounces to
    /// the senders of the host.
    #[schemars(extend(
        "examples" = ["staging@acme.example"],
        "x-adds-to" = ["virtual_alias_maps"],
        "x-since" = "0.2.0",
    ))]
    pub(crate) all_mail_to: Option<Spot<String>>,
}
