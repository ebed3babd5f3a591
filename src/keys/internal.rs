//! Postfix parameters that relays set, and that no key of the spec decides: they are what makes Postfix a relay.

/// Each with the reason for its value. `[main-cf]` and `main.cf.d` may set most of them: docs/parameters.md.
pub const INTERNAL: &[(&str, &str)] = &[
    (
        "address_verify_negative_expire_time",
        "an address that was refused is verified again soon, as it may exist by then",
    ),
    (
        "address_verify_negative_refresh_time",
        "an address that was refused is verified again soon, as it may exist by then",
    ),
    ("alias_database", "nothing is delivered by local(8), which alone reads it"),
    ("alias_maps", "nothing is delivered by local(8), which alone reads it"),
    ("allow_percent_hack", "`user%elsewhere` must not pass as a local name"),
    ("append_dot_mydomain", "the rewriting tables expect names with a domain"),
    ("biff", "there are no local mailboxes to report new mail for"),
    ("disable_vrfy_command", "VRFY would tell strangers which addresses exist"),
    ("lmtp_generic_maps", "mail to mailboxes is rewritten like all other mail"),
    ("local_transport", "mail to a name that does not exist is returned"),
    ("maximal_backoff_time", "deferred mail leaves soon after an outage"),
    ("minimal_backoff_time", "deferred mail leaves soon after an outage"),
    ("mydestination", "there are no local mailboxes"),
    ("parent_domain_matches_subdomains", "each domain is named in the spec, and subdomains are not meant"),
    ("postscreen_cache_map", "processes of postscreen(8) share one cache"),
    ("postscreen_dnsbl_action", "postscreen(8) rejects clients that reach the threshold"),
    ("postscreen_greet_action", "postscreen(8) rejects clients that talk before they are greeted"),
    ("propagate_unmatched_extensions", "an address extension must not end up in the sender"),
    ("queue_run_delay", "deferred mail leaves soon after an outage"),
    ("relay_host_domain", "the host sets it from its own name"),
    ("relay_returns", "bounces to the host's own senders go to the person who reads root's mail"),
    ("relay_system_domain", "the host sets it from its own name"),
    ("relay_system_name", "the host sets it from its own name"),
    ("smtp_sasl_tls_security_options", "over TLS, mechanisms that send the password as text are safe"),
    ("smtpd_client_event_limit_exceptions", "only the host itself is exempt from the rates for clients"),
    ("smtpd_data_restrictions", "clients that send commands before their answers are rejected"),
    ("smtpd_etrn_restrictions", "clients must not start queue runs"),
    ("smtpd_forbid_unauth_pipelining", "mail must not smuggle in more mail; set where this Postfix has it"),
    ("smtpd_helo_required", "clients must greet before they send"),
    ("smtpd_sasl_security_options", "clients must not log in without a name"),
    ("smtpd_tls_loglevel", "the log has a line for each TLS connection"),
    ("smtpd_tls_mandatory_protocols", "clients need TLS 1.2"),
    ("smtpd_tls_protocols", "clients need TLS 1.2"),
    ("swap_bangpath", "`elsewhere!user` must not pass as a local name"),
];

/// Prefix of the services for `smarthost.senders`.
const SENDER_SERVICES: &str = "smarthost-";

/// The reason why relays set a parameter that no key decides; `None` if a key does, or if they never set it.
pub fn internal(parameter: &str) -> Option<&'static str> {
    if parameter.starts_with(SENDER_SERVICES) {
        return Some("a service for single senders has the limits of the service `smtp`");
    }
    INTERNAL.iter().find(|(name, _)| *name == parameter).map(|(_, why)| *why)
}
