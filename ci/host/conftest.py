"""Runs the awk programs of the host command as the host command runs them, under every awk that a host may have."""

import pathlib
import subprocess

import pytest

LIB = pathlib.Path(__file__).parents[2] / "templates/host/lib"
AWKS = {"mawk": ["mawk"], "gawk": ["gawk"], "busybox": ["busybox", "awk"]}


@pytest.fixture(params=AWKS)
def awk(request, tmp_path):
    """awk("part.awk program.awk", *files, **variables): exit code, standard output, standard error, all bytes; a file is given as its bytes, and the
    assignments that stand before it in the list `before`."""

    def run(program, *files, before=(), **variables):
        paths = []
        for number, content in enumerate(files):
            path = tmp_path / f"input{number}"
            path.write_bytes(content)
            paths += [*(before[number] if before else ()), str(path)]
        options = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        options += [word for name in program.split() for word in ("-f", str(LIB / name))]
        result = subprocess.run(
            [*AWKS[request.param], *options, *paths],
            capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, timeout=60, check=False,
        )
        return result.returncode, result.stdout, result.stderr

    return run
