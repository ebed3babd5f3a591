//! Open relays, as a person might write them: by a parameter, a service, a restriction or a class.

use super::samples::with;
use super::tests::findings;
use crate::diag::{Diagnostic, Severity, Source, has_errors, render_text};
use crate::relay::Profile;

const OPEN: &[(&str, &str)] = &[
    ("*", "main-cf.smtpd_authorized_xclient_hosts = '0.0.0.0/0'"),
    ("*", "main-cf.smtpd_authorized_xclient_hosts = '0.0.0.0/1 128.0.0.0/1'"),
    ("*", "main-cf.smtpd_authorized_xclient_hosts = '[::]/0'"),
    ("*", "main-cf.smtpd_authorized_xclient_hosts = 'static:all'"),
    ("*", "main-cf.smtpd_authorized_xforward_hosts = '0.0.0.0/0'"),
    ("*", "main-cf.qmqpd_authorized_clients = 'static:all'"),
    ("*", "main-cf.qmqpd_authorized_clients = 'regexp:{{/./ OK}}'"),
    ("*", "main-cf.smtpd_authorized_verp_clients = '.com'"),
    ("*", "main-cf.smtpd_forbid_bare_newline_exclusions = '0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/1'"),
    ("*", "main-cf.permit_mx_backup_networks = '0.0.0.0/0'"),
    ("*", "main-cf.relay_clientcerts = 'static:all'"),
    ("*", "main-cf.allow_untrusted_routing = 'yes'"),
    ("*", "main-cf.relay_domains = 'static:all'"),
    ("*", "main-cf.smtpd_relay_restrictions = 'check_client_access static:OK, reject_unauth_destination'"),
    ("*", "main-cf.smtpd_upstream_proxy_protocol = 'haproxy'"),
    ("clients", "main-cf.smtpd_data_restrictions = 'permit_mynetworks, permit, reject'"),
    ("*", "main-cf = { list = '0.0.0.0/0', smtpd_authorized_xclient_hosts = '127.0.0.1 $list' }"),
    ("*", "main-cf = { smtpd_restriction_classes = 'cls' }"),
    (
        "clients",
        "restrictions.client = ['cls']\n[main-cf]\nsmtpd_restriction_classes = 'cls'\ncls = 'permit'",
    ),
    ("clients", "restrictions.client = ['check_client_access static:OK']"),
    ("clients", "restrictions.client = ['check_client_access cidr:{{0.0.0.0/0 OK}}']"),
    (
        "clients",
        "restrictions.recipient = ['permit_mynetworks', 'permit']\naccess.allowed-senders = ['a@b.example']\nrestrictions.sender = ['permit']",
    ),
    (
        "inbound",
        "restrictions.recipient = ['check_policy_service { inet:127.0.0.1:1 } , permit , reject_unauth_destination']",
    ),
    ("inbound", "restrictions.recipient = ['check_recipient_access static:OK']"),
    (
        "clients",
        "access.allowed-senders = ['a@b.example']\nrestrictions.sender = ['check_sender_access static:42']",
    ),
];

/// Options of a service of the spec's own that clients reach.
const OPEN_SERVICES: &[&str] = &[
    "mynetworks = '0.0.0.0/1,128.0.0.0/1'",
    "mynetworks = '127.0.0.0/8 [2000::]/3'",
    "mynetworks = 'static:all'",
    "mynetworks = 'cidr:{{0.0.0.0/0 OK}}'",
    "smtpd_relay_restrictions = 'permit', smtpd_recipient_restrictions = ''",
    "smtpd_relay_restrictions = 'check_client_access static:OK, reject', smtpd_recipient_restrictions = ''",
    "smtpd_relay_restrictions = 'permit_tls_all_clientcerts, reject', smtpd_recipient_restrictions = ''",
    "smtpd_relay_restrictions = 'check_sender_access regexp:{{/./ OK}}, reject', smtpd_recipient_restrictions = ''",
    "smtpd_relay_restrictions = '$smtpd_helo_restrictions, reject', smtpd_helo_restrictions = 'permit', smtpd_recipient_restrictions = ''",
    "smtpd_relay_restrictions = 'permit_mynetworks', smtpd_recipient_restrictions = 'permit_mynetworks'",
    "smtpd_relay_restrictions = 'permit_mynetworks, REJECT', smtpd_recipient_restrictions = ''",
    "allow_untrusted_routing = 'yes'",
    "smtpd_authorized_xclient_hosts = '0.0.0.0/0'",
    "smtpd_upstream_proxy_protocol = 'haproxy'",
    "relay_domains = 'static:all'",
    "relay_domains = 'com, net, org'",
    "smtpd_sasl_auth_enable = 'yes', smtpd_tls_auth_only = 'yes', smtpd_sasl_security_options = ''",
    "smtpd_sasl_auth_enable = 'yes', smtpd_tls_auth_only = 'yes', smtpd_sasl_tls_security_options = 'noplaintext'",
];

