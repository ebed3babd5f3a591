use std::collections::BTreeMap;

use super::samples::{sample, with};
use super::*;
use crate::diag::{Source, has_errors, render_text};
use crate::postfix::check::value as read;
use crate::relay::Providers;
use crate::spec;

/// All findings, of the spec and of the plan.
pub(super) fn findings(source: &Source) -> Vec<Diagnostic> {
    crate::plan::tests::checked(source).1
}

fn parts() -> Vec<(&'static str, [&'static str; 4])> {
    let fields = |line: &'static str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, rest @ ..] = fields.as_slice() else { panic!("{line}") };
        (*name, <[&str; 4]>::try_from(rest).unwrap_or_else(|_| panic!("{line}")))
    };
    rows().iter().map(|line| fields(line)).collect()
}

#[test]
fn every_parameter_has_a_verdict_for_every_profile() {
    let parts = parts();
    assert!(parts.is_sorted_by_key(|(name, _)| *name));
    let parameters = include_str!("../../../pkg/postfix/parameters.tsv");
    let known: Vec<&str> = lines(parameters).into_iter().map(key).collect();
    assert!(known.len() >= 925);
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let words = [
        "free", "set", "key", "never", "only", "not", "has", "clients", "closed", "under", "service", "idle",
    ];
    for (name, [profiles, verdict, why, source]) in &parts {
        assert!(Catalogue::get(name).is_some(), "{name}");
        let word = verdict.split(' ').next().unwrap();
        assert!(words.contains(&word) && !source.is_empty(), "{name}: {verdict}");
        let of_profile =
            |profile: &&Profile| *profiles == "all" || profiles.split(' ').any(|one| one == profile.name());
        for profile in Profile::ALL.iter().filter(of_profile) {
            let keys = keys::hint(name, *profile);
            assert!(*why != "-" || !keys.is_empty(), "{name} says neither why nor where");
            assert!(word != "key" || !keys.is_empty(), "{name} in {}", profile.name());
        }
        match *profiles {
            "all" => rows.entry(name).or_default().extend(Profile::ALL.iter().map(|profile| profile.name())),
            some => rows.entry(name).or_default().extend(some.split(' ')),
        }
    }
    for name in known {
        let mut profiles = rows.remove(name).unwrap_or_default();
        profiles.sort_unstable();
        let mut all: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
        all.sort_unstable();
        assert_eq!(profiles, all, "{name}");
    }
}

