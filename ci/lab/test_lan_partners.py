"""The relay of a network and what it works with: Dovecot asks for passwords, HAProxy stands in front."""

import base64
import smtplib

import pytest

from lab.doctor import ask, judge
from lab.lan import RELAY
from lab.lan_relay import CUSTOMER, FROM, assert_refused, greeted, secure, start
from lab.mail import NAME, certify
from lab.relaying import Attempts

pytestmark = pytest.mark.on_postfix


@pytest.fixture
def host(partnered_host):
    return partnered_host


DOVECOT = {
    "2.3": """protocols =
ssl = no
disable_plaintext_auth = no
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
""",
    "2.4": """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols =
ssl = no
auth_allow_cleartext = yes
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
""",
}
SOCKET = """auth_mechanisms = plain login
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
"""
USER, PASSWORD = "laptop@acme.example", "p@ss:w #1"


def test_clients_with_a_password(host, smarthost, lan, tally):
    certify(host)
    host.obtain("dovecot-core", "dovecot")
    version = host.sh("dovecot --version").out[:3]
    host.write("/etc/dovecot/dovecot.conf", DOVECOT[version] + SOCKET)
    host.write("/etc/dovecot/users", f"{USER}:{{PLAIN.b64}}{base64.b64encode(PASSWORD.encode()).decode()}\n")
    start(host, "lan-relay-auth")
    # As docs/lan-relay.md has a person look.
    host.sh("ls -l /var/spool/postfix/private/auth && systemctl --no-pager status dovecot")
    for to in RELAY:
        with greeted(lan.stranger, to) as session:
            assert not session.has_extn("auth") and session.has_extn("starttls")
            assert session.docmd("AUTH", "PLAIN")[0] in (503, 530, 538)
        with secure(lan.stranger, smarthost, to) as session:
            assert session.has_extn("auth")
            with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
                session.login(USER, "wrong")
            session.login(USER, PASSWORD)
            session.sendmail("laptop@acme.example", [CUSTOMER], f"Subject: from elsewhere to {to}\r\n\r\nx\r\n")
        mail = smarthost.wait_for(f"from elsewhere to {to}")
        assert (mail.envelope_from, mail.envelope_to) == ("laptop@acme.example", [CUSTOMER])
        assert mail["Received"] is None and USER not in mail.raw.partition("\n\n")[2]
    lan.app.send(FROM, CUSTOMER, "Subject: of the network, without a password\n\nx\n")
    smarthost.wait_for("of the network, without a password")
    without_dovecot(host, smarthost, lan)

    sent = len(smarthost.mails())
    attempts = Attempts(NAME)
    attempts.envelopes(lambda: secure(lan.stranger, smarthost))
    attempts.envelopes(lambda: greeted(lan.stranger))
    assert_refused(attempts, host, smarthost, sent)
    tally("attempts to relay, refused", len(attempts.answers))


def without_dovecot(host, smarthost, lan):
    """Nobody can log in. The network is trusted by its addresses, so its mail leaves, and status and doctor agree on that."""
    host.sh("systemctl stop dovecot.socket dovecot")
    lan.app.send(FROM, CUSTOMER, "Subject: without Dovecot\n\nx\n")
    smarthost.wait_for("without Dovecot")
    assert '"can_send":true' in host.sh("mail-relay status --format json").out
    assert "but mail leaves: one cause" in host.sh("mail-relay doctor", check=False).out
    judge(host, "dovecot-login")
    assert ask(host) == []


HAPROXY = """defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen smtp
    bind 10.66.0.5:2525
    bind [fd00:66::5]:2525
    server relay 10.66.0.5:25 send-proxyVERSION
"""


def test_a_proxy_in_front(host, smarthost, lan, tally):
    """HAProxy says who the client is. Its own address would be a trusted one."""
    host.obtain("haproxy", "haproxy")
    start(host, "lan-relay-proxy")
    for version in ("", "-v2"):
        host.write("/etc/haproxy/haproxy.cfg", HAPROXY.replace("VERSION", version))
        host.sh("systemctl restart haproxy")
        for to in RELAY:
            with lan.app.smtp(to, port=2525) as session:
                session.sendmail(FROM, [CUSTOMER], f"Subject: through the proxy{version} to {to}\r\n\r\nx\r\n")
            smarthost.wait_for(f"through the proxy{version} to {to}")
            sent = len(smarthost.mails())
            attempts = Attempts(NAME)
            attempts.envelopes(lambda: greeted(lan.stranger, to, port=2525), senders=("spammer@stranger.example",))
            assert_refused(attempts, host, smarthost, sent)
            tally("attempts to relay, refused", len(attempts.answers))
    # The host's own programs speak to the relay as before, without a proxy.
    host.deliver("of the host itself")
    lan.itself.send("www-data", CUSTOMER, "Subject: of a program of the host\n\nhi\n", "127.0.0.1")
    smarthost.wait_for("of a program of the host")
    host.sh("mail-relay test ops@acme.example")
