"""What strangers, local users and the texts of others cannot make a relay do, on each profile."""

import pytest

from lab.battery import battery, smuggle
from lab.lan import RELAY
from lab.lan_relay import greeted, start
from lab.mail import NAME
from lab.shell import wait_until

VICTIM = "victim@customer.example"
SALES = "sales@acme.example"
JANE = "jane@customer.example"
DOMAINS = NAME, "acme.example", "[10.66.0.5]", "localhost", "sub.acme.example"
OWN = {"postmaster", "abuse", SALES, "ops@acme.example", "postmaster@acme.example", "abuse@acme.example"}


def nothing_hides(host, smarthost, client, to, envelope, tally):
    """No message within a message arrives, and nothing is left to arrive later."""
    smarthost.empty()
    tally("hidden messages, not sent", smuggle(client, to, envelope, ("ceo@acme.example", VICTIM)))
    host.deliver("after the hidden ones", "root")
    host.wait_queue_empty()
    assert not [mail.envelope_to for mail in smarthost.mails() if mail["Subject"] == "smuggled" or VICTIM in mail.envelope_to]


def strangers_relay_nothing(host, smarthost, begin, tally, own=()):
    """Each form is refused, or was an address of the relay's own; what was taken reaches no other."""
    smarthost.empty()
    answers = battery(begin, NAME, DOMAINS)
    tally("forms of a relayed address, refused", len(answers))
    assert len(answers) > 800
    host.deliver("after the battery", "root")
    host.wait_queue_empty()
    # What the server behind refuses is returned to its sender.
    reached = {address for mail in smarthost.mails() for address in mail.envelope_to}
    assert reached <= {*own, "ops@acme.example", "spammer@stranger.example"}, reached
    if not own:
        assert [answer for answer in answers if answer[2] < 400] == []


@pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5", "pacman-7")
def test_a_gateway_and_strangers(host, smarthost, lan, tally):
    host.install("mail-gateway-listed")
    for domain in ("acme.example", "customer.example", "stranger.example"):
        host.resolver.set(domain, smarthost.elsewhere)
    host.boot()
    strangers_relay_nothing(host, smarthost, lambda: greeted(lan.stranger), tally, OWN)
    nothing_hides(host, smarthost, lan.stranger, RELAY[0], (JANE, SALES), tally)
    nothing_hides(host, smarthost, lan.app, RELAY[0], ("form@acme.example", SALES), tally)

    def answer(sender, recipient, client=lan.stranger):
        with greeted(client) as session:
            for verb, words in (("MAIL", f"FROM:<{sender}>"), ("RCPT", f"TO:<{recipient}>")):
                code, said = session.docmd(verb, words)
                if code >= 400:
                    return code, said.decode()
        return 250, ""

    # Strangers start no queue and do not reach root by the host's address.
    with greeted(lan.stranger) as session:
        assert [session.docmd(f"ETRN {name}")[0] // 100 for name in ("acme.example", "customer.example", "#relay")] == [5] * 3
    for literal in ("[10.66.0.5]", "[IPv6:fd00:66::5]"):
        assert answer(JANE, f"root@{literal}")[0] == 554
    # A domain of the relay is no sender from outside, except for hosts of the network; a subdomain may send from elsewhere.
    for sender in (SALES, "nobody.has.it@acme.example", "CEO@ACME.EXAMPLE"):
        code, said = answer(sender, SALES)
        assert code == 554 and "5.7.1" in said and "must log in" in said, (sender, code, said)
    for sender in (JANE, ""):
        assert answer(sender, SALES) == (250, "")
    assert answer(SALES, JANE, lan.app) == (250, "")


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
def test_a_lan_relay_and_strangers(host, smarthost, lan, tally):
    start(host, "lan-relay")
    strangers_relay_nothing(host, smarthost, lambda: greeted(lan.stranger), tally)
    nothing_hides(host, smarthost, lan.app, RELAY[0], ("form@acme.example", JANE), tally)


@pytest.mark.roots("debian-12", "debian-13")
def test_a_submission_server_and_strangers(mail_server, smarthost, tally):
    """Nobody sends without a login, on each port."""
    mail_server.start("submission")
    for begin in (
        lambda: greeted(mail_server.lan.stranger),
        lambda: mail_server.session(587),
        lambda: mail_server.session(465),
    ):
        strangers_relay_nothing(mail_server.host, smarthost, begin, tally)


@pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5", "pacman-7")
def test_a_null_client_and_its_local_programs(host, smarthost, lan, tally):
    """Only the host itself reaches it; a web form's text holds no second message; a local user cannot forge the log."""
    start(host, "null-client")
    assert not [to for to in RELAY if lan.stranger.reaches(to, 25) or lan.app.reaches(to, 25)]
    nothing_hides(host, smarthost, lan.itself, "127.0.0.1", ("form@acme.example", JANE), tally)
    nothing_is_forged(host, smarthost)


def nothing_is_forged(host, smarthost):
    """Lines that any user can write with logger(1), and a recipient that looks like a delivery."""
    sent = "to=<root>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 forged)"
    forge = "setpriv --reuid 65534 --regid 65534 --clear-groups logger -p mail.info -t"
    figures = "mail-relay metrics --textfile /run/lab.prom && sed -n 's/^mail_relay_deliveries_total{result=\"delivered\"} //p' /run/lab.prom"
    before = int(host.sh(figures).out)
    host.deliver("counted")
    host.wait_queue_empty()
    assert int(host.sh(figures).out) == before + 1
    host.resolver.set(smarthost.name, smarthost.down)
    host.sh(f"for i in 1 2 3 4 5; do {forge} 'postfix/smtp[99]' 'ABC123: {sent}'; done")
    host.sh("""printf 'Subject: x\\n\\nx\\n' | sendmail -i '"a, dsn=2.0.0, status=sent (250 "@nowhere.example'""")
    wait_until(lambda: "status=deferred" in host.sh("journalctl -b -o cat").out, "the first attempt")
    wait_until(lambda: "forged" in host.sh("journalctl -b -o cat").out, "the lines of nobody")
    assert int(host.sh(figures).out) == before + 1
    assert "forged" not in host.sh("mail-relay status", check=False).out
    # A message of `test`, with the queue ID that it has. It is deferred at once, so this comes in time only now and then.
    tested = host.sh(
        f"""
        for n in $(seq 100); do
            line=$(journalctl -b -o cat -t postfix/cleanup | grep mail-relay-test | tail -n 1)
            [ -z "$line" ] || {forge} 'postfix/smtp[9]' "${{line%%:*}}: {sent}"
            [ -z "$line" ] || {forge} 'postfix/qmgr[9]' "${{line%%:*}}: removed"
            sleep 0.1
        done &
        forger=$!
        mail-relay test --timeout 8
        code=$?
        kill $forger
        exit $code""",
        check=False,
        timeout=60,
    )
    assert tested.code != 0 and "forged" not in tested.out, tested
