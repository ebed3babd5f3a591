"""What comes before and after: installation, removal."""

import pytest

from lab import roots
from lab.shell import wait_until


@pytest.mark.roots("debian-11", "debian-12", "debian-13", "debian-sid")
def test_unattended_install_without_a_preseed(host, smarthost):
    host.install(command=host.os.install_unattended)
    host.credentials()
    host.boot()
    host.deliver("unattended")


@pytest.mark.roots(*roots.EACH)
def test_installed_on_a_running_host(host, smarthost):
    """No reboot, no further command: relay.env is written and mail flows."""
    host.boot()
    host.install()
    host.credentials()
    host.mail("no reboot")
    smarthost.wait_for("no reboot")
    assert host.warnings() == []


@pytest.mark.roots(*roots.EACH)
def test_settings_that_change_during_an_apply(relay):
    """systemd starts no service that runs already; still the last change counts."""
    setting = "/etc/mail-relay/main.cf.d/own.cf"
    relay.sh(
        f"echo 'smtp_connect_timeout = 7s' >{setting};"
        " while [ ! -d /var/lib/mail-relay/next ]; do :; done;"
        f" echo 'smtp_connect_timeout = 8s' >{setting}"
    )
    value = "postconf -h smtp_connect_timeout"
    wait_until(lambda: relay.sh(value).out == "8s\n", "the second change in force")
