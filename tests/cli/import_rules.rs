//! Settings that an import once lost in silence, each as people have it.

use crate::cli::world::World;

/// main.cf and other files, lines that the spec must have, and texts that the report must have.
struct Case {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    spec: &'static [&'static str],
    report: &'static [&'static str],
}

const SENDER: &str =
    "inet_interfaces = loopback-only\nmydestination = localhost\nmyhostname = web1.dc1.acme.example\n";

const CASES: &[Case] = &[
    Case {
        name: "one sender differs from the others",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nsmtp_generic_maps = hash:/etc/postfix/generic\n",
            ),
            (
                "generic",
                "root@web1.dc1.acme.example root@acme.example\n@web1.dc1.acme.example noreply@acme.example\n",
            ),
        ],
        spec: &["from = \"noreply@acme.example\"", "root = \"root@acme.example\""],
        report: &[],
    },
    Case {
        name: "senders by simple patterns",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nsender_canonical_maps = regexp:/etc/postfix/senders\n",
            ),
            (
                "senders",
                "/^root@/ alerts@acme.example\n/^www-data@.*$/ web@acme.example\n/^(.*)@web1\\.dc1\\.acme\\.example$/ $1@acme.example\n",
            ),
        ],
        spec: &[
            "from = \"@acme.example\"",
            "root = \"alerts@acme.example\"",
            "www-data = \"web@acme.example\"",
        ],
        report: &[],
    },
    Case {
        name: "the TLS policy of the smarthost itself",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nsmtp_tls_security_level = may\nsmtp_tls_policy_maps = hash:/etc/postfix/policy\n",
            ),
            ("policy", "[smtp.acme.example]:587 verify match=mx.acme.example\n"),
        ],
        spec: &["level = \"verify\"", "match = [\"mx.acme.example\"]"],
        report: &[],
    },
    Case {
        name: "root's address is in a domain that the host kept",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nmydestination = localhost, acme.example\nalias_maps = hash:/etc/postfix/aliases\n",
            ),
            ("aliases", "root: ops@acme.example\n"),
        ],
        spec: &["root-mail-to = \"ops@acme.example\""],
        report: &[
            "mailbox ops: mail to root was delivered to the mailbox of ops on this host: now it leaves as ops@acme.example",
        ],
    },
    Case {
        name: "only listed senders",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\ninet_interfaces = all\nmynetworks = 10.0.0.0/8 # the office\nsmtpd_sender_restrictions = check_sender_access hash:/etc/postfix/senders, reject\n",
            ),
            ("senders", "acme.example OK\njane@partner.example OK\n<> OK\n"),
        ],
        spec: &[
            "allowed-senders = [\"acme.example\", \"jane@partner.example\"]",
            "trusted = [\"10.0.0.0/8\"]",
        ],
        report: &[],
    },
    Case {
        name: "services for policies and filters",
        files: &[
            ("main.cf", "relayhost = [smtp.acme.example]:587\npolicyd-spf_time_limit = 3600\n"),
            (
                "master.cf",
                "spam unix - n n - - pipe\n  user=spamd argv=/usr/bin/spamc -f -e /usr/sbin/sendmail -oi -f ${sender} ${recipient}\n",
            ),
        ],
        spec: &["host = \"smtp.acme.example\""],
        report: &["spam/unix"],
    },
    Case {
        name: "old names of parameters",
        files: &[(
            "main.cf",
            "myhostname = mx.acme.example\ninet_interfaces = all\nmydestination = localhost\nrelay_domains = acme.example\ntransport_maps = inline:{acme.example=smtp:[10.0.0.5]}\nsmtpd_client_restrictions = reject_maps_rbl\nmaps_rbl_domains = zen.spamhaus.org\npostscreen_dnsbl_ttl = 5m\n",
        )],
        spec: &["postscreen_dnsbl_max_ttl = \"5m\"", "block-lists = [\"zen.spamhaus.org\"]"],
        report: &["an old name of `postscreen_dnsbl_max_ttl`"],
    },
    Case {
        name: "aliases of domains in a table",
        files: &[
            (
                "main.cf",
                "myhostname = mail.acme.example\ninet_interfaces = all\nmydestination = localhost\nvirtual_mailbox_domains = hash:/etc/postfix/domains\nvirtual_mailbox_maps = hash:/etc/postfix/mailboxes\nvirtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n",
            ),
            ("domains", "acme.example x\nshop.example x\n"),
            ("mailboxes", "jane@acme.example jane/\n"),
            ("virtual", "info@acme.example jane@acme.example\nsales@shop.example jane@acme.example\n"),
        ],
        spec: &[
            "\"info@acme.example\" = \"jane@acme.example\"",
            "\"sales@shop.example\" = \"jane@acme.example\"",
        ],
        report: &[],
    },
    Case {
        name: "a certificate in chain files, and a cleanup service for mail of users",
        files: &[
            (
                "main.cf",
                "myhostname = smtp.acme.example\ninet_interfaces = all\nmydestination = localhost\nmynetworks = 127.0.0.0/8\nrelayhost = [smtp.provider.example]:587\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\nsmtpd_tls_chain_files = /etc/ssl/smtp.key, /etc/ssl/smtp.pem\n",
            ),
            (
                "master.cf",
                "submission inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n  -o cleanup_service_name=subcleanup\nsubcleanup unix n - n - 0 cleanup\n  -o header_checks=regexp:/etc/postfix/submission_headers\n",
            ),
            ("submission_headers", "/^Received:/ IGNORE\n/^X-Originating-IP:/ IGNORE\n"),
        ],
        spec: &[
            "certificate = \"/etc/ssl/smtp.pem\"",
            "key = \"/etc/ssl/smtp.key\"",
            "strip = [\"received\", \"x-originating-ip\"]",
        ],
        report: &["subcleanup/unix"],
    },
    Case {
        name: "servers of their own keep their TLS level",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/pw\n\
                 smtp_tls_security_level = encrypt\nsmtp_tls_policy_maps = hash:/etc/postfix/policy\ntransport_maps = hash:/etc/postfix/ways\n",
            ),
            ("pw", "[smtp.acme.example]:587 web:not-a-real-password\n"),
            ("policy", "[10.1.1.5]:25 may\n"),
            ("ways", "inside.example smtp:[10.1.1.5]:25\nother.example smtp:[10.1.1.6]\n"),
        ],
        spec: &[
            "\"inside.example\" = \"[10.1.1.5]:25\"",
            "\"inside.example\" = \"may\"",
            "\"other.example\" = \"encrypt\"",
        ],
        report: &[
            "with TLS, unverified, with a login -> smtp.acme.example:587, with verified TLS, with a login",
        ],
    },
    Case {
        name: "one sender keeps the name of the host",
        files: &[(
            "main.cf",
            "relayhost = [smtp.acme.example]:587\nmasquerade_domains = acme.example\nmasquerade_exceptions = root\n",
        )],
        spec: &["from = \"@acme.example\"", "root = \"root@web1.dc1.acme.example\""],
        report: &[],
    },
    Case {
        name: "a pattern with one answer for all senders",
        files: &[
            (
                "main.cf",
                "relayhost = [smtp.acme.example]:587\nsmtp_generic_maps = regexp:/etc/postfix/generic\n",
            ),
            ("generic", "/^.+@web[0-9]+\\..*acme\\.example$/ noreply@acme.example\n"),
        ],
        spec: &["from = \"noreply@acme.example\""],
        report: &[],
    },
    Case {
        name: "one address for all mail is also that of root",
        files: &[(
            "main.cf",
            "relayhost = [smtp.acme.example]:587\nvirtual_alias_maps = static:admin@acme.example\n",
        )],
        spec: &["root-mail-to = \"admin@acme.example\""],
        report: &["virtual_alias_maps: a table that cannot be read here"],
    },
    Case {
        name: "an answer that is open is no answer",
        files: &[(
            "main.cf",
            "relayhost = [smtp.acme.example]:587\nmydestination = $myhostname, localhost\n",
        )],
        spec: &["root-mail-to = \"TODO\""],
        report: &["mail to root: mailbox of root on this host -> TODO by smtp.acme.example:587"],
    },
];

