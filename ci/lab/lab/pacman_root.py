"""A root whose Postfix belongs to pacman's database, as on Arch."""

import shutil

from . import repack
from .roots import inside
from .shell import run

BUNDLE = "/etc/ca-certificates/extracted/tls-ca-bundle.pem"
UPDATE_CA_TRUST = f"""#!/bin/sh
exec cat /usr/share/ca-certificates/trust-source/*.crt \\
    $(ls /etc/ca-certificates/trust-source/anchors/* 2>/dev/null) >{BUNDLE}
"""
OS_RELEASE = """NAME="Lab stand-in for Arch"
ID=labarch
ID_LIKE=arch
BUILD_ID=rolling
PRETTY_NAME="Lab stand-in for Arch"
"""
PACMAN_CONF = """[options]
Architecture = auto
SigLevel = Never
LocalFileSigLevel = Never
[lab]
Server = file:///srv/pacman
"""
# One package stands for the whole base system.
BASE_PROVIDES = """
    sh bash coreutils sed grep gawk awk findutils util-linux diffutils shadow systemd systemd-libs
    glibc pacman tzdata
""".split()
BACKUP = """
    access aliases canonical generic header_checks main.cf master.cf relocated transport virtual
""".split()
MODES = {"usr/sbin/postdrop": 0o2755, "usr/sbin/postqueue": 0o2755}


def build(root, facts):
    debs = ["postfix", "postfix-lmdb", "libsasl2-modules", "ca-certificates", "s-nail", "openssl"]
    programs = facts.get("repacked", [])
    repack.satisfy(root, facts["packages"], [*debs, *programs])
    version = repack.version_of(root, "postfix")
    work = root / "srv/work"
    trees = repack.trees(root, work)
    repository, later = root / "srv/pacman", root / "srv/pacman-later"
    for folder in (repository, later):
        folder.mkdir()

    postfix = trees["postfix"]
    repack.postfix(postfix, "arch", version)
    repack.lmdb_default(postfix)
    shutil.copy(repack.STANDINS / "aliases", postfix / "etc/postfix/aliases")
    relations = {
        "depend": ["postfix-lmdb", "libsasl"],
        "provides": ["smtp-server", "smtp-forwarder"],
        "conflict": ["smtp-server", "smtp-forwarder"],
        "backup": [f"etc/postfix/{name}" for name in BACKUP if (postfix / "etc/postfix" / name).exists()],
    }
    _package(repository, "postfix", f"{version}-1", postfix, relations, POSTFIX)
    _package(later, "postfix", f"{version}-2", postfix, relations, POSTFIX)
    _package(repository, "postfix-lmdb", f"{version}-1", trees["postfix-lmdb"], {})
    _package(repository, "libsasl", "2.1.28-1", trees["libsasl2-modules"], {})
    _package(repository, "openssl", "3.0-1", trees["openssl"], {})
    for name in programs:
        repack.program(trees[name])
        _package(repository, name, f"{repack.version_of(root, name)}-1", trees[name], {})
    repack.mail_command(trees["s-nail"])
    _package(repository, "s-nail", "14.9-1", trees["s-nail"], {"provides": ["mailx", "mailx-heirloom"]})
    bundle = trees["ca-certificates"]
    repack.certificates(bundle, UPDATE_CA_TRUST, "etc/ca-certificates/trust-source/anchors")
    (bundle / "etc/ca-certificates/extracted").mkdir()
    (bundle / "etc/ssl/certs").mkdir(parents=True)
    (bundle / "etc/ssl/certs/ca-certificates.crt").symlink_to(BUNDLE)
    (bundle / "etc/ssl/cert.pem").symlink_to(BUNDLE)
    _package(repository, "ca-certificates", "2026-1", bundle, {}, "post_install() { update-ca-trust; }\n")
    opensmtpd = work / "opensmtpd"
    repack.mail_server(opensmtpd, repack.STANDINS / "arch/smtpd.service", "usr/bin/sendmail")
    servers = {key: relations[key] for key in ("provides", "conflict")}
    _package(repository, "opensmtpd", "7.8-1", opensmtpd, servers)
    base = work / "base"
    for name, text in BASE_FILES.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    _package(repository, "base", "3-1", base, {"provides": BASE_PROVIDES, "depend": ["openssl"]})
    shutil.rmtree(work)

    run(["repo-add", "--quiet", repository / "lab.db.tar.gz", *sorted(repository.glob("*.zst"))])
    (root / "etc/pacman.conf").write_text(PACMAN_CONF)
    _merge_sbin(root)
    (root / "usr/sbin").symlink_to("bin")
    inside(root, "pacman -Sy --noconfirm base")
    repack.undo_debian(root, OS_RELEASE)


def _package(repository, name, version, tree, relations, script=""):
    """What makepkg would write; without its clean-chroot, user and build steps."""
    _merge_sbin(tree)
    info = [f"pkgname = {name}", f"pkgver = {version}", "pkgdesc = Lab stand-in", "arch = any", "size = 0"]
    info += ["url = https://lab.example", "builddate = 0", "packager = lab", "license = MIT"]
    info += [f"{key} = {value}" for key, values in relations.items() for value in values]
    (tree / ".PKGINFO").write_text("\n".join(info) + "\n")
    if script:
        (tree / ".INSTALL").write_text(script)
    for path, mode in MODES.items():
        path = tree / path.replace("sbin", "bin")
        if path.exists():
            path.chmod(mode)
    file = repository / f"{name}-{version}-any.pkg.tar.zst"
    names = sorted(path.name for path in tree.iterdir())
    run(["tar", "--zstd", "--owner=0", "--group=0", "--numeric-owner", "-cf", file, *names], cwd=tree)


def _merge_sbin(tree):
    """There /usr/sbin is /usr/bin."""
    sbin, bin = tree / "usr/sbin", tree / "usr/bin"
    if not sbin.exists():
        return
    bin.mkdir(exist_ok=True)
    for path in sbin.iterdir():
        target = bin / path.name
        if path.is_symlink() and target.exists():
            continue
        if target.is_symlink():
            target.unlink()
        path.rename(target)
    shutil.rmtree(sbin)


POSTFIX = """post_install() {
    getent group postdrop >/dev/null || groupadd -r -g 75 postdrop
    getent group postfix >/dev/null || groupadd -r -g 73 postfix
    getent passwd postfix >/dev/null ||
        useradd -r -u 73 -g postfix -d /var/spool/postfix -s /usr/bin/nologin postfix
    chgrp postdrop /usr/bin/postdrop /usr/bin/postqueue
    chmod 2755 /usr/bin/postdrop /usr/bin/postqueue
    chown postfix /var/lib/postfix
    postfix set-permissions upgrade-configuration setgid_group=postdrop
}
post_upgrade() { post_install; }
"""
BASE_FILES = {
    "usr/lib/systemd/system-preset/99-default.preset": "disable *\n",
    # What the real systemd package does after each transaction.
    "usr/share/libalpm/hooks/30-systemd-daemon-reload-system.hook": """[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Operation = Remove
Target = usr/lib/systemd/system/*
[Action]
Description = Reloading system manager configuration...
When = PostTransaction
Exec = /bin/sh -c 'if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi'
""",
    "usr/share/libalpm/hooks/30-systemd-tmpfiles.hook": """[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/lib/tmpfiles.d/*.conf
[Action]
Description = Creating temporary files...
When = PostTransaction
Exec = /bin/sh -c 'if [ -d /run/systemd/system ]; then systemd-tmpfiles --create; fi'
""",
}