/// Rows of a table: profile, `[main-cf]`, the code of the finding or none.
const CASES: &[(&str, &str, &str)] = &[
    ("*", "append_dot_mydomain = 'no'", "parameter-refused"),
    ("*", "append_dot_mydomain = 'yes'", ""),
    ("*", "append_at_myorigin = false", "parameter-refused"),
    ("*", "masquerade_domains = 'corp.example'", "parameter-owned"),
    ("*", "masquerade_domains = ''", "parameter-owned"),
    ("*", "canonical_maps = 'inline:{a@b.example=c@d.example}'", "parameter-owned"),
    ("*", "smtp_generic_maps = ''", "parameter-owned"),
    ("*", "myorigin = '$mydomain'", "parameter-owned"),
    ("*", "mydestination = '$myhostname'", "parameter-owned"),
    ("*", "alias_maps = 'texthash:/etc/aliases'", "parameter-owned"),
    ("*", "virtual_alias_maps = 'static:root'", "parameter-owned"),
    ("*", "local_transport = 'local'", "parameter-owned"),
    ("null-client", "local_header_rewrite_clients = ''", "parameter-refused"),
    ("lan-relay", "local_header_rewrite_clients = ''", "parameter-owned"),
    ("*", "remote_header_rewrite_domain = 'domain.invalid'", "parameter-refused"),
    ("*", "receive_override_options = 'no_address_mappings'", "parameter-refused"),
    ("*", "soft_bounce = 'yes'", "parameter-refused"),
    ("*", "soft_bounce = 'no'", ""),
    ("*", "default_privs = 'root'", "parameter-refused"),
    ("*", "default_privs = 'nobody'", ""),
    ("*", "maillog_file = '/dev/stdout'", "parameter-refused"),
    ("*", "maillog_file = '/var/log/relay/mail.log'", ""),
    ("*", "queue_directory = '/srv/spool'", "parameter-refused"),
    ("*", "data_directory = '/srv/data'", "parameter-refused"),
    ("*", "mail_owner = 'mail'", "parameter-refused"),
    ("*", "multi_instance_enable = 'yes'", "parameter-refused"),
    ("*", "default_transport = 'smtp'", "parameter-owned"),
    ("*", "defer_transports = 'smtp'", "parameter-owned"),
    ("null-client", "smtp_fallback_relay = '[mx.other.example]:25'", "parameter-owned"),
    ("mail-gateway", "smtp_fallback_relay = '[mx.other.example]:25'", ""),
    ("*", "relayhost = '[mx.other.example]:25'", "parameter-owned"),
    ("null-client", "mynetworks = '10.0.0.0/8'", "parameter-refused"),
    ("lan-relay", "mynetworks = '10.0.0.0/8'", "parameter-owned"),
    ("null-client", "inet_interfaces = 'all'", "parameter-refused"),
    ("lan-relay", "inet_interfaces = 'all'", "parameter-owned"),
    ("null-client", "virtual_alias_domains = 'acme.example'", "parameter-refused"),
    ("mail-gateway", "virtual_alias_domains = 'acme.example'", "parameter-owned"),
    ("*", "smtp_sasl_security_options = 'noanonymous'", "parameter-refused"),
    ("*", "smtp_sasl_tls_security_options = 'noplaintext, noanonymous'", "parameter-refused"),
    ("lan-relay", "smtpd_tls_auth_only = 'no'", "parameter-refused"),
    ("mail-server", "smtpd_tls_auth_only = 'no'", "parameter-refused"),
    ("lan-relay", "smtpd_tls_auth_only = 'yes'", ""),
    ("lan-relay", "smtpd_sasl_security_options = ''", "parameter-refused"),
    ("*", "smtp_tls_mandatory_ciphers = 'null'", "parameter-refused"),
    ("*", "smtp_tls_ciphers = 'high'", "?"),
    ("mail-gateway", "smtpd_recipient_restrictions = 'permit'", "parameter-owned"),
    ("lan-relay", "smtpd_recipient_restrictions = 'reject_unknown_recipient_domain'", ""),
    ("lan-relay", "smtpd_data_restrictions = 'reject_unauth_pipelining'", "parameter-refused"),
    (
        "mail-gateway",
        "smtpd_data_restrictions = 'reject_unauth_pipelining, reject_multi_recipient_bounce'",
        "",
    ),
    ("lan-relay", "smtpd_data_restrictions = 'permit_mynetworks, permit, reject'", "parameter-refused"),
    ("lan-relay", "smtpd_data_restrictions = 'permit_mynetworks, reject'", ""),
    ("mail-gateway", "smtpd_data_restrictions = 'reject_multi_recipient_bounce'", "parameter-refused"),
    ("*", "smtpd_client_restrictions = ''", "?"),
    ("*", "smtpd_forbid_bare_newline = 'no'", "parameter-refused"),
    ("*", "smtpd_forbid_bare_newline = 'reject'", "?"),
    ("*", "smtpd_delay_reject = 'no'", "parameter-refused"),
    ("*", "message_size_limit = 10", "parameter-owned"),
    ("*", "home_mailbox = 'Maildir/'", "ineffective-parameter"),
    ("*", "cleanup_service_name = 'clean'", "unknown-service"),
    ("*", "foo_destination_concurrency_limit = 2", "unknown-transport"),
    ("*", "smtp-amavis_destination_recipient_limit = 1", "unknown-transport"),
    ("*", "lmtp_destination_recipient_limit = 1", ""),
    ("*", "biff = 'no'", ""),
    ("*", "always_bcc = 'archive@acme.example'", ""),
    ("*", "smtp_connect_timeout = '10s'", ""),
    ("*", "message_drop_headers = 'content-length'", "?"),
];

#[test]
fn what_main_cf_of_a_spec_may_do() {
    let mut cells = 0;
    for (profiles, line, code) in CASES {
        for profile in Profile::ALL.iter().filter(|one| *profiles == "*" || *profiles == one.name()) {
            let source = with(*profile, &format!("[main-cf]\n{line}\n"));
            let found = findings(&source);
            let codes: Vec<&str> = found
                .iter()
                .filter(|finding| finding.severity != Severity::Note)
                .map(|finding| finding.code)
                .collect();
            let text = render_text(&found, &source, false);
            match *code {
                "?" => {}
                "" => assert!(!has_errors(&found), "{}: {line}\n{text}", profile.name()),
                code => assert_eq!(codes, [code], "{}: {line}\n{text}", profile.name()),
            }
            cells += 1;
        }
    }
    assert!(cells > 200, "{cells}");
}

