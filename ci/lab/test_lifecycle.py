"""What comes before and after: images, upgrades, removal."""

import pytest

from lab.shell import wait_until

OURS = ("mail-relay-apply.service", "mail-relay-apply.path", "postfix.service")


def test_an_image_is_configured_without_any_service(host):
    """Not booted, as in a container build: all is in place, nothing was started."""
    host.install()
    assert all(host.enabled(unit) == "enabled" for unit in OURS)
    assert host.sh("postconf -h relayhost smtp_tls_security_level").code == 0
    assert host.sh("postfix check").text == ""
    assert "web1" not in host.read("/etc/postfix/main.cf"), "the build machine's name is in the image"


@pytest.mark.roots("debian-11", "debian-12", "debian-13", "debian-sid")
def test_unattended_install_without_a_preseed(host, smarthost):
    host.install(command=host.os.install_unattended)
    host.credentials()
    host.boot()
    host.deliver("unattended")


def test_installed_on_a_running_host(host, smarthost):
    """No reboot, no further command: relay.env is written and mail flows."""
    host.boot()
    host.install()
    host.credentials()
    host.mail("no reboot")
    smarthost.wait_for("no reboot")
    assert host.warnings() == []


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


def test_postfix_upgrade_keeps_the_relay(relay):
    """A new Postfix may edit main.cf; the package's own configuration comes back."""
    relay.sh("postconf -e relayhost=")
    relay.upgrade_postfix()
    assert relay.sh("postconf -xh relayhost").out == "[smtp.lab.example]:587\n"
    assert relay.sh("ls /etc/postfix").out.count("main.cf.saved-") == 1
    relay.deliver("after the upgrade")
    assert relay.warnings() == []


def test_reinstalled_postfix_keeps_the_relay(relay):
    relay.reinstall_postfix()
    relay.deliver("after the reinstallation")
