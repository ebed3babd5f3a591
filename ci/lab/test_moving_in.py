"""A Postfix that somebody made by hand becomes a package: mail goes the same way before and after, and the way back is open."""

import smtplib

import pytest
from test_life_handmade import files, set_up

from lab.lan_relay import CUSTOMER
from lab.moving_in import Import

ACCOUNT = "smtp_sasl_auth_enable = yes\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_security_level = encrypt\n"
LAN_RELAY = f"""\
compatibility_level = 2
myhostname = web1.corp.example
mydomain = corp.example
mydestination = $myhostname, localhost
inet_interfaces = all
mynetworks = 127.0.0.0/8 [::1]/128 10.66.0.0/24
relayhost = [smtp.lab.example]:587
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_sender_restrictions = check_sender_access {{type}}:/etc/postfix/senders, reject
smtp_generic_maps = {{type}}:/etc/postfix/generic
smtp_sasl_password_maps = {{type}}:/etc/postfix/sasl_passwd
alias_maps = {{type}}:/etc/postfix/aliases
alias_database =
{ACCOUNT}"""


def by_hand(host, main_cf, tables):
    """Postfix as its administrator configured it."""
    kind = host.sh("postconf -dh default_database_type").out.strip()
    host.write("/etc/postfix/main.cf", main_cf.format(type=kind))
    account = f"[smtp.lab.example]:587 {host.smarthost.user}:{host.smarthost.password}\n"
    for name, text in {"sasl_passwd": account, **tables}.items():
        host.write(f"/etc/postfix/{name}", text, 0o600)
        host.sh(f"postmap /etc/postfix/{name}")
    host.write("/etc/postfix/aliases", "root: ops@acme.example\n")
    host.sh("postalias /etc/postfix/aliases; systemctl enable postfix.service")


def answers(host, smarthost, subject):
    """Who gets which mail of the host, from whom, by which account."""
    said = {}
    for to in ("root", "old-name", CUSTOMER):
        mail = host.deliver(f"by hand {subject} {to}", to=to)
        said[to] = mail.envelope_from, mail.envelope_to, mail.user, mail["X-Hand"]
    return said


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
@pytest.mark.on_postfix
def test_a_sender_moves_in_and_out(host, smarthost):
    set_up(host)
    host.boot()
    asked = answers(host, smarthost, "before")
    before = files(host)
    assert asked["old-name"][1:3] == ([CUSTOMER], smarthost.user)

    moved = Import(host, f"moved-{host.name}")
    assert moved.report["role"] == "null-client" and moved.report["whole"], moved.report
    assert files(host) == before, "the collector changes nothing"
    moved.install(host)
    assert answers(host, smarthost, "moved") == asked
    # Promised: the certificate of the smarthost is verified.
    assert moved.verdicts()["smtp_tls_security_level"] == "fixed"
    assert host.sh("postconf -h smtp_tls_security_level").out == "secure\n"
    assert host.sh("mail-relay status").code == 0

    host.sh(host.os.remove.format(host.package_name(moved.name)))
    assert files(host) == before
    assert answers(host, smarthost, "back") == asked


def said_to(client, sender, recipient=CUSTOMER):
    """The code for an envelope; 354 if the relay asks for the text."""
    with client.smtp() as session:
        session.ehlo()
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            code, _ = session.docmd(command)
            if code >= 400:
                break
        # Nothing is sent, not even QUIT, which would be text.
        session.close()
        return code


def questions(host, lan, subject):
    """The answers to clients of the network and to strangers, as classes of codes, and what leaves."""
    asked = {}
    for client in (lan.app, lan.stranger):
        for sender in ("scan@acme.example", "someone@elsewhere.example", ""):
            asked[client.name, sender] = said_to(client, sender) // 100
    lan.app.send("scan@acme.example", CUSTOMER, f"Subject: {subject}\n\nx\n")
    mail = host.smarthost.wait_for(subject)
    asked["leaves"] = mail.envelope_from, mail.envelope_to, mail.user
    mail = host.deliver(f"{subject} local", to="root")
    asked["local"] = mail.envelope_from, mail.envelope_to, mail.user
    return asked


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
@pytest.mark.on_postfix
def test_a_lan_relay_moves_in_and_out(host, smarthost, lan):
    generic = "root@web1.corp.example root@acme.example\n@web1.corp.example noreply@acme.example\n"
    by_hand(host, LAN_RELAY, {"senders": "acme.example OK\n", "generic": generic})
    host.boot()
    asked = questions(host, lan, "before")
    assert asked[lan.app.name, "scan@acme.example"] == 3 and asked[lan.app.name, "someone@elsewhere.example"] == 5
    assert asked[lan.stranger.name, "scan@acme.example"] == 5
    before = files(host)

    moved = Import(host, f"moved-lan-{host.name}")
    assert moved.report["role"] == "lan-relay" and moved.report["whole"], moved.report
    moved.install(host)
    now = questions(host, lan, "moved")
    # Bounces of trusted clients pass; nothing else is different.
    assert asked.pop((lan.app.name, "")) == 5 and now.pop((lan.app.name, "")) == 3
    assert now == asked

    host.sh(host.os.remove.format(host.package_name(moved.name)))
    assert files(host) == before
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        lan.app.send("someone@elsewhere.example", CUSTOMER, "Subject: back\n\nx\n")
