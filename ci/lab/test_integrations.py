"""Programs that write to root: each is the real one, and what it writes reaches a person."""

import shutil

import pytest

from lab.compiled import compiled
from lab.shell import LAB, wait_until

FROM = "noreply@acme.example"
ROOT = "ops@acme.example"
FAMILIES = ("debian-12", "debian-13", "rpm-dnf5", "pacman-7")

pytestmark = pytest.mark.roots(*FAMILIES)


def wait_for(smarthost, subject, words):
    """The one mail with these words in its subject and its text; from us, to whoever reads root's mail."""

    def found():
        return [mail for mail in smarthost.mails() if subject in (mail["Subject"] or "") and words in mail.body]

    [mail] = wait_until(found, f"a mail about {subject!r} with {words!r}")
    assert mail.envelope_from == FROM
    assert mail["From"].addresses[0].addr_spec == FROM
    assert mail.envelope_to == [ROOT]
    assert mail.user == smarthost.user
    return mail


def give(host, source, path, mode=0o644):
    """Something of ci/lab/programs on the host."""
    shutil.copy(LAB / "programs" / source, host.path(path))
    host.path(path).chmod(mode)


def cron(server, smarthost):
    server.write("/etc/cron.d/lab", "@reboot root echo of root\n@reboot daemon echo of a user\n")
    unit = server.sh("systemctl list-units --plain --no-legend 'cron*.service' | cut -d' ' -f1").out.strip()
    # Each cron remembers that it has run since the boot.
    server.sh(f"rm -f /run/crond.reboot /run/cron.reboot; systemctl restart {unit}")
    wait_for(smarthost, "Cron <root@web1", "of root\n")
    wait_for(smarthost, "Cron <daemon@web1", "of a user\n")
    assert server.warnings() == []


def fail2ban(server, smarthost):
    server.write("/var/log/lab.log", "")
    server.write(
        "/etc/fail2ban/jail.local",
        "[sshd]\nenabled = false\n[lab]\nenabled = true\nfilter = sshd[mode=normal]\nbackend = polling\n"
        "logpath = /var/log/lab.log\nmaxretry = 1\nbanaction = nftables\n",
    )
    server.sh("systemctl start fail2ban")
    wait_until(lambda: server.sh("fail2ban-client status lab", check=False).code == 0, "fail2ban's jail")
    line = "$(date '+%b %d %T') web1 sshd[77]: Failed password for root from 192.0.2.7 port 4711 ssh2"
    server.sh(f'for i in 1 2 3; do echo "{line}"; done >>/var/log/lab.log')
    wait_for(smarthost, "[Fail2Ban] lab: banned 192.0.2.7", "Failed password for root")


def smartd(server, smarthost):
    """The disk is the lab's; all that smartd does about it is its own."""
    unit = "smartmontools"
    if server.os.suffix == ".deb":
        # What the package says of all disks, of this one.
        server.sh("sed -i 's,^DEVICESCAN -d removable,/dev/null -d nvme -H,' /etc/smartd.conf")
    elif server.os.suffix == ".noarch.rpm":
        # Fedora's names root, and a script that calls mail(1), as smartd's own does.
        server.write("/etc/smartd.conf", "/dev/null -d nvme -H -m root\n")
    else:
        unit = "smartd"
        server.sh("rm -f /usr/lib/systemd/system/smartmontools.service /etc/systemd/system/smartd.service")
        give(server, "arch/smartd.service", "/usr/lib/systemd/system/smartd.service")
        server.write("/etc/smartd.conf", "/dev/null -d nvme -H\n")
    shutil.copy(compiled("programs/nvme.c", "-shared", "-fPIC"), server.path("/srv/nvme.so"))
    server.write(
        f"/etc/systemd/system/{unit}.service.d/lab.conf",
        "[Unit]\nConditionVirtualization=\n[Service]\nEnvironment=LD_PRELOAD=/srv/nvme.so\n",
    )
    server.sh(f"systemctl daemon-reload; systemctl start {unit}")
    wait_for(smarthost, "SMART error (Health) detected on host: web1", "Device: /dev/null, Critical Warning (0x04): Reliability")


