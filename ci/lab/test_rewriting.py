"""The right mail to the right person: what a null client and a LAN relay rewrite (lab/rewriting.py is the table)."""

import itertools

import pytest

from lab.lan import Client
from lab.milter import Milter
from lab.rewriting import CUSTOMER, FROM, HOSTS, LAN, NULL_CLIENT, OPS, Rules, of_all, of_lan, of_null_client
from lab.rewritten import begin, check
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix

ROOTS = "debian-11", "debian-12", "debian-13", "rpm-dnf5", "pacman-7"
ALL = {"*": "alerts@acme.example", "@scanner.lan": "scans@acme.example", "backup": "backups@acme.example"}


def rename(host, name):
    """As hostnamectl does it, and then a restart: /etc/hosts, of which Debian's services have a copy, stays."""
    host.write("/etc/hostname", f"{name}\n")
    unit = host.daemon_unit()
    host.sh(f"hostname {name} && mail-relay apply && systemctl reset-failed {unit} && systemctl restart {unit}")


@pytest.mark.roots(*ROOTS)
@pytest.mark.long
def test_senders_and_recipients_of_a_null_client(host, smarthost, tally):
    numbers = itertools.count(1)
    with Milter(host) as milter:
        begin(host, "rewriting")
        itself = {"smtp": Client(host.netns, "localhost", "127.0.0.1", "::1")}
        for name, technical in HOSTS.items():
            rename(host, name)
            rules = Rules(name, technical=technical, **NULL_CLIENT)
            check(host, smarthost, rules, of_null_client(name, numbers), itself, tally, milter)

        # Two ways out for a host that is called like a mail domain.
        for system, chosen in (("shop.example", "web1.shop.example"), ("mail.shop.example", "web1.corp.example")):
            host.credentials(RELAY_HOSTNAME=chosen)
            rename(host, system)
            rules = Rules(chosen, system=system, system_local=False, **NULL_CLIENT)
            check(host, smarthost, rules, of_null_client(system, numbers), itself, tally, milter)
        assert host.warnings() == []
        extensions(host, smarthost)
        returned(host, smarthost)
        traces(host, smarthost)


def extensions(host, smarthost):
    """With a delimiter, recipients keep what follows it, and senders become what the spec says."""
    host.write("/etc/mail-relay/main.cf.d/extensions.cf", "recipient_delimiter = +\n")
    host.sh("mail-relay apply")
    for number, (sender, leaves) in enumerate({"root+cron": FROM, "www-data+x": FROM, "backup+x": "backups@acme.example"}.items()):
        host.sh(f"sendmail -i -f {sender} -- webmaster+x", input=f"From: {sender}\nSubject: extended {number}\n\nhi\n")
        mail = smarthost.wait_for(f"extended {number}")
        assert (mail.envelope_from, mail["From"], mail.envelope_to) == (leaves, leaves, ["web+x@acme.example"]), sender
    host.sh("rm /etc/mail-relay/main.cf.d/extensions.cf && mail-relay apply")


def returned(host, smarthost):
    """A bounce keeps its empty sender, and reaches a person; what a bounce cannot reach is no new bounce."""
    for number, sender in enumerate(("www-data", "root", FROM)):
        host.sh(f"sendmail -i -f {sender} -- nobody@moved.example", input=f"Subject: lost {number}\n\nhi\n")
        bounce = wait_until(lambda: next((mail for mail in smarthost.mails() if f"lost {number}" in mail.raw), None), "a bounce")
        assert (bounce.envelope_from, bounce.envelope_to) == ("", [OPS]), sender
    # A person's mail to the same address goes there.
    host.sh(f"sendmail -i -- {FROM}", input="Subject: to the sender itself\n\nhi\n")
    assert smarthost.wait_for("to the sender itself").envelope_to == [FROM]
    host.sh("sendmail -i -f '<>' -- nobody@moved.example", input="Subject: a bounce that is lost\n\nhi\n")
    host.wait_queue_empty()


