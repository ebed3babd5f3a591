"""Which scenarios a run is about: its tier (tiers.toml), its shard, and what is remembered of earlier runs."""

import fnmatch
import functools
import hashlib
import re
import tomllib

from . import roots
from .shell import LAB, REPOSITORY


class Entry:
    """A line of the manifest: some scenarios, and the roots on which the standard tier runs them."""

    def __init__(self, entry, standard):
        self.patterns = entry["scenarios"]
        self.roots = entry["roots"] if standard else []

    def covers(self, name):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)


def _read():
    return tomllib.loads((LAB / "tiers.toml").read_text())


def standard_roots():
    """The cached roots that the standard tier needs, with those that scenarios use beside their own."""
    read = _read()
    return sorted({*read["beside"]}.union(*(entry["roots"] for entry in read["standard"])))


@functools.cache
def manifest():
    read = _read()
    return [Entry(entry, kind == "standard") for kind in ("standard", "full") for entry in read[kind]]


def name_of(item):
    """FILE::FUNCTION, without parameters."""
    return f"{item.path.name}::{item.originalname}"


def root_of(item):
    return item.callspec.params["root"]


def in_standard(item):
    [entry] = entries(name_of(item))
    return root_of(item) in entry.roots and not item.get_closest_marker("full")


def entries(name):
    return [entry for entry in manifest() if entry.covers(name)]


def faults(items):
    """What is wrong with the manifest, as far as these scenarios show it."""
    own = {}
    for item in items:
        own.setdefault(name_of(item), []).append(item)
    claimed = claims()
    for name, rows in sorted(own.items()):
        found = entries(name)
        if len(found) != 1:
            yield f"{name} is in {len(found)} entries of tiers.toml; it must be in one"
            continue
        about = set(map(root_of, rows))
        standard = {root_of(item) for item in rows if in_standard(item)}
        if found[0].roots and not standard:
            yield f"{name} runs on none of the roots that tiers.toml names for it: {', '.join(found[0].roots)}"
        missing = families(about) - families(standard)
        if name in claimed and missing:
            yield f"{claimed[name]} cites {name}, but the standard tier runs it on no {' or '.join(sorted(missing))} root"


def families(names):
    return {roots.recipe(name)["kind"] for name in names}


@functools.cache
def claims():
    """The scenarios that documents cite as proof, and where."""
    cited = {}
    for page in sorted((REPOSITORY / "docs").rglob("*.md")):
        for name in re.findall(r"ci/lab/(test_\w+\.py::\w+)", page.read_text()):
            cited.setdefault(name, f"docs/{page.relative_to(REPOSITORY / 'docs')}")
    return cited


def in_shard(item, shard):
    """Shard `2/4`: each scenario is in one of four, by its name."""
    number, of = map(int, shard.split("/"))
    return int(hashlib.sha256(item.nodeid.encode()).hexdigest(), 16) % of == number - 1
