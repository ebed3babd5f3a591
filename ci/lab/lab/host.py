"""A host under test, and how each package manager does what a person asks of it."""

import json
import re
import shutil

from . import exposure, packages, roots
from .machine import Machine
from .network import Resolver
from .shell import CLEAN_ENV, wait_until

RELAY_ENV = "/etc/mail-relay/relay.env"
# What only dpkg's purge does by itself.
WIPE = "rm -rf /etc/postfix /var/spool/postfix /var/lib/postfix"
WARNING = re.compile(r"\b(warning|error|fatal|panic):")
# Since Linux 6.13 a file's time is finer than time(2), which lags by up to a tick: at the turn of
# a second Postfix believes that the file system's clock is ahead of the system's.
CLOCKS = re.compile(r"file system clock is 1 seconds ahead|resetting file time stamps")


class Host(Machine):
    """The verbs are those of the distribution's own tools, never of the lab."""

    def __init__(self, root, smarthost, layers=(), fqdn="web1.corp.example"):
        netns, self.address = smarthost.network.attach()
        super().__init__([*layers, roots.path(root)], root, netns)
        self.os = FAMILIES[roots.recipe(root)["kind"]]
        self.smarthost = smarthost
        self.resolver = Resolver(netns, self.home)
        self.resolver.set(smarthost.name, smarthost.good)
        self.write("/etc/resolv.conf", f"nameserver {Resolver.ADDRESS}\n")
        self.rename(fqdn)
        self.trust(smarthost.authority)

    def close(self):
        self.resolver.close()
        super().close()
        self.smarthost.network.detach(self.netns)

    # What a person or an image builder does before the package comes

    def rename(self, fqdn):
        self.write("/etc/hostname", f"{fqdn}\n")
        short = fqdn.partition(".")[0]
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {fqdn} {short}\n")

    def trust(self, authority):
        """A site's own CA, where the distribution wants it."""
        self.write(f"{self.os.anchors}/lab.crt", authority.pem)

    # The package

    def package(self, spec="null-client"):
        [file] = packages.of(spec).glob(f"*{self.os.suffix}")
        return file

    def hand_over(self, spec):
        """Copy the package to the host; returns where it is there."""
        # /srv: apt's own user must be able to read it, and a boot does not empty it.
        file = self.package(spec)
        shutil.copy(file, self.path("/srv"))
        return f"/srv/{file.name}"

    def install(self, spec="null-client", command=None, check=True):
        """One native command, on a file, as a person would type it."""
        given = self.hand_over(spec)
        if command is None:
            self.preseed(spec)
        return self.sh((command or self.os.install).format(given), timeout=120, check=check)

    def build_image(self, builder, spec="null-client"):
        """Install as the builder of an image does, who has nothing but chroot."""
        given = self.hand_over(spec)
        self.preseed(spec)
        return self.chroot(self.os.install.format(given), builder)

    def install_postfix(self):
        """The distribution's own Postfix, as it comes."""
        return self.sh(self.os.install_postfix)

    def package_name(self, spec="null-client"):
        return re.split(r"[_-]\d", self.package(spec).name)[0]

    def preseed(self, spec="null-client"):
        """Answer the questions of Debian's Postfix before they are asked."""
        if self.os.preseeds:
            preseed = self.package(spec).parent / f"{self.package_name(spec)}.preseed"
            self.sh("debconf-set-selections", input=preseed.read_text())

    def downgrade(self, spec):
        return self.install(spec, command=self.os.downgrade)

    def reinstall(self, spec):
        return self.install(spec, command=self.os.reinstall_file)

    def remove(self):
        return self.sh(self.os.remove.format(self.package_name()))

    def purge(self):
        return self.sh(self.os.purge.format(self.package_name()))

    def reinstall_postfix(self):
        return self.sh(self.os.reinstall.format("postfix"))

    def upgrade_postfix(self, together_with=""):
        """To the later Postfix that lies in the root's second repository; in one transaction
        with a package of ours where its spec is named."""
        return self.sh(self.os.upgrade_postfix.format(self._given(together_with)))

    def downgrade_postfix(self, together_with=""):
        return self.sh(self.os.downgrade_postfix.format(self._given(together_with)))

    def tear_out_postfix(self):
        """Against the relations, as people do who mean to put it back."""
        return self.sh(self.os.tear_out.format("postfix"))

    def wipe_postfix(self):
        """The same, and its configuration and queue go, too."""
        return self.sh(self.os.wipe.format("postfix"))

    def _given(self, spec):
        return self.hand_over(spec) if spec else ""

    def full_upgrade(self, suite):
        """To the next release of the distribution, from the repository in its layer."""
        return self.sh(self.os.full_upgrade.format(suite), timeout=600)

    def packages(self):
        """The names of what is installed."""
        return set(self.sh(self.os.list).out.split())

    def install_packages(self, names):
        return self.sh(self.os.install_named.format(" ".join(sorted(names))))

    def obtain(self, package, command):
        """What works with a relay, is no dependency of one, and is Debian's on every root: a Debian installs it, the others have it."""
        self.sh(self.os.obtain.format(package, command), timeout=120)

    def remove_with_dependencies(self, names):
        """As a person does who wants nothing of it left that the family's tools can remove."""
        return self.sh(self.os.remove_all.format(" ".join(sorted(names))))

    def owner(self, path):
        """The package that the native database says owns the path, or ''."""
        done = self.sh(self.os.owner.format(path), check=False)
        return done.out.strip().split(":")[0] if done.code == 0 else ""

    def tree(self, folder):
        """What lies under a folder: name, kind and mode, owner, content."""
        script = (
            f"cd {folder} && find . -printf '%P %y%m %u:%g\\n' | sort;"
            " find . -type f -exec sha256sum {} + | sort -k 2"
        )
        return self.sh(script).out.splitlines()

    def enabled(self, unit):
        return self.sh(f"systemctl is-enabled {unit}", check=False).out.strip()

    def disable(self, *units):
        """Those of them that the root has."""
        self.sh(f"for unit in {' '.join(units)}; do systemctl --quiet disable $unit 2>/dev/null; done; true")

    # The relay

    def credentials(self, user=None, password=None, **more):
        """Fill in relay.env as a person with an editor does."""
        self.write(RELAY_ENV, self._settings(user, password, **more), 0o600)

    def credentials_by_cloud_init(self):
        """As its module write_files does it on a running host: open to all at first."""
        script = f"umask 022; cat >{RELAY_ENV}; chown root:root {RELAY_ENV}; chmod 600 {RELAY_ENV}"
        self.sh(script, input=self._settings())

    def _settings(self, user=None, password=None, **more):
        """The text of relay.env; the smarthost's own account where none is given."""
        values = {
            "RELAY_USERNAME": self.smarthost.user if user is None else user,
            "RELAY_PASSWORD": self.smarthost.password if password is None else password,
            **more,
        }
        return "".join(f"{key}={env_quote(value)}\n" for key, value in values.items())

    def boot(self, *options):
        """Boot; no unit may have failed."""
        state = super().boot(*options)
        failed = self.sh("systemctl --failed --no-legend --plain").out
        assert state == "running" and not failed, f"{state}\n{failed}{self.log()}"
        return self

    def mail(self, subject, to="root", body="hi"):
        return self.sh(f"echo '{body}' | mail -s '{subject}' {to}")

    def deliver(self, subject, to="root", body="hi"):
        """Send by mail(1) and return what the smarthost took."""
        self.mail(subject, to, body)
        return self.smarthost.wait_for(subject)

    def queue(self):
        """Each message once: one that moves from queue to queue while postqueue reads them is listed in both."""
        found = [json.loads(line) for line in self.sh("postqueue -j").out.splitlines()]
        return list({message["queue_id"]: message for message in found}.values())

    def wait_deferred(self, timeout=60):
        """The reasons why the queue's recipients wait, once each has one."""

        def reasons():
            found = [r.get("delay_reason") for m in self.queue() for r in m["recipients"]]
            return found if found and all(found) else None

        return wait_until(reasons, f"{self.name}: a deferred mail", timeout)

    def wait_queue_empty(self, timeout=60):
        wait_until(lambda: not self.queue(), f"{self.name}: an empty queue", timeout)

    def log(self):
        """What Postfix logged since the boot."""
        return self.sh("journalctl --boot --output=cat --facility=mail --no-pager", check=False).out

    def warnings(self):
        lines = self.log().splitlines()
        return [line for line in lines if WARNING.search(line) and not CLOCKS.search(line)]

    def daemon_unit(self):
        """The unit that runs the daemon here (facts differ between Debian releases)."""
        active = "systemctl list-units --state=active --plain --no-legend 'postfix@*.service'"
        listed = self.sh(active).out.split()
        return listed[0] if listed else "postfix.service"

    def exposed(self):
        """The units of Postfix and of the relay whose exposure, as systemd itself rates it, is higher than documented."""
        ours = self.sh("cd /usr/lib/systemd/system && ls -d mail-relay-*.service").out.split()
        rated = {unit: self.exposure(unit) for unit in [self.daemon_unit(), *ours]}
        return exposure.too_high(roots.distribution(self.name), rated)

    def exposure(self, unit):
        text = self.sh(f"systemd-analyze security --no-pager {unit}").out
        return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])


