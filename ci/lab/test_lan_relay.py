"""The relay of a local network: it takes the mail of hosts that it trusts, and nobody else's."""

import smtplib

import pytest

from lab.lan import RELAY
from lab.lan_relay import CUSTOMER, FROM, assert_refused, greeted, secure, start
from lab.mail import NAME, certify
from lab.relaying import ROUTED, VICTIM, Attempts, batches, message

pytestmark = pytest.mark.on_postfix

ROOT = "ops@acme.example"


def codes(session, *commands):
    """What the relay says to each; a session that says EHLO first."""
    session.ehlo()
    return [session.docmd(command)[0] for command in commands]


def refusal(client, sender=FROM, recipient=CUSTOMER, to=RELAY[0], source=None, ehlo=None):
    """The code and the words by which a message is refused before its text."""
    with client.smtp(to, source) as session:
        for command in (f"EHLO {ehlo or client.name}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            code, words = session.docmd(command)
            if code >= 400:
                return code, words.decode()
        session.close()
    raise AssertionError(f"{sender} to {recipient}: not refused")


def takes(client, *, to=RELAY[0], source=None, sender=FROM, recipient=CUSTOMER):
    """Is the envelope good enough for the relay to ask for the text?"""
    with client.smtp(to, source) as session:
        *_, answer = codes(session, f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
        # Nothing is sent, not even QUIT, which would be text.
        session.close()
        return answer == 354


# Mail of the network


def test_mail_of_a_network(host, smarthost, lan, tally):
    start(host, "lan-relay")
    clients_deliver(host, smarthost, lan)
    assert host.sh("mail-relay status").code == 0
    # While an smtpd waits for the next client.
    host.sh("mail-relay doctor")
    assert "delivered" in host.sh("mail-relay test --subject tested ops@acme.example").out.lower()
    assert host.warnings() == []
    assert host.exposed() == {}

    sent = len(smarthost.mails())
    attempts = Attempts(NAME)
    for to in RELAY:
        attempts.envelopes(lambda: greeted(lan.stranger, to))
        attempts.commands(lambda: greeted(lan.stranger, to))
        attempts.helos(lambda: lan.stranger.smtp(to))
        attempts.pipelined(lambda said: lan.stranger.raw(said, to))
    assert_refused(attempts, host, smarthost, sent)
    tally("attempts to relay, refused", len(attempts.answers))
    routes_lead_nowhere(smarthost, lan, tally)


def clients_deliver(host, smarthost, lan):
    lan.app.send(
        "shop@acme.example", CUSTOMER,
        f"Received: from till (till.lan [10.66.0.99]) by app.lan.example; Sat, 1 Jan 2000 00:00:00 +0000\n"
        f"From: Shop <shop@acme.example>\nTo: {CUSTOMER}\nSubject: an order\nDate: Sat, 1 Jan 2000 00:00:00 +0000\n"
        "Message-ID: <1@app.lan.example>\n\nhi\n",
    )  # fmt: skip
    mail = assert_sent(smarthost, "an order", "shop@acme.example", CUSTOMER)
    assert (mail["Date"], mail["Message-ID"]) == ("Sat, 01 Jan 2000 00:00:00 +0000", "<1@app.lan.example>")

    # As curl, nc and half of all scripts do it: names without a domain, no From, Date or Message-ID.
    lan.script.send("root", "root", "Subject: from a script\n\nout\n", RELAY[1])
    mail = assert_sent(smarthost, "from a script", FROM, ROOT)
    assert mail["Message-ID"].endswith(f"@{NAME}>") and mail["Date"].datetime.year > 2000

    for sender, becomes in (("printer@printer.lan", "scanner@acme.example"), ("floor2@scanner.lan", "scans@acme.example")):
        lan.script.send(sender, CUSTOMER, f"From: {sender}\nTo: {CUSTOMER}\nSubject: of {sender}\n\npage 1\n")
        assert_sent(smarthost, f"of {sender}", becomes, CUSTOMER)

    lan.app.send("", CUSTOMER, f"From: shop@acme.example\nTo: {CUSTOMER}\nSubject: a bounce\n\nhi\n", RELAY[1])
    assert smarthost.wait_for("a bounce").envelope_from == ""

    host.deliver("of the host itself")
    assert_sent(smarthost, "of the host itself", FROM, ROOT)
    lan.itself.send("www-data", CUSTOMER, "Subject: of a program of the host\n\nhi\n", "::1")
    assert_sent(smarthost, "of a program of the host", FROM, CUSTOMER)


def assert_sent(smarthost, subject, sender, recipient):
    mail = smarthost.wait_for(subject)
    assert (mail.envelope_from, mail.envelope_to) == (sender, [recipient])
    assert mail["From"].addresses[0].addr_spec == sender
    assert (mail.user, mail.tls) == (smarthost.user, "TLSv1.3")
    assert mail["Received"] is None
    assert "lan.example (" not in mail.raw and "10.66." not in mail.raw and "fd00:66:" not in mail.raw
    return mail


def routes_lead_nowhere(smarthost, lan, tally):
    """A client may send to whom it likes, but what looks like a local name is one, whatever stands in it. Two forms are mere
    spellings of the address behind them: a source route, which RFC 5321 has a server ignore, and a whole address in quotes."""
    routed = [route for route in Attempts(NAME).named(ROUTED) if not route.startswith("@") and route != f'"{VICTIM}"']
    elsewhere = [mail.envelope_to for mail in routed_mail(lan.app, smarthost, routed) if mail.envelope_to != [ROOT]]
    assert elsewhere == []
    tally("routes in local names, not followed", len(routed))


def routed_mail(client, smarthost, routes):
    """What arrives of one message by each route; some are refused."""
    taken = []
    for some in batches(routes, 8):
        with greeted(client) as session:
            for route in some:
                session.docmd("MAIL", "FROM:<shop@acme.example>")
                if session.docmd("RCPT", f"TO:<{route}>")[0] < 400:
                    session.docmd("DATA")
                    assert message(session, f"by way of {route}")[0] == 250
                    taken.append(f"by way of {route}")
                session.docmd("RSET")
    assert taken
    return [smarthost.wait_for(subject) for subject in taken]


# Whom and what it refuses


def test_whom_a_relay_refuses(host, smarthost, lan, tally):
    for number in (66, 67, 129, 200, 31, 32, 33, 34):
        lan.address(lan.app, number)
    start(host, "lan-relay-access")
    used = host.sh("postconf -n").out
    for table in ("cidr:/etc/postfix/client_access", "/etc/postfix/sender_access", "/etc/postfix/recipient_access"):
        assert table in used
    clients_are_refused(lan)
    senders_are_refused(host, smarthost, lan)
    names_are_refused(lan)
    assert host.warnings() == []
    recipients_are_refused(smarthost, lan)
    a_port_takes_small_messages_only(lan)

    # An entry that permits is an exception from a wider one, and makes nobody a trusted client.
    sent = len(smarthost.mails())
    attempts = Attempts(NAME)
    for to in RELAY:
        attempts.envelopes(lambda: greeted(lan.stranger, to))
    assert_refused(attempts, host, smarthost, sent)
    tally("attempts to relay, refused", len(attempts.answers))

    host.install("lan-relay-limits")
    limits_bind_clients(host, lan)


def clients_are_refused(lan):
    app = lan.app
    assert refusal(app, source="10.66.0.66") == (554, "5.7.1 <unknown[10.66.0.66]>: Client host rejected: Broken scanner")
    code, words = refusal(app, source="10.66.0.67")
    assert (code, words[:5]) == (450, "4.7.1") and words.endswith("Come back after the maintenance")
    code, words = refusal(app, source="10.66.0.129")
    assert (code, words) == (554, "5.7.1 <unknown[10.66.0.129]>: Client host rejected: Access denied")
    assert takes(app, source="10.66.0.200")
    assert takes(app) and takes(app, to=RELAY[1])


def senders_are_refused(host, smarthost, lan):
    for client in (lan.app, lan.script):
        code, words = refusal(client, "spam@acme.example")
        assert (code, words) == (554, "5.7.1 <spam@acme.example>: Sender address rejected: Access denied")
        code, words = refusal(client, "who@bad.example")
        assert (code, words) == (554, "5.7.1 <who@bad.example>: Sender address rejected: No mail from here")
    # The allow-list: of the rest nobody but the null sender, and none of it for the host itself.
    for stranger in ("who@other.example", "who@acme.example.stranger.example", "acme.example@stranger.example", "root@localhost"):
        code, words = refusal(lan.app, stranger)
        assert code == 554 and "Sender address rejected" in words, stranger
    for sender in ("app@other.example", "APP@OTHER.EXAMPLE", "who@acme.example", "who@sub.acme.example", ""):
        assert takes(lan.app, sender=sender), sender
    assert takes(lan.itself, to="127.0.0.1", sender="who@elsewhere.example")
    host.deliver("of the host itself")

    lan.app.send("gone@acme.example", CUSTOMER, "Subject: thrown away\n\nx\n")
    lan.app.send("list@hold.acme.example", CUSTOMER, "Subject: held\n\nx\n")
    [held] = host.queue()
    assert (held["queue_name"], held["sender"]) == ("hold", "list@hold.acme.example")
    host.sh("postsuper -H ALL && postqueue -f")
    assert smarthost.wait_for("held").envelope_to == [CUSTOMER]
    assert "thrown away" not in [mail["Subject"] for mail in smarthost.mails()]


def a_port_takes_small_messages_only(lan):
    for port, code in (25, 250), (2525, 552):
        with lan.app.smtp(port=port) as session:
            session.ehlo()
            assert session.docmd("MAIL", "FROM:<app@acme.example> SIZE=30000")[0] == code
    with lan.app.smtp(port=2525) as session, pytest.raises(smtplib.SMTPDataError, match="552"):
        session.helo()  # and does not say how much comes
        session.sendmail("app@acme.example", [CUSTOMER], "Subject: large\r\n\r\n" + "x\r\n" * 10000)


def recipients_are_refused(smarthost, lan):
    for recipient in ("who@competitor.example", "WHO@Competitor.Example", "who@sub.competitor.example"):
        code, words = refusal(lan.app, recipient=recipient)
        assert (code, words.partition(": ")[2]) == (554, "Recipient address rejected: Not to them"), recipient
    assert takes(lan.app, recipient="jane@competitor.example")
    # No way round: neither to them, nor taken for them.
    routes = [route.replace("customer.example", "competitor.example") for route in Attempts(NAME).named(ROUTED)]
    for mail in routed_mail(lan.app, smarthost, routes):
        assert mail.envelope_to == [ROOT]


def names_are_refused(lan):
    code, words = refusal(lan.app, ehlo="app")
    assert code == 504 and "need fully-qualified hostname" in words
    code, words = refusal(lan.app, ehlo="-app-.example")
    assert code == 501 and "Helo command rejected: Invalid name" in words
    assert takes(lan.app)


def limits_bind_clients(host, lan):
    """Each limit, of a client that has met no other; the host itself has none."""

    def many(client, count, to, source, *commands):
        with greeted(client, to, source) as session:
            return [session.docmd(command)[0] for _ in range(count) for command in commands]

    one = ("RSET", f"MAIL FROM:<{FROM}>")
    assert many(lan.app, 3, RELAY[0], "10.66.0.31", *one) == [250, 250, 250, 250, 250, 450]
    assert refusal(lan.app, source="10.66.0.31")[1].startswith("4.7.1 Error: too much mail from 10.66.0.31")
    assert many(lan.itself, 4, "127.0.0.1", None, *one) == [250] * 8
    assert many(lan.itself, 4, "::1", None, *one) == [250] * 8

    recipients = f"MAIL FROM:<{FROM}>", *[f"RCPT TO:<{name}@customer.example>" for name in "abcd"]
    assert many(lan.app, 1, RELAY[0], "10.66.0.32", *recipients) == [250, 250, 250, 250, 450]
    assert many(lan.itself, 1, "127.0.0.1", None, *recipients) == [250] * 5

    def connect(client, count, to, source):
        for _ in range(count):
            client.smtp(to, source).quit()

    connect(lan.app, 5, RELAY[0], "10.66.0.33")
    with pytest.raises(smtplib.SMTPConnectError, match="421.*too many connections"):
        connect(lan.app, 1, RELAY[0], "10.66.0.33")
    connect(lan.itself, 8, "127.0.0.1", None)

    def at_once(client, count, to, source):
        sessions = []
        try:
            for _ in range(count):
                sessions.append(client.smtp(to, source))
        finally:
            for session in sessions:
                session.quit()

    at_once(lan.app, 2, RELAY[0], "10.66.0.34")
    with pytest.raises(smtplib.SMTPConnectError, match="421.*too many connections"):
        at_once(lan.app, 3, RELAY[0], "10.66.0.34")
    at_once(lan.itself, 5, "127.0.0.1", None)
    host.deliver("of a host without limits")


# TLS for clients


def test_tls_for_clients(host, smarthost, lan, tally):
    certify(host)
    start(host, "lan-relay-tls")
    for to in RELAY:
        with secure(lan.app, smarthost, to) as session:
            assert session.sock.version() == "TLSv1.3"
            session.sendmail(FROM, [CUSTOMER], f"Subject: over TLS to {to}\r\n\r\nx\r\n")
        mail = smarthost.wait_for(f"over TLS to {to}")
        assert mail["Received"] is None and mail.envelope_to == [CUSTOMER]
    assert takes(lan.app) and takes(lan.itself, to="127.0.0.1")
    assert host.exposed() == {}
    assert host.warnings() == []
    host.sh("mail-relay status")

    sent = len(smarthost.mails())
    attempts = Attempts(NAME)
    for to in RELAY:
        attempts.envelopes(lambda: secure(lan.stranger, smarthost, to), senders=("spammer@stranger.example", ""))
        attempts.commands(lambda: secure(lan.stranger, smarthost, to))
    assert_refused(attempts, host, smarthost, sent)
    tally("attempts to relay, refused", len(attempts.answers))

    host.install("lan-relay-encrypt")
    for client in (lan.app, lan.stranger):
        with greeted(client) as session:
            code, words = session.docmd("MAIL", f"FROM:<{FROM}>")
            assert code == 530 and b"STARTTLS" in words
    with secure(lan.app, smarthost) as session:
        session.sendmail(FROM, [CUSTOMER], "Subject: over TLS alone\r\n\r\nx\r\n")
    smarthost.wait_for("over TLS alone")
    host.deliver("of the host itself")
    host.sh("mail-relay test ops@acme.example")
