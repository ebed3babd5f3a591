"""From 1.0 to 1.1 and back, under way with mail in the queue and with an administrator's hand in everything."""

import pytest

from lab import roots
from lab.shell import wait_until

pytestmark = pytest.mark.roots(*roots.EACH)

MESSAGES = 100


def queue_up(host):
    """Deferred mail, each message with a number of its own."""
    host.resolver.set(host.smarthost.name, host.smarthost.down)
    host.sh(f"i=0; while [ $i -lt {MESSAGES} ]; do i=$((i + 1)); echo $i | mail -s number-$i root; done")
    host.wait_deferred()


def queued(host):
    # A message on its way from one queue to another is listed twice.
    return len({message["queue_id"] for message in host.queue()})


def edit_everything(host):
    """What administrators do, in the right places and in the wrong ones."""
    host.sh("systemctl stop mail-relay-apply.path")  # it would apply in the middle of the edits
    host.write("/etc/mail-relay/main.cf.d/slow.cf", "smtp_connect_timeout = 7s\n", 0o640)
    host.sh("echo '# of ours' >>/etc/mail-relay/relay.env && mail-relay apply")
    host.sh("echo '# by hand' >>/etc/postfix/header_checks")
    host.sh("echo '# by hand' >>/etc/postfix/main.cf; postconf -e maximal_backoff_time=61m")
    host.sh("postconf -M lab/unix='lab unix - n n - - pipe user=nobody argv=/bin/true'")


def settings(host):
    files = "relay.env main.cf.d/*"
    return host.sh(f"cd /etc/mail-relay && stat -c '%n %a %U:%G %Y' {files} && sha256sum {files}").out


def saved(host):
    return host.sh("ls -a /etc/postfix | grep -F .saved- || :").out.split()


def value(host, name):
    return host.sh(f"postconf -xh {name}").out.strip()


def assert_version(host, root_mail_to):
    """The package's settings are in force, with the administrator's on top, and all mail is there."""
    assert value(host, "relay_root_mail_to") == root_mail_to
    assert value(host, "smtp_connect_timeout") == "7s"
    assert value(host, "maximal_backoff_time") != "61m"
    assert host.sh("postconf -M lab/unix", check=False).out, "an own service in master.cf"
    assert queued(host) == MESSAGES
    host.sh("mail-relay apply | grep -qx 'mail-relay: nothing to change'")


def test_versions_come_and_go(relay):
    queue_up(relay)
    edit_everything(relay)
    kept = settings(relay)

    said = relay.install("null-client-next").text
    assert_version(relay, "oncall@acme.example")
    copies = saved(relay)
    assert sorted(name.partition(".saved-")[0] for name in copies) == ["header_checks", "main.cf"]
    assert all(f"is kept as /etc/postfix/{name}" in said for name in copies), said
    assert all("# by hand" in relay.read(f"/etc/postfix/{name}") for name in copies)

    relay.downgrade("null-client")
    assert_version(relay, "ops@acme.example")
    relay.reinstall("null-client")
    assert_version(relay, "ops@acme.example")
    relay.install("null-client-next")
    assert_version(relay, "oncall@acme.example")

    assert settings(relay) == kept
    assert saved(relay) == copies
    relay.resolver.set(relay.smarthost.name, relay.smarthost.good)

    def all_arrived():
        relay.sh("postqueue -f")
        return len(relay.smarthost.mails()) >= MESSAGES

    wait_until(all_arrived, "all mail at the smarthost", timeout=120)
    relay.wait_queue_empty()
    arrived = sorted(int(mail["Subject"].removeprefix("number-")) for mail in relay.smarthost.mails())
    assert arrived == list(range(1, MESSAGES + 1))