/// What a section sets is not replaced in silence; without the section the parameter is free.
#[test]
fn what_a_section_sets_is_named() {
    let cases = [
        (Profile::NullClient, "milter.servers", "smtpd_milters = 'inet:127.0.0.1:11332'"),
        (Profile::MailGateway, "milter.default-action", "milter_default_action = 'accept'"),
        (Profile::NullClient, "content.headers", "header_checks = 'regexp:/etc/postfix/content_headers'"),
        (Profile::MailGateway, "content.body", "body_checks = 'regexp:/etc/postfix/content_body'"),
        (Profile::LanRelay, "restrictions.helo", "smtpd_helo_restrictions = 'reject_invalid_helo_hostname'"),
        (Profile::LanRelay, "access.senders", "smtpd_sender_restrictions = 'reject_unknown_sender_domain'"),
        (
            Profile::LanRelay,
            "access.recipients",
            "smtpd_recipient_restrictions = 'reject_unknown_recipient_domain'",
        ),
        (Profile::NullClient, "notices.classes", "notify_classes = 'resource'"),
        (Profile::NullClient, "transports", "transport_maps = 'regexp:/etc/postfix/content_headers'"),
        (Profile::MailGateway, "abuse.block-words", "default_rbl_reply = 'no'"),
        (Profile::LanRelay, "network.listen", "proxy_interfaces = '192.0.2.1'"),
    ];
    for (profile, section, line) in cases {
        let source = with(profile, &format!("{}\n[main-cf]\n{line}\n", sample(section)));
        let found = findings(&source);
        let [finding] = found.iter().filter(|one| one.severity == Severity::Error).collect::<Vec<_>>()[..]
        else {
            panic!("{section}: {}", render_text(&found, &source, false));
        };
        assert_eq!(finding.code, "parameter-owned");
        assert!(finding.message.contains(section) && finding.hints[0].contains(section), "{finding:?}");
        let source = with(profile, &format!("[main-cf]\n{line}\n"));
        let codes: Vec<_> = findings(&source).iter().map(|one| one.code).collect();
        assert!(!codes.contains(&"parameter-owned"), "{line}: {codes:?}");
    }
}

/// An explicit flag, and no other way, in the whole of main.cf and for one service.
#[test]
fn a_flag_allows_passwords_in_clear() {
    let flag = &sample("server.allow-cleartext-password");
    let allowed = with(Profile::LanRelay, &format!("{flag}\n[main-cf]\nsmtpd_tls_auth_only = 'no'\n"));
    assert!(!has_errors(&findings(&allowed)));
    let (checked, _) = spec::load(&with(Profile::LanRelay, flag), &Providers::builtin());
    let relay = checked.unwrap().relay;
    let main = crate::plan::main_cf::main_cf(&relay).unwrap();
    assert_eq!(main.get("smtpd_tls_auth_only").unwrap().as_str(), "no");
    assert!(
        !text_for_host(relay.profile, |verdict| verdict.lifted(&relay)).contains("\nsmtpd_tls_auth_only\t")
    );
    for id in ["smtp/inet", "10.66.0.5:2525/inet"] {
        let command = if id.starts_with("smtp") { "" } else { "command = 'smtpd'\n" };
        let service = format!("[services.'{id}']\n{command}options = {{ smtpd_tls_auth_only = 'no' }}\n");
        let found = findings(&with(Profile::LanRelay, &service));
        assert_eq!(found.iter().filter(|one| one.code == "parameter-refused").count(), 1, "{id}: {found:?}");
        assert!(
            found
                .iter()
                .any(|one| one.hints.iter().any(|hint| hint.contains("server.allow-cleartext-password")))
        );
    }
}

