"""The mail gateway: it takes mail for its domains from anybody, keeps abuse out, and hands the rest to the server behind."""

import smtplib
from contextlib import closing

import pytest

from lab.host import Host
from lab.lan import RELAY, Lan
from lab.pages import blocks, try_all
from lab.relaying import Attempts, message
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix

JANE = "jane@customer.example"
SALES = "sales@acme.example"
OPS = "ops@acme.example"
NAME = "web1.corp.example"
DOMAINS = "acme.example", "customer.example", "stranger.example", "listed.example", "spf.example", "example.com"


def begin(host):
    for domain in DOMAINS:
        host.resolver.set(domain, host.smarthost.elsewhere)
    host.boot()
    # As an administrator looks at it after the first boot.
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""


def test_a_message_comes_in(host, smarthost, lan):
    """On every distribution: in, to the server behind; the gateway's own mail, straight to where DNS says."""
    host.install("mail-gateway")
    begin(host)
    lan.stranger.send(JANE, SALES, f"From: {JANE}\nSubject: an order\n\nhi\n")
    mail = smarthost.wait_for("an order")
    assert (mail.envelope_from, mail.envelope_to, mail.user) == (JANE, [SALES], "")
    # A loop would be seen by it.
    assert "mail.stranger.example" in mail["Received"]

    with closing(lan.stranger.smtp()) as session:
        session.ehlo()
        session.docmd("MAIL", f"FROM:<{JANE}>")
        code, words = session.docmd("RCPT", "TO:<nobody@acme.example>")
        assert code == 550 and b"Access denied" in words

    mail = host.deliver("of the host itself", JANE)
    assert (mail.envelope_from, mail.envelope_to, mail.user) == ("root@acme.example", [JANE], "")
    assert "mail can leave" in host.sh("mail-relay status").out
    assert "delivered" in host.sh("mail-relay test").out
    host.sh("mail-relay doctor")
    assert host.warnings() == []
    assert host.exposed() == {}


@pytest.fixture
def gateway(root, smarthost):
    """A host of a root with the daemons, its network, and everything in force."""
    with closing(Host(f"{root}-gateway", smarthost)) as host, closing(Lan(host)) as host.lan:
        for number in (67, 68, 70, 71):
            host.lan.address(host.lan.stranger, number)
        host.before = host.packages(), host.tree("/etc")
        host.install("mail-gateway-abuse")
        host.resolver.set("67.0.77.10.bl.example", "127.0.0.2")
        host.resolver.set("68.0.77.10.bl.example", "127.0.0.99")
        host.resolver.set("listed.example.names.example", "127.0.0.2")
        host.resolver.text("spf.example", "v=spf1 ip4:192.0.2.1 -all")
        begin(host)
        yield host


@pytest.mark.roots("debian-12", "debian-13")
@pytest.mark.long
def test_what_a_gateway_keeps_out(gateway, smarthost, tally):
    lan = gateway.lan
    who_comes_again_is_heard(gateway, smarthost, lan)
    strangers_are_refused(lan)
    content_is_refused(smarthost, lan)
    aliases_lead_on(gateway, smarthost, lan)
    the_page_is_right(gateway, smarthost, lan)
    # Postfix warns of the loop.
    assert [line for line in gateway.warnings() if "hopcount exceeded" not in line] == []
    assert gateway.exposed() == {}
    sent = len(smarthost.mails())
    nothing_is_relayed(lan, tally)
    smarthost.wait_for("still there")
    gateway.wait_queue_empty()
    assert len(smarthost.mails()) == sent + 1
    it_leaves_no_trace(gateway)


