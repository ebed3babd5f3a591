//! Each mistake that Postfix's own checkers miss, put where a person would put it.

use super::*;
use crate::postfix::Release;
use proptest::prelude::*;

/// The Postfix of Debian 11, of Debian 13, and of Arch Linux.
fn installations() -> Vec<(&'static str, Installation)> {
    let installation = |version: &str, default: &str, indexed: &[&str]| Installation {
        version: version.parse().unwrap(),
        default_database_type: default.to_owned(),
        indexed: indexed.iter().map(|&text| text.to_owned()).collect(),
    };
    vec![
        ("Debian 11", installation("3.5.25", "hash", &["hash", "btree"])),
        ("Debian 13", installation("3.10.13", "hash", &["hash", "btree"])),
        ("Arch Linux", installation("3.11.7", "lmdb", &["lmdb"])),
    ]
}

fn refusal(parameter: &Parameter) -> Option<Diagnostic> {
    let owned = parameter.name == "smtp_sasl_password_maps";
    owned.then(|| Diagnostic::error("parameter-owned", parameter.name_span.clone(), "refused by the relay"))
}

/// `name = value` as it stands in the spec, with spans into that line.
fn written(lines: &str) -> Vec<Parameter> {
    let mut offset = 0;
    let mut parameters = Vec::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(" = ").unwrap_or((line.trim_end_matches(" ="), ""));
        let value_start = offset + name.len() + 3;
        parameters.push(Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
            name_span: offset..offset + name.len(),
            // With room for two quotes, as in TOML.
            value_span: value_start..value_start + value.len() + 2,
        });
        offset += line.len() + 3;
    }
    parameters
}

fn with_context<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
    let installations = installations();
    let map_packages = BTreeMap::from([("pcre".to_owned(), "postfix-pcre".to_owned())]);
    let targets = installations
        .iter()
        .map(|(title, postfix)| Target { title, postfix, map_packages: &map_packages })
        .collect();
    run(&Context {
        targets,
        refusal: &refusal,
        defined: &["relay_ca_file"],
        parts: false,
        classes: "",
        brought: &[],
        clear: false,
        has_file: &|path| path != "/etc/postfix/stranger",
    })
}