def logwatch(server, smarthost):
    server.install_packages(["logwatch"])
    daily = "/etc/cron.daily/00logwatch"
    if server.os.suffix != ".deb":
        # No job of Debian's: its own file says that it mails.
        server.write("/etc/logwatch/conf/logwatch.conf", "Output = mail\n")
        daily = "logwatch"
    # Without anything to report it reports nothing, and it reports of yesterday.
    said = "web1 sshd[77]: Failed password for root from 192.0.2.7 port 4711 ssh2"
    server.sh(f"echo \"$(date -d yesterday '+%b %e %T') {said}\" >>/var/log/auth.log; {daily}")
    wait_for(smarthost, "Logwatch for web1", "192.0.2.7")


def unattended_upgrades(server, smarthost):
    server.write("/etc/apt/sources.list.d/later.list", "deb [trusted=yes] file:/srv/apt-later ./\n")
    server.write("/etc/apt/apt.conf.d/90lab", 'Unattended-Upgrade::Origins-Pattern { "origin=*"; };\n')
    server.sh("apt-get update; unattended-upgrade", timeout=300)
    wait_for(smarthost, "unattended-upgrades result for web1", "Packages that were upgraded:\n postfix")
    server.deliver("after the upgrade")


def test_every_program_reaches_root(server, smarthost):
    cron(server, smarthost)
    fail2ban(server, smarthost)
    smartd(server, smarthost)
    logwatch(server, smarthost)
    if server.os.suffix == ".deb":
        unattended_upgrades(server, smarthost)


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
def test_the_relay_needs_none_of_them(host):
    """Nothing of it stands in the way of a host that has no such program, and nothing is left when it goes."""
    host.install("integrations")
    host.credentials()
    host.boot()
    host.deliver("without any program")
    assert host.warnings() == []
    host.remove()
    left = host.sh("find /etc /usr -name '*mail-relay*' ! -path '/etc/systemd/*.wants/*'").out.split()
    # The settings stay, and what tells Debian's helper that the units were enabled.
    assert [path for path in left if not path.startswith("/usr/share/doc/")] == ["/etc/mail-relay"]


@pytest.mark.roots("rpm-dnf4", "rpm-dnf5")
def test_dnf_automatic(server, smarthost):
    """What it upgrades is the relay's own Postfix, so that its message meets a relay that has just changed."""
    unit = "dnf5-automatic"
    if server.sh("command -v dnf5", check=False).code != 0:
        unit = "dnf-automatic-install"
        give(server, "fedora/dnf-automatic", "/usr/bin/dnf-automatic", 0o755)
    give(server, f"fedora/{unit}.service", f"/usr/lib/systemd/system/{unit}.service")
    later = "[later]\nname=later\nbaseurl=file:///srv/rpm-later\ngpgcheck=0\n"
    server.write("/etc/yum.repos.d/later.repo", later)
    settings = "[commands]\napply_updates = yes\nrandom_sleep = 0\nnetwork_online_timeout = 0\n[emitters]\nemit_via = stdio\n"
    server.write("/etc/dnf/automatic.conf", settings)
    server.sh(f"systemctl daemon-reload; systemctl start {unit}", timeout=300)
    wait_for(smarthost, f"{unit} on web1", "postfix")

    # Nothing to upgrade, nothing to say; but that it failed is said.
    before = len(smarthost.mails())
    server.sh(f"systemctl start {unit}", timeout=300)
    server.write("/etc/yum.repos.d/later.repo", later.replace("rpm-later", "nowhere") + "skip_if_unavailable=0\n")
    server.sh(f"dnf clean all; systemctl start {unit}", timeout=300, check=False)
    mail = wait_for(smarthost, f"{unit} on web1", "nowhere")
    assert smarthost.mails()[before:] == [mail]


@pytest.mark.roots("pacman-7")
def test_upgrades_by_pacman(server, smarthost):
    server.upgrade_postfix()
    version = server.sh("pacman -Q postfix").out
    assert wait_for(smarthost, "Packages upgraded on web1", version)


@pytest.mark.roots("pacman-7")
def test_images_send_nothing_of_their_making(host, smarthost):
    host.install("integrations")
    host.credentials()
    host.upgrade_postfix()
    host.boot()
    host.deliver("first")
    assert [mail["Subject"] for mail in smarthost.mails()] == ["first"]
