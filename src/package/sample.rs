//! A package as the plan makes it, small enough to be read in snapshots.

use super::{
    Architecture, Entry, EntryKind, Lifecycle, Meta, Package, Relation, Relations, Release, Requirement,
    Version, Watch,
};
use crate::archive::gzip;
use crate::platform::Format;

/// 2023-11-14 22:13:20 UTC.
pub(crate) const TIME: u64 = 1_700_000_000;

/// The sample for a format.
pub(crate) fn package(format: Format) -> Package {
    let facts = format.facts();
    let command = format!("{}/mail-relay", facts.sbin);
    let relation = |text: &str| Relation { any_of: text.split('|').filter_map(Requirement::parse).collect() };
    let role = |name: &str| relation(&facts.relations[name].join("|"));
    Package {
        meta: meta("1.2.0-rc.1", 3),
        time: TIME,
        entries: entries(&command, format),
        relations: Relations {
            depends: vec![role("postfix"), role("ca-certificates"), role("sasl-plain")],
            recommends: vec![role("mail-command")],
            suggests: vec![relation("logwatch")],
            conflicts: vec![relation("mail-relay-config")],
            provides: vec![relation("mail-relay-config")],
            replaces: vec![relation("mail-relay-config")],
        },
        lifecycle: Lifecycle {
            configure: format!("{command} apply --package"),
            trigger: format!("{command} apply --trigger"),
            remove: format!("{command} remove"),
            units: vec!["mail-relay-apply.service".into(), "mail-relay-apply.path".into()],
            watch: vec![Watch {
                package: facts.watch.package.clone(),
                path: facts.watch.path.clone(),
                gives_back: true,
            }],
            purge: vec!["/etc/mail-relay".into(), "/var/lib/mail-relay".into()],
            mark: "/usr/share/mail-relay/facts".into(),
            keyring: None,
        },
    }
}

/// A package file in a temporary folder, which is removed with the handle.
pub(crate) fn in_folder(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, bytes).unwrap();
    (folder, path)
}

/// An inspection as it is read in snapshots.
pub(crate) fn text(inspection: &super::Inspection) -> String {
    use std::fmt::Write as _;
    let mut text = format!("Format: {}\n", inspection.format);
    for (name, value) in &inspection.fields {
        let _ = writeln!(text, "{name}: {}", value.replace('\n', "\n  "));
    }
    for file in &inspection.files {
        let digest = file.sha256.as_deref().map_or("", |digest| &digest[..8]);
        let _ = writeln!(text, "{} {} {:>5} {digest:8} {}", file.mode, file.owner, file.size, file.path);
    }
    for (name, script) in &inspection.scripts {
        let _ = writeln!(text, "--- {name}\n{}", script.trim_end());
    }
    text
}

/// Metadata of the sample.
pub(crate) fn meta(version: &str, revision: u32) -> Meta {
    let author = "Platform Team <platform@acme.example>".to_owned();
    let release = |version: &str, revision, time, changes: &[&str]| Release {
        version: Version::parse(version).unwrap().with_revision(revision),
        time,
        author: author.clone(),
        changes: changes.iter().map(|change| (*change).to_owned()).collect(),
    };
    Meta {
        name: "acme-mail-relay".into(),
        version: Version::parse(version).unwrap().with_revision(revision),
        architecture: Architecture::All,
        maintainer: author.clone(),
        license: "MIT".into(),
        summary: "mail relay to the smarthost of Acme".into(),
        description:
            "Configures Postfix as a send-only relay: mail of this host leaves by a verified TLS connection \
                      to the smarthost, mail to root reaches the platform team.\n\nCredentials belong into \
                      /etc/mail-relay/relay.env."
                .into(),
        homepage: Some("https://acme.example/mail-relay".into()),
        changelog: vec![
            release(
                version,
                revision,
                TIME,
                &[
                    "Send by the new smarthost.",
                    "Keep a reason in every message that an \
                administrator reads at night, however long the line gets to be that carries it.",
                ],
            ),
            release("1.1.0", 1, TIME - 86_400, &["First release."]),
        ],
    }
}

