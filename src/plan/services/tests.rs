use super::super::tests::{files, load};
use super::super::{Planned, check};
use crate::diag::{Source, has_errors, render_text};
use crate::relay::Providers;
use crate::spec;

const NULL_CLIENT: &str = include_str!("../../../tests/specs/valid/services.toml");
const MAIL_SERVER: &str = include_str!("../../../examples/mail-server.toml");
const MAIL_GATEWAY: &str = include_str!("../../../examples/mail-gateway.toml");

/// A spec of these sections beside what stands before `[services...]` in the other.
fn with(base: &str, sections: &str) -> Source {
    let base = base.split("[services.").next().unwrap();
    Source { name: "relay.toml".to_owned(), text: format!("{base}\n{sections}\n") }
}

fn findings(source: &Source) -> String {
    let (checked, mut findings) = spec::load(source, &Providers::builtin());
    let checked = checked.unwrap_or_else(|| panic!("{}", render_text(&findings, source, false)));
    findings = check(&Planned::new(checked));
    // The line and what is said of it.
    let text = render_text(&findings, source, false);
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.contains("-->"))
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn edits_stand_behind_those_of_other_sections() {
    let checked = load(NULL_CLIENT).unwrap();
    insta::assert_snapshot!(files(&checked, "debian-12")["/usr/share/mail-relay/master.edits"]);
    let ends = |base: &str, sections: &str, wanted: &str| {
        let checked = load(&with(base, sections).text).unwrap();
        let edits = &files(&checked, "debian-12")["/usr/share/mail-relay/master.edits"];
        assert!(edits.ends_with(wanted), "{edits}");
    };
    ends(
        MAIL_SERVER,
        "[services.\"465/inet\"]\nmax-processes = 50\noptions = { smtpd_error_sleep_time = \"2s\" }",
        "F 465/inet/process_limit=50\nP 465/inet/smtpd_error_sleep_time=2s\n",
    );
    // Its line differs from format to format, and comes later than those of the others.
    ends(
        &MAIL_GATEWAY
            .replace("greylisting = true", "spf = true\n[services.]")
            .replace("name = \"acme-mail-gateway\"", "name = \"acme-mail-gateway\"\ntargets = \"deb\""),
        "[services.\"policyd-spf/unix\"]\nmax-processes = 9",
        "F policyd-spf/unix/process_limit=9\n",
    );
}

#[test]
fn what_is_wrong_with_services() {
    let cases = [
        (NULL_CLIENT, "[services.\"smpt/unix\"]\nchroot = false"),
        (NULL_CLIENT, "[services.\"amavis/unix\"]\nmax-processes = 2"),
        (NULL_CLIENT, "[services.\"amavis/unix\"]\nenabled = false"),
        (NULL_CLIENT, "[services.\"uucp/unix\"]\nmax-processes = 2"),
        (NULL_CLIENT, "[services.\"qmgr/unix\"]\nenabled = false"),
        (NULL_CLIENT, "[services.\"flush/unix\"]\nenabled = false"),
        (NULL_CLIENT, "[services.\"tlsproxy/unix\"]\nenabled = false"),
        (NULL_CLIENT, "[services.\"tlsproxy/unix\"]\ncommand = \"tlsproxy\""),
        (NULL_CLIENT, "[services.\"smtp/unix\"]\ncommand = \"smtp\""),
        (NULL_CLIENT, "[services.\"2525/inet\"]\ncommand = \"smptd\""),
        (NULL_CLIENT, "[services.\"25/inet\"]\ncommand = \"smtpd\""),
        (NULL_CLIENT, "[services.\"2525/inet\"]\ncommand = \"smtpd\"\nprivate = true"),
        (NULL_CLIENT, "[services.\"192.0.2.1:2525/inet\"]\ncommand = \"smtpd\""),
        (NULL_CLIENT, "[services.\"qmgr/unix\"]\nmax-processes = 2"),
        (NULL_CLIENT, "[services.\"cleanup/unix\"]\nprivate = true"),
        (NULL_CLIENT, "[services.\"local/unix\"]\nchroot = true"),
        (NULL_CLIENT, "[services.\"virtual/unix\"]\nunprivileged = true"),
        (NULL_CLIENT, "[services.\"lmtp/unix\"]\narguments = [\"-v\"]"),
        (NULL_CLIENT, "[services.\"filter/unix\"]\ncommand = \"pipe\"\narguments = [\"user=root\"]"),
        (NULL_CLIENT, "[services.\"smtp/unix\"]\noptions = { smtp_helo_timout = \"60s\" }"),
        (NULL_CLIENT, "[services.\"smtp/unix\"]\noptions = { smtp_helo_timeout = \"soon\" }"),
        (NULL_CLIENT, "[services.\"smtp/unix\"]\noptions = { smtp_tls_security_level = \"may\" }"),
        (NULL_CLIENT, "[services.\"smtp/inet\"]\noptions = { smtpd_banner = \"$myhostname ESMTP\" }"),
        (NULL_CLIENT, "[services.\"smtp/inet\"]\noptions = { smtpd_relay_restrictions = \"permit\" }"),
        (
            NULL_CLIENT,
            "[services.\"2525/inet\"]\ncommand = \"smtpd\"\noptions = { smtpd_relay_restrictions = \"\" }",
        ),
        (
            NULL_CLIENT,
            "[services.\"2525/inet\"]\ncommand = \"smtpd\"\noptions = { mynetworks = \"0.0.0.0/0\" }",
        ),
        (
            NULL_CLIENT,
            "[services.\"out/unix\"]\ncommand = \"smtp\"\noptions = { smtp_tls_security_level = \"may\", smtp_sasl_security_options = \"noanonymous\" }",
        ),
        (MAIL_SERVER, "[services.\"587/inet\"]\nenabled = false"),
        (MAIL_SERVER, "[services.\"587/inet\"]\noptions = { smtpd_tls_security_level = \"may\" }"),
        (MAIL_SERVER, "[services.\"lmtp/unix\"]\nenabled = false"),
        (MAIL_SERVER, "[services.\"submissions/inet\"]\ncommand = \"smtpd\""),
        (MAIL_GATEWAY, "[services.\"smtp/inet\"]\nenabled = false"),
        (MAIL_GATEWAY, "[services.\"relay/unix\"]\noptions = { smtp_tls_wrappermode = \"yes\" }"),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(base, sections)| format!("=== {sections}\n{}", findings(&with(base, sections))))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    for case in &told {
        assert!(case.contains("\nerror["), "{case}");
    }
}

#[test]
fn a_null_client_may_close_its_port() {
    let sections =
        "[services.\"smtp/inet\"]\nenabled = false\n[services.\"127.0.0.1:25/inet\"]\ncommand = \"smtpd\"";
    assert_eq!(findings(&with(NULL_CLIENT, sections)), "");
}

#[test]
fn a_chroot_that_nobody_has_made_ready() {
    let text =
        with(NULL_CLIENT, "[services.\"smtp/unix\"]\nchroot = true").text.replace("targets = \"deb\"\n", "");
    let source = Source { name: "relay.toml".to_owned(), text };
    let (checked, _) = spec::load(&source, &Providers::builtin());
    let found = check(&Planned::new(checked.unwrap()));
    assert!(!has_errors(&found));
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["chroot"]);
}

#[test]
fn root_has_many_names() {
    for argument in ["user=root", "user=0", "user=00", "user=mail:0", "user=mail:root", "user=root:mail"] {
        assert!(super::is_root(argument), "{argument}");
    }
    for argument in ["user=mail", "user=10", "user=rooter:mail", "user="] {
        assert!(!super::is_root(argument), "{argument}");
    }
}
