"""`mail-relay seal`: a machine that has sent mail becomes a golden image, without anything of its own."""

import subprocess

import pytest

RELAY_ENV = "/etc/mail-relay/relay.env"


@pytest.mark.roots("debian-12", "pacman-7", "rpm-dnf5")
def test_clones_of_a_sealed_machine(relay, smarthost):
    """Each waits for credentials of its own and delivers, whether its machine-id is empty or `uninitialized`."""
    relay.sh("echo 'smtp_connect_timeout = 9s' >/etc/mail-relay/main.cf.d/image.cf; mkdir -p -m 700 /etc/credstore; mail-relay apply")
    relay.write("/etc/credstore/relay_password", smarthost.password, 0o600)
    relay.deliver("before the capture")

    # To systemd, a machine-id that is uninitialized is a first boot. It enables all that a distribution presets, but the lab has the network
    # already; and it asks on the console, which the lab does not have.
    relay.sh("systemctl mask systemd-firstboot.service systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service")
    # Mail that waits would leave from every clone.
    relay.resolver.set(smarthost.name, smarthost.down)
    relay.mail("it waits")
    relay.wait_deferred()
    refused = relay.sh("mail-relay seal", check=False)
    assert refused.code == 1 and "1 message(s) wait" in refused.text and "--discard-queue" in refused.text
    assert relay.read(RELAY_ENV).count(smarthost.user) == 1 and len(relay.queue()) == 1

    for machine_id in ("empty", "uninitialized"):
        relay.sh("mail-relay seal --discard-queue")
        assert sealed(relay, smarthost)
        relay.halt()
        relay.resolver.set(smarthost.name, smarthost.good)
        relay.write("/etc/machine-id", "" if machine_id == "empty" else f"{machine_id}\n")
        relay.boot()
        assert relay.sh("postconf -h smtp_connect_timeout").out == "9s\n"
        relay.mail(f"before credentials {machine_id}")
        assert all("no credentials yet" in reason for reason in relay.wait_deferred())
        relay.credentials()
        smarthost.wait_for(f"before credentials {machine_id}")
        relay.deliver(f"a clone {machine_id}")
        assert relay.warnings() == []


def sealed(host, smarthost):
    """Nothing of the account or of the configuration is left anywhere that a clone would have."""
    found = subprocess.run(
        ["grep", "-rlaF", "--exclude-dir=journal", "-e", smarthost.password, "-e", smarthost.user, "-e", "Written by 'mail-relay apply'",
         *(host.path(folder) for folder in ("/etc", "/var", "/root", "/home"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == "", found.stdout
    assert host.sh("find /var/lib/mail-relay -mindepth 1").out == ""
    assert host.sh("find /var/spool/postfix -path '*/public' -prune -o -path '*/private' -prune -o -type f -print | grep -v '/pid/\\|/etc/\\|/lib/\\|/usr/\\|/dev/'", check=False).out == ""
    return True
