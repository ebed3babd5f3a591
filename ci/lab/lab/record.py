"""What a scenario uses while it runs: packages under test, roots, and files of the repository."""

import os
import sys
from contextlib import contextmanager

from .shell import REPOSITORY

_recordings = []


@contextmanager
def recording():
    """The set of things used between here and the end of the block; an outer recording sees them as well."""
    used = set()
    _recordings.append(used)
    try:
        yield used
    finally:
        _recordings.pop()


def uses(*things):
    for used in _recordings:
        used.update(things)


def _watch(event, arguments):
    """Python reports each file that it opens and each program that it starts (PEP 578)."""
    if not _recordings:
        return
    if event == "open":
        named = arguments[:1]
    elif event == "subprocess.Popen":
        named = (arguments[0], *arguments[1])
    else:
        return
    for name in named:
        if isinstance(name, (str, os.PathLike)):
            _use_path(os.fspath(name))


def _use_path(name):
    prefix = f"{REPOSITORY}/"
    if isinstance(name, str) and name.startswith(prefix) and not name.endswith((".py", ".pyc")):
        uses(f"file:{name.removeprefix(prefix)}")


sys.addaudithook(_watch)
