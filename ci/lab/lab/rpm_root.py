"""A root whose Postfix belongs to the rpm database, as on Fedora and RHEL."""

import shutil
import textwrap

from . import repack
from .roots import inside, mirror
from .shell import run

BUNDLE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
UPDATE_CA_TRUST = f"""#!/bin/sh
exec cat /usr/share/ca-certificates/trust-source/*.crt \\
    $(ls /etc/pki/ca-trust/source/anchors/* 2>/dev/null) >{BUNDLE}
"""
OS_RELEASE = """NAME="Lab stand-in for rpm distributions"
ID=labrpm
ID_LIKE="fedora rhel"
VERSION_ID=1
PRETTY_NAME="Lab stand-in for rpm distributions"
"""
# What the rest of the system is to dnf: one package that claims to be all of it.
BASE_PROVIDES = """
    /bin/sh /usr/bin/sh /bin/bash /usr/bin/bash /usr/bin/env /usr/bin/systemctl /usr/sbin/ldconfig
    bash coreutils sed grep gawk findutils util-linux diffutils shadow-utils systemd systemd-libs glibc
    curl alternatives iproute openssl-libs cyrus-sasl-lib filesystem system-release=1 redhat-release fedora-release
""".split()


def build(root, facts):
    repacked = ["postfix", "libsasl2-modules", "ca-certificates", "s-nail", "openssl"]
    if facts.get("xoauth2"):
        (root / "etc/apt/sources.list.d/experimental.list").write_text(f"deb {mirror()} experimental main\n")
        inside(root, "apt-get -q -o Acquire::Check-Valid-Until=false update")
        repacked.append("sasl-xoauth2")
    programs = facts.get("repacked", [])
    repack.satisfy(root, facts["packages"], [*repacked, *programs])
    version = repack.version_of(root, "postfix")
    work = root / "srv/work"
    trees = repack.trees(root, work)
    repository, later = root / "srv/rpm", root / "srv/rpm-later"
    for folder in (repository, later):
        folder.mkdir()

    repack.postfix(trees["postfix"], "fedora", version)
    for name in COMMANDS:
        command, renamed = trees["postfix"] / name, trees["postfix"] / f"{name}.postfix"
        if command.is_symlink():
            renamed.symlink_to(f"{command.readlink()}.postfix")
            command.unlink()
        else:
            command.rename(renamed)
    for release, folder in (("1", repository), ("2", later)):
        _rpm(folder, "postfix", version, trees["postfix"], POSTFIX_RELATIONS, POSTFIX, release=release)
    sasl = trees["libsasl2-modules"]
    _rpm(repository, "cyrus-sasl-plain", "2.1.28", sasl, "Requires: cyrus-sasl-lib")
    _rpm(repository, "openssl", "3.0", trees["openssl"])
    if token_plugin := trees.get("sasl-xoauth2"):
        # A configuration without anything in it, as Fedora's.
        (token_plugin / "etc").mkdir()
        (token_plugin / "etc/sasl-xoauth2.conf").write_text('{"client_id": "", "client_secret": ""}\n')
        _rpm(repository, "sasl-xoauth2", "0.27", token_plugin, "Requires: cyrus-sasl-lib", config=("/etc/sasl-xoauth2.conf",))
    for name in programs:
        repack.program(trees[name])
        _rpm(repository, name, repack.version_of(root, name), trees[name])
    repack.mail_command(trees["s-nail"])
    _rpm(repository, "s-nail", "14.9", trees["s-nail"], "Provides: mailx /bin/mail /bin/mailx /usr/bin/mail")
    bundle = trees["ca-certificates"]
    repack.certificates(bundle, UPDATE_CA_TRUST, "etc/pki/ca-trust/source/anchors")
    (bundle / "etc/pki/ca-trust/extracted/pem").mkdir(parents=True)
    (bundle / "etc/pki/tls/certs").mkdir(parents=True)
    (bundle / "etc/pki/tls/certs/ca-bundle.crt").symlink_to(BUNDLE)
    # Where Debian's curl looks.
    (bundle / "etc/ssl/certs").mkdir(parents=True)
    (bundle / "etc/ssl/certs/ca-certificates.crt").symlink_to(BUNDLE)
    _rpm(repository, "ca-certificates", "2026.1", bundle, scripts="%post\nupdate-ca-trust\n")
    setup = work / "setup"
    (setup / "etc").mkdir(parents=True)
    shutil.copy(repack.STANDINS / "aliases", setup / "etc/aliases")
    _rpm(repository, "setup", "2.15", setup, config=("/etc/aliases",))
    sendmail = work / "sendmail"
    unit = repack.STANDINS / "fedora/sendmail.service"
    repack.mail_server(sendmail, unit, "usr/sbin/sendmail.sendmail")
    _rpm(repository, "sendmail", "8.18", sendmail, "Provides: MTA smtpdaemon server(smtp)", SENDMAIL)
    base = work / "base"
    preset = base / "usr/lib/systemd/system-preset/99-default-disable.preset"
    preset.parent.mkdir(parents=True)
    preset.write_text("disable *\n")
    command = base / "usr/sbin/alternatives"
    command.parent.mkdir(parents=True)
    shutil.copy(repack.STANDINS / "fedora/alternatives.sh", command)
    command.chmod(0o755)
    (base / "var/lib/alternatives").mkdir(parents=True)
    provides = "\n".join(f"Provides: {name.replace('=', ' = ')}" for name in BASE_PROVIDES)
    _rpm(repository, "filesystem-base", "1", base, provides, BASE_TRIGGERS)
    shutil.rmtree(work)

    for folder in (repository, later):
        run(["createrepo_c", "--quiet", folder])
    for stale in (root / "etc/yum.repos.d").glob("*"):
        stale.unlink()
    (root / "etc/yum.repos.d").mkdir(exist_ok=True)
    (root / "etc/yum.repos.d/lab.repo").write_text(
        "[lab]\nname=lab\nbaseurl=file:///srv/rpm\ngpgcheck=0\nmetadata_expire=never\n"
    )
    # Where dnf 5 is the package manager, `dnf` is its name too.
    inside(root, "command -v dnf || ln -s dnf5 /usr/bin/dnf")
    # Debian turns on a plugin of dnf 5 that Fedora has in a package of its own.
    inside(root, "rm -f /etc/dnf/libdnf5-plugins/local.conf")
    inside(root, "dnf install -y filesystem-base setup && dnf makecache")
    repack.undo_debian(root, OS_RELEASE)


