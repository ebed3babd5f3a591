"""Lookup tables of the spec: compiled, read by Postfix, and removed with the package."""

import pytest

from lab.doctor import ask
from lab.lan_relay import CUSTOMER, FROM, start
from lab.roots import EACH

pytestmark = pytest.mark.on_postfix

ARCHIVE = "archive@acme.example"


def answer(client, sender=FROM, recipient="lou@customer.example", ehlo=None):
    """The code and the text of the last answer before the message, or 354."""
    with client.smtp() as session:
        for command in (f"EHLO {ehlo or client.name}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            code, text = session.docmd(command)
            if code >= 400:
                break
        session.close()
        return code, text.decode()


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_tables_of_the_spec(host, smarthost, lan, tally):
    start(host, "own-tables")
    refused = {
        "cidr": answer(lan.script),
        "regexp": answer(lan.app, ehlo="mx2.acme.example"),
        "indexed": answer(lan.app, sender="noreply@SHOP.example"),
        "inline": answer(lan.app, recipient="old@customer.example"),
    }
    texts = {"cidr": "this scanner is broken", "regexp": "mx is a name of ours", "indexed": "nobody reads noreply@shop.example", "inline": "ask "}
    for kind, (code, text) in refused.items():
        assert code == 554 and texts[kind] in text, (kind, code, text)
    assert "$" not in refused["inline"][1]
    tally("types of tables, refusals by each", len(refused))
    assert answer(lan.app)[0] == 354

    # A copy by an indexed table, whose key is in another case.
    lan.app.send(FROM, CUSTOMER, f"From: {FROM}\nTo: {CUSTOMER}\nSubject: with a copy\n\nhi\n")
    mail = smarthost.wait_for("with a copy")
    others = [other.envelope_to for other in smarthost.mails() if other["Subject"] == "with a copy"]
    assert {ARCHIVE, CUSTOMER} <= set(sum(others, mail.envelope_to)), others

    # A changed file becomes what the package has; the compiled one is made again.
    assert host.sh("ls /etc/postfix | grep -c '^table_'").out.strip() in ("4", "5", "6"), host.sh("ls /etc/postfix").out
    host.sh("rm /etc/postfix/table_copies*; echo 'x y' >/etc/postfix/table_scanners")
    assert "was changed by hand" in host.sh("mail-relay status").out
    host.sh("mail-relay apply")
    assert answer(lan.script)[0] == 554 and ask(host) == []

    host.remove()
    # The copy of the edited one stays.
    assert host.sh("ls /etc/postfix | grep table_ | grep -v '[.]saved-'", check=False).out == ""


@pytest.mark.roots("debian-11", "debian-12", "debian-13", "debian-sid")
def test_a_pcre_table_brings_its_package(host, smarthost):
    start(host, "own-tables-pcre")
    assert "pcre" in host.sh("postconf -m").out.split()
    host.sh("/usr/sbin/sendmail -i -f root root", input="Subject: plain\n\nhi\n")
    assert smarthost.wait_for("[lab] plain").envelope_to == ["ops@acme.example"]
    host.sh("/usr/sbin/sendmail -i -f root root", input="Subject: [lab] already\n\nhi\n")
    assert smarthost.wait_for("[lab] already")["Subject"] == "[lab] already"
    assert ask(host) == []