#[test]
fn nothing_is_lost_in_silence() {
    for case in CASES {
        let mut world = World::new();
        for (name, text) in case.files {
            let own = text.lines().any(|line| line.starts_with("inet_interfaces"));
            let text = if *name == "main.cf" && !own {
                // The last line of a parameter counts.
                format!("{SENDER}{text}")
            } else {
                (*text).to_owned()
            };
            world = world.file(&format!("host/{name}"), &text);
        }
        let run = world.run("import host -q --report report.txt");
        assert!(run.code < 2, "{}: {run}", case.name);
        let report = world.read("report.txt");
        for line in case.spec {
            assert!(
                run.stdout.lines().any(|own| own == *line),
                "{}: {line}\n{}\n{report}",
                case.name,
                run.stdout
            );
        }
        for text in case.report {
            assert!(report.contains(text), "{}: {text}\n{report}", case.name);
        }
        // Each question of the spec is one of the report.
        let open = run.stdout.lines().filter(|line| line.contains("\"TODO\"")).count();
        let asked = report.lines().find_map(|line| line.strip_prefix("Unanswered (")).unwrap_or("0)");
        assert_eq!(asked.trim_end_matches(')'), open.to_string(), "{}\n{}\n{report}", case.name, run.stdout);
    }
}

#[test]
fn each_smarthost_has_its_account() {
    let world = World::new()
        .file(
            "host/main.cf",
            format!(
                "{SENDER}relayhost = [a.acme.example]:587\nsmtp_fallback_relay = [b.acme.example]:587\nsmtp_sasl_auth_enable = yes\n\
                 smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\n"
            ),
        )
        .file(
            "host/sasl_passwd",
            "[a.acme.example]:587 a:not-a-real-password\n[b.acme.example]:587 b:not-a-real-password\n",
        );
    let run = world.run("import host -q --relay-env relay.env --root-mail-to ops@acme.example");
    assert!(run.code < 2, "{run}");
    assert_eq!(
        world.read("relay.env"),
        "RELAY_USERNAME=a\nRELAY_PASSWORD=not-a-real-password\nRELAY_BACKUP_USERNAME=b\nRELAY_BACKUP_PASSWORD=not-a-real-password\n"
    );
}

