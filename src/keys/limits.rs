//! `[limits]`: sizes, times and rates.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Size, Spot, Time};

/// Sizes, times and rates. Defaults come from the provider, or from Postfix.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// Largest message: `10MB`, `25MiB`.
    ///
    /// A number without a unit counts bytes, from 10000 on.
    #[schemars(extend("examples" = ["10MB"], "x-decides" = ["message_size_limit"]))]
    pub(crate) message_size: Option<Spot<Size>>,
    /// Largest header: `100kB`.
    ///
    /// A number without a unit counts bytes, from 10000 on.
    #[schemars(extend("examples" = ["100kB"], "x-decides" = ["header_size_limit"]))]
    pub(crate) header_size: Option<Spot<Size>>,
    /// How long mail that cannot be delivered stays in the queue: `5d`, at most `100d`.
    #[schemars(extend("examples" = ["2d"], "x-decides" = ["maximal_queue_lifetime"]))]
    pub(crate) queue_lifetime: Option<Spot<Time>>,
    /// How long bounces that cannot be delivered stay in the queue: `1d`, at most `100d`.
    #[schemars(extend("examples" = ["1d"], "x-decides" = ["bounce_queue_lifetime"]))]
    pub(crate) bounce_lifetime: Option<Spot<Time>>,
    /// Time after which the sender learns that a message is late: `4h`.
    #[schemars(extend("examples" = ["4h"], "x-decides" = ["delay_warning_time"]))]
    pub(crate) delay_warning: Option<Spot<Time>>,
    /// Largest number of connections to the smarthost at a time.
    ///
    /// The default is what the provider permits, or 40 if it states no limit.
    #[schemars(range(min = 1, max = 1000))]
    #[schemars(extend(
        "examples" = [10],
        "x-decides" = ["smtp_destination_concurrency_limit"],
    ))]
    pub(crate) concurrency: Option<Spot<i64>>,
    /// Largest number of recipients of one message.
    #[schemars(range(min = 1, max = 10_000))]
    #[schemars(extend(
        "examples" = [20],
        "x-decides" = ["smtp_destination_recipient_limit"],
    ))]
    pub(crate) recipients: Option<Spot<i64>>,
    /// Pause between two messages, which then leave one by one: `1s`.
    #[schemars(extend("examples" = ["1s"], "x-decides" = ["smtp_destination_rate_delay"]))]
    pub(crate) rate_delay: Option<Spot<Time>>,
    /// Largest number of servers that a message may have passed.
    ///
    /// A message with more is returned, as it is probably in a loop.
    #[schemars(range(min = 5, max = 1000))]
    #[schemars(extend(
        "default" = 50,
        "examples" = [30],
        "x-decides" = ["hopcount_limit"],
    ))]
    pub(crate) hops: Option<Spot<i64>>,
    /// Connections that one client may open in a minute.
    ///
    /// The default is no limit. The host itself never has one.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[schemars(extend(
        "examples" = [60],
        "x-decides" = ["smtpd_client_connection_rate_limit"],
        "x-profiles" = "clients",
    ))]
    pub(crate) client_connections: Option<Spot<i64>>,
    /// Messages that one client may send in a minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[schemars(extend(
        "examples" = [100],
        "x-decides" = ["smtpd_client_message_rate_limit"],
        "x-profiles" = "clients",
    ))]
    pub(crate) client_messages: Option<Spot<i64>>,
    /// Recipients that one client may name in a minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[schemars(extend(
        "examples" = [500],
        "x-decides" = ["smtpd_client_recipient_rate_limit"],
        "x-profiles" = "clients",
    ))]
    pub(crate) client_recipients: Option<Spot<i64>>,
    /// Connections that one client may have at a time.
    ///
    /// The default is 50.
    #[schemars(range(min = 1, max = 10_000))]
    #[schemars(extend(
        "examples" = [20],
        "x-decides" = ["smtpd_client_connection_count_limit"],
        "x-profiles" = "clients",
    ))]
    pub(crate) client_sessions: Option<Spot<i64>>,
}
