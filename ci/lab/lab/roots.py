"""Cached roots: each built once from its recipe (roots/NAME.toml)."""

import functools
import hashlib
import importlib
import os
import re
import shutil
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path

from .record import uses
from .shell import CACHE, CLEAN_ENV, LAB, locked, run

ROOTS = CACHE / "roots"
BASES = CACHE / "bases"
DIGEST_LENGTH = 16
# What every base has beside debootstrap's minimum: what a server install has too.
BASE_PACKAGES = "systemd,systemd-sysv,dbus,apt-utils,init-system-helpers,netbase,hostname"


# One of each that differs: package manager (apt, dnf 4, dnf 5 with rpm 6, pacman), systemd (247, 252, 257, 262), Postfix (3.5, 3.7,
# 3.10, 3.11), type of tables, awk. What holds on these holds on the other roots, which have nothing but a mixture of them.
EACH = ("debian-11", "rpm-dnf4", "pacman-7", "rpm-dnf5")


def recipe(name):
    return tomllib.loads((LAB / "roots" / f"{name}.toml").read_text())


def names():
    """The roots that scenarios run on; the smarthost's is not one of them."""
    return sorted(p.stem for p in (LAB / "roots").glob("*.toml") if recipe(p.stem).get("host", True))


def beside(name):
    """What else is in the cache for scenarios of this root."""
    return sorted(p.stem for p in (LAB / "roots").glob("*.toml") if recipe(p.stem).get("of") == name)


def distribution(name):
    """The root that this one extends, or itself."""
    return recipe(name).get("of", name)


def layers_of(name):
    """Cached layers that scenarios put on this root."""
    return [other for other in beside(name) if recipe(other)["kind"] == "releases"]


def with_programs(name):
    """The same root with programs that a relay serves, where it has them."""
    programs = f"{name}-programs"
    return programs if programs in beside(name) else name


def with_partners(name):
    """The root on which Debian's Dovecot and HAProxy can be had: a Debian installs them from its repository."""
    return name if recipe(name)["kind"] == "deb" else with_programs(name)


def path(name):
    """The root made by today's recipe. Another checkout's recipe has a folder of its own."""
    uses(f"root:{name}")
    return ROOTS / f"{name}-{_digest(name)}"


def prepare(name):
    """Build the root unless the one of this very recipe is in the cache."""
    root = path(name)
    with locked(ROOTS / f"{name}.lock"):
        _forget_old(name, keep=root)
        if root.exists():
            os.utime(root)
            return False
        facts = recipe(name)
        new = ROOTS / f"{name}.new"
        _remove(new)
        run(["cp", "-a", "--reflink=auto", base(facts["suite"]), new])
        with network_inside(new):
            importlib.import_module(f".{facts['kind']}_root", __package__).build(new, facts)
        (new / "etc/machine-id").write_text("")
        os.utime(new)
        new.rename(root)
        return True


def _forget_old(name, keep):
    """Remove roots of earlier recipes that nobody has used for a day."""
    for root in ROOTS.glob(f"{name}-{'?' * DIGEST_LENGTH}"):
        if root != keep and time.time() - root.stat().st_mtime > 24 * 3600:
            _remove(root)


def base(suite):
    """A debootstrap of the suite, shared by the roots that start from it."""
    folder = BASES / suite
    with locked(BASES / f"{suite}.lock"):
        if not folder.exists():
            new = BASES / f"{suite}.new"
            _remove(new)
            # A debootstrap older than the suite knows it under no name: sid's script fits.
            known = Path("/usr/share/debootstrap/scripts", suite).exists()
            script = [] if known else ["/usr/share/debootstrap/scripts/sid"]
            options = ["--variant=minbase", f"--include={BASE_PACKAGES}"]
            run(["debootstrap", *options, suite, new, mirror(), *script], timeout=1800)
            new.rename(folder)
    return folder


def mirror():
    """The Debian mirror that this machine's own apt uses."""
    fields = "$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)"
    query = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    for line in run(query).out.splitlines():
        uri, *rest = line.split()
        if rest == ["Debian", "Debian", "main"]:
            return uri
    raise SystemExit("ci/lab: no Debian mirror in apt's configuration (run apt-get update first)")


def inside(root, script, timeout=1800):
    """Run a build step in the root, as in a container of this machine's network."""
    env = [f"{key}={value}" for key, value in CLEAN_ENV.items()]
    env.append("DEBIAN_FRONTEND=noninteractive")
    nspawn = ["systemd-nspawn", "--quiet", f"--directory={root}", "--register=no", "--keep-unit", "--pipe"]
    nspawn += ["--resolv-conf=off", "--timezone=off", "--link-journal=no"]
    script = f"set -eu\n{script}"
    argv = [*nspawn, "/usr/bin/env", "-i", *env, "/bin/sh", "-c", script]
    host_env = {**CLEAN_ENV, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    return run(argv, timeout=timeout, env=host_env, shown=script)


@contextmanager
def network_inside(root):
    """Names resolve and apt has its mirror while a root is built, and not after it."""
    files = {name: root / "etc" / name for name in ("resolv.conf", "hosts")}
    for name, file in files.items():
        file.unlink(missing_ok=True)
        shutil.copy(f"/etc/{name}", file)
    # A frozen snapshot of the archive is as good as a mirror of today.
    inside(root, "apt-get -q -o Acquire::Check-Valid-Until=false update")
    yield
    for file in files.values():
        file.unlink(missing_ok=True)
    for stale in (root / "var/cache/apt/archives").glob("*.deb"):
        stale.unlink()


@functools.cache
def _digest(name):
    """The recipe, and the code that reads it."""
    sources = [LAB / "roots" / f"{name}.toml", *sorted((LAB / "lab").glob(f"{recipe(name)['kind']}_*.py"))]
    if recipe(name)["kind"] in ("rpm", "pacman"):
        sources += [LAB / "lab" / "repack.py", *sorted(LAB.glob("standins/**/*.*"))]
    digest = hashlib.sha256(BASE_PACKAGES.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:DIGEST_LENGTH]


def _remove(folder):
    # A machine that still uses the folder as its lower layer would see it vanish.
    if folder.exists():
        if re.search(rf"[=:]{re.escape(str(folder))}[,:]", Path("/proc/self/mounts").read_text()):
            raise SystemExit(f"ci/lab: {folder} is in use; try again later or run ci/lab/run --clean")
        shutil.rmtree(folder)