/// The options of a service that filters mail are its own affair.
#[test]
fn a_service_of_the_spec_may_differ() {
    let own = "[services.'127.0.0.1:10025/inet']\ncommand = 'smtpd'\noptions = { receive_override_options = 'no_header_body_checks, \
               no_milters', smtpd_delay_reject = 'no', smtpd_client_restrictions = 'permit_mynetworks, reject', mynetworks = \
               '127.0.0.0/8', smtpd_recipient_restrictions = 'permit_mynetworks, reject', smtpd_data_restrictions = \
               'reject_unauth_pipelining' }\n[main-cf]\nsmtp-amavis_destination_recipient_limit = 1\n\
               [services.'smtp-amavis/unix']\ncommand = 'smtp'\n";
    for profile in Profile::ALL {
        let source = with(*profile, own);
        let found = findings(&source);
        assert!(!has_errors(&found), "{}", render_text(&found, &source, false));
    }
    for (service, option, refused) in [
        ("smtp/unix", "smtp_generic_maps", 1),
        // What the relay sets for a reason.
        ("smtp/unix", "smtp_header_checks", 1),
        ("smtp/unix", "smtp_sasl_mechanism_filter", 1),
        ("cleanup/unix", "recipient_canonical_maps", 1),
        ("cleanup/unix", "header_checks", 0),
    ] {
        let theirs = format!("[services.'{service}']\noptions = {{ {option} = '' }}\n");
        let found = findings(&with(Profile::NullClient, &theirs));
        assert_eq!(
            found.iter().filter(|one| one.code == "parameter-owned").count(),
            refused,
            "{theirs} {found:?}"
        );
    }
}

/// Lists that accept or refuse everything, by [restrictions] and by [main-cf].
#[test]
fn lists_that_hold_for_everybody() {
    let cases = [
        (
            Profile::LanRelay,
            "access.recipients = { 'acme.example' = 'permit' }\nrestrictions.recipient = ['reject']",
            "refuses-everything",
        ),
        (
            Profile::LanRelay,
            "restrictions.recipient = ['check_recipient_access inline:{ acme.example=OK }', 'reject']",
            "",
        ),
        (Profile::LanRelay, "restrictions.recipient = ['permit_mynetworks', 'reject']", ""),
        (Profile::LanRelay, "restrictions.recipient = ['permit']", "accepts-everything"),
        (Profile::LanRelay, "restrictions.client = ['reject']", "refuses-everything"),
        (Profile::LanRelay, "restrictions.client = ['permit']", "accepts-everything"),
        (Profile::LanRelay, "restrictions.sender = ['defer']", "refuses-everything"),
        (Profile::MailGateway, "restrictions.recipient = ['permit']", "accepts-everything"),
        (
            Profile::MailGateway,
            "restrictions.recipient = ['permit_mynetworks', 'reject']",
            "refuses-everything",
        ),
        (Profile::MailGateway, "restrictions.recipient = ['reject_unknown_sender_domain']", ""),
        (Profile::MailGateway, "restrictions.helo = ['defer']", "refuses-everything"),
        (Profile::LanRelay, "restrictions.helo = ['check_helo_access static:REJECT']", "refuses-everything"),
        (Profile::MailGateway, "restrictions.helo = ['permit_mynetworks', 'reject']", "refuses-everything"),
        (Profile::LanRelay, "restrictions.helo = ['permit_mynetworks', 'reject']", ""),
        (
            Profile::MailGateway,
            "restrictions.recipient = ['permit_auth_destination', 'reject_unknown_sender_domain']",
            "accepts-everything",
        ),
        (Profile::MailServer, "restrictions.sender = ['permit_auth_destination']", "accepts-everything"),
        (Profile::LanRelay, "restrictions.recipient = ['permit_auth_destination']", ""),
        (Profile::LanRelay, "access.clients = { '0.0.0.0/0' = 'reject' }", "refuses-everything"),
        (Profile::MailGateway, "access.clients = { '::/0' = 'defer try later' }", "refuses-everything"),
        (Profile::MailGateway, "access.clients = { '0.0.0.0/0' = 'permit' }", "accepts-everything"),
        (
            Profile::MailGateway,
            "access.clients = { '0.0.0.0/0' = 'reject', '192.0.2.0/24' = 'permit', '::/0' = 'reject', '2001:db8::/32' = 'permit' }",
            "",
        ),
        (
            Profile::MailGateway,
            "access.clients = { '0.0.0.0/0' = 'reject', '2001:db8::/32' = 'permit' }",
            "refuses-everything",
        ),
        (Profile::NullClient, "main-cf.smtpd_recipient_restrictions = 'reject'", "refuses-everything"),
        (Profile::NullClient, "main-cf.smtpd_recipient_restrictions = 'permit'", "accepts-everything"),
        (
            Profile::NullClient,
            "main-cf.smtpd_recipient_restrictions = 'permit_mynetworks, reject, permit'",
            "restriction-order",
        ),
        (Profile::NullClient, "main-cf.smtpd_etrn_restrictions = 'reject'", ""),
        (Profile::MailServer, "main-cf.smtpd_end_of_data_restrictions = 'reject'", "refuses-everything"),
    ];
    for (profile, more, code) in cases {
        let source = with(profile, more);
        let found = findings(&source);
        let codes: Vec<&str> = found
            .iter()
            .filter(|finding| finding.severity != Severity::Note)
            .map(|finding| finding.code)
            .filter(|code| code.contains("everything") || code.starts_with("restriction"))
            .collect();
        let expected: &[&str] = if code.is_empty() { &[] } else { &[code] };
        assert_eq!(codes, expected, "{more}\n{}", render_text(&found, &source, false));
    }
}

