"""A container without systemd: a host's root, and one program as process 1."""

import os
import shlex
import signal
import subprocess
from contextlib import contextmanager

from .shell import wait_until


@contextmanager
def container(host, command, **environment):
    """Runs a command as process 1 of the host's root, as docker and podman do: /run is empty, and nothing else runs. Meanwhile host.sh()
    runs commands in the container. Yields a function that returns its standard output so far; at the end, SIGTERM must end it."""
    output = host.home / "container.log"
    words = " ".join(shlex.quote(f"{key}={value}") for key, value in environment.items())
    with open(output, "wb") as log:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        host._nspawn = subprocess.Popen(host._shell(f"exec env {words} {command}"), env=host._env(), **pipes)
    try:
        host._leader = wait_until(host._find_leader, "process 1 of the container")
        try:
            yield lambda: output.read_text(errors="replace")
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{output.read_text(errors='replace')[-4000:]}") from None
        os.kill(int(host._leader), signal.SIGTERM)
        host._nspawn.wait(timeout=30)
    finally:
        host._nspawn.kill()
        host._nspawn.wait()
        host._nspawn = host._leader = None
