"""postpack's own packages: each package manager installs them, and what they bring builds the example."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from lab import packages
from lab.record import uses
from lab.shell import REPOSITORY, run

FILES = REPOSITORY / "target/release-files"
# How the file of this machine's architecture ends, by how the file of a relay ends.
ENDS = {".deb": "_amd64.deb", ".noarch.rpm": ".x86_64.rpm", "-any.pkg.tar.zst": "-x86_64.pkg.tar.zst"}


@pytest.fixture(scope="session")
def release():
    """The folder of a release: POSTPACK_RELEASE_FILES, or made here, once for all workers."""
    if given := os.environ.get("POSTPACK_RELEASE_FILES"):
        return Path(given)
    FILES.parent.mkdir(exist_ok=True)
    with open(FILES.parent / "release-files.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(["ci/release", "--changed"], cwd=REPOSITORY, timeout=1800, env=dict(os.environ))
    return FILES


def test_the_package_of_postpack_builds_the_example(host, release):
    [file] = release.glob(f"postpack*{ENDS[host.os.suffix]}")
    uses(f"file:{file}")
    shutil.copy(file, host.path("/srv"))
    before = host.packages()
    host.sh(host.os.install.format(f"/srv/{file.name}"), timeout=120)
    # It needs nothing that is not there.
    assert host.packages() - before == {"postpack"}
    assert "postpack" in host.sh("postpack --version").out
    for path in ("share/man/man1/postpack-build.1.gz", "share/bash-completion/completions/postpack", "share/doc/postpack/README.md"):
        assert host.owner(f"/usr/{path}").startswith("postpack"), path

    # The quickstart of the README.
    host.sh("mkdir /srv/try")
    quickstart = "cd /srv/try && postpack init --provider ses -o relay.toml && postpack check && postpack build"
    assert "Built dist/acme-mail-relay" in host.sh(quickstart).text
    # The example has the bytes that the program under test gives it.
    host.sh("cd /srv/try && postpack --quiet build --example -o example")
    here = host.path("/srv/try/here")
    run([*packages.binary(), "--quiet", "build", "--example", "-o", here], cwd=REPOSITORY, env=dict(os.environ))
    assert (here / "SHA256SUMS").read_text() == host.path("/srv/try/example/SHA256SUMS").read_text()

    host.sh(host.os.remove.format("postpack"))
    assert host.packages() == before
    assert host.sh("command -v postpack", check=False).code != 0
