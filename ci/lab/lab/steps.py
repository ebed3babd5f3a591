"""A host's disk at every step of a command: copies of it, and commands that are stopped there.

A Disk is what a host has become, as layers that stay; a Copy is a cheap overlay on them, in memory, where a
command runs in a chroot as in an image build. steps/steps.c says what a step is and how it is stopped at.
"""

import ctypes
import errno
import itertools
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .compiled import compiled
from .shell import CLEAN_ENV, RUN, Result, run

MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


class Disk:
    """Layers of a host, the topmost first, and the place where copies of it are made."""

    def __init__(self, layers, size="2g"):
        self.layers = list(layers)
        self.home = RUN / f"{os.getpid()}-{next(_numbers)}-disk"
        # What machine.discard() unmounts.
        self.memory = self.home / "root"
        self.memory.mkdir(parents=True)
        _mount("tmpfs", self.memory, "tmpfs", f"size={size},mode=0755")

    def close(self):
        run(["umount", "--recursive", "--lazy", self.memory])
        shutil.rmtree(self.home)

    @contextmanager
    def copy(self):
        copy = Copy(self)
        try:
            yield copy
        finally:
            copy.close()

    def after(self, script, files=None):
        """This disk's next state: one more layer, on which a script has run."""
        with self.copy() as copy:
            for path, content in (files or {}).items():
                copy.write(path, content)
            copy.sh(script)
            return self.on(copy.keep())

    def on(self, layer):
        """This disk with one more layer."""
        disk = Disk.__new__(Disk)
        disk.home, disk.memory, disk.layers = self.home, self.memory, [layer, *self.layers]
        return disk


class Copy:
    def __init__(self, disk):
        self.home = disk.memory / f"copy-{next(_numbers)}"
        self.root = self.home / "root"
        self.upper = self.home / "upper"
        for folder in (self.root, self.upper, self.home / "work"):
            folder.mkdir(parents=True)
        lowers = ":".join(map(str, disk.layers))
        # redirect_dir: a folder can be renamed, as on any other file system.
        options = f"volatile,redirect_dir=on,lowerdir={lowers},upperdir={self.upper},workdir={self.home}/work"
        _mount("overlay", self.root, "overlay", options)
        self._mounted = True

    def close(self):
        if self._mounted:
            _umount(self.root)
        shutil.rmtree(self.home)

    def keep(self):
        """What the copy changed, as a layer that stays when the copy goes."""
        layer = self.home.with_name(f"{self.home.name}-layer")
        _umount(self.root)
        self._mounted = False
        self.upper.rename(layer)
        return layer

    def freeze(self):
        """What the copy has changed until now, as a layer, while a command is stopped in it."""
        layer = self.home.with_name(f"{self.home.name}-frozen-{next(_numbers)}")
        run(["cp", "-a", self.upper, layer])
        return layer

    def fill(self):
        """Leave no room on the disk."""
        with open(self.home / "filler", "wb", buffering=0) as filler:
            for size in (1 << 20, 4096):
                try:
                    while filler.write(bytes(size)):
                        pass
                except OSError as full:
                    assert full.errno == errno.ENOSPC

    def free(self):
        (self.home / "filler").unlink(missing_ok=True)

    @contextmanager
    def read_only(self, inside):
        where = self.path(inside)
        _mount(str(where), where, "", "", MS_BIND)
        _mount("none", where, "", "", MS_BIND | MS_REMOUNT | MS_RDONLY)
        try:
            yield
        finally:
            _umount(where)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def write(self, inside, content, mode=0o600):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def sh(self, script, *, check=True, timeout=60, input=None):
        argv = ["/usr/sbin/chroot", self.root, "/bin/sh", "-c", script]
        return run(argv, check=check, timeout=timeout, env=CLEAN_ENV, shown=script, input=input)

    def steps(self, script, skip, answer):
        """Run a script under steps.c: answer(number, what, path) is asked at each step after the first
        `skip`. Returns the result, and the number of steps."""
        ask, told = os.pipe()
        heard, say = os.pipe()
        running = subprocess.Popen(
            [compiled("steps/steps.c"), self.root, str(skip), str(told), str(heard), "/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=CLEAN_ENV, pass_fds=(told, heard), text=True, errors="replace",
        )  # fmt: skip
        os.close(told)
        os.close(heard)
        number = skip
        with os.fdopen(ask, errors="replace") as questions, os.fdopen(say, "wb", buffering=0) as answers:
            for line in questions:
                what, _, path = line.rstrip("\n").partition(" ")
                if what == "end":
                    number = int(path)
                    break
                number += 1
                answers.write(answer(number, what, path))
        out = running.communicate(timeout=120)[0]
        assert running.returncode != 125, out
        return Result(script, running.returncode, out, ""), number

    def kill_at(self, script, number):
        """Run a script and kill all of it at a step. Was there such a step?"""
        done, _ = self.steps(script, number - 1, lambda *_: b"k")
        return done.code == 137


def _mount(what, where, kind, options, flags=0):
    if _libc.mount(what.encode(), str(where).encode(), kind.encode(), flags, options.encode()):
        raise OSError(ctypes.get_errno(), f"mount {kind} {options}", str(where))


def _umount(where):
    if _libc.umount2(str(where).encode(), 2):  # MNT_DETACH
        raise OSError(ctypes.get_errno(), "umount", str(where))
