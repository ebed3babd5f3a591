//! What a host gets, as snapshots.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::{HostFile, Planned, check, render};
use crate::build::Job;
use crate::diag::{Diagnostic, Source, has_errors};
use crate::formats::inspect;
use crate::platform::{Distribution, Format};
use crate::relay::Providers;
use crate::spec::{self, Checked};
use crate::template::Templates;

/// Each template is compiled once.
pub(super) static TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::builtin);

/// Findings of a spec and of its plan, as in `postpack check`; the spec if none of them is an error.
pub(super) fn checked(source: &Source) -> (Option<Checked>, Vec<Diagnostic>) {
    let (checked, mut findings) = spec::load(source, &Providers::builtin());
    findings.extend(checked.iter().flat_map(|checked| check(&Planned::new(checked.clone()))));
    (checked.filter(|_| !has_errors(&findings)), findings)
}

pub(super) fn load(text: &str) -> Option<Checked> {
    checked(&Source { name: "relay.toml".to_owned(), text: text.to_owned() }).0
}

pub(super) fn files(checked: &Checked, target: &str) -> BTreeMap<String, String> {
    let files =
        render(&Planned::new(checked.clone()), Distribution::get(target).unwrap(), &TEMPLATES).unwrap();
    let text = |file: HostFile| (file.path, String::from_utf8_lossy(&file.content).into_owned());
    files.into_iter().map(text).collect()
}

/// The files whose text is the relay's own, in one text.
fn told(files: &BTreeMap<String, String>, wanted: impl Fn(&str) -> bool) -> String {
    files.iter().filter(|(path, _)| wanted(path)).fold(String::new(), |mut text, (path, content)| {
        let _ = write!(text, "=== {path}\n{content}\n");
        text
    })
}

#[test]
fn the_example_on_its_hosts() {
    let checked = load(spec::example()).unwrap();
    for target in ["debian-12", "rhel-9", "arch"] {
        let text = told(&files(&checked, target), |path| {
            path.starts_with("/etc/")
                || path.contains(".service.d/")
                || ["/usr/share/mail-relay/facts", "/usr/share/mail-relay/master.edits"].contains(&path)
        });
        insta::assert_snapshot!(format!("example-{target}"), text);
    }
}

#[test]
fn every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut specs: Vec<PathBuf> =
        fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // examples/fleet is of more than one file, and has tests of its own.
    specs.retain(|path| path.is_file());
    specs.sort();
    for path in specs {
        let checked = load(&fs_err::read_to_string(&path).unwrap()).unwrap();
        let share = ["/usr/share/mail-relay/facts", "/usr/share/mail-relay/main.cf"];
        let text = told(&files(&checked, "debian-13"), |path| share.contains(&path));
        insta::assert_snapshot!(format!("spec-{}", path.file_stem().unwrap().display()), text);
    }
}

/// What the switches of [integrations] and [firewall] bring, in each format.
#[test]
fn programs_beside_the_relay() {
    let text = fs_err::read_to_string("examples/integrations.toml").unwrap();
    let with = load(&text).unwrap();
    let without = load(spec::example()).unwrap();
    for target in ["debian-12", "rhel-9", "arch"] {
        let plain = files(&without, target);
        let text = told(&files(&with, target), |path| !plain.contains_key(path) && !path.contains("/doc/"));
        insta::assert_snapshot!(format!("programs-{target}"), text);
    }
}

/// What is common comes first in a tar; that must never tear a file from its folder.
#[test]
fn folders_come_before_what_is_in_them() {
    let planned = std::sync::Arc::new(Planned::new(load(spec::example()).unwrap()));
    for format in [Format::Deb, Format::Pacman] {
        let bytes = Job::package(format, &planned).bytes(&TEMPLATES).unwrap();
        let paths: Vec<String> = inspect(&bytes).unwrap().files.into_iter().map(|file| file.path).collect();
        assert!(paths.len() > 40);
        for (at, path) in paths.iter().enumerate() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(parent.is_empty() || paths[..at].iter().any(|before| before == parent), "{path}");
        }
    }
}

