"""No root but a layer: the packages of a Debian host's next releases, each release a
repository of its own, /srv/apt-SUITE."""

import shutil

from .roots import inside, mirror
from .shell import run

REPOSITORY = "srv/apt-{}"


def build(root, facts):
    """Upgrade a host as ours is, from release to release, and keep what apt fetches for it."""
    selection = "postfix postfix/main_mailer_type select No configuration"
    inside(root, f"echo {selection} | debconf-set-selections")
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    inside(root, f"apt-get -q install -y {' '.join(facts['packages'])}")
    # "No configuration" leaves none, and Debian 13's Postfix cannot be configured without.
    inside(root, "[ -e /etc/postfix/main.cf ] || : >/etc/postfix/main.cf")
    for suite in facts["releases"]:
        (root / "etc/apt/sources.list").write_text(f"deb {mirror()} {suite} main\n")
        inside(root, "apt-get clean; apt-get -q -o Acquire::Check-Valid-Until=false update")
        inside(root, "apt-get -q full-upgrade -y --download-only")
        repository = root / REPOSITORY.format(suite)
        shutil.copytree(root / "var/cache/apt/archives", repository, ignore=_all_but_packages)
        (repository / "Packages").write_text(run(["dpkg-scanpackages", "."], cwd=repository).out)
        if suite != facts["releases"][-1]:
            inside(root, "apt-get -q full-upgrade -y")
    for path in root.iterdir():
        if path.name != "srv":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (root / "etc").mkdir()


def _all_but_packages(folder, names):
    return [name for name in names if not name.endswith(".deb")]