# Trace headers of hops within, as many programs write them, and those of mail from outside.
INTERNAL = (
    "(from root@localhost) by host.internal (8.17.1/8.17.1/Submit) id 4AB; Sat, 1 Jan 2000 00:00:00 GMT",
    "from root by host.internal with local (Exim 4.96) (envelope-from <root@host.internal>) id 1abc; Sat, 1 Jan 2000 00:00:00 +0000",
    "(qmail 123 invoked by uid 0); 1 Jan 2000 00:00:00 -0000",
    "from localhost (host.internal [local]) by host.internal (OpenSMTPD) with ESMTPA id 1; Sat, 1 Jan 2000 00:00:00 +0000",
    "from secret.internal by mx.internal; Sat, 1 Jan 2000 00:00:00 +0000",
    "from db1.internal (db1.internal [10.1.2.3]) by host.internal (Postfix) with ESMTP id 1; Sat, 1 Jan 2000 00:00:00 +0000",
    "from EX1.internal (172.16.4.5) by EX2.internal (172.16.4.6) with Microsoft SMTP Server id 15.1; Sat, 1 Jan 2000 00:00:00 +0000",
    "from [fd00::7] (helo=x.internal) by host.internal with esmtp (Exim 4.96) id 1abc; Sat, 1 Jan 2000 00:00:00 +0000",
    "by host.internal (Postfix, from userid 33) id 1; Sat, 1 Jan 2000 00:00:00 +0000",
    "from x.internal (x.internal [169.254.3.4])\n\tby host.internal with ESMTP; Sat, 1 Jan 2000 00:00:00 +0000",
)
OUTSIDE = (
    "from mx.outside.example (mx.outside.example [203.0.113.9]) by in.acme.example (Postfix) with ESMTPS id 1; Sat, 1 Jan 2000 00:00:00 +0000",
    "from A.outlook.example (2001:db8:1::5) by B.outlook.example (2001:db8:1::6) with Microsoft SMTP Server; Sat, 1 Jan 2000 00:00:00 +0000",
)


def traces(host, smarthost):
    headers = "".join(f"Received: {hop}\n" for hop in (*INTERNAL, *OUTSIDE))
    host.sh("sendmail -i root", input=f"{headers}Subject: by many hops\n\nhi\n")
    left = smarthost.wait_for("by many hops").headers.get_all("Received")
    assert [" ".join(hop.split()) for hop in left] == list(OUTSIDE)


@pytest.mark.roots("debian-11", "debian-13")
def test_senders_that_keep_their_local_part(host, smarthost, tally):
    numbers = itertools.count(1)
    begin(host, "rewriting-domain")
    itself = {"smtp": Client(host.netns, "localhost", "127.0.0.1", "::1")}
    for name, technical in (("web1.corp.example", True), ("acme.example", False)):
        rename(host, name)
        rules = Rules(name, from_="@acme.example", technical=technical)
        # This spec does not name them.
        rows = [row for row in of_null_client(name, numbers) if not any(word in str(row) for word in ("printers", "webmaster", "app@"))]
        check(host, smarthost, rules, rows, itself, tally)
    host.sh("sendmail -i -f root -- nobody@moved.example", input="Subject: lost\n\nhi\n")
    bounce = wait_until(lambda: next((mail for mail in smarthost.mails() if "Subject: lost" in mail.raw), None), "a bounce")
    assert (bounce.envelope_from, bounce.envelope_to) == ("", [OPS])
    assert host.warnings() == []


@pytest.mark.roots(*ROOTS)
def test_senders_of_a_network(host, smarthost, lan, tally):
    begin(host, "rewriting-lan")
    rules = Rules("web1.corp.example", senders=LAN)
    rows = of_lan("web1.corp.example", itertools.count(1))
    check(host, smarthost, rules, rows, {"lan": lan.app, "smtp": lan.itself}, tally)
    # Rules for content still count, and headers of a message within the message are nobody's business.
    within = "From: a4@scanner.lan\nSubject: forwarded\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\nFrom: a4@scanner.lan\nSubject: within\n\nhi\n"
    lan.app.send("a4@scanner.lan", CUSTOMER, within)
    mail = smarthost.wait_for("forwarded")
    assert mail["From"] == "scans@acme.example" and "From: a4@scanner.lan" in mail.body
    with pytest.raises(Exception, match="no such thing"):
        lan.app.send("a4@scanner.lan", CUSTOMER, "From: a4@scanner.lan\nX-Forbidden: x\nSubject: refused\n\nhi\n")
    assert [line for line in host.warnings() if "no such thing" not in line] == []


@pytest.mark.roots("debian-11", "debian-12", "rpm-dnf5")
def test_one_sender_for_a_network(host, smarthost, lan, tally):
    begin(host, "rewriting-all")
    rules = Rules("web1.corp.example", senders=ALL)
    rows = of_all("web1.corp.example", itertools.count(1))
    check(host, smarthost, rules, rows, {"lan": lan.app}, tally)
    # The display name of the spec replaces what the client wrote; what another rule made of a sender stays.
    named = {
        '"Camera, Old" <camera@nowhere.invalid>': '"ACME, Alerts" <alerts@acme.example>',
        "root": '"ACME, Alerts" <alerts@acme.example>',
        "a4@scanner.lan (Scanner)": "scans@acme.example (Scanner)",
        "Scans <scans@acme.example>": "Scans <scans@acme.example>",
    }
    for number, (header, expected) in enumerate(named.items()):
        lan.app.send("camera@nowhere.invalid", CUSTOMER, f"From: {header}\nSubject: named {number}\n\nhi\n")
        assert f"\nFrom: {expected}\n" in "\n" + smarthost.wait_for(f"named {number}").raw, header
    assert host.warnings() == []
