"""A person at a terminal: what is asked is read, what is answered is typed."""

import os
import re
import selectors
import time
from pathlib import Path

from .shell import CommandFailed


class Dialogue:
    """A command on a machine, on a terminal of that machine (script(1) makes it)."""

    def __init__(self, machine, command):
        quoted = command.replace("'", "'\\''")
        self._process = machine.start(f"exec script -qec '{quoted}' /dev/null")
        self._command = command
        self._seen = 0
        self.text = ""
        os.set_blocking(self._process.stdout.fileno(), False)

    def expect(self, *patterns, timeout=120):
        """Read until one of the patterns, or the end of the command, which is ''."""
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                for pattern in patterns:
                    if match := re.compile(pattern).search(self.text, self._seen):
                        self._seen = match.end()
                        return pattern
                if not selector.select(deadline - time.monotonic()):
                    raise CommandFailed(f"$ {self._command}\n{self.text}\n[nothing more after {timeout} s]")
                piece = os.read(self._process.stdout.fileno(), 65536)
                if not piece:
                    return ""
                self.text += piece.decode(errors="replace").replace("\r", "")

    def answer(self, line):
        # pacman throws away what was typed before it reads; others wait in ways of their own, and throw nothing away.
        limit = time.monotonic() + 3
        while not any(_reads(process) for process in _below(self._process.pid)) and time.monotonic() < limit:
            time.sleep(0.02)
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self):
        """The exit code; there must be no further question."""
        while self.expect():
            pass
        self._process.stdin.close()
        return self._process.wait(timeout=60)


def _below(process):
    """The process and all that it has started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            words = children.read_text().split()
        except OSError:  # it has just ended
            continue
        for child in words:
            yield from _below(int(child))


def _reads(process):
    """Does it wait in read(2) for its standard input?"""
    try:
        return Path(f"/proc/{process}/syscall").read_text().startswith("0 0x0 ")
    except OSError:
        return False
