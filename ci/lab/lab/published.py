"""A repository as `postpack repo` publishes it, on a static web server that a host reaches, and the host's package manager."""

import html
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

from .packages import binary
from .shell import CLEAN_ENV, LAB, run, wait_until

PORT = 8080
URL = f"http://127.0.0.1:{PORT}"
PACKAGE = "acme-mail-relay"
# The roots have no curl, which people have: it reads what the web server serves.
CURL = f"""#!/bin/sh
out=
while [ $# -gt 0 ]; do
    case "$1" in
        -o) out=$2; shift ;;
        http*) url=$1 ;;
    esac
    shift
done
exec cp "/srv/www/${{url#{URL}/}}" "${{out:-.}}"
"""


class Repository:
    """Settings, key and tree in a folder; one of several may be served."""

    def __init__(self, home, keys=True):
        self.home, self.site, self.dist = home, home / "site", home / "dist"
        home.mkdir()
        if keys:
            self.keys(self.key("first.key"))

    def key(self, name, *options, clock=()):
        """A new key, as a stanza that lets it sign."""
        owner = ("--owner", "ACME <it@acme.example>", "--algorithm", "rsa3072")
        self("key", "new", name, *owner, *options, "-q", clock=clock)
        return f'[[keys]]\nuse = "sign"\nfile = "{name}"\n'

    def keys(self, *stanzas):
        (self.home / "repo.toml").write_text(
            f'[repository]\nname = "acme"\ntitle = "ACME packages"\nurl = "{URL}"\n'
            f'maintainer = "ACME <it@acme.example>"\nsuites = ["stable", "testing"]\n' + "".join(stanzas)
        )

    def __call__(self, *words, clock=()):
        """postpack with these words; `clock` is a command that runs it at another time."""
        return run([*clock, *binary(), *words], cwd=self.home, timeout=120, env=dict(os.environ)).out

    def publish(self, version, suite="stable"):
        """Builds a version of the relay and publishes it."""
        shutil.rmtree(self.dist, ignore_errors=True)
        spec = LAB / "specs/null-client.toml"
        self("build", str(spec), "-o", "dist", "--set", f"package.version={version}", "-q")
        self("repo", "publish", "--suite", suite, "-q")

    def commands(self, manager):
        """The commands of the page for a package manager."""
        page = (self.site / "index.html").read_text()
        return html.unescape(re.search(f'<code id="bootstrap-{manager}">(.*?)</code>', page, re.DOTALL).group(1))


