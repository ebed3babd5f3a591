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


def faults(items, whole):
    """What is wrong with the manifest, as far as these scenarios show it: they may be a choice of the rows of a scenario, and not the whole."""
    own = {}
    for item in items:
        own.setdefault(name_of(item), []).append(item)
    for name, rows in sorted(own.items()):
        found = entries(name)
        if len(found) != 1:
            yield f"{name} is in {len(found)} entries of tiers.toml; it must be in one"
            continue
        if whole and found[0].roots and not any(map(in_standard, rows)):
            yield f"{name} runs on none of the roots that tiers.toml names for it: {', '.join(found[0].roots)}"
    if whole:
        yield from unproven(own)


def unproven(own):
    """Claims that the standard tier does not prove on one root of each package manager that their scenarios are about."""
    for place, names in claims():
        rows = [row for name in names for row in own.get(name, ())]
        for name in names:
            if not any(map(in_standard, own.get(name, ()))):
                yield f"{place} cites {name}, and the standard tier does not run it"
        missing = families(map(root_of, rows)) - families(root_of(row) for row in rows if in_standard(row))
        if missing:
            yield f"{place}: the standard tier runs none of {', '.join(names)} on a root of {' or '.join(sorted(missing))}"


def families(names):
    return {roots.recipe(name)["kind"] for name in names}


@functools.cache
def claims():
    """The scenarios that documents cite as proof, together where one line cites several: (place, names)."""
    found = []
    for page in sorted((REPOSITORY / "docs").rglob("*.md")):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            names = sorted(set(re.findall(r"ci/lab/(test_\w+\.py::\w+)", line)))
            if names:
                found.append((f"docs/{page.relative_to(REPOSITORY / 'docs')}:{number}", names))
    return found


def in_shard(item, shard):
    """Shard `2/4`: each scenario is in one of four, by its name."""
    number, of = map(int, shard.split("/"))
    return int(hashlib.sha256(item.nodeid.encode()).hexdigest(), 16) % of == number - 1
