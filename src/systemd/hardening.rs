//! The sandbox around Postfix's master(8), one profile per kind of relay.

use super::UnitFile;

/// The capabilities that a sending Postfix needs, each with what fails without it.
///
/// Measured on Postfix 3.5 to 3.11 by taking one away at a time.
const CAPABILITIES: &[(&str, &str)] = &[
    ("CAP_NET_BIND_SERVICE", "listen on port 25"),
    ("CAP_SETUID", "daemons become the mail owner"),
    ("CAP_SETGID", "daemons become the mail owner"),
    ("CAP_DAC_OVERRIDE", "root opens sockets and queue files of the mail owner"),
    ("CAP_SYS_CHROOT", "services with chroot=y in master.cf"),
    ("CAP_CHOWN", "queue folders of an empty /var are made at start"),
    ("CAP_FOWNER", "queue folders of an empty /var are made at start"),
];

/// Directives of the sandbox of a relay without local delivery, in the order of systemd.exec(5).
const SANDBOX: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("ReadWritePaths", "-/var/spool/postfix -/var/lib/postfix"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    // Implied by the line above, but systemd 252 counts it only when it is said.
    ("PrivateMounts", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectProc", "invisible"),
    ("ProcSubset", "pid"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RestrictNamespaces", "yes"),
    ("SystemCallArchitectures", "native"),
    ("UMask", "0077"),
];

/// Directives that are lists: systemd adds a drop-in's value to the vendor's, so each is emptied first.
const LISTS: &[(&str, &[&str])] = &[
    ("RestrictAddressFamilies", &["AF_UNIX AF_INET AF_INET6 AF_NETLINK"]),
    ("SystemCallFilter", &["@system-service @setuid chroot", "~@resources"]),
];

/// The drop-in that puts Postfix into the sandbox. `own` holds the user's directives, which come last:
/// a directive with several values is emptied and set again with each.
pub fn sandbox(own: &[(String, Vec<String>)]) -> UnitFile {
    let mut unit = UnitFile::with_comment([
        "The sandbox of a mail relay that delivers nothing to local mailboxes.",
        "To change it: systemctl edit postfix.service (Debian 12, Ubuntu 24.04 and older: postfix@-.service).",
        "To switch it off: set [hardening] enabled = false in the spec, or link a file of this name in",
        "/etc/systemd/system/postfix.service.d/ to /dev/null.",
    ]);
    unit.section("Service");
    unit.note(
        "Capabilities: what is not listed is gone. Each one is here because the relay stops without it.",
    );
    unit.set("CapabilityBoundingSet", "");
    let names: Vec<&str> = CAPABILITIES.iter().map(|(name, _)| *name).collect();
    unit.set("CapabilityBoundingSet", names.join(" "));
    for (name, value) in SANDBOX {
        unit.set(name, *value);
    }
    unit.note("Lists: the vendor's own value is dropped first, or ours would only widen it.");
    for (name, values) in LISTS {
        unit.set(name, "");
        for value in *values {
            unit.set(name, *value);
        }
    }
    if !own.is_empty() {
        unit.note("From [hardening] of the spec.");
    }
    for (name, values) in own {
        if values.len() > 1 {
            unit.set(name, "");
        }
        for value in values {
            unit.set(name, value.clone());
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_directives_come_last_and_lists_are_reset() {
        let own = vec![
            ("ProtectHome".to_owned(), vec!["read-only".to_owned()]),
            ("ReadWritePaths".to_owned(), vec!["/srv/a".to_owned(), "/srv/b".to_owned()]),
        ];
        let text = sandbox(&own).render();
        let tail: Vec<&str> = text.lines().rev().take(4).collect();
        assert_eq!(
            tail,
            ["ReadWritePaths=/srv/b", "ReadWritePaths=/srv/a", "ReadWritePaths=", "ProtectHome=read-only"]
        );
        for list in ["CapabilityBoundingSet", "RestrictAddressFamilies", "SystemCallFilter"] {
            let first = text.lines().find(|line| line.starts_with(list));
            assert_eq!(first, Some(format!("{list}=").as_str()), "{list} widens the vendor's list");
        }
    }

    #[test]
    fn without_own_directives_nothing_is_said_of_them() {
        insta::assert_snapshot!(sandbox(&[]).render());
    }
}
