//! A host in a folder, small enough to be made for every test: a shell, and commands that note how they are called.
//! Real package managers install into it, so that the order and arguments of our scripts are seen. Needs root.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::sample::run;

/// Enough of busybox for maintainer scripts.
const APPLETS: [&str; 12] =
    ["[", "cat", "echo", "grep", "ls", "mkdir", "rm", "rmdir", "sh", "test", "touch", "true"];
/// Commands of which only the call matters.
const NOTED: [&str; 3] = ["deb-systemd-helper", "deb-systemd-invoke", "systemctl"];

/// The kind of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// systemd runs it.
    Running,
    /// An image under construction.
    Image,
    /// The same, and `/run` and `/proc` are those of the builder, which systemd runs.
    ImageWithBuilder,
}

/// The host; it is gone when this is dropped.
pub(crate) struct Host {
    folder: tempfile::TempDir,
    report: String,
}

impl Host {
    /// A host whose root is of this kind.
    pub(crate) fn new(root: Root) -> Self {
        let host = Self { folder: tempfile::tempdir().unwrap(), report: String::new() };
        for folder in
            ["dev", "etc", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "usr/share", "var/lib"]
        {
            fs_err::create_dir_all(host.path(folder)).unwrap();
        }
        for name in ["bin", "lib", "lib64", "sbin"] {
            symlink(format!("usr/{name}"), host.path(name)).unwrap();
        }
        let busybox = Path::new("/bin/busybox");
        host.copy(busybox);
        // Lines such as `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)`.
        let libraries = run(Command::new("ldd").arg(busybox));
        libraries
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
            .for_each(|path| host.copy(Path::new(path)));
        for applet in APPLETS {
            symlink("/bin/busybox", host.path("usr/bin").join(applet)).unwrap();
        }
        for name in NOTED {
            host.program(&format!("usr/bin/{name}"), &format!("#!/bin/sh\necho \"{name} $*\" >>/calls\n"));
        }
        if root != Root::Image {
            fs_err::create_dir_all(host.path("run/systemd/system")).unwrap();
            fs_err::create_dir_all(host.path("proc/self")).unwrap();
            fs_err::create_dir_all(host.path("proc/1")).unwrap();
            fs_err::write(host.path("proc/1/comm"), "systemd\n").unwrap();
            // Any folder other than the root of the package manager is the root of the builder.
            let of_init = if root == Root::Running { "/" } else { "/usr" };
            symlink(of_init, host.path("proc/1/root")).unwrap();
        }
        host
    }

    /// The root folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A path on the host.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    fn copy(&self, file: &Path) {
        let target = self.path(&file.display().to_string());
        fs_err::create_dir_all(target.parent().unwrap()).unwrap();
        fs_err::copy(file, target).unwrap();
    }

    fn program(&self, path: &str, text: &str) {
        fs_err::write(self.path(path), text).unwrap();
        fs_err::set_permissions(self.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes `mail-relay` fail, or no longer.
    pub(crate) fn let_commands_fail(&self, fail: bool) {
        if fail {
            fs_err::write(self.path("fail"), "").unwrap();
        } else {
            fs_err::remove_file(self.path("fail")).unwrap();
        }
    }

    /// Runs a package manager and notes what our scripts called and said meanwhile.
    pub(crate) fn step(&mut self, what: &str, command: &mut Command) -> Output {
        let output =
            command.env("LC_ALL", "C.UTF-8").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.report += &["== ", what, if output.status.success() { "" } else { " (failed)" }, "\n"].concat();
        let calls = fs_err::read_to_string(self.path("calls")).unwrap_or_default();
        let _ = fs_err::remove_file(self.path("calls"));
        self.report += &calls;
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        for line in String::from_utf8_lossy(&said).lines() {
            if let Some((_, message)) =
                line.split_once("acme-mail-relay: ").filter(|(before, _)| before.is_empty())
            {
                self.report += &["says: ", message, "\n"].concat();
            }
        }
        output
    }

    /// All steps.
    pub(crate) fn report(&self) -> &str {
        &self.report
    }
}