def refusal(client, sender=JANE, recipient=SALES, source=None, ehlo=None):
    """The code and the words by which a message is refused before its text, or (0, "")."""
    with client.smtp(source=source) as session:
        for command in (f"EHLO {ehlo or client.name}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
            code, words = session.docmd(command)
            if code >= 400:
                return code, words.decode()
    return 0, ""


def persist(client, sender, recipient, text):
    """Send as a mail server does, which comes again."""

    def taken():
        try:
            client.send(sender, recipient, text)
        except smtplib.SMTPRecipientsRefused as refused:
            assert refused.recipients[recipient][0] == 450
            return False
        return True

    wait_until(taken, f"{recipient}: a message that is taken")


def who_comes_again_is_heard(gateway, smarthost, lan):
    wait_until(lambda: gateway.sh("systemctl is-active postgrey", check=False).out.strip() == "active", "postgrey")
    code, words = refusal(lan.stranger)
    assert code == 450 and "Come back in 1 seconds" in words
    persist(lan.stranger, JANE, SALES, f"From: {JANE}\nSubject: came again\n\nhi\n")
    mail = smarthost.wait_for("came again")
    assert mail["X-Greylist"] and "none" in mail["Received-SPF"].lower()
    assert refusal(lan.stranger, "new@customer.example", source="10.77.0.70") == (0, "")
    # A trusted host is not asked, nor is who writes to the postmaster.
    assert refusal(lan.app, "shop@acme.example", JANE) == (0, "")
    for address in ("postmaster@acme.example", f"postmaster@{NAME}", f"abuse@{NAME}", "postmaster"):
        assert refusal(lan.stranger, recipient=address, source="10.77.0.67") == (0, ""), address


def strangers_are_refused(lan):
    stranger = lan.stranger
    code, words = refusal(stranger, source="10.77.0.67")
    assert code == 554 and "blocked using bl.example; see https://acme.example/blocked" in words
    # Its answer is none of those that count.
    assert refusal(stranger, source="10.77.0.68")[0] in (0, 450)
    code, words = refusal(stranger, "who@listed.example")
    assert code == 554 and "blocked using names.example" in words
    code, words = refusal(stranger, "boss@spf.example")
    assert code == 550 and "SPF fail" in words
    assert refusal(stranger, source="10.77.0.71") == (554, "5.7.1 <unknown[10.77.0.71]>: Client host rejected: Broken scanner")
    assert refusal(stranger, recipient="closed@acme.example")[0] == 554
    assert refusal(stranger, recipient="who@acme.example")[0] == 550
    assert refusal(stranger, recipient="who@lists.example")[0] == 550
    assert refusal(stranger, recipient=JANE)[0] == 554
    assert refusal(stranger, "who@nowhere.invalid")[0] == 450
    assert refusal(stranger, "who@nowhere")[0] == 504
    assert refusal(stranger, ehlo="bad_name!")[0] == 501
    with stranger.smtp() as session:
        session.ehlo()
        assert session.docmd("VRFY", SALES)[0] == 502


def content_is_refused(smarthost, lan):
    def answer(text):
        with closing(lan.stranger.smtp(source="10.77.0.70")) as session:
            session.ehlo()
            for command in (f"MAIL FROM:<{JANE}>", f"RCPT TO:<{SALES}>", "DATA"):
                assert session.docmd(command)[0] < 400
            session.send(text.replace("\n", "\r\n") + "\r\n.\r\n")
            code, words = session.getreply()
            return code, words.decode()

    parts = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n{}\n\nhi\n--x--"
    for text, words in (
        ("Subject: you won the lottery\n\nhi", "no lotteries here"),
        ("Subject: fine\n\nhi\nbuy now", "no shouting"),
        (parts.format('Content-Type: application/x; name="a.exe"'), "no programs here"),
        (parts.format("Content-Type: message/rfc822\n\nSubject: what is within"), "nothing within"),
        ("".join(f"Received: by h{n}.example\n" for n in range(21)) + "Subject: a loop\n\nhi", "too many hops"),
    ):
        code, said = answer(text)
        assert code in (550, 554) and words in said, (text, said)
    assert answer(f"From: {JANE}\nX-Old: value\nX-Hop: secret\nSubject: with other headers\n\nhi")[0] == 250
    mail = smarthost.wait_for("with other headers")
    assert (mail["X-New"], mail["X-Old"], mail["X-Hop"]) == ("value", None, None)
    # One message in another's text, by a line end that only some servers take for one (SMTP smuggling).
    with closing(lan.stranger.smtp(source="10.77.0.70")) as session:
        session.ehlo()
        for command in (f"MAIL FROM:<{JANE}>", f"RCPT TO:<{SALES}>", "DATA"):
            session.docmd(command)
        session.send(b"Subject: one message\r\n\r\nx\n.\r\nMAIL FROM:<x@y.example>\r\nx\r\n.\r\n")
        assert session.getreply()[0] == 250
    assert "MAIL FROM:<x@y.example>" in smarthost.wait_for("one message").body


def aliases_lead_on(gateway, smarthost, lan):
    for subject, recipient, arrives in (
        ("to a list", "info@lists.example", [SALES, JANE]),
        ("to all of a domain", "anybody@old.example", [SALES]),
    ):
        persist(lan.stranger, JANE, recipient, f"From: {JANE}\nSubject: {subject}\n\nhi\n")
        found = wait_until(lambda: arrived(smarthost, subject, arrives), subject)
        assert sorted(found) == sorted(arrives)
    # What cannot be delivered is returned, straight to the sender's servers, and the postmaster hears of it.
    persist(lan.stranger, "jack@stranger.example", "gone@lists.example", "Subject: to nobody\n\nhi\n")
    bounce = smarthost.wait_for("Undelivered Mail Returned to Sender")
    assert (bounce.envelope_from, bounce.envelope_to) == ("", ["jack@stranger.example"])
    assert "nobody@customer.example" in bounce.raw
    notice = wait_until(lambda: [mail for mail in smarthost.mails() if "Postmaster" in str(mail["Subject"])], "a notice")
    assert notice[0].envelope_to == ["postmaster@acme.example"]
    gateway.wait_queue_empty()


def arrived(smarthost, subject, wanted):
    found = [to for mail in smarthost.mails() if mail["Subject"] == subject for to in mail.envelope_to]
    return found if len(found) >= len(wanted) else None


def nothing_is_relayed(lan, tally):
    """What is not for the gateway's domains is refused, whatever it looks like; what looks like its own is not sent elsewhere."""
    elsewhere = [
        JANE, f"{JANE}.", f'"{JANE}"', "jane%customer.example", "jane%customer.example@acme.example", "customer.example!jane@acme.example",
        f"@acme.example:{JANE}", f"jane%customer.example@{NAME}", "jane@[10.99.0.8]", "root@localhost", f"root@{NAME}", "who@sub.acme.example",
    ]  # fmt: skip
    attempts = Attempts(NAME)

    def greeted():
        session = lan.stranger.smtp(source="10.77.0.70")
        session.ehlo()
        return session

    attempts.envelopes(greeted, recipients=elsewhere)
    attempts.commands(greeted)
    assert attempts.answers and attempts.accepted() == []
    tally("attempts to relay, refused", len(attempts.answers))
    with greeted() as session:
        session.docmd("MAIL", f"FROM:<{JANE}>")
        session.docmd("RCPT", f"TO:<{SALES}>")
        session.docmd("DATA")
        assert message(session, "still there")[0] == 250


def the_page_is_right(gateway, smarthost, lan):
    """The commands of docs/mail-gateway.md; only the address is the lab's own."""
    [on_the_gateway, from_anywhere, to_anywhere] = [text.replace("gateway.acme.example", RELAY[0]) for text in blocks("mail-gateway.md")]
    assert f"\n{SALES}, {JANE}\n" in gateway.sh(on_the_gateway).out

    def taken():
        done = gateway.elsewhere(lan.stranger.netns, from_anywhere, check=False)
        assert done.code == 0 or "450 4.2.0" in done.out, done
        return done.code == 0

    wait_until(taken, "a message by swaks that is taken")
    wait_until(lambda: [mail for mail in smarthost.mails() if mail.envelope_from == "you@example.com"], "the mail by swaks")
    refused = gateway.elsewhere(lan.stranger.netns, to_anywhere, check=False)
    assert refused.code != 0 and "554 5.7.1" in refused.out and "Relay access denied" in refused.out
    try_all(gateway, "mail-gateway.md", {})
    indexed = "$(postconf -h default_database_type):/etc/postfix"
    assert "check_policy_service" in gateway.sh("postconf -n smtpd_recipient_restrictions").out
    assert gateway.sh(f"postmap -q info@lists.example {indexed}/virtual").out == f"{SALES}, {JANE}\n"
    assert gateway.sh(f"postmap -q {SALES} {indexed}/relay_recipients").out == "OK\n"
    assert gateway.sh("postconf -h relay_domains virtual_alias_domains").out == "acme.example\nlists.example, old.example\n"
    assert "status=sent" in gateway.sh("journalctl -t postfix/relay/smtp").out
    assert "action=greylist" in gateway.sh("journalctl -u postgrey").out
    of_the_spec = gateway.sh("mail-relay show-config").out.partition("# the spec\n")[2].partition("\n#")[0]
    assert "relay_domains = " in of_the_spec and "smtpd_recipient_restrictions = " in of_the_spec


def it_leaves_no_trace(gateway):
    name = gateway.package_name()
    gateway.sh(f"apt-get purge -y {name}")
    before, tree = gateway.before
    gateway.sh(f"apt-get autoremove -y --purge {' '.join(sorted(gateway.packages() - before))}")
    assert gateway.packages() == before
    changed = set(gateway.tree("/etc")) ^ set(tree)
    assert not [line for line in changed if "postfix" in line or "mail-relay" in line or "postgrey" in line or "policyd" in line]