/// Another server is looked up by its next hop, and must not bear the names of the smarthost.
#[test]
fn policies_of_ways_past_the_smarthost() {
    let text = fs_err::read_to_string("tests/specs/valid/transports.toml").unwrap();
    let files = files(&load(&text).unwrap(), "debian-12");
    insta::assert_snapshot!(&files["/usr/share/mail-relay/tables/tls_policy"], @r"
    # TLS policies of single domains, see postconf(5), smtp_tls_policy_maps.
    [10.0.0.5]:2525 encrypt
    customer.example may
    [mx.partner.example]:25 secure match=nexthop:dot-nexthop
    strict.example secure match=nexthop:dot-nexthop
    ");
}

/// Whoever of them it is that DNS is asked about: Postfix must want signed answers.
#[test]
fn dane_wants_signed_answers() {
    let gateway = fs_err::read_to_string("examples/mail-gateway.toml").unwrap();
    let behind = gateway.replace("[inbound.domains]\n", "[inbound]\ntls = \"dane\"\n\n[inbound.domains]\n");
    let single = format!("{gateway}\n[tls.policies]\n\"partner.example\" = \"dane-only\"\n");
    for (text, asked) in [(gateway.clone(), false), (behind, true), (single, true)] {
        let main_cf =
            files(&load(&text).unwrap(), "debian-12").remove("/usr/share/mail-relay/main.cf").unwrap();
        assert_eq!(main_cf.contains("smtp_dns_support_level = dnssec"), asked, "{text}");
    }
}

#[test]
fn the_sandbox_lets_postfix_write_a_log_of_its_own() {
    let text = format!("{}\n[main-cf]\nmaillog_file = \"/var/log/relay/mail.log\"\n", spec::example());
    let files = files(&load(&text).unwrap(), "debian-12");
    let drop_in = files.iter().find(|(path, _)| path.ends_with("postfix@.service.d/50-mail-relay.conf"));
    assert!(drop_in.unwrap().1.contains("\nReadWritePaths=-/var/log/relay\n"), "{drop_in:?}");
}

/// What `check` says of the example with more sections.
fn judged(more: &str) -> Vec<(&'static str, String)> {
    let source = Source { name: "relay.toml".to_owned(), text: format!("{}\n{more}", spec::example()) };
    let checked = spec::load(&source, &Providers::builtin()).0.unwrap();
    let findings = check(&Planned::new(checked));
    findings.into_iter().map(|finding| (finding.code, finding.message)).collect()
}

#[test]
fn a_table_is_brought_or_declared_or_refused() {
    for (more, path) in [
        (
            "[main-cf]\nsender_dependent_relayhost_maps = \"$default_database_type:/etc/postfix/sender_relay\"\n",
            Some("/etc/postfix/sender_relay"),
        ),
        ("[main-cf]\nbody_checks = \"regexp:/etc/postfix/header_checks\"\n", None),
        (
            "[services.\"out/unix\"]\ncommand = \"smtp\"\n\
             options = { smtp_tls_policy_maps = \"texthash:$config_directory/policy\" }\n",
            Some("/etc/postfix/policy"),
        ),
    ] {
        let found = judged(more);
        let missing = found.iter().find(|(code, _)| *code == "missing-file");
        assert_eq!(missing.is_some(), path.is_some(), "{more}: {found:?}");
        if let (Some((_, message)), Some(path)) = (missing, path) {
            assert!(message.contains(path), "{message}");
        }
    }
}

#[test]
fn a_program_that_pipe_runs_may_submit_by_sendmail() {
    let more = "[services.\"spamfilter/unix\"]\ncommand = \"pipe\"\n\
                arguments = [\"user=nobody\", \"argv=/usr/local/bin/filter\"]\n";
    for (hardening, relaxed) in [("", true), ("[hardening.service]\nNoNewPrivileges = \"yes\"\n", false)] {
        let said = judged(&format!("{more}{hardening}"));
        assert_eq!(said.iter().any(|(code, _)| *code == "pipe"), relaxed, "{said:?}");
        let checked = load(&format!("{}\n{more}{hardening}", spec::example())).unwrap();
        let unit =
            &files(&checked, "debian-12")["/usr/lib/systemd/system/postfix@.service.d/50-mail-relay.conf"];
        let last = unit.lines().rfind(|line| line.starts_with("NoNewPrivileges")).unwrap();
        assert_eq!(last, if relaxed { "NoNewPrivileges=no" } else { "NoNewPrivileges=yes" });
    }
}

/// Domains of the spec by a table, those of a database by a lookup of the exact domain.
#[test]
fn own_domains_are_no_senders_from_outside() {
    let rejected = "[abuse]\nreject-own-senders = true\n";
    let gateway = fs_err::read_to_string("examples/mail-gateway.toml").unwrap();
    let server = fs_err::read_to_string("tests/specs/valid/mail-server-ldap.toml").unwrap();
    let restrictions = |text: &str| {
        let files = files(&load(text).unwrap(), "debian-12");
        let table = files.get("/usr/share/mail-relay/tables/own_senders").cloned();
        (files["/usr/share/mail-relay/main.cf"].clone(), table)
    };
    let gateway = gateway.replace("[abuse]\n", rejected);
    let (main_cf, table) = restrictions(&gateway);
    let table = table.unwrap();
    assert!(main_cf.contains("check_sender_access regexp:/etc/postfix/own_senders"), "{main_cf}");
    assert!(table.contains("@acme\\.example$"), "{table}");
    for (text, asked) in [(server.clone(), false), (format!("{server}\n{rejected}"), true)] {
        let (main_cf, table) = restrictions(&text);
        let found = main_cf.contains(
            "check_sender_access pipemap:{ regexp:/etc/postfix/sender_domain, proxy:ldap:/etc/postfix/ldap_domains.cf, static:{REJECT",
        );
        assert_eq!((found, table), (asked, None), "{main_cf}");
    }
}