fn entries(command: &str, format: Format) -> Vec<Entry> {
    const UNITS: &str = "/usr/lib/systemd/system";
    let file = |path: &str, mode, text: &str| Entry {
        path: path.into(),
        mode,
        kind: EntryKind::File(text.into()),
        common: false,
    };
    let doc = |path: &str, bytes: Vec<u8>| Entry {
        path: path.into(),
        mode: 0o644,
        kind: EntryKind::Doc(bytes.into()),
        common: false,
    };
    let folder =
        |path: &str, mode| Entry { path: path.into(), mode, kind: EntryKind::Directory, common: false };
    let mut entries = vec![
        folder("/etc/mail-relay", 0o755),
        folder("/etc/mail-relay/main.cf.d", 0o755),
        folder("/var/lib/mail-relay", 0o700),
        folder("/usr/share/mail-relay", 0o755),
        file("/usr/share/mail-relay/facts", 0o644, "package='acme-mail-relay'\n"),
        file("/usr/share/mail-relay/main.cf", 0o644, "mydestination =\nrelayhost = $relay_smarthosts\n"),
        file(command, 0o755, COMMAND),
        file(&format!("{UNITS}/mail-relay-apply.service"), 0o644, SERVICE),
        file(&format!("{UNITS}/mail-relay-apply.path"), 0o644, PATH),
        file(&format!("{UNITS}/mail-relay-reapply.service"), 0o644, REAPPLY),
        file("/usr/lib/systemd/system-preset/80-mail-relay.preset", 0o644, PRESET),
        file("/usr/lib/tmpfiles.d/mail-relay.conf", 0o644, "d /etc/mail-relay 0755 root root\n"),
        doc("/usr/share/man/man8/mail-relay.8.gz", gzip(MANUAL.as_bytes())),
        doc("/usr/share/doc/acme-mail-relay/copyright", COPYRIGHT.as_bytes().to_vec()),
    ];
    for unit in &format.facts().units {
        let path = format!("{UNITS}/{unit}.d/50-mail-relay.conf");
        entries.push(file(&path, 0o644, "[Service]\nNoNewPrivileges=yes\n"));
    }
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    entries
}

/// Says what it is called with, and fails if the test says so.
const COMMAND: &str = "#!/bin/sh
echo \"mail-relay $*\" >>/calls
[ ! -e /fail ]
";

const SERVICE: &str = "[Unit]
Description=Apply the mail relay configuration
Documentation=man:mail-relay(8)
Before=postfix.service

[Service]
Type=oneshot
ExecStart=/usr/sbin/mail-relay apply --boot
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
";

const REAPPLY: &str = "[Unit]
Description=Apply changed settings of the mail relay
Documentation=man:mail-relay(8)

[Service]
Type=oneshot
ExecStart=/usr/sbin/mail-relay apply --changed
NoNewPrivileges=yes
";

const PATH: &str = "[Unit]
Description=Apply the mail relay configuration when it changes
Documentation=man:mail-relay(8)

[Path]
PathChanged=/etc/mail-relay/relay.env

[Install]
WantedBy=paths.target
";

const PRESET: &str = "enable mail-relay-apply.service
enable mail-relay-apply.path
";

const MANUAL: &str = ".TH MAIL-RELAY 8 2023-11-14 postpack \"System administration\"
.SH NAME
mail-relay \\- configure Postfix as a relay
.SH SYNOPSIS
.B mail-relay
.I verb
.SH DESCRIPTION
Applies the configuration.
";

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: acme-mail-relay

Files: *
Copyright: 2023 Platform Team <platform@acme.example>
License: MIT

License: MIT
 Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
";

/// Runs a tool and returns what it says; fails with that if the tool does.
pub(crate) fn run(command: &mut std::process::Command) -> String {
    let output =
        command.env("LC_ALL", "C.UTF-8").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
    said(&output.stdout)
}
