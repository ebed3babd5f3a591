"""Senders by patterns, and masquerading: what changes, and what stays."""

import pytest

from lab.doctor import ask
from lab.lan_relay import start
from lab.roots import EACH

pytestmark = pytest.mark.on_postfix

# The sender, and what it becomes.
SENDERS = {
    "root@db1.lan": "root@db1.lan",
    "scan7@printer.lan": "scans@acme.example",
    # Postfix writes domains of headers in lower case.
    "SCAN@printer.lan": "scans@acme.example",
    "ascan@printer.lan": "printers@acme.example",
    "x@printer.lan": "printers@acme.example",
    "jane@db1.lan": "jane@acme.example",
    "Jane.Doe+x@a.b.lan": "Jane.Doe+x@acme.example",
    "app@web1.acme.example": "app@acme.example",
    "jane@acme.example": "jane@acme.example",
    "jane@db1.wlan": "jane@db1.wlan",
    "jane@lan.example": "jane@lan.example",
    "jane@customer.example": "jane@customer.example",
    "jane@xacme.example": "jane@xacme.example",
}
OTHERS = "x@printer.lan"


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_patterns_and_masquerading(host, smarthost, lan, tally):
    start(host, "rewriting-wildcards")
    for number, (sender, becomes) in enumerate(SENDERS.items()):
        for form in ("{}", "Some Body <{}>"):
            subject = f"row {number} {form.format('')}".strip()
            text = f"From: {form.format(sender)}\nTo: {OTHERS}\nCc: jane@db1.lan\nReply-To: {sender}\nSubject: {subject}\n\nhi\n"
            lan.app.send(sender, OTHERS, text)
            mail = smarthost.wait_for(subject)
            found = (mail.envelope_from, mail["From"].addresses[0].addr_spec, mail.envelope_to, mail["To"], mail["Cc"], mail["Reply-To"])
            assert found == (becomes, becomes, [OTHERS], OTHERS, "jane@db1.lan", sender), (sender, found)
            name = mail["From"].addresses[0].display_name
            assert name == ("Scans, ACME" if becomes == "scans@acme.example" else "Some Body" if "<" in form else ""), (sender, mail["From"])
    tally("senders by patterns", 2 * len(SENDERS))

    # A bounce keeps its empty sender, and goes to the sender that the message left with.
    host.sh("/usr/sbin/sendmail -i -f jane@db1.lan joe@moved.example", input="From: jane@db1.lan\nSubject: lost\n\nhi\n")
    bounce = smarthost.wait_for("Undelivered Mail Returned to Sender")
    assert (bounce.envelope_from, bounce.envelope_to) == ("", ["jane@acme.example"])
    lan.app.send("", "joe@customer.example", "From: MAILER-DAEMON@db1.lan\nSubject: a bounce\n\nhi\n")
    assert smarthost.wait_for("a bounce").envelope_from == ""
    # Local programs of the relay itself have `from`.
    host.mail("of the relay")
    assert smarthost.wait_for("of the relay").envelope_from == "noreply@acme.example"
    assert ask(host) == []
