"""A pristine Debian: no Postfix, and one apt source on its own disk."""

import shutil

from .roots import inside
from .shell import run

REPOSITORY = "srv/apt"


def build(root, facts):
    inside(root, f"apt-get -q install -y --no-install-recommends {' '.join(facts['preinstalled'])}")
    # Everything that a package of ours may pull in, resolved by this suite's own apt.
    inside(root, "apt-get clean")
    inside(root, f"apt-get -q install -y --download-only {' '.join(facts['repository'])}")
    for server in facts["mail-servers"]:
        inside(root, f"apt-get -q install -y --no-install-recommends --download-only {server}")
    repository = root / REPOSITORY
    repository.mkdir(parents=True)
    for deb in list((root / "var/cache/apt/archives").glob("*.deb")):
        _repack(deb, repository)
        deb.unlink()
    later = root / "srv/apt-later"
    later.mkdir()
    [postfix] = repository.glob("postfix_*.deb")
    _repack(postfix, later, version="+lab1")
    for folder in (repository, later):
        index = run(["dpkg-scanpackages", "--multiversion", "."], cwd=folder).out
        (folder / "Packages").write_text(index)
    for old in (root / "etc/apt/sources.list.d").glob("*"):
        old.unlink()
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:/{REPOSITORY} ./\n")
    shutil.rmtree(root / "var/lib/apt/lists")
    inside(root, "mkdir -p /var/lib/apt/lists/partial; apt-get -q update; ! dpkg -s postfix 2>/dev/null")


def _repack(deb, into, version=""):
    """The same package, with a later version to upgrade to where one is given. It is not compressed, because each scenario unpacks it
    again, which is a sixth of an installation. Nor does it have more than some of Mozilla's authorities, who know nobody in the lab: each
    scenario would read them all, which is as much again."""
    work = into / "work"
    run(["dpkg-deb", "-R", deb, work])
    for authority in sorted((work / "usr/share/ca-certificates/mozilla").glob("*.crt"))[5:]:
        authority.unlink()
    control = work / "DEBIAN/control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text("".join(
        line.rstrip("\n") + version + "\n" if line.startswith("Version:") else line for line in lines
    ))  # fmt: skip
    run(["dpkg-deb", "-Znone", "-b", work, into])
    shutil.rmtree(work)