def env_quote(value):
    """A value as systemd's EnvironmentFile= reads it back."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


class Deb:
    suffix = ".deb"
    preseeds = True
    purges = True  # only dpkg knows the word
    takes_dependents_along = True
    anchors = "/usr/local/share/ca-certificates"
    # On a terminal where nobody ever types: a question hangs until the time limit.
    install = (
        "mkfifo /run/nobody && DEBIAN_FRONTEND=teletype"
        " script -qec 'apt-get install -y {}' /dev/null <>/run/nobody; done=$?; rm /run/nobody; exit $done"
    )
    install_interactive = "DEBIAN_FRONTEND=noninteractive apt-get install {}"
    install_low_level = "dpkg -i {}"
    questions = (r"Do you want to continue\? \[Y/n\]",)
    install_unattended = "DEBIAN_FRONTEND=noninteractive apt-get install -y {} </dev/null"
    install_postfix = (
        "echo postfix postfix/main_mailer_type select Local only | debconf-set-selections"
        " && DEBIAN_FRONTEND=noninteractive apt-get install -y postfix"
    )
    remove = "apt-get remove -y {}"
    purge = "apt-get purge -y {}"
    reinstall = "apt-get install -y --reinstall {}"
    reinstall_file = reinstall
    downgrade = "apt-get install -y --allow-downgrades {}"
    dependencies = ("postfix", "ca-certificates", "libsasl2-modules", "bsd-mailx")
    obtain = "DEBIAN_FRONTEND=noninteractive apt-get install -y {0}"
    install_named = "DEBIAN_FRONTEND=noninteractive apt-get install -y {0} && apt-mark auto {0}"
    remove_all = "apt-get purge -y {} && apt-get autoremove -y --purge"
    list = "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' | sed -n 's/ installed$//p'"
    # What the package manager itself writes down.
    own_records = (
        "/var/(log|cache)/.*", "/var/lib/(dpkg|apt)/[^/]*", "/var/lib/(dpkg|apt)/(updates|triggers|lists)/.*",
    )  # fmt: skip
    upgrade_postfix = (
        "echo 'deb [trusted=yes] file:/srv/apt-later ./' >/etc/apt/sources.list.d/later.list"
        " && apt-get update && apt-get install -y postfix {}"
    )
    downgrade_postfix = "apt-get install -y --allow-downgrades /srv/apt/postfix_*.deb {}"
    tear_out = "dpkg --force-depends --remove {}"
    wipe = "dpkg --force-depends --purge {}"
    full_upgrade = (
        "echo 'deb [trusted=yes] file:/srv/apt-{} ./' >/etc/apt/sources.list"
        " && apt-get update && DEBIAN_FRONTEND=noninteractive apt-get full-upgrade -y"
    )
    owner = "dpkg -S {}"


class Rpm:
    suffix = ".noarch.rpm"
    preseeds = False
    purges = False
    takes_dependents_along = True
    anchors = "/etc/pki/ca-trust/source/anchors"
    install = "dnf install -y {}"
    install_interactive = "dnf install --allowerasing {}"
    install_low_level = "rpm -i {}"
    questions = (r"Is this ok \[y/N\]:",)
    install_postfix = "dnf install -y postfix"
    remove = "dnf remove -y {}"
    purge = remove
    reinstall = "dnf reinstall -y {}"
    reinstall_file = reinstall
    downgrade = "dnf downgrade -y {}"
    dependencies = ("postfix", "ca-certificates", "cyrus-sasl-plain", "s-nail", "openssl")
    obtain = "command -v {1}"
    install_named = "dnf install -y {}"
    remove_all = "dnf remove -y {}"
    list = "rpm -qa --queryformat '%{NAME}\\n'"
    own_records = (
        "/var/(log|cache)/.*",
        # rpm 6 keeps its database in the home of whoever runs it, unless a distribution says otherwise.
        rf"({CLEAN_ENV['HOME']}/\.rpmdb|/(var/lib|usr/lib/sysimage)/(rpm|dnf|libdnf5))/.*",
    )
    upgrade_postfix = "dnf upgrade -y --repofrompath=later,file:///srv/rpm-later --nogpgcheck postfix {}"
    downgrade_postfix = "dnf downgrade -y postfix {}"
    tear_out = "rpm -e --nodeps {}"
    wipe = f"{tear_out} && {WIPE}"
    owner = "rpm -qf --queryformat '%{{NAME}}' {}"


class Pacman:
    suffix = "-any.pkg.tar.zst"
    preseeds = False
    purges = False
    takes_dependents_along = False  # it refuses
    anchors = "/etc/ca-certificates/trust-source/anchors"
    install = "pacman -U --noconfirm {}"
    install_interactive = "pacman -U {}"
    install_low_level = install
    questions = (r"Remove \S+\? \[y/N\]", r"Proceed with installation\? \[Y/n\]")
    install_postfix = "pacman -S --noconfirm postfix"
    remove = "pacman -R --noconfirm {}"
    purge = "pacman -Rn --noconfirm {}"
    reinstall = "pacman -S --noconfirm {}"
    reinstall_file = downgrade = install
    dependencies = ("postfix", "ca-certificates", "libsasl", "s-nail")
    obtain = "command -v {1}"
    install_named = "pacman -S --noconfirm {}"
    remove_all = "pacman -Rns --noconfirm {}"
    list = "pacman -Qq"
    own_records = ("/var/(log|cache)/.*", "/var/lib/pacman/.*")
    upgrade_postfix = "pacman -U --noconfirm /srv/pacman-later/postfix-*.pkg.tar.zst {}"
    downgrade_postfix = "pacman -U --noconfirm /srv/pacman/postfix-[0-9]*.pkg.tar.zst {}"
    tear_out = "pacman -Rdd --noconfirm {}"
    wipe = f"pacman -Rddn --noconfirm {{}} && {WIPE}"
    owner = "pacman -Qqo {}"


FAMILIES = {"deb": Deb, "rpm": Rpm, "pacman": Pacman}
