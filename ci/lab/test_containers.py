"""Containers without systemd: `mail-relay run` is process 1."""

import shlex

import pytest

from lab.container import container
from lab.shell import wait_until

ROOTS = ("debian-12", "pacman-7", "rpm-dnf5")


@pytest.mark.roots(*ROOTS)
def test_mail_leaves_a_container(host, smarthost):
    """Its settings are environment variables and a mounted secret that everybody may read; the log is its standard output."""
    host.install()
    host.write("/srv/password", f"{smarthost.password}\n", 0o444)
    settings = {"RELAY_USERNAME": smarthost.user, "RELAY_PASSWORD_FILE": "/srv/password", "RELAY_HOSTNAME": "relay1.corp.example"}
    with container(host, "mail-relay run", **settings) as output:
        wait_until(lambda: "daemon started" in output(), "Postfix in the container", timeout=60)
        mail = host.deliver("from a container")
        assert (mail.user, mail.tls, mail.helo, mail.envelope_to) == (smarthost.user, "TLSv1.3", "relay1.corp.example", ["ops@acme.example"])
        wait_until(lambda: "status=sent" in output(), "the log on standard output")
        assert "RELAY_" not in host.sh("tr '\\0' '\\n' </proc/1/environ").out

        said = host.sh("mail-relay status").out
        assert "without systemd" in said and "RELAY_PASSWORD from /run/credstore/relay_password" in said
        host.sh("mail-relay test")
        assert host.sh("mail-relay doctor --quiet", check=False).code == 0

        # An apply beside it: nothing ends, and the next mail is the new configuration's.
        host.sh("echo RELAY_FROM=other@acme.example >>/etc/mail-relay/relay.env && mail-relay apply")
        assert host.deliver("after a change").envelope_from == "other@acme.example"
        assert "warning:" not in output() and "fatal:" not in output(), output()
        # No path unit watches the settings here.
        host.sh("echo nonsense >>/etc/mail-relay/relay.env")
        assert "correct that line; then run 'mail-relay apply'" in host.sh("mail-relay doctor", check=False).out


@pytest.mark.roots("debian-12")
def test_a_container_says_what_it_lacks(host):
    host.install()
    refused = host.sh("RELAY_PASSWORD=TopSecret RELAY_PASSWORD_FILE=/srv/none mail-relay run", check=False)
    assert refused.code == 2 and "RELAY_PASSWORD and RELAY_PASSWORD_FILE are both set" in refused.text and "TopSecret" not in refused.text
    refused = host.sh("RELAY_PASSWORD_FILE=/srv/none mail-relay run", check=False)
    assert refused.code == 2 and "there is no file /srv/none" in refused.text


@pytest.mark.roots("debian-12")
def test_a_container_with_a_read_only_root(host, smarthost):
    """/etc and /var are volumes; /run and /tmp are in memory. A secret in /run/secrets needs no variable, and must be closed to others."""
    host.install()
    host.write_protect("/etc", "/var")
    secret = 'mkdir -p /run/secrets && printf %s "$SECRET" >/run/secrets/relay_password && chmod {} /run/secrets/relay_password && unset SECRET'
    refused = host.sh(f"SECRET=open; {secret.format('0444')} && RELAY_USERNAME=x mail-relay run", check=False)
    assert refused.code == 2 and "mount it with mode 0400" in refused.text and "RELAY_PASSWORD_FILE" in refused.text
    start = f"{secret.format('0400')} && exec mail-relay run"
    with container(host, f"sh -c {shlex.quote(start)}", SECRET=smarthost.password, RELAY_USERNAME=smarthost.user) as output:
        wait_until(lambda: "daemon started" in output(), "Postfix in the container", timeout=60)
        assert host.sh("touch /here", check=False).code != 0
        assert host.deliver("from a read-only container").user == smarthost.user
