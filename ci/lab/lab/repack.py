"""Debian's programs for stand-in roots: same binaries, other owner and conventions.

No real Fedora, RHEL or Arch can be had from Debian's archive, but their package
managers can. What matters to a relay there is who owns which file, how it is
marked, which unit runs the daemon and where the CA bundle lies: that is rebuilt
here after the distributions' own packages; only the programs are Debian's.
"""

import re
import shutil

from .roots import inside
from .shell import LAB, run

STANDINS = LAB / "standins"
DEBIAN_ONLY = """
    etc/init.d etc/insserv.conf.d etc/network etc/ppp etc/resolvconf etc/rsyslog.d etc/ufw lib
    usr/lib/NetworkManager usr/lib/networkd-dispatcher usr/lib/systemd usr/lib/sysusers.d usr/lib/tmpfiles.d
    usr/share/doc usr/share/doc-base usr/share/lintian usr/share/bug usr/share/locale
    usr/share/menu usr/share/applications var
""".split()


def satisfy(root, packages, libraries_of):
    """Install the packages, and what the repackaged programs link to, but not these."""
    inside(root, f"apt-get -q install -y --no-install-recommends {' '.join(packages)}")
    inside(root, f"mkdir -p /srv/debs; cd /srv/debs; apt-get -q download {' '.join(libraries_of)}")
    for deb in (root / "srv/debs").glob("*.deb"):
        wanted = run(["dpkg-deb", "-f", deb, "Depends"]).out
        # Only libraries: certificates, users and the like come with the stand-ins.
        libraries = [d for d in re.split(r",\s*", wanted.strip()) if d.startswith("lib")]
        if libraries:
            inside(root, f"apt-get -q satisfy -y --no-install-recommends '{', '.join(libraries)}'")
    # The programs may have brought one of those along, whose files the stand-in's own package would find in its way.
    inside(root, f"for name in {' '.join(libraries_of)}; do if dpkg -s $name >/dev/null 2>&1; then dpkg --purge --force-depends $name; fi; done")
    assert not (root / "etc/ssl/certs/ca-certificates.crt").exists()


def trees(root, into):
    """What each downloaded package holds, without what only Debian has."""
    into.mkdir()
    for deb in (root / "srv/debs").glob("*.deb"):
        tree = into / deb.name.partition("_")[0]
        run(["dpkg-deb", "-x", deb, tree])
        for name in DEBIAN_ONLY:
            shutil.rmtree(tree / name, ignore_errors=True)
    shutil.rmtree(root / "srv/debs")
    return {tree.name: tree for tree in into.iterdir()}


def version_of(root, package):
    text = inside(root, f"apt-cache policy {package}").out
    return re.search(r"Candidate: (?:\d+:)?([\d.]+\d)", text)[1]


def postfix(tree, style, version):
    """/etc/postfix and the unit as the style's distribution ships them."""
    etc, share = tree / "etc/postfix", tree / "usr/share/postfix"
    level = version.rpartition(".")[0]
    main_cf = (STANDINS / style / "main.cf").read_text().replace("@compatibility_level@", level)
    (etc / "main.cf").write_text(main_cf)
    (etc / "master.cf").write_text(_unchrooted((share / "master.cf.dist").read_text()))
    # postfix-files lists these; on older Debian they appear only at configuration.
    late = {"main.cf.dist": "main.cf.proto", "master.cf.dist": "master.cf.proto", "makedefs.out": "makedefs.out"}
    for source, name in late.items():
        if not (etc / name).exists() and (etc / "postfix-files").exists():
            shutil.copy(share / source, etc / name)
    for library in (tree / "usr/lib/postfix").glob("*.so"):
        library.chmod(0o755)  # as postfix-files has it
    shutil.copy(share / "dynamicmaps.cf", etc / "dynamicmaps.cf")
    unit = tree / "usr/lib/systemd/system/postfix.service"
    unit.parent.mkdir(parents=True)
    shutil.copy(STANDINS / style / "postfix.service", unit)
    (tree / "var/lib/postfix").mkdir(parents=True, mode=0o700)
    (tree / "var/spool/postfix").mkdir(parents=True)
    # Only Debian's copies files of /etc into the queue folder.
    post_install = tree / "usr/lib/postfix/sbin/post-install"
    lines = post_install.read_text().splitlines(keepends=True)
    post_install.write_text("".join(line for line in lines if "configure-instance.sh" not in line))
    (tree / "usr/lib/postfix/configure-instance.sh").unlink()
    for extra in ("main.cf.debian", "main.cf.tls", "postinst.functions"):
        (share / extra).unlink(missing_ok=True)


def _unchrooted(master):
    """Upstream's chroot column; Debian's has 'y' in it."""
    service = re.compile(r"^(\w\S*(?:\s+\S+){3}\s+)[-y](\s)", re.MULTILINE)
    return service.sub(r"\g<1>n\2", master)


def mail_server(tree, unit, sendmail):
    """Another mail server: something that answers on port 25, and a sendmail command."""
    for source, name, mode in ((unit, f"usr/lib/systemd/system/{unit.name}", 0o644), (STANDINS / "sendmail.sh", sendmail, 0o755)):
        path = tree / name
        path.parent.mkdir(parents=True)
        shutil.copy(source, path)
        path.chmod(mode)


def lmdb_default(tree):
    """Arch compiles `lmdb` in as default_database_type, Debian `hash`: as long a word."""
    for name in ("usr/lib/postfix/libpostfix-global.so", "usr/sbin/postconf"):
        binary = (tree / name).read_bytes()
        assert binary.count(b"\0hash\0") == 1, name
        (tree / name).write_bytes(binary.replace(b"\0hash\0", b"\0lmdb\0"))


def mail_command(tree):
    """Both families install s-nail as mail(1) too; Debian does not."""
    for name in ("mail", "mailx"):
        (tree / "usr/bin" / name).symlink_to("s-nail")


def program(tree):
    """Something that writes to root. What runs it each day is every distribution's own."""
    shutil.rmtree(tree / "etc/cron.daily", ignore_errors=True)


def certificates(tree, script, extracted):
    """The bundle's parts, and the command that joins them with the site's anchors."""
    anchors = sorted((tree / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    joined = "".join(path.read_text() for path in anchors)
    shutil.rmtree(tree)
    source = tree / "usr/share/ca-certificates/trust-source/mozilla.trust.crt"
    source.parent.mkdir(parents=True)
    source.write_text(joined)
    command = tree / "usr/bin/update-ca-trust"
    command.parent.mkdir(parents=True)
    command.write_text(script)
    command.chmod(0o755)
    (tree / extracted).mkdir(parents=True)


def files(tree):
    """Every path of a tree as the host will see it, folders that are its own included."""
    shared = {"/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/etc", "/var", "/var/lib",
              "/var/spool", "/usr/lib/systemd", "/usr/lib/systemd/system", "/etc/ssl"}  # fmt: skip
    for path in sorted(tree.rglob("*")):
        name = "/" + str(path.relative_to(tree))
        if name not in shared:
            yield path, name


def undo_debian(root, os_release):
    """The stand-in is no Debian: its package manager goes, as does its identity."""
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").write_text(os_release)
    for stale in ("srv/debs", "var/lib/apt", "var/cache/apt", "var/lib/dpkg", "etc/apt"):
        shutil.rmtree(root / stale, ignore_errors=True)
    for folder in (root / "usr/bin", root / "usr/sbin"):
        for pattern in ("apt*", "dpkg*", "deb-systemd-*", "debconf*"):
            for path in folder.glob(pattern):
                path.unlink()
