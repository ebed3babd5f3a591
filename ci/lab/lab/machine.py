"""A machine: an overlay on a cached root, with or without a booted systemd."""

import dataclasses
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

from .shell import CLEAN_ENV, RUN, CommandFailed, run, wait_until

_numbers = itertools.count(1)


class Machine:
    """Changes go to an overlay on the lower layers (the topmost first), which stay as they are."""

    def __init__(self, lowers, name, netns=None):
        self.name = name
        self.netns = netns
        self.home = RUN / f"{os.getpid()}-{next(_numbers)}-{name}"
        self.root = self.home / "root"
        self.lowers, self.upper = list(lowers), self.home / "upper"
        for folder in ("upper", "work", "root"):
            (self.home / folder).mkdir(parents=True)
        # volatile: nothing of a scenario needs to survive a crash, so no fsync waits.
        lowers = ":".join(map(str, self.lowers))
        layers = f"volatile,lowerdir={lowers},upperdir={self.upper},workdir={self.home}/work"
        run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root])
        # What nspawn is given; see write_protect().
        self._directory = self.root
        self._nspawn = None
        self._leader = None

    # Files

    def path(self, inside):
        return self.root / str(inside).lstrip("/")

    def read(self, inside):
        return self.path(inside).read_text(errors="replace")

    def write(self, inside, text, mode=0o644):
        """Write a file as root would under a closed umask: never readable too early."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)
        path.chmod(mode)

    # Commands

    @property
    def booted(self):
        return self._leader is not None

    def sh(self, script, *, input=None, timeout=120, check=True):
        """Run a shell script on the machine; not booted, it sees an image build."""
        argv = self._shell(script)
        done = run(argv, input=input, timeout=timeout, check=check, env=self._env(), shown=script)
        # nspawn's own remark where the lab machine has /run on a disk.
        err = re.sub(r"Attempted to remove disk file system under [^\n]*\n", "", done.err)
        return dataclasses.replace(done, err=err)

    def elsewhere(self, netns, script, *, input=None, timeout=120, check=True):
        """Run a shell script with the machine's programs in another network namespace, as on another machine that has them."""
        inside = ["nsenter", "--target", self._leader, "--mount", "--uts", f"--net=/run/netns/{netns}"]
        return run([*inside, *_clean_shell(script)], input=input, timeout=timeout, check=check, env=self._env(), shown=script)

    def start(self, script):
        """A shell script that runs while the scenario goes on, and talks through pipes."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(self._shell(script), env=self._env(), **pipes)

    def _shell(self, script):
        if self.booted:
            inside = ["nsenter", "--target", self._leader, "--all"]
        else:
            inside = self._nspawn_command("--pipe", "--setenv=HOME=/root")
        return [*inside, *_clean_shell(script, "--chdir=/")]

    def chroot(self, script, hostname, timeout=120):
        """Run a shell script as the plainest image builder does: chroot, in the builder's
        processes and under the builder's host name, with no network but the loopback."""
        assert not self.booted
        entering = (
            f'hostname {hostname} && ip link set lo up && mount -t proc proc "$0/proc"'
            ' && mount --rbind /dev "$0/dev" && exec chroot "$@"'
        )
        argv = ["unshare", "--mount", "--net", "--uts", "/bin/sh", "-c", entering, self.root, self.root]
        argv += _clean_shell(script)
        return run(argv, timeout=timeout, env=CLEAN_ENV, shown=script)

    # Life

    def boot(self, *options):
        """Boot systemd and wait until every job of the boot is done. Options are nspawn's own,
        such as --volatile=state."""
        assert not self.booted
        booting = self._nspawn_command("--boot", "--console=pipe", *options)
        console = open(self.home / "console.log", "ab")
        self._nspawn = subprocess.Popen(
            ["/bin/sh", "-c", f'{_join_cgroups(self.home.name)} exec "$0" "$@"', *booting],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=self._env(),
        )
        self._leader = wait_until(self._find_leader, f"{self.name}: pid 1")
        wait_until(
            lambda: self.alive() and self.sh("test -S /run/systemd/private", check=False).code == 0,
            f"{self.name}: systemd",
        )
        return self.sh("systemctl is-system-running --wait", check=False).out.strip()

    def alive(self):
        """The machine runs; one that stopped by itself says its last words."""
        if self._nspawn.poll() is not None:
            words = (self.home / "console.log").read_text(errors="replace")[-2000:]
            raise CommandFailed(f"{self.name} went down:\n{words}")
        return True

    def halt(self):
        """Power off cleanly, as `reboot` would, so that a later boot finds all on disk."""
        self.sh("systemctl --no-block poweroff")
        self._nspawn.wait(timeout=90)
        _kill(self.home.name)
        self._nspawn = self._leader = None

    def reboot(self, *options):
        self.halt()
        return self.boot(*options)

    def changed_files(self):
        """The files that differ from the root the machine began with: path inside, path here."""
        for path in self.upper.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield f"/{path.relative_to(self.upper)}", path

    def write_protect(self, *but):
        """From the next boot on the machine can write to these folders only."""
        assert not self.booted
        self._directory = self.home / "protected"
        self._directory.mkdir()
        for folder, mode in [("", "ro"), *((folder, "rw") for folder in but)]:
            at = f"{self._directory}{folder}"
            run(["mount", "--bind", f"{self.root}{folder}", at])
            run(["mount", "-o", f"remount,bind,{mode}", at])

    def freeze(self, into):
        """End the machine and keep what it changed, as a layer for others."""
        assert not self.booted
        run(["umount", self.root])
        self.upper.rename(into)

    def close(self):
        if self._nspawn is not None:
            _kill(self.home.name)
            self._nspawn.wait()
        discard(self.home)

    def _find_leader(self):
        """nspawn's descendant that is pid 1 in a pid namespace of its own."""
        self.alive()
        pending = [self._nspawn.pid]
        while pending:
            pid = pending.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            numbers = next(l for l in status.splitlines() if l.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1 and numbers[-1] == "1":
                return str(pid)
            pending += children.split()
        return None

    def _nspawn_command(self, *options):
        network = []
        if self.netns:
            # Root of a real machine may configure its interfaces; nspawn would deny it.
            network = [f"--network-namespace-path=/run/netns/{self.netns}", "--capability=CAP_NET_ADMIN"]
        return [
            "systemd-nspawn", "--quiet", f"--directory={self._directory}", "--register=no",
            "--keep-unit", f"--machine={self.home.name}", "--resolv-conf=off", "--timezone=off",
            "--link-journal=no", *network, *options,
        ]  # fmt: skip

    def _env(self):
        # The roots run on the unified hierarchy, whatever the lab's own machine has.
        return {**CLEAN_ENV, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}


def _clean_shell(script, *options):
    env = [f"{key}={value}" for key, value in CLEAN_ENV.items()]
    return ["/usr/bin/env", "-i", *options, *env, "/bin/sh", "-c", script]


def discard(home):
    """Remove what a machine holds; also used on what a crashed session left."""
    home = Path(home)
    for mounted in ("protected", "root"):
        run(["umount", "--recursive", "--lazy", home / mounted], check=False)
    shutil.rmtree(home, ignore_errors=True)


def clean(everything):
    """Discard machines whose session is gone, or all of them."""
    for home in sorted(RUN.glob("*-*-*")):
        owner = int(home.name.split("-")[0])
        if not everything and Path(f"/proc/{owner}").exists():
            continue
        _kill(home.name)
        discard(home)


def _cgroups(name):
    """A machine's own cgroups. Two booted machines that shared one would end each
    other's processes; and the kernel can kill everything in one at a stroke."""
    base = Path("/sys/fs/cgroup")
    hierarchies = [base / "systemd", base / "unified", base]
    return [h / f"postpack-lab-{name}" for h in hierarchies if (h / "cgroup.procs").exists()]


def _join_cgroups(name):
    """Shell that moves itself into them."""
    return "".join(f"mkdir {own} && echo 0 >{own}/cgroup.procs && " for own in _cgroups(name))


def _kill(name):
    """End every process of a machine and remove its cgroups."""
    for own in _cgroups(name):
        if (own / "cgroup.kill").exists():
            (own / "cgroup.kill").write_text("1")
    for own in _cgroups(name):
        wait_until(lambda: _remove_tree(own), f"{own} to be empty")


def _remove_tree(cgroup):
    for inner, _, _ in os.walk(cgroup, topdown=False):
        try:
            os.rmdir(inner)
        except OSError:  # its last process is not quite gone
            return False
    return True
