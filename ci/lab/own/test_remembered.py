"""Tests of the lab itself: which scenarios run again after a change. On a copy of the lab with scenarios that boot nothing."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

LAB = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(LAB))

from lab import tiers  # noqa: E402

MANIFEST = """
beside = []
[[standard]]
why = "a toy"
roots = ["debian-12"]
scenarios = ["test_toys.py::test_one", "test_toys.py::test_page", "test_toys.py::test_imported"]
[[full]]
why = "a toy"
scenarios = ["test_toys.py::test_other"]
"""

SCENARIOS = """
import os
import pytest
from lab import packages
from lab.shell import LAB, REPOSITORY
from test_more import ROWS

TEXT = (LAB / "rows.toml").read_text()

@pytest.mark.roots("debian-12", "pacman-7")
def test_one(root):
    packages.of("one")
    assert "FAIL" not in os.environ

@pytest.mark.roots("debian-12")
def test_other(root):
    packages.of("other")

@pytest.mark.roots("debian-12")
def test_page(root):
    assert (REPOSITORY / "docs/page.md").read_text()

@pytest.mark.roots("debian-12")
def test_imported(root):
    assert ROWS and TEXT
"""


class Toy:
    """A repository with a lab in it; `run` says which scenarios ran."""

    def __init__(self, folder):
        self.folder, self.lab = folder / "repository", folder / "repository/ci/lab"
        shutil.copytree(LAB, self.lab, ignore=shutil.ignore_patterns("test_*.py", "own", "specs"))
        self.cache, self.packages = folder / "cache", folder / "packages"
        self.write("ci/lab/tiers.toml", MANIFEST)
        self.write("ci/lab/test_toys.py", SCENARIOS)
        self.write("ci/lab/test_more.py", "ROWS = [1]\n")
        self.write("ci/lab/rows.toml", "rows = 1\n")
        self.write("docs/page.md", "a page\n")
        for spec in ("one", "other"):
            self.package(spec, "bytes")

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def package(self, spec, content):
        (self.packages / spec).mkdir(parents=True, exist_ok=True)
        (self.packages / spec / "relay.deb").write_text(content)

    def run(self, *options, tier="full", passes=True, **environment):
        known = {"POSTPACK_LAB_CACHE": str(self.cache), "POSTPACK_LAB_PACKAGES": str(self.packages), "LAB_TIER": tier}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LAB_", "POSTPACK"))}
        argv = ["/usr/bin/python3", "-m", "pytest", "--rootdir", self.lab, "-p", "no:cacheprovider", "-v", *options, self.lab]
        done = subprocess.run(
            argv, cwd=self.lab, env={**clean, **known, "PYTHONDONTWRITEBYTECODE": "1", **environment}, capture_output=True, text=True
        )
        assert (done.returncode == 0) == passes, done.stdout + done.stderr
        # With workers, the verdict comes first.
        ran = set(re.findall(r"(test_\w+\[[\w-]+\]) (?:PASSED|FAILED)|(?:PASSED|FAILED) \S+::(test_\w+\[[\w-]+\])", done.stdout))
        ran = {one or other for one, other in ran}
        [(run, remembered)] = re.findall(r"^lab: (\d+) scenarios run, (\d+) remembered", done.stdout, re.MULTILINE)
        assert int(run) == len(ran), done.stdout
        return ran, int(remembered)


ALL = {"test_one[debian-12]", "test_one[pacman-7]", "test_other[debian-12]", "test_page[debian-12]", "test_imported[debian-12]"}


@pytest.fixture
def toy(tmp_path):
    toy = Toy(tmp_path)
    assert toy.run("--remembered") == (ALL, 0), "a machine without a cache runs all"
    assert toy.run("--remembered") == (set(), 5)
    return toy


def test_other_bytes_of_a_package_rerun_what_used_it(toy):
    toy.package("one", "other bytes")
    assert toy.run("--remembered") == ({"test_one[debian-12]", "test_one[pacman-7]"}, 3)
    toy.package("one", "bytes")
    assert toy.run("--remembered")[0] == {"test_one[debian-12]", "test_one[pacman-7]"}, "the last verdict counts"


def test_a_file_that_a_scenario_reads_decides(toy):
    toy.write("docs/page.md", "another page\n")
    assert toy.run("--remembered") == ({"test_page[debian-12]"}, 4)
    toy.write("docs/other.md", "nobody reads this\n")
    assert toy.run("--remembered") == (set(), 5)


@pytest.mark.parametrize("path", ["ci/lab/test_toys.py", "ci/lab/test_more.py", "ci/lab/rows.toml"])
def test_the_module_and_what_it_imports_decide(toy, path):
    toy.write(path, (toy.folder / path).read_text() + "# changed\n")
    assert toy.run("--remembered") == (ALL, 0)


def test_the_code_of_the_lab_decides(toy):
    toy.write("ci/lab/lab/odd.py", (toy.lab / "lab/odd.py").read_text() + "# changed\n")
    assert toy.run("--remembered") == (ALL, 0)


def test_the_versions_in_a_root_decide(toy):
    """A root that was built again from the same recipe may have other packages in it."""
    code = "from lab import roots; print(roots.path('pacman-7'))"
    environment = {**os.environ, "POSTPACK_LAB_CACHE": str(toy.cache), "PYTHONPATH": str(toy.lab), "PYTHONDONTWRITEBYTECODE": "1"}
    root = subprocess.run(["/usr/bin/python3", "-c", code], env=environment, capture_output=True, text=True, check=True).stdout.strip()
    toy.write("ci/lab/test_toys.py", SCENARIOS.replace('packages.of("one")', 'from lab import roots; roots.path(root)'))
    toy.run("--remembered")
    Path(root, "var/lib/dpkg").mkdir(parents=True)
    Path(root, "var/lib/dpkg/status").write_text("Package: postfix\nVersion: 2\n")
    assert toy.run("--remembered") == ({"test_one[pacman-7]"}, 4)


def test_a_failure_is_never_remembered(toy):
    toy.package("one", "worse")
    failed = {"test_one[debian-12]", "test_one[pacman-7]"}
    for _ in range(2):
        assert toy.run("--remembered", passes=False, FAIL="yes") == (failed, 3)
    assert toy.run("--remembered") == (failed, 3)
    assert toy.run("--remembered") == (set(), 5)


def test_a_failure_forgets_what_was_remembered(toy):
    toy.run(passes=False, FAIL="yes")
    assert toy.run("--remembered") == ({"test_one[debian-12]", "test_one[pacman-7]"}, 3)


def test_without_the_option_all_run(toy):
    assert toy.run() == (ALL, 0)


def test_a_full_run_counts_for_the_standard_tier_but_not_the_other_way(toy):
    assert toy.run("--remembered", tier="standard") == (set(), 3)
    toy.package("one", "other bytes")
    assert toy.run("--remembered", tier="standard") == ({"test_one[debian-12]"}, 2)
    assert toy.run("--remembered")[0] == {"test_one[debian-12]", "test_one[pacman-7]"}


def test_workers_agree(toy):
    toy.package("one", "other bytes")
    assert toy.run("--remembered", "-n", "2") == ({"test_one[debian-12]", "test_one[pacman-7]"}, 3)


@pytest.mark.parametrize("manifest, words", [
    (MANIFEST.replace('"test_toys.py::test_one", ', ""), "test_toys.py::test_one is in 0 entries"),
    (MANIFEST.replace("::test_one", "::*"), "test_toys.py::test_other is in 2 entries"),
    (MANIFEST.replace('"debian-12"', '"rpm-dnf5"'), "runs on none of the roots"),
    (MANIFEST, "the standard tier runs none of test_toys.py::test_one on a root of pacman"),
])
def test_the_manifest_is_complete(tmp_path, manifest, words):
    toy = Toy(tmp_path)
    toy.write("ci/lab/tiers.toml", manifest)
    if manifest == MANIFEST:
        toy.write("docs/seeds.md", "shown by ci/lab/test_toys.py::test_one\n")
    argv = ["/usr/bin/python3", "-m", "pytest", "--rootdir", toy.lab, "-p", "no:cacheprovider", "--collect-only", toy.lab]
    environment = {**os.environ, "POSTPACK_LAB_CACHE": str(toy.cache), "LAB_SESSION": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, cwd=toy.lab, env=environment, capture_output=True, text=True)
    assert done.returncode and words in done.stdout + done.stderr, done.stdout + done.stderr


def test_each_scenario_is_in_one_shard():
    parts = [[name for name in ALL if tiers.in_shard(SimpleNamespace(nodeid=name), f"{number}/3")] for number in (1, 2, 3)]
    assert sorted(itertools.chain(*parts)) == sorted(ALL)
