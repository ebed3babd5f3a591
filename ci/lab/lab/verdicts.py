"""Remembered verdicts: a scenario that passed is not run again while everything that decides it is the same.

What a scenario used is recorded while it runs (record.py). A verdict is found by the scenario's name and the lab's code, and
holds while each of the recorded things has the same SHA-256. Only a pass is remembered; a failure forgets what was remembered
before.
"""

import functools
import hashlib
import json
import os
import platform
import re
from pathlib import Path

from . import packages, roots
from .shell import CACHE, LAB, REPOSITORY, tier

VERDICTS = CACHE / "verdicts"
# A scenario that passed in the full tier has passed for the standard tier.
COUNTS_FOR = {"standard": ("standard", "full"), "full": ("full",)}
# Part of every verdict: each scenario needs the smarthost.
ALWAYS = {"root:smarthost", "file:ci/lab/smarthost"}


def holds(item, imported):
    """Whether this scenario has passed with everything as it is now."""
    for checked in COUNTS_FOR[tier()]:
        try:
            remembered = json.loads(_file(item, imported, checked).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            continue
        if all(identity(thing) == digest for thing, digest in remembered["uses"].items()):
            return True
    return False


def remember(item, imported, used, seconds):
    file = _file(item, imported, tier())
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {"scenario": item.nodeid, "seconds": round(seconds, 1)}
    known["uses"] = {thing: identity(thing) for thing in sorted(used | ALWAYS)}
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(known, indent=1))
    new.rename(file)


def forget(item, imported):
    for checked in COUNTS_FOR["standard"]:
        _file(item, imported, checked).unlink(missing_ok=True)


def _file(item, imported, checked):
    """`imported`: what the module of the scenario reads when it is imported."""
    kills = os.environ.get("POSTPACK_LAB_KILLS", "")
    read = [f"{thing}={identity(thing)}" for thing in sorted(imported)]
    decides = [item.nodeid, checked, kills, platform.release(), code(item.path), *read]
    return VERDICTS / f"{_digest(*(word.encode() for word in decides))}.json"


@functools.cache
def code(scenarios):
    """Digest of the lab's code and of one file of scenarios with those that it imports from."""
    machinery = [LAB / "conftest.py", *LAB.glob("lab/*.py"), *LAB.glob("steps/*")]
    return _digest(*(file.read_bytes() for file in sorted({*machinery, *_with_imports(Path(scenarios))})))


def _with_imports(file):
    names = re.findall(r"^(?:from|import) (test_\w+)", file.read_text(), re.MULTILINE)
    return {file}.union(*(_with_imports(LAB / f"{name}.py") for name in names))


@functools.cache
def identity(thing):
    """SHA-256 of something used; of what is not there, nothing."""
    kind, _, name = thing.partition(":")
    return {"package": _package, "root": _root, "file": _path}[kind](name)


def _package(spec):
    return _path(packages.of(spec))


def _root(name):
    """A root is as its recipe and the versions of what is installed and can be installed in it."""
    root = roots.path(name)
    known = root / "var/lib/dpkg/status"
    offered = sorted(f"{file.relative_to(root)} {file.stat().st_size}" for file in (root / "srv").rglob("*") if file.is_file())
    return _digest(root.name.encode(), known.read_bytes() if known.exists() else b"", *(line.encode() for line in offered))


def _path(name):
    path = REPOSITORY / name
    if path.is_dir():
        inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return _digest(*(part for file in inside for part in (str(file.relative_to(path)).encode(), file.read_bytes())))
    return _digest(path.read_bytes()) if path.is_file() else None


def _digest(*parts):
    """Of the parts and where one ends."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