/// What merge.awk reads has four fields, and refuses nothing that the package itself writes.
#[test]
fn the_package_itself_does_nothing_that_a_host_must_not_do() {
    for profile in Profile::ALL {
        let (checked, _) = spec::load(&with(*profile, ""), &Providers::builtin());
        let relay = checked.unwrap().relay;
        let text = text_for_host(relay.profile, |verdict| verdict.lifted(&relay));
        assert!(text.lines().count() > 100);
        assert!(text.lines().skip(1).all(|line| line.split('\t').count() == 4), "{text}");
        for setting in crate::plan::main_cf::main_cf(&relay).unwrap().iter() {
            let verdict = of(&setting.name, *profile);
            let valued = verdict.filter(|verdict| verdict.rule != Rule::Never);
            let refused =
                valued.and_then(|verdict| verdict.refused(setting.value.as_str()).map(str::to_owned));
            assert_eq!(refused, None, "{} = {} in {}", setting.name, setting.value, profile.name());
        }
    }
}

#[test]
fn values_are_compared_as_postfix_reads_them() {
    let parameter = |name: &str, value: &str| Parameter {
        name: name.to_owned(),
        value: value.to_owned(),
        name_span: 0..0,
        value_span: 0..0,
    };
    let refused = |name: &str, value: &str| {
        assert!(read(&parameter(name, value)).is_ok());
        of(name, Profile::NullClient).unwrap().refused(value).is_some()
    };
    assert!(!refused("soft_bounce", "NO") && refused("soft_bounce", "yes") && refused("soft_bounce", "$x"));
    assert!(!refused("sender_canonical_classes", "envelope_sender,\theader_sender"));
    assert!(refused("default_privs", "Root") && !refused("default_privs", "rooter"));
    assert!(!refused("maillog_file", "") && refused("maillog_file", "/srv/mail.log"));
}

/// A hint that names a parameter to use instead names the key, where a key decides it here.
#[test]
fn hints_lead_to_what_is_right_here() {
    let cases = [
        (Profile::NullClient, "main-cf.smtp_use_tls = 'yes'", "Set `tls.level` instead."),
        (
            Profile::NullClient,
            "main-cf.fallback_relay = '[mx.other.example]'",
            "Set `smarthost.host` instead.",
        ),
        (
            Profile::MailGateway,
            "main-cf.fallback_relay = '[mx.other.example]'",
            "Use `smtp_fallback_relay` instead.",
        ),
        (
            Profile::MailGateway,
            "main-cf.reject_unlisted_recipient = 'yes'",
            "Set `restrictions.recipient` instead.",
        ),
        (
            Profile::NullClient,
            "main-cf.reject_unlisted_recipient = 'yes'",
            "Put it into `smtpd_recipient_restrictions`.",
        ),
        (Profile::LanRelay, "main-cf.reject_rbl_client = 'yes'", "Set `restrictions.client` instead."),
        (
            Profile::MailGateway,
            "main-cf.smtpd_data_restrictions = 'reject_unauth_pipelining, reject_unlisted_recipient'",
            "Set `restrictions.recipient` instead.",
        ),
        (
            Profile::MailGateway,
            "restrictions.recipient = ['permit_mx_backup']",
            "Set `inbound.domains` instead.",
        ),
        (
            Profile::LanRelay,
            "restrictions.recipient = ['reject_invalid_hostname']",
            "Use `reject_invalid_helo_hostname`.",
        ),
        (
            Profile::LanRelay,
            "restrictions.recipient = ['reject_multi_recipient_bounce']",
            "Put it into `smtpd_data_restrictions`",
        ),
    ];
    for (profile, more, hint) in cases {
        let source = with(profile, more);
        let found = findings(&source);
        let [finding] = found.iter().filter(|one| one.severity != Severity::Note).collect::<Vec<_>>()[..]
        else {
            panic!("{more}: {}", render_text(&found, &source, false));
        };
        assert!(finding.hints.iter().any(|one| one.starts_with(hint)), "{more}: {finding:?}");
    }
}
