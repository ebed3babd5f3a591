"""Limits on recipients: a list of allowed ones, and one address for all mail of a staging host."""

import pytest

from lab.doctor import ask
from lab.lan_relay import FROM, start
from lab.roots import EACH

pytestmark = pytest.mark.on_postfix

ROOT = "ops@acme.example"


def local(host, to, subject, sender=None):
    """Mail of a program of the host."""
    option = f"-f {sender} " if sender else ""
    host.sh(f"/usr/sbin/sendmail -i {option}{to}", input=f"To: {to}\nSubject: {subject}\n\nhi\n")


def answer(client, recipient):
    with client.smtp() as session:
        session.ehlo()
        session.docmd(f"MAIL FROM:<{FROM}>")
        code, text = session.docmd(f"RCPT TO:<{recipient}>")
        session.close()
        return code, text.decode()


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_only_some_recipients(host, smarthost, lan, tally):
    start(host, "recipients-allowed")
    allowed = ["jane@customer.example", "JANE@customer.example", "any@partner.example", "any@corp.example", "any@mail.corp.example", ROOT, "root", "postmaster"]
    refused = ["lou@customer.example", "jane@other.example", "any@mail.partner.example", "any@xcorp.example", "jane@customer.example.evil.example", '"jane@customer.example"@evil.example']
    for recipient in allowed:
        assert answer(lan.app, recipient)[0] == 250, recipient
    for recipient in refused:
        code, text = answer(lan.app, recipient)
        assert code == 550 and "5.7.1" in text and "certain recipients" in text, (recipient, code, text)
    tally("recipients, allowed or refused", len(allowed) + len(refused))

    for number, (recipient, becomes) in enumerate([("jane@customer.example", "jane@customer.example"), ("any@mail.corp.example", "any@mail.corp.example"), ("root", ROOT), ("www-data", ROOT), ("webmaster", "web@agency.example")]):
        local(host, recipient, f"allowed {number}")
        assert smarthost.wait_for(f"allowed {number}").envelope_to == [becomes]
    lan.app.send(FROM, "any@partner.example", f"From: {FROM}\nTo: any@partner.example\nSubject: of a client\n\nhi\n")
    assert smarthost.wait_for("of a client").envelope_to == ["any@partner.example"]

    # Mail of the host is returned to root's person, not sent.
    local(host, "jane@other.example", "to a stranger")
    bounce = smarthost.wait_for("Undelivered Mail Returned to Sender")
    assert bounce.envelope_to == [ROOT] and "certain recipients" in bounce.raw
    host.wait_queue_empty()
    assert [mail for mail in smarthost.mails() if "jane@other.example" in mail.envelope_to] == []
    assert ask(host) == []


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_all_mail_of_a_staging_host(host, smarthost, lan):
    start(host, "recipients-staging")
    staging = "staging@acme.example"
    lan.app.send(FROM, "jane@customer.example", f"From: {FROM}\nTo: jane@customer.example\nSubject: of a client\n\nhi\n")
    mail = smarthost.wait_for("of a client")
    assert mail.envelope_to == [staging] and mail["To"].addresses[0].addr_spec == "jane@customer.example"
    local(host, "jane@customer.example,lou@customer.example", "to two")
    # Twice the same recipient: the log names both original ones.
    assert set(smarthost.wait_for("to two").envelope_to) == {staging}
    for number, (recipient, becomes) in enumerate([("root", ROOT), ("www-data", ROOT), ("webmaster", staging), (ROOT, ROOT), (staging, staging)]):
        local(host, recipient, f"local {number}")
        assert smarthost.wait_for(f"local {number}").envelope_to == [becomes], recipient
    assert "all mail goes to staging@acme.example" in host.sh("mail-relay status").out
    host.wait_queue_empty()
    strangers = [mail.envelope_to for mail in smarthost.mails() if not set(mail.envelope_to) <= {staging, ROOT}]
    assert strangers == [] and ask(host) == []
