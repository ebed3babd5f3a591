"""The packages under test: one folder per spec of specs/, built once per run."""

import os
from pathlib import Path

from .shell import LAB, REPOSITORY, RUN, run

# One run's packages are its own: another checkout may be in the lab at the same time.
FOLDER = "POSTPACK_LAB_PACKAGES"


def of(spec):
    """The folder that holds what was built from a spec."""
    return Path(os.environ[FOLDER]) / spec


def build():
    os.environ[FOLDER] = str(RUN / f"{os.getpid()}-0-packages")
    postpack = binary()
    for spec in sorted((LAB / "specs").glob("*.toml")):
        into = of(spec.stem)
        into.mkdir(parents=True)
        run([*postpack, "build", spec, "-o", into], cwd=REPOSITORY, timeout=900, env=dict(os.environ))
        assert list(into.iterdir()), f"postpack built nothing from {spec}"
        print(f"lab: built {', '.join(sorted(file.name for file in into.iterdir()))}", flush=True)


def binary():
    """POSTPACK_BIN, or what this checkout compiles to."""
    if given := os.environ.get("POSTPACK_BIN"):
        return [given]
    return ["cargo", "run", "--release", "--quiet", "--"]
