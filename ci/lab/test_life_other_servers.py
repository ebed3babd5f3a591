"""Another mail server serves the host already: it gives way, by the means of its own package manager."""

import pytest

from lab import roots
from lab.dialogue import Dialogue
from lab.shell import wait_until

# The oldest apt and the newest, with two other servers each.
DEBIAN = [(root, server) for root in ("debian-11", "debian-sid") for server in roots.recipe(root)["mail-servers"]]
KEPT = "/var/spool/mail-of-the-other-server"


def banner(host):
    """Who answers on port 25."""
    script = "exec 3<>/dev/tcp/127.0.0.1/25 && read -t 10 line <&3 && echo \"$line\""
    return host.sh(f"bash -c '{script}' 2>/dev/null", check=False).out


def assert_ours(host, subject):
    assert "ESMTP Postfix" in banner(host)
    assert host.deliver(subject).user == host.smarthost.user
    host.sh("mail-relay status")


@pytest.mark.parametrize("root, server", DEBIAN)
def test_dpkg_lets_one_be_installed(host, server):
    """Conflicts of the virtual package mail-transport-agent."""
    host.boot()
    # OpenSMTPD ends at once without the CA bundle, and does not depend on it.
    host.sh(f"DEBIAN_FRONTEND=noninteractive apt-get install -y ca-certificates {server}")
    host.install()
    host.credentials()
    assert server not in host.packages()
    assert_ours(host, f"after {server}")
    host.sh("systemctl --failed --quiet --no-legend | grep . && exit 1 || :")
    host.sh(f"apt-get purge -y {host.package_name()} postfix")


@pytest.mark.roots("rpm-dnf4", "rpm-dnf5")
def test_rpm_lets_several_be_installed(host):
    """Then units and alternatives say which one serves."""
    host.install_packages({"sendmail"})
    host.boot()
    host.sh("systemctl enable --now sendmail.service")
    wait_until(lambda: "sendmail" in banner(host), "sendmail on port 25")

    said = host.install().text
    assert "sendmail.service gives way" in said
    host.credentials()
    assert_ours(host, "after sendmail")
    host.reboot()
    assert_ours(host, "after sendmail and a boot")
    assert state(host, "sendmail.service") == ("disabled", "inactive")

    host.remove()
    assert state(host, "sendmail.service") == ("enabled", "active")
    assert state(host, "postfix.service")[-1] == "inactive"
    wait_until(lambda: "sendmail" in banner(host), "sendmail on port 25 again")
    host.sh("echo hi | sendmail root")
    assert host.read(KEPT) == "hi\n"


@pytest.mark.roots("rpm-dnf4", "rpm-dnf5")
def test_an_image_with_several(host):
    """The same before the first boot, with Postfix there but not chosen, and sendmail chosen by hand."""
    host.install_packages({"sendmail", "postfix"})
    host.sh("systemctl enable sendmail.service && alternatives --set mta /usr/sbin/sendmail.sendmail")
    host.install()
    host.credentials()
    host.boot()
    assert_ours(host, "a boot with both")
    host.remove()
    assert state(host, "sendmail.service") == ("enabled", "active")
    assert "manual" in host.sh("alternatives --display mta").out
    host.sh("echo hi | sendmail root")
    assert host.read(KEPT) == "hi\n"


@pytest.mark.roots("pacman-7")
def test_pacman_asks_whether_to_replace(host):
    """The default is no, and then nothing has happened."""
    host.install_packages({"opensmtpd"})
    host.boot()
    host.sh("systemctl enable --now smtpd.service")
    wait_until(lambda: "opensmtpd" in banner(host), "opensmtpd on port 25")
    with pytest.raises(AssertionError, match="conflict"):
        host.install()
    assert "opensmtpd" in banner(host) and host.package_name() not in host.packages()

    dialogue = Dialogue(host, host.os.install_interactive.format(host.hand_over("null-client")))
    while dialogue.expect(*host.os.questions):
        dialogue.answer("y")
    assert dialogue.end() == 0, dialogue.text
    host.credentials()
    assert_ours(host, "after opensmtpd")
    host.remove()
    assert state(host, "postfix.service") == ("disabled", "inactive")


def state(host, unit):
    script = f"systemctl is-enabled {unit}; systemctl is-active {unit}"
    return tuple(host.sh(script, check=False).out.split())
