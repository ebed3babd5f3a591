"""Programs of the lab in C, compiled once per change of them."""

import os

from .record import uses
from .shell import LAB, RUN, locked, run


def compiled(source, *options):
    """The path of what `source`, below ci/lab, compiles to."""
    uses(f"file:ci/lab/{source}")
    source = LAB / source
    into = RUN.parent / source.stem
    with locked(RUN.parent / f"{source.stem}.lock"):
        if not into.exists() or into.stat().st_mtime < source.stat().st_mtime:
            run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", *options, "-o", f"{into}.new", source])
            os.replace(f"{into}.new", into)
    return str(into)