/// Valid specs that look similar.
const CLOSED: &[(&str, &str)] = &[
    ("*", "main-cf.smtpd_authorized_xclient_hosts = '127.0.0.1, 10.0.0.0/8'"),
    ("*", "main-cf.smtpd_authorized_xforward_hosts = '127.0.0.0/8 [::1]/128'"),
    ("*", "main-cf.qmqpd_authorized_clients = '192.168.0.0/16, printserver'"),
    (
        "*",
        "main-cf.relay_clientcerts = '$default_database_type:/etc/postfix/certs'\n\
         relay.own-files = ['/etc/postfix/certs']",
    ),
    ("*", "main-cf.allow_untrusted_routing = 'no'"),
    ("clients", "restrictions.client = ['check_client_access cidr:{{198.51.100.0/24 REJECT}}']"),
    (
        "clients",
        "restrictions.client = ['cls']\n[main-cf]\nsmtpd_restriction_classes = 'cls'\ncls = 'reject_unknown_client_hostname'",
    ),
    (
        "clients",
        "services.'127.0.0.1:2525/inet' = { command = 'smtpd', options = { smtpd_upstream_proxy_protocol = 'haproxy' } }",
    ),
    (
        "clients",
        "services.'2525/inet' = { command = 'smtpd', options = { smtpd_relay_restrictions = 'permit_sasl_authenticated, reject', mynetworks = '127.0.0.0/8 10.0.0.0/8' } }",
    ),
];

fn of(who: &str) -> Vec<Profile> {
    let is_meant = |profile: &&Profile| match who {
        "clients" => **profile != Profile::NullClient,
        "inbound" => matches!(profile, Profile::MailGateway | Profile::MailServer),
        _ => true,
    };
    Profile::ALL.iter().filter(is_meant).copied().collect()
}

/// For a Postfix that takes tables in braces: what else is wrong must not hide what is tested.
fn newest(profile: Profile, more: &str) -> Source {
    with(profile, &format!("package.targets = ['debian-13']\n{more}"))
}

#[test]
fn open_relays_are_found() {
    let services = OPEN_SERVICES.iter().map(|options| {
        ("clients", format!("services.'2525/inet' = {{ command = 'smtpd', options = {{ {options} }} }}"))
    });
    let rows = OPEN.iter().map(|(who, more)| (*who, (*more).to_owned())).chain(services);
    let (mut cells, mut passed) = (0, Vec::new());
    for (who, more) in rows {
        for profile in of(who) {
            let source = newest(profile, &more);
            let refuses = |one: &Diagnostic| one.severity == Severity::Error && !one.code.starts_with("map");
            if !findings(&source).iter().any(refuses) {
                passed.push(format!("{}: {more}", profile.name()));
            }
            cells += 1;
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
    assert!(cells > 170, "{cells}");
}

#[test]
fn closed_relays_are_left_alone() {
    for (who, more) in CLOSED {
        for profile in of(who) {
            let source = newest(profile, more);
            let found = findings(&source);
            assert!(
                !has_errors(&found),
                "{}: {more}\n{}",
                profile.name(),
                render_text(&found, &source, false)
            );
        }
    }
}

/// Rules that depend on a table or a server are reported, and do not stop a build.
#[test]
fn what_may_relay_is_a_warning() {
    let options = [
        "check_client_access hash:/etc/postfix/x, reject",
        "check_policy_service inet:127.0.0.1:1, reject",
        "check_sender_access inline:{a.example=OK}, reject",
        "permit_dnswl_client list.example, reject",
        "permit_mx_backup, reject",
    ];
    for list in options {
        let more = format!(
            "services.'2525/inet' = {{ command = 'smtpd', options = {{ smtpd_relay_restrictions = '{list}' }} }}"
        );
        let source = with(Profile::LanRelay, &more);
        let found = findings(&source);
        let told = found.iter().any(|one| one.code == "may-relay" && one.severity == Severity::Warning);
        assert!(told || has_errors(&found), "{list}\n{}", render_text(&found, &source, false));
    }
}

/// Firewall rules open a port that trusts a proxy to all trusted clients.
#[test]
fn a_proxy_behind_an_open_firewall_is_named() {
    let proxy = "server.proxy-protocol = true\nnetwork.listen = ['10.66.0.5']\n";
    let codes = |more: &str| {
        let found = findings(&with(Profile::LanRelay, more));
        found.iter().filter(|one| one.code == "proxy-firewall").count()
    };
    assert_eq!(codes(&format!("{proxy}firewall.tools = ['nftables']")), 1);
    assert_eq!((codes(proxy), codes("firewall.tools = ['nftables']")), (0, 0));
}

/// Strangers start no queue, and hide no second message in the text of one, on any profile, unless a key says so.
#[test]
fn every_profile_refuses_bare_newlines() {
    use crate::plan::clients::where_known;
    use crate::relay::Providers;
    for profile in Profile::ALL {
        let known = |more: &str| {
            let (checked, _) = crate::spec::load(&with(*profile, more), &Providers::builtin());
            let relay = checked.unwrap().relay;
            let etrn =
                crate::plan::main_cf::main_cf(&relay).unwrap().get("smtpd_etrn_restrictions").is_some();
            assert_eq!(etrn, relay.server.is_some());
            where_known(&relay)
        };
        let refused = known("");
        assert!(refused.contains(&"smtpd_forbid_bare_newline=yes"), "{refused:?}");
        assert!(refused.contains(&"smtpd_forbid_bare_newline_exclusions="), "{refused:?}");
        assert!(known("network.allow-bare-newlines = true").contains(&"smtpd_forbid_bare_newline=no"));
    }
}