def _rpm(repository, name, version, tree, relations="", scripts="", *, release="1", config=()):
    listed = []
    for path, inside_name in repack.files(tree):
        mark = "%config(noreplace) " if inside_name in config or inside_name in ETC_POSTFIX else ""
        kind = "%dir " if path.is_dir() and not path.is_symlink() else ""
        listed.append(f"{ATTRIBUTES.get(inside_name, '')}{mark}{kind}{inside_name}")
    spec = f"""
Name: {name}
Version: {version}
Release: {release}
Summary: Lab stand-in
License: MIT
BuildArch: noarch
AutoReqProv: no
{relations}
%description
Lab stand-in.
%files
%defattr(-,root,root,-)
{chr(10).join(listed)}
{scripts}
"""
    file = repository.parent / f"{name}.spec"
    file.write_text(textwrap.dedent(spec))
    top = repository.parent / "rpmbuild"
    defines = {
        "_topdir": top, "_rpmdir": repository, "_build_name_fmt": "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
        "__os_install_post": "%{nil}", "_buildhost": "lab", "_binary_payload": "w1.gzdio",
        # noarch packages hold Debian's binaries here; rpm must not mind.
        "_binaries_in_noarch_packages_terminate_build": "0", "_unpackaged_files_terminate_build": "0",
    }  # fmt: skip
    options = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
    buildroot = repository.parent / "buildroot"
    run(["cp", "-a", tree, buildroot])
    run(["rpmbuild", "-bb", "--noclean", "--quiet", *options, "--buildroot", buildroot, file])
    for stale in (top, buildroot):
        shutil.rmtree(stale, ignore_errors=True)
    file.unlink()


ETC_POSTFIX = {"/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/dynamicmaps.cf"}
ATTRIBUTES = {
    "/usr/sbin/postdrop": "%attr(2755,root,postdrop) ",
    "/usr/sbin/postqueue": "%attr(2755,root,postdrop) ",
    "/var/lib/postfix": "%attr(0700,postfix,root) ",
}
POSTFIX_RELATIONS = """Provides: MTA smtpd smtpdaemon server(smtp) /usr/sbin/sendmail /usr/bin/newaliases
Requires: setup"""
# Which mail server's they are is decided by the alternatives.
COMMANDS = ("usr/sbin/sendmail", "usr/bin/mailq", "usr/bin/newaliases", "usr/lib/sendmail")
INSTALL = "alternatives --install /usr/sbin/sendmail mta /usr/sbin/sendmail"
POSTFIX = f"""%pre
getent group postdrop >/dev/null || groupadd -r -g 90 postdrop
getent group postfix >/dev/null || groupadd -r -g 89 postfix
getent passwd postfix >/dev/null || useradd -r -u 89 -g postfix -d /var/spool/postfix -s /sbin/nologin postfix
%post
# rpm 6 isolates scriptlets from the network; without any interface no Postfix tool starts.
ip link set lo up
if [ $1 -eq 1 ]; then systemctl --no-reload preset postfix.service || :; fi
{INSTALL}.postfix 60 --slave /usr/bin/mailq mta-mailq /usr/bin/mailq.postfix \\
    --slave /usr/bin/newaliases mta-newaliases /usr/bin/newaliases.postfix \\
    --slave /usr/lib/sendmail mta-sendmail /usr/lib/sendmail.postfix
postfix set-permissions upgrade-configuration daemon_directory=/usr/lib/postfix/sbin setgid_group=postdrop
%preun
if [ $1 -eq 0 ]; then
  if [ -d /run/systemd/system ]; then systemctl --no-reload disable --now postfix.service || :
  else systemctl --no-reload disable postfix.service || :; fi
  alternatives --remove mta /usr/sbin/sendmail.postfix
fi
%postun
if [ $1 -ge 1 ] && [ -d /run/systemd/system ]; then systemctl try-restart postfix.service || :; fi
"""
SENDMAIL = f"""%post
{INSTALL}.sendmail 90
%preun
if [ $1 -eq 0 ]; then
  systemctl --no-reload disable --now sendmail.service || :
  alternatives --remove mta /usr/sbin/sendmail.sendmail
fi
"""
# What the real systemd package does after each transaction.
BASE_TRIGGERS = """%transfiletriggerin -- /usr/lib/systemd/system /etc/systemd/system
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
%transfiletriggerin -- /usr/lib/tmpfiles.d
if [ -d /run/systemd/system ]; then systemd-tmpfiles --create || :; fi
"""
