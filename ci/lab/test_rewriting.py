"""The right mail to the right person: what is rewritten, what is not, and where (lab/rewriting.py is the table)."""

import itertools

import pytest

from lab.lan import Client
from lab.milter import Milter
from lab.rewriting import (
    CUSTOMER, FROM, HOSTS, LAN, NULL_CLIENT, OPS, Rules, bare, of_all, of_lan, of_null_client,
)  # fmt: skip
from lab.shell import wait_until

ROOTS = "debian-11", "debian-12", "debian-13", "rpm-dnf5", "pacman-7"
ALL = {"*": "alerts@acme.example", "@scanner.lan": "scans@acme.example", "backup": "backups@acme.example"}


def begin(host, spec):
    host.install(spec)
    host.credentials()
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""


def rename(host, name):
    """As hostnamectl does it, and then a restart: /etc/hosts, of which Debian's services have a copy, stays."""
    host.write("/etc/hostname", f"{name}\n")
    unit = host.daemon_unit()
    host.sh(f"hostname {name} && mail-relay apply && systemctl reset-failed {unit} && systemctl restart {unit}")


def send(host, rows, clients):
    """All rows; those of sendmail by one command."""
    script = ""
    for row in rows:
        if row.way == "sendmail":
            # The words of a here-document stay as they are.
            script += f"sendmail -i -f '{row.sender or '<>'}' -- '{row.recipient}' <<'END' || exit\n{row.text}END\n"
    if script:
        host.sh(script)
    for way, client in clients.items():
        own = [row for row in rows if row.way == way]
        if own:
            with client.smtp(client.addresses[0] if way == "smtp" else "10.66.0.5") as session:
                for row in own:
                    session.sendmail(row.sender, [row.recipient], row.text.replace("\n", "\r\n"))


def arrived(smarthost, rows):
    """The message of each row."""

    def all_there():
        mails = {mail["Subject"]: mail for mail in smarthost.mails()}
        return mails if all(row.subject in mails for row in rows) else None

    return wait_until(all_there, f"{len(rows)} messages", timeout=90)


def judge(rules, row, mail, milter=None):
    """What is wrong with a message, in words."""
    expected = {
        "envelope from": rules.sender(row.sender),
        "envelope to": rules.recipient(row.recipient),
        "From": rules.sender(bare(row.header("From") or row.sender)),
    }
    found = {"envelope from": mail.envelope_from, "envelope to": " ".join(mail.envelope_to), "From": bare(mail["From"])}
    for name, rule in (("To", rules.recipient), ("Cc", rules.recipient), ("Reply-To", rules.reply)):
        if header := row.header(name):
            expected[name], found[name] = rule(header), bare(mail[name])
    if milter is not None:
        sender, header = milter[row.subject]
        expected["milter's From"], found["milter's From"] = expected["From"], bare(header)
        # smtpd(8) tells milters what the client said, before cleanup(8) has seen it.
        expected["milter's sender"] = rules.sender(row.sender) if row.way == "sendmail" else row.sender
        found["milter's sender"] = sender
    wrong = [f"{name}: {found[name]!r}, not {value!r}" for name, value in expected.items() if found[name] != value]
    return f"{rules.host}: {row}: {'; '.join(wrong)}" if wrong else None


def check(host, smarthost, rules, rows, clients, tally, milter=None):
    send(host, rows, clients)
    mails = arrived(smarthost, rows)
    seen = milter.seen() if milter else None
    wrong = [found for row in rows if (found := judge(rules, row, mails[row.subject], seen))]
    assert not wrong, "\n".join(wrong)
    tally("rows of rewriting", len(rows))


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
        returned(host, smarthost)
        traces(host, smarthost)


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
    assert host.warnings() == []
