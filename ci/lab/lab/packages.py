"""The packages under test: one folder per spec of specs/, built once per run."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .record import uses
from .shell import LAB, REPOSITORY, RUN, run

# One run's packages are its own: another checkout may be in the lab at the same time.
FOLDER = "POSTPACK_LAB_PACKAGES"


def of(spec):
    """The folder that holds what was built from a spec."""
    uses(f"package:{spec}")
    return Path(os.environ[FOLDER]) / spec


def build():
    os.environ[FOLDER] = str(RUN / f"{os.getpid()}-0-packages")
    specs = sorted((LAB / "specs").glob("*.toml"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = sum(pool.map(_build, specs))
    print(f"lab: built {built} packages from {len(specs)} specs", flush=True)


def _build(spec):
    into = of(spec.stem)
    into.mkdir(parents=True)
    run([*binary(), "build", spec, "-o", into], cwd=REPOSITORY, timeout=900, env=dict(os.environ))
    packages = [file for file in into.iterdir() if file.suffix in (".deb", ".rpm", ".zst")]
    assert packages, f"postpack built nothing from {spec}"
    return len(packages)


def binary():
    """POSTPACK_BIN, or what this checkout compiles to."""
    if given := os.environ.get("POSTPACK_BIN"):
        return [given]
    return ["cargo", "run", "--locked", "--release", "--quiet", "--"]
