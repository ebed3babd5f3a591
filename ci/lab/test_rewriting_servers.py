"""The right mail to the right person: what relays rewrite that receive mail from anybody (lab/rewriting.py is the table)."""

import itertools
import smtplib

import pytest

from lab.mail import NAME, OWNERS, password
from lab.rewriting import CUSTOMER, GATEWAY, JANE, JOE, SALES, SERVER, Rules, of_gateway, of_server
from lab.rewritten import begin, check
from lab.smarthost import Mail

pytestmark = pytest.mark.on_postfix

# Strangers' domains must exist.
DOMAINS = "acme.example", "customer.example", "partner.example", "scanner.lan", "lab.acme.example"
FORBIDDEN = "From: {0}\nX-Forbidden: x\nSubject: refused\n\nhi\n"


@pytest.mark.roots("debian-11", "debian-12", "rpm-dnf5")
def test_what_a_gateway_rewrites(host, smarthost, lan, tally):
    for domain in DOMAINS:
        host.resolver.set(domain, smarthost.elsewhere)
    begin(host, "rewriting-gateway")
    rules = Rules(NAME, **GATEWAY)
    clients = {"lan": lan.app, "stranger": lan.stranger}
    check(host, smarthost, rules, of_gateway(NAME, itertools.count(1)), clients, tally)
    for client in clients.values():
        with pytest.raises(smtplib.SMTPDataError, match="no such thing"):
            client.send(CUSTOMER, SALES, FORBIDDEN.format(CUSTOMER))
    assert [line for line in host.warnings() if "no such thing" not in line] == []


class User:
    """A person's mail program."""

    def __init__(self, server, login):
        self._server, self._login = server, login

    def smtp(self, _to):
        session = self._server.session(587)
        session.login(self._login, password(self._login))
        return session


class Mailboxes:
    """What Dovecot has for the owners of the mailboxes."""

    def __init__(self, server):
        self._server = server

    def mails(self):
        for owner in OWNERS:
            for message in self._server.mailbox(owner):
                yield Mail(message["Return-Path"].strip("<>"), [owner], "", "", "", message.as_string(), message)


@pytest.mark.roots("debian-12", "debian-13")
def test_what_a_mail_server_rewrites(mail_server, smarthost, tally):
    host, stranger = mail_server.host, mail_server.lan.stranger
    for domain in DOMAINS:
        host.resolver.set(domain, smarthost.elsewhere)
    mail_server.start("rewriting-server")
    rules = Rules(NAME, **SERVER)
    jane = User(mail_server, JANE)
    rows = of_server(NAME, itertools.count(1))
    check(host, smarthost, rules, rows, {"user": jane, "stranger": stranger}, tally, places=[Mailboxes(mail_server)])
    # Ports for users have a cleanup(8) of their own, which checks the same.
    with jane.smtp("") as session, pytest.raises(smtplib.SMTPDataError, match="no such thing"):
        session.sendmail(JANE, [JOE], FORBIDDEN.format(JANE).replace("\n", "\r\n"))
    with pytest.raises(smtplib.SMTPDataError, match="no such thing"):
        stranger.send(CUSTOMER, JOE, FORBIDDEN.format(CUSTOMER))
    assert [line for line in host.warnings() if "no such thing" not in line] == []
