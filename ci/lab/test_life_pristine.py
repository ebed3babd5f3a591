"""Who removes the package has a host as if it had never been there."""

from contextlib import closing

import pytest

from lab import roots
from lab.lan import Lan
from lab.snapshot import Snapshot

# What the scenario itself, systemd and a Postfix that has run leave behind.
LIFE = (
    "/srv/.*", "/tmp/.*", "/var/tmp/.*", "/run/.*", "/etc/(machine-id|resolv.conf|hostname|hosts)",
    "/var/lib/systemd/(random-seed|catalog/database|timers/.*)", "/var/lib/private", "/var/spool/postfix/.*",
    "/var/lib/postfix/.*", "/etc/ld.so.cache",
)  # fmt: skip
OWN_FOLDERS = "/etc/mail-relay /var/lib/mail-relay /usr/share/mail-relay /usr/lib/mail-relay"


def assert_same(before, after, host):
    differences = before.differences(after, except_for=(*host.os.own_records, *LIFE))
    assert not differences, "\n".join(differences)


def purge(host, away):
    """dpkg knows the word; elsewhere the host command does what belongs to it, before the removal."""
    if not host.os.purges:
        host.sh("mail-relay purge")
        # Else it would take the deletion of relay.env for a change, and apply once more.
        assert host.sh("systemctl is-active mail-relay-apply.path", check=False).out != "active\n"
    away()


@pytest.mark.roots(*roots.EACH)
def test_a_pristine_image(host, control):
    """With all that came along: what is left is what the dependencies alone would have left."""
    pristine = host.packages()
    host.install()
    host.credentials()
    host.sh("mail-relay apply")
    along = host.packages() - pristine - {host.package_name()}
    purge(host, lambda: host.remove_with_dependencies({host.package_name(), *along}))

    control.preseed()
    control.install_packages(along)
    control.remove_with_dependencies(along)

    assert host.packages() == control.packages()
    assert_same(Snapshot(control), Snapshot(host), host)


@pytest.mark.roots(*roots.EACH)
@pytest.mark.on_postfix
@pytest.mark.parametrize("spec", ["null-client", pytest.param("lan-relay-access", marks=pytest.mark.full("the life of all profiles is the same"))])
def test_a_running_host(host, spec):
    """Postfix was there before, and goes on as it did."""
    with closing(Lan(host)):
        stays_as_it_was(host, spec)


def stays_as_it_was(host, spec):
    host.boot()
    before, services = Snapshot(host), services_of(host)

    host.install(spec)
    host.credentials()
    host.deliver("while it is there")
    host.sh("mail-relay test")
    host.remove()
    left = host.sh(f"find {OWN_FOLDERS}", check=False).out.split()
    assert left == ["/etc/mail-relay", "/etc/mail-relay/relay.env"]
    assert services_of(host) == services

    host.install(spec)
    purge(host, host.purge)
    assert_same(before, Snapshot(host), host)
    assert services_of(host) == services


def services_of(host):
    """Is Postfix enabled, does it run, and what of ours is there?"""
    script = (
        "systemctl is-enabled postfix.service; systemctl is-active postfix.service;"
        " systemctl list-units --plain --no-legend 'mail-relay*'"
    )
    return host.sh(script, check=False).out
