"""A mail server: mail for mailboxes comes in and is read, and their owners send."""

import smtplib

import pytest

from lab.lan import RELAY
from lab.mail import DATABASE_PASSWORD, DATABASE_USER, OWNERS, password
from lab.relaying import Attempts

CUSTOMER = "jane@customer.example"
JANE, JOE, OPS = OWNERS
BOTH = "debian-12", "debian-13"
PORTS = 587, 465


def start(server, spec, **credentials):
    server.certify()
    server.host.install(spec)
    server.keep_mailboxes()
    server.host.credentials(**credentials)
    server.host.boot()
    # As an administrator looks at it after the first boot.
    assert server.host.sh("postconf -n 2>&1 >/dev/null").out == ""


def complaints(host):
    """Warnings but those about passwords that were wrong."""
    return [line for line in host.warnings() if "authentication failed" not in line]


def submit(session, sender, recipient, subject, *headers):
    text = "".join(f"{line}\r\n" for line in (f"From: {sender}", f"To: {recipient}", f"Subject: {subject}", *headers, "", "x"))
    session.sendmail(sender, [recipient], text)


# Users


@pytest.mark.roots(*BOTH)
def test_users_send_from_anywhere(mail_server, smarthost, tally):
    start(mail_server, "submission")
    for port in PORTS:
        users_send(mail_server, smarthost, port)
        users_use_their_own_senders(mail_server, smarthost, port)
    assert mail_server.host.exposure() <= 2.7
    assert complaints(mail_server.host) == []


def users_send(server, smarthost, port):
    with server.session(port) as session:
        assert session.sock.version() == "TLSv1.3"
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            session.login(JANE, "wrong")
        session.login(JANE, password(JANE))
        private = ("Received: from phone (home.example [10.9.8.7])", "User-Agent: Phone 1.0", "X-Mailer: Phone", "X-Kept: yes")
        submit(session, JANE, CUSTOMER, f"by {port}", *private)
    mail = smarthost.wait_for(f"by {port}")
    assert (mail.envelope_from, mail.envelope_to) == (JANE, [CUSTOMER])
    for name in ("Received", "User-Agent", "X-Mailer"):
        assert mail[name] is None
    # What is missing is added: nobody but the user's program could have.
    assert mail["X-Kept"] == "yes" and mail["Message-ID"] and mail["Date"]
    assert "10.77." not in mail.raw and "10.9.8.7" not in mail.raw


def users_use_their_own_senders(server, smarthost, port):
    """As spec and login have it; the null sender is for bounces, which mail programs send, too (RFC 8098)."""
    senders = {JANE: (JANE, JANE.upper(), "sales@acme.example"), JOE: (JOE, "any@other.example")}
    for login, own in senders.items():
        with server.session(port) as session:
            session.login(login, password(login))
            for sender in own:
                assert session.docmd("MAIL", f"FROM:<{sender}>")[0] == 250
                assert session.docmd("RCPT", f"TO:<{CUSTOMER}>")[0] == 250, (login, sender)
                session.docmd("RSET")
            foreign = {sender for other in senders for sender in senders[other] if other != login}
            for sender in (*foreign, "ceo@acme.example", "root", f'"x {login}"@elsewhere.example', f"{login}@elsewhere.example"):
                session.docmd("MAIL", f"FROM:<{sender}>")
                code, words = session.docmd("RCPT", f"TO:<{CUSTOMER}>")
                assert code >= 500, (login, sender, words)
                session.docmd("RSET")
