"""The distribution goes on to its next releases, with the relay on it."""

import re

import pytest

from lab import roots
from lab.host import Host

# Debian 13's postfix@.service stops what Debian 12's has started, with a path that does not exist. Debian 11's postfix.service stops
# without waiting for the daemon's unit, so dpkg may unpack the next Postfix while 'postfix stop' is at work.
DEBIANS_OWN = re.compile("fatal: open /etc/postfix-//main.cf|Postfix library version mis-match")


@pytest.fixture
def host(root, smarthost):
    """A pristine host with its next releases at hand."""
    host = Host(root, smarthost, [roots.path(layer) for layer in roots.layers_of(root)])
    # In containers sid's tpm-udev watches all of /dev, and starts so often that systemd gives it up.
    host.path("/etc/systemd/system/tpm-udev.path").symlink_to("/dev/null")
    yield host
    host.close()


@pytest.mark.long
@pytest.mark.roots("debian-11", "debian-12")
def test_the_relay_lives_through_full_upgrades(host, root, smarthost):
    host.install()
    host.credentials()
    host.boot()
    host.deliver("before any upgrade")
    for release in roots.recipe(*roots.layers_of(root))["releases"]:
        host.full_upgrade(release)
        assert_all_is_well(host, f"upgraded to {release}")
        host.reboot()
        assert_all_is_well(host, f"rebooted in {release}")


def assert_all_is_well(host, when):
    mail = host.deliver(when)
    assert (mail.user, mail.tls) == (host.smarthost.user, "TLSv1.3")
    host.sh("mail-relay status")
    assert [line for line in host.warnings() if not DEBIANS_OWN.search(line)] == []
    assert_hardened(host)
    assert_tables_are_of_the_default_type(host)


def assert_hardened(host):
    """On the unit that runs the daemon, which is another one in later releases."""
    unit = host.daemon_unit()
    assert "50-mail-relay.conf" in host.sh(f"systemctl show -p DropInPaths {unit}").out
    master = host.sh("cat /var/spool/postfix/pid/master.pid").out.strip()
    assert f"/{unit}\n" in host.sh(f"cat /proc/{master}/cgroup").out
    assert host.exposed() == {}


def assert_tables_are_of_the_default_type(host):
    kind = host.sh("postconf -dh default_database_type").out.strip()
    compiled = host.sh("cd /etc/postfix && ls | grep -E '[.](db|cdb|lmdb)$'").out.split()
    assert "sasl_passwd" in {name.rpartition(".")[0] for name in compiled}
    assert {name.rpartition(".")[2] for name in compiled} == {{"hash": "db"}.get(kind, kind)}