class Web:
    """A static web server on the host's loopback."""

    def __init__(self, host, folder):
        self.root = host.path("/srv/www")
        self._time = 0
        self.show(folder)
        host.write("/usr/local/bin/curl", CURL, 0o755)
        # rpm calls it by its path.
        if not host.path("/usr/bin/curl").exists():
            host.write("/usr/bin/curl", CURL, 0o755)
        command = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", self.root, str(PORT)]
        inside = ["nsenter", f"--net=/run/netns/{host.netns}"]
        self._server = subprocess.Popen([*inside, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=CLEAN_ENV)
        probe = [*inside, "python3", "-c", f"import urllib.request; urllib.request.urlopen('{URL}/index.html')"]
        wait_until(lambda: run(probe, check=False).code == 0, "the web server")

    def show(self, folder):
        """Serve this tree from now on, as after an upload: every file is newer than what was there."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(folder, self.root, ignore=shutil.ignore_patterns(".postpack"))
        self._touch(path for path in self.root.rglob("*") if path.is_file())

    def tamper(self, pattern):
        """One bit in the middle of each of these files; their sizes stay."""
        paths = sorted(self.root.glob(pattern))
        assert paths, pattern
        for path in paths:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        self._touch(paths)

    def _touch(self, paths):
        # Clients compare whole seconds.
        self._time = max(self._time + 2, time.time())
        for path in paths:
            os.utime(path, (self._time, self._time))

    def close(self):
        self._server.terminate()
        self._server.wait()


@dataclass
class Manager:
    """A package manager: how it prepares, refreshes and upgrades, and which version it has installed."""

    name: str
    refresh: str
    install: str
    version: str
    # Files that tell a client what there is, and their signatures.
    indexes: tuple
    signatures: tuple
    packages: str
    prepare: str = "true"
    # Folders that the lab's machine lends to the host.
    lent: tuple = ()


APT = Manager(
    "apt",
    "apt-get -q update",
    f"DEBIAN_FRONTEND=noninteractive apt-get -q install -y {PACKAGE}",
    f"dpkg-query -W -f '${{Version}}' {PACKAGE}",
    ("apt/dists/stable/InRelease", "apt/dists/stable/main/binary-all/by-hash/SHA256/*"),
    ("apt/dists/stable/InRelease",),
    "apt/pool/main/acme-mail-relay_*.deb",
)
DNF = Manager(
    "dnf",
    "dnf -y --refresh makecache --repo=acme",
    f"dnf -y install {PACKAGE} && dnf -y upgrade {PACKAGE}",
    f"rpm -q --qf '%{{VERSION}}-%{{RELEASE}}' {PACKAGE}",
    ("rpm/snapshots/stable-*/repodata/repomd.xml", "rpm/snapshots/stable-*/repodata/*.gz"),
    ("rpm/snapshots/stable-*/repodata/repomd.xml.asc",),
    "rpm/pool/acme-mail-relay-*.rpm",
)
PACMAN = Manager(
    "pacman",
    "pacman -Sy",
    f"pacman -S --noconfirm {PACKAGE}",
    f"pacman -Q {PACKAGE} | cut -d ' ' -f 2",
    ("pacman/acme.db",),
    ("pacman/acme.db.sig", "pacman/acme-mail-relay-*.sig"),
    "pacman/acme-mail-relay-*.zst",
    # Debian has what pacman-key is made of in a package of its own, which the root does not have.
    lent=("/usr/share/makepkg",),
    # As on Arch, where keyrings are in a folder of pacman's own.
    prepare="""
        sed -i 's,/usr/share/keyrings,/usr/share/pacman/keyrings,' /usr/bin/pacman-key
        sed -i 's/^LocalFileSigLevel.*/LocalFileSigLevel = Optional/' /etc/pacman.conf
        pacman-key --init
    """,
)


ZYPPER = Manager(
    "zypper",
    "zypper --non-interactive refresh",
    f"zypper --non-interactive install {PACKAGE} && zypper --non-interactive update {PACKAGE}",
    DNF.version,
    ("rpm/suites/stable/repodata/repomd.xml", "rpm/suites/stable/repodata/*.gz"),
    ("rpm/suites/stable/repodata/repomd.xml.asc",),
    DNF.packages,
    # What the relay depends on is in the root's own repository, which zypper looks for in another folder.
    prepare="mkdir -p /etc/zypp/repos.d && cp /etc/yum.repos.d/lab.repo /etc/zypp/repos.d/",
)


def manager_of(root):
    if root.endswith("-zypper"):
        return ZYPPER
    return {"debian": APT, "rpm": DNF, "pacman": PACMAN}[root.partition("-")[0]]


class Client:
    """A host that uses the repository."""

    def __init__(self, host, manager):
        self.host, self.manager = host, manager
        for folder in manager.lent:
            shutil.copytree(folder, host.path(folder), dirs_exist_ok=True)
        host.sh(manager.prepare)

    def bootstrap(self, repository):
        self.host.sh(f"cd /root && set -e\n{repository.commands(self.manager.name)}", timeout=300)

    def upgrade(self, check=True):
        # One after the other: apt goes on with the old index where a new one is refused.
        refreshed = self.host.sh(self.manager.refresh, check=check)
        return refreshed.text + self.host.sh(self.manager.install, check=check, timeout=300).text

    def version(self):
        return self.host.sh(self.manager.version).out.strip().removesuffix("-1")