fn show(findings: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in findings {
        let hints = finding.hints.join(" ");
        let line = format!("{:?} {}: {}. {hints}", finding.severity, finding.code, finding.message);
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn judge(lines: &str) -> String {
    with_context(|context| show(&parameters(&written(lines), context)))
}

/// Judges a whole file, all of it written by a person or none of it.
fn judge_whole(lines: &str, by_hand: bool) -> String {
    let written = written(lines);
    let mut main = MainCf::new();
    for parameter in &written {
        main.set(&parameter.name, value(parameter).unwrap()).unwrap();
    }
    let by_hand = if by_hand { written } else { Vec::new() };
    with_context(|context| show(&whole(&main, &by_hand, context)))
}

#[test]
fn mistakes_in_names() {
    let cases = [
        "smpt_tls_security_level = secure",
        "frobnicate = yes",
        "check_sender_access = cidr:/etc/postfix/access",
        "smtp_use_tls = yes",
        "smtpd_tls_eecdh_grade = strong",
        "nullmx_reject_code = 556",
        "smtp_tlsrpt_enable = yes",
        "smtpd_reject_filter_maps = regexp:/etc/postfix/x",
        "smtp_sasl_password_maps = texthash:/etc/postfix/passwords",
        "mail_version = 4",
        "a b = c",
        "slow_destination_rate_delay = 1s",
    ];
    insta::assert_snapshot!(cases.map(|case| format!("{case}\n{}", judge(case))).join("\n"));
}

#[test]
fn mistakes_in_values() {
    let cases = [
        "smtp_tls_security_level = encrpyt",
        "smtpd_tls_security_level = secure",
        "smtp_tls_mandatory_protocols = !SSLv2, TLSv9",
        "smtp_tls_mandatory_protocols = >=TLSv1.2",
        "smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
        "relayhost = [smtp.example.com]:587 # the relay",
        "relayhost = 127.0.0.1]:2610",
        "relayhost = [127.0.0.1:2610",
        "relayhost = [smtp.example.com]:70000",
        "relayhost = smtp.example.com:587",
        "relayhost = [smtp.example.com]:587, [ipv6:2001:db8::1]:submission $x_relay",
        "message_size_limit = ten",
        "message_size_limit = 10MB",
        "smtpd_recipient_limit = 0",
        "smtp_tls_loglevel = 7",
        "inet_interfaces = loopback_only",
        "inet_interfaces = 192.0.2.1, [2001:db8::1], loopback-only",
        "inet_protocols = ipv5",
        "bounce_queue_lifetime = 5 days",
        "bounce_queue_lifetime = soon",
        "maximal_queue_lifetime = 5d",
        "disable_vrfy_command = maybe",
        "disable_vrfy_command = YES",
        "mynetworks = 127.0.0.0/8 192.168.1.1/24",
        "mynetworks = 127.0.0.0/8 ::1/128",
        "mynetworks = 10.0.0.0/255.0.0.0, office",
        "mynetworks = 127.0.0.0/8, [::1]/128, !10.0.0.1, cidr:/etc/postfix/clients, /etc/postfix/list",
        "myhostname = localhost",
        "myhostname = web1",
        "myhostname = $hostname.example.com",
        "notify_classes = resource, sofware",
        "smtp_sasl_security_options = noplaintext, noanonymos",
        "mydestination = @example.com",
        "smtpd_milters = 127.0.0.1:8891",
        "smtpd_milters = { inet:localhost:8891, connect_timeout=10s }, unix:/run/x.sock",
        "smtp_bind_address = eth0",
        "smtp_tls_CAfile = ca.pem",
        "smtp_tls_CAfile = $relay_ca_file",
        "default_transport = smtp relay:[x]",
        "smtpd_banner = costs $ 5",
        "default_rbl_reply = $rbl_code blocked ${rbl_reason?; $rbl_reason}",
    ];
    insta::assert_snapshot!(cases.map(|case| format!("{case}\n{}", judge(case))).join("\n"));
}

#[test]
fn mistakes_in_tables() {
    let cases = [
        "transport_maps = hash:/etc/postfix/transport",
        "transport_maps = lmbd:/etc/postfix/transport",
        "transport_maps = $default_database_type:/etc/postfix/transport",
        "header_checks = regexp: /etc/postfix/header_checks",
        "header_checks = regexp:header_checks",
        "header_checks = pcre:/etc/postfix/header_checks",
        "header_checks = regexp:{{/^X-/ IGNORE}}",
        "header_checks = /etc/postfix/header_checks",
        "virtual_alias_maps = inline:{ {@a.example = b@c.example} }, proxy:mysql:/etc/postfix/x.cf",
        "virtual_alias_maps = unionmap:{texthash:/a, hsh:/b}",
        "virtual_alias_maps = proxy:btree:/b",
        "alias_maps =",
    ];
    insta::assert_snapshot!(cases.map(|case| format!("{case}\n{}", judge(case))).join("\n"));
}

#[test]
fn files_that_nobody_brings() {
    insta::assert_snapshot!(judge(
        "transport_maps = $default_database_type:/etc/postfix/stranger, regexp:/etc/postfix/known\n\
         mynetworks = 10.0.0.0/8, /etc/postfix/stranger\n\
         smtp_tls_session_cache_database = btree:/etc/postfix/stranger\n\
         folder = $config_directory\n\
         header_checks = pcre:$folder/stranger"
    ));
}

#[test]
fn permanent_answers_to_temporary_causes() {
    insta::assert_snapshot!(judge(
        "milter_default_action = reject\n\
         smtpd_policy_service_default_action = 554 5.7.1 no\n\
         access_map_defer_code = 554\n\
         smtp_sasl_auth_soft_bounce = no\n\
         smtpd_recipient_restrictions = check_policy_service { inet:127.0.0.1:9, default_action=REJECT }, reject\n\
         smtpd_milters = { inet:127.0.0.1:8, default_action = reject }, { inet:127.0.0.1:9, default_action=accept }"
    ));
}

#[test]
fn mistakes_in_restrictions() {
    let cases = [
        "smtpd_recipient_restrictions = permit_mynetworks, rejct_unauth_destination",
        "smtpd_recipient_restrictions = permit_mynetworks, check_relay_domains",
        "smtpd_helo_restrictions = reject_invalid_hostname",
        "smtpd_client_restrictions = permit_mynetworks, check_client_access hash:/etc/postfix/clients, reject",
        "smtpd_client_restrictions = check_client_access",
        "smtpd_client_restrictions = check_client_access reject",
        "smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org=127.0.0.[2..11], sleep 1, permit",
        "smtpd_client_restrictions = reject_rbl_client permit",
        "smtpd_data_restrictions = reject_unauth_pipelining, reject_unauth_destination",
        "smtpd_sender_restrictions = check_etrn_access cidr:/x",
        "smtpd_recipient_restrictions = check_policy_service localhost:10023, warn_if_reject",
        "smtpd_recipient_restrictions = check_policy_service { inet:localhost:10023, timeout=10s }, $more, reject",
        "smtpd_client_restrictions = strict\nsmtpd_restriction_classes = strict\nstrict = permit_mynetworks, rejct",
        "local_header_rewrite_clients = permit_mynetworks, reject",
    ];
    insta::assert_snapshot!(cases.map(|case| format!("{case}\n{}", judge(case))).join("\n"));
}

#[test]
fn mistakes_that_show_together() {
    let cases = [
        "smtpd_relay_restrictions =",
        "smtpd_relay_restrictions = permit_mynetworks, permit",
        "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination, permit",
        "smtpd_relay_restrictions = permit_mynetworks\nsmtpd_recipient_restrictions = warn_if_reject reject_unauth_destination",
        "mynetworks = 127.0.0.0/8, 0.0.0.0/0",
        "smtp_sasl_auth_enable = yes",
        "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:/x\nsmtp_tls_security_level = may\nsmtp_sasl_security_options = noanonymous",
        "smtp_tls_wrappermode = yes\nsmtp_tls_security_level = may",
        "smtp_tls_security_level = secure\nsmtp_tls_protocols = !SSLv2",
        "smtp_generic_maps = static:ops@acme.example",
        "sender_canonical_maps = regexp:{ {/.+/ noreply@acme.example} }",
        "sender_canonical_maps = regexp:{ {/@lan$$/ noreply@acme.example} }",
        "sender_canonical_maps = regexp:{ {/.+/ noreply@acme.example} }\nsender_canonical_classes = header_sender",
        "canonical_maps = pcre:{ {/^(?!x)/ noreply@acme.example} }\ncanonical_classes = envelope_sender",
        "canonical_maps = unionmap:{inline:{ {@a.example = @b.example} }, regexp:{ {/^[^@]*$$/ x@b.example} }}",
        "own_list = permit_mynetworks, reject\nsmtpd_client_restrictions = $own_list",
        "smtpd_relay_restrictions = check_client_access static:OK, reject_unauth_destination",
        "smtpd_restriction_classes = cls\ncls = permit\nsmtpd_relay_restrictions = cls, reject_unauth_destination",
        "smtpd_restriction_classes = cls\nsmtpd_client_restrictions = cls",
        "smtpd_client_restrictions = permit\nsmtpd_relay_restrictions = $smtpd_client_restrictions",
        "smtpd_relay_restrictions = check_policy_service inet:127.0.0.1:1, reject",
        "smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination",
        "smtpd_tls_CAfile = /etc/ssl/own.pem\nsmtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination",
        "smtpd_authorized_xclient_hosts = 127.0.0.1, 0.0.0.0/1, 128.0.0.0/1",
        "qmqpd_authorized_clients = static:all",
        "smtpd_forbid_bare_newline_exclusions = [::]/0",
        "relay_domains = acme.example, com",
        "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\nsmtpd_sasl_security_options =",
        "own_list = permit_mynetworks, reject",
    ];
    insta::assert_snapshot!(cases.map(|case| format!("{case}\n{}", judge_whole(case, true))).join("\n"));
}

#[test]
fn what_we_write_ourselves_is_judged_too() {
    let good = "relayhost = $relay_smarthosts\nrelay_smarthosts = [smtp.example.com]:587\nsmtp_tls_CAfile = $relay_ca_file\n\
                smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination";
    assert_eq!(judge_whole(good, false), "");
    assert!(judge_whole("disable_vrfy_command = maybe", false).contains("value-boolean"));
    assert!(judge_whole("relay_smarthosts = x", false).contains("unknown-parameter"));
}

/// A whole null client, as it ran without a warning on Postfix 3.5 to 3.11.
#[test]
fn a_good_null_client_is_left_alone() {
    let lines = "\
inet_interfaces = loopback-only
inet_protocols = all
mynetworks = 127.0.0.0/8 [::1]/128
myorigin = localhost.localdomain
mydestination =
local_transport = error:5.1.1 this host is send-only and has no mailboxes
alias_maps =
alias_database =
append_dot_mydomain = yes
relayhost = $relay_smarthosts
relay_smarthosts = [smtp.example.com]:587, [smtp2.example.com]:587
virtual_alias_domains =
virtual_alias_maps = $default_database_type:/etc/postfix/virtual inline:{{root = $relay_root}}, inline:{{@$myorigin = a@b.example}}
relay_root = ops@acme.example
recipient_canonical_classes = header_recipient
recipient_canonical_maps = inline:{{@localhost.$mydomain = @$myorigin}}
smtp_header_checks = regexp:/etc/postfix/header_checks
smtp_tls_security_level = secure
smtp_tls_CAfile = $relay_ca_file
smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1
smtp_tls_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1
smtp_tls_loglevel = 1
smtp_tls_connection_reuse = yes
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = $default_database_type:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noplaintext, noanonymous
smtp_sasl_tls_security_options = noanonymous
smtputf8_enable = no
default_transport = retry:4.7.8 no credentials yet: put them into relay.env
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_restrictions = permit_mynetworks, reject
compatibility_level = 3.6";
    assert_eq!(judge_whole(lines, false), "");
}

#[test]
fn the_place_is_the_word_itself() {
    let lines = "notify_classes = resource, sofware";
    let findings = with_context(|context| parameters(&written(lines), context));
    let (span, _) = findings[0].label.clone().unwrap();
    // One more than in the line: there the value has no quotes.
    assert_eq!(&lines[span.start - 1..span.end - 1], "sofware");
}

proptest! {
    #[test]
    fn anything_can_be_judged(name in 0usize..900, value in "[a-z$#,={} 0-9\\t\\n\\[\\]:/!é.]{0,30}", at in 0usize..40) {
        let names = ["mynetworks", "relayhost", "smtpd_relay_restrictions", "header_checks", "smtpd_milters"];
        let name = names.get(at).copied().unwrap_or_else(|| Catalogue::any(name));
        let name_span = at..at + name.len();
        let value_span = name_span.end + 3..name_span.end + 5 + value.len();
        let parameter = Parameter { name: name.to_owned(), value, name_span, value_span };
        let whole = parameter.name_span.start..parameter.value_span.end;
        for finding in with_context(|context| parameters(std::slice::from_ref(&parameter), context)) {
            let (span, _) = finding.label.unwrap();
            prop_assert!(span.start >= whole.start && span.end <= whole.end && span.start <= span.end);
            if let Some(start) = span.start.checked_sub(parameter.value_span.start + 1) {
                let text = &parameter.value;
                prop_assert!(text.get(start..(start + span.len()).min(text.len())).is_some());
            }
        }
    }
}

#[test]
fn every_target_of_one_series_counts() {
    let release = |text: &str| text.parse::<Release>().unwrap();
    assert!(release("3.10.1") > release("3.9.14"));
    assert!(release("3.10").same_series(release("3.10.13")));
}
