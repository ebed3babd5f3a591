"""Figures for Prometheus: written by a timer, judged by promtool, and right."""

import re
import subprocess
import time
from contextlib import closing

import pytest

from conftest import installed
from lab.host import RELAY_ENV, Host
from lab.shell import REPOSITORY, wait_until

pytestmark = [pytest.mark.roots("debian-12", "debian-13", "rpm-dnf4", "pacman-7"), pytest.mark.on_postfix]

FILE = "/var/lib/textfiles/mail-relay.prom"


@pytest.fixture
def host(root, smarthost):
    """A host with the package that writes figures, not booted."""
    with closing(Host(root, smarthost, [installed(root, smarthost, "metrics")])) as host:
        yield host


@pytest.fixture
def figures(host):
    """What the file says after one more turn of the service."""

    def read():
        host.sh("systemctl start mail-relay-metrics.service")
        text = host.read(FILE)
        check(text)
        return {name: float(value) for name, value in re.findall(r"^(mail_relay_\S+) (\S+)$", text, re.MULTILINE)}

    return read


def check(text):
    promtool = subprocess.run([REPOSITORY / "ci/promtool"], check=True, capture_output=True, text=True).stdout.strip()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done


def test_figures_are_right(host, smarthost, figures):
    host.sh("mkdir -p /var/lib/textfiles")
    host.boot()
    # By itself, and for node_exporter to read, which is not root.
    wait_until(lambda: host.sh(f"test -s {FILE}", check=False).code == 0, "the first figures")
    assert host.sh(f"stat -c '%a %U' {FILE}").out.strip() == "644 root"
    first = figures()
    assert first["mail_relay_up"] == first["mail_relay_apply_success"] == 1
    assert first["mail_relay_credentials_present"] == 0
    assert not any(name.startswith(("mail_relay_last_delivery", "mail_relay_smarthost")) for name in first)

    host.credentials()
    host.deliver("counted")
    host.deliver("counted as well")
    host.wait_queue_empty()
    now = figures()
    smarthost_label = '{smarthost="[smtp.lab.example]:587"}'
    assert now["mail_relay_credentials_present"] == 1
    assert abs(time.time() - now["mail_relay_credentials_timestamp_seconds"]) < 60
    assert now['mail_relay_deliveries_total{result="delivered"}'] == 2
    assert now['mail_relay_deliveries_total{result="bounced"}'] == 0
    assert host.exposed() == {}
    assert abs(time.time() - now["mail_relay_last_delivery_timestamp_seconds"]) < 60
    assert now["mail_relay_smarthost_reachable" + smarthost_label] == 1
    assert now["mail_relay_smarthost_certificate_expiry_timestamp_seconds" + smarthost_label] > time.time()
    # Nothing is counted twice.
    assert figures()['mail_relay_deliveries_total{result="delivered"}'] == 2

    host.credentials(password="not the password")
    host.sh("mail-relay apply")
    host.mail("waits")
    host.wait_deferred()
    waiting = figures()
    assert waiting['mail_relay_waiting_messages{reason="password-refused"}'] == 1
    assert sum(value for name, value in waiting.items() if name.startswith("mail_relay_queue_messages")) == 1
    assert waiting['mail_relay_deliveries_total{result="deferred"}'] >= 1
    text = host.read(FILE) + host.sh("cat /var/lib/mail-relay/metrics /var/lib/mail-relay/metrics.smarthosts").out
    assert "not the password" not in text and smarthost.user not in text

    host.sh(f"echo broken >>{RELAY_ENV}")
    wait_until(lambda: host.sh("systemctl is-failed mail-relay-reapply.service", check=False).code == 0, "a failed apply")
    assert figures()["mail_relay_apply_success"] == 0
    host.sh("systemctl stop postfix.service; systemctl stop 'postfix@-.service'", check=False)
    stopped = figures()
    assert stopped["mail_relay_up"] == 0
    assert sum(value for name, value in stopped.items() if name.startswith("mail_relay_queue_messages")) == 1

    host.remove()
    assert host.sh("ls /var/lib/textfiles").out == ""
    assert "mail-relay" not in host.sh("systemctl list-units --state=active --no-legend 'mail-relay*'").out


def test_without_node_exporter_nothing_is_written(host):
    host.credentials()
    host.boot()
    host.sh("systemctl start mail-relay-metrics.service")
    assert host.sh("test -e /var/lib/textfiles", check=False).code == 1
    # A person may look nevertheless.
    shown = host.sh("mail-relay metrics").out
    check(shown)
    assert "\nmail_relay_up 1\n" in shown


def test_a_folder_of_another_account(host):
    """node_exporter's account owns the folder on Debian. What it puts there must not lead root to a file of root's."""
    host.sh("mkdir -p /var/lib/textfiles; chown nobody /var/lib/textfiles")
    host.credentials()
    host.boot()
    wait_until(lambda: host.sh(f"test -s {FILE}", check=False).code == 0, "the first figures")
    host.sh("systemctl stop mail-relay-metrics.timer")
    secrets = f"{RELAY_ENV} /etc/shadow /etc/postfix/main.cf"
    before = host.sh(f"sha256sum {secrets}; stat -c %a {secrets}").out
    for trap in (f"ln -s {RELAY_ENV}", "ln -s /etc/shadow", "ln -s /etc/postfix/main.cf", "mkfifo"):
        for name in (FILE, f"{FILE}.new"):
            host.sh(f"rm -f {FILE} {FILE}.new; {trap} {name}; timeout 60 systemctl start mail-relay-metrics.service")
            assert host.sh(f"stat -c '%F %a %U' {FILE}").out.strip() == "regular file 644 root", (trap, name)
            assert host.sh(f"sha256sum {secrets}; stat -c %a {secrets}").out == before, (trap, name)


def test_a_log_file_that_is_rotated(host):
    """Where Postfix writes a file of its own, the rest of the old one counts, too, and nothing counts twice."""
    host.sh("mkdir -p /var/lib/textfiles; echo 'maillog_file = /var/lib/postfix/mail.log' >/etc/mail-relay/main.cf.d/log.cf")
    host.sh("grep -q postlog /etc/postfix/master.cf || postconf -M postlog/unix-dgram='postlog unix-dgram n - n - 1 postlogd'")
    host.credentials()
    host.boot()
    delivered = 'mail_relay_deliveries_total{result="delivered"} '

    def count():
        host.sh("systemctl start mail-relay-metrics.service")
        return int(re.search(re.escape(delivered) + r"(\d+)", host.read(FILE))[1])

    assert count() == 0
    host.deliver("before")
    host.wait_queue_empty()
    wait_until(lambda: count() == 1, "the first message in the figures")
    host.deliver("still in the old file")
    host.wait_queue_empty()
    host.sh("mv /var/lib/postfix/mail.log /var/lib/postfix/mail.log.1; postfix logrotate || postfix reload")
    host.deliver("in the new file")
    host.wait_queue_empty()
    # The queue is empty before postlogd(8) has written the last line.
    wait_until(lambda: count() == 3, "the third message in the figures")
    assert count() == 3
