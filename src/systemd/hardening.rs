//! The sandboxes: around Postfix's master(8), and around the units that run the host program.

use super::UnitFile;

/// Paths that no daemon has to read: credentials of the host, and the configuration of access to it. (`/etc/mail-relay` is not
/// included, because administrators store tables of Postfix there.)
const SECRETS: &str = "-/etc/credstore -/etc/credstore.encrypted -/run/credstore -/run/credstore.encrypted \
                       -/run/secrets -/etc/shadow -/etc/gshadow -/etc/sudoers -/etc/sudoers.d -/etc/ssh -/boot";

/// The capabilities that a sending Postfix needs, each with what fails without it.
///
/// Measured on Postfix 3.5 to 3.11 by taking one away at a time.
const CAPABILITIES: &[(&str, &str)] = &[
    ("CAP_NET_BIND_SERVICE", "listen on port 25"),
    ("CAP_SETUID", "daemons become the mail owner"),
    ("CAP_SETGID", "daemons become the mail owner"),
    ("CAP_DAC_OVERRIDE", "root opens sockets and queue files of the mail owner"),
    ("CAP_SYS_CHROOT", "services with chroot=y in master.cf"),
];

/// Directives of every sandbox, in the order of systemd.exec(5).
const CONTAINED: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
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
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RestrictNamespaces", "yes"),
    ("SystemCallArchitectures", "native"),
    ("KeyringMode", "private"),
    ("LimitCORE", "0"),
    ("UMask", "0077"),
];

/// The rest of the sandbox of a relay without local delivery, in the order of systemd.exec(5).
const SANDBOX: &[(&str, &str)] = &[
    ("ReadWritePaths", "-/var/spool/postfix -/var/lib/postfix"),
    ("ProtectHome", "yes"),
    ("ProtectProc", "invisible"),
    ("ProcSubset", "pid"),
    ("PrivateIPC", "yes"),
    ("InaccessiblePaths", SECRETS),
    ("InaccessiblePaths", "-/var/lib/mail-relay -/etc/mail-relay/before"),
    // Writable folders are not executable. `NoExecPaths=/` is not enough, because the writable paths are separate mounts.
    ("NoExecPaths", "-/var/spool/postfix -/var/lib/postfix -/tmp -/var/tmp -/dev/shm -/run"),
    // Outside the sandbox, because chown(2) is not in it: a new Postfix and one whose /var was emptied have no queue folders yet.
    // The last that `postfix check` creates tells.
    ("ExecStartPre", "+-/bin/sh -c '[ -d /var/spool/postfix/trace ] || exec postfix check'"),
];

/// Directives that are lists: systemd adds a drop-in's value to the vendor's, so each is emptied first.
const LISTS: &[(&str, &[&str])] = &[
    ("RestrictAddressFamilies", &["AF_UNIX AF_INET AF_INET6 AF_NETLINK"]),
    ("SystemCallFilter", &["@system-service @setuid chroot", SYSTEM_CALLS_REFUSED]),
];

/// System calls that no program of Postfix and none of ours makes: keys, memory that is locked, executed or another's, tracing.
const SYSTEM_CALLS_REFUSED: &str = "~@resources @keyring @memlock io_uring_setup io_uring_enter io_uring_register memfd_create \
                                    process_vm_readv process_vm_writev userfaultfd ptrace perf_event_open bpf";

/// Additional directives of the units that run the host program. Measured like the sandbox of Postfix.
const HOST_PROGRAM: &[(&str, &str)] = &[
    ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", SYSTEM_CALLS_REFUSED),
];

/// The units that apply: they write where Postfix and the relay have their files, and run RELAY_COMMAND.
const APPLY: &[(&str, &str)] = &[
    ("ReadWritePaths", "/etc /run -/var/spool/postfix -/var/lib/postfix -/var/lib/alternatives"),
    ("StateDirectory", "mail-relay"),
    ("StateDirectoryMode", "0700"),
    ("ProtectHome", "read-only"),
    ("CapabilityBoundingSet", "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_KILL CAP_SETUID CAP_SETGID"),
    // A credential that the TPM of the host encrypts (systemd-creds).
    ("DeviceAllow", "/dev/tpmrm0 rw"),
    ("BindPaths", "-/dev/tpmrm0"),
    ("TimeoutStartSec", "10min"),
    ("MemoryMax", "1G"),
];

/// The unit that writes metrics; its template makes its folder writable.
const METRICS: &[(&str, &str)] = &[
    ("ReadWritePaths", "/var/lib/mail-relay"),
    ("InaccessiblePaths", SECRETS),
    ("InaccessiblePaths", "-/etc/mail-relay"),
    ("ProtectHome", "yes"),
    ("ProtectProc", "invisible"),
    ("CapabilityBoundingSet", "CAP_DAC_OVERRIDE"),
    ("SystemCallFilter", "~@privileged"),
    ("TimeoutStartSec", "2min"),
    ("MemoryMax", "256M"),
];

/// The lines of [Service] for units that apply.
pub fn apply_sandbox() -> Vec<String> {
    lines(APPLY)
}

/// The lines of [Service] for the unit that writes metrics.
pub fn metrics_sandbox() -> Vec<String> {
    lines(METRICS)
}

fn lines(own: &[(&str, &str)]) -> Vec<String> {
    CONTAINED.iter().chain(HOST_PROGRAM).chain(own).map(|(name, value)| format!("{name}={value}")).collect()
}

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
    for (name, value) in CONTAINED.iter().chain(SANDBOX) {
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
