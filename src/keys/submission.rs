//! `[submission]`: users who submit mail.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many};

/// Users who may send from anywhere after they authenticated. Dovecot verifies passwords, over TLS, by its socket
/// `private/auth` in Postfix's queue directory. The profiles `submission` and `mail-server` have it without the
/// section. It needs a certificate in `[server]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-profiles" = "clients"))]
pub(crate) struct SubmissionSection {
    /// Ports for users: 587 uses STARTTLS, 465 implicit TLS.
    #[schemars(extend(
        "default" = [587, 465],
        "examples" = [[587]],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) ports: Option<Many<i64>>,
    /// Senders, and the logins that may use them: `"sales@acme.example" = ["jane", "joe"]`.
    ///
    /// `"acme.example" = "jane"` stands for every address of a domain. Users may always use the address that is their
    /// login and, with mailboxes, those whose mail they receive.
    #[schemars(extend(
        "examples" = [{"sales@acme.example": ["jane", "joe"]}],
        "x-decides" = ["smtpd_sender_login_maps"],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) senders: Option<Entries<Many<String>>>,
    /// Names of headers to remove from mail of users.
    #[schemars(extend(
        "default" = ["received", "user-agent", "x-mailer", "x-originating-ip"],
        "examples" = [["user-agent"]],
        "x-with" = "server.certificate = '/etc/ssl/relay.pem'",
    ))]
    pub(crate) strip: Option<Many<String>>,
}
