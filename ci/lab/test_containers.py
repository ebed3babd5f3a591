"""Containers without systemd: `mail-relay run` is process 1."""

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


@pytest.mark.roots("debian-12")
def test_a_container_says_what_it_lacks(host):
    host.install()
    refused = host.sh("RELAY_PASSWORD=TopSecret RELAY_PASSWORD_FILE=/srv/none mail-relay run", check=False)
    assert refused.code == 2 and "RELAY_PASSWORD and RELAY_PASSWORD_FILE are both set" in refused.text and "TopSecret" not in refused.text
    refused = host.sh("RELAY_PASSWORD_FILE=/srv/none mail-relay run", check=False)
    assert refused.code == 2 and "there is no file /srv/none" in refused.text