#[test]
fn a_filter_by_pipe_keeps_all_its_arguments() {
    let world = World::new()
        .file(
            "host/main.cf",
            "myhostname = mx.acme.example\nmydestination = localhost\nrelay_domains = acme.example\n\
             transport_maps = inline:{acme.example=smtp:[10.0.0.5]}\nsmtpd_tls_cert_file = /etc/ssl/mx.pem\ninet_interfaces = all\n",
        )
        .file(
            "host/master.cf",
            "smtp inet n - y - - smtpd\n -o content_filter=spamassassin\n10.0.0.1:2525 inet n - y - - smtpd\n\
             spamassassin unix - n n - - pipe\n  user=spamd argv=/usr/bin/spamc -e /usr/sbin/sendmail -oi -f ${sender} ${recipient}\n",
        );
    let run = world.run("import host -q --root-mail-to ops@acme.example");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("  \"-oi\",\n"), "{run}");
    assert!(run.stdout.contains("options = { content_filter = \"spamassassin\" }"), "{run}");
}

#[test]
fn variables_of_an_image_have_verdicts() {
    let world = World::new().file(
        "relay.env",
        "SMTP_SERVER=smtp.acme.example\nSMTP_USERNAME=web\nSMTP_PASSWORD=not-a-real-password\nSERVER_HOSTNAME=relay.acme.example\n\
         OVERWRITE_FROM=\"Acme <noreply@acme.example>\"\nDKIM_SELECTOR=mail\n",
    );
    let run = world.run("import relay.env --root-mail-to ops@acme.example --report report.txt");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("from = \"noreply@acme.example\""), "{run}");
    let report = world.read("report.txt");
    assert!(report.contains("DKIM_SELECTOR: a variable of the container image"), "{report}");
    assert!(!format!("{run}{report}").contains("not-a-real-password"));
}

#[test]
fn addresses_in_the_names_of_services_are_listened_on() {
    let world = World::new()
        .file(
            "host/main.cf",
            "myhostname = lan.acme.example\nmydestination =\ninet_interfaces = loopback-only\nmynetworks = 127.0.0.0/8 192.168.7.0/24\n\
             relayhost = [smtp.acme.example]:25\n",
        )
        .file("host/master.cf", "smtp inet n - y - - smtpd\n192.168.7.1:smtp inet n - y - - smtpd\n");
    let run = world.run("import host -q --root-mail-to ops@acme.example");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("profile = \"lan-relay\""), "{run}");
    assert!(run.stdout.contains("listen = [\"192.168.7.1\"]") && !run.stdout.contains("[services"), "{run}");
}
