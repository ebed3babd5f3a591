"""A provider refuses a message and, because it takes no null sender, the bounce: nothing of that is silent."""

import json

import pytest

from lab.doctor import ask
from lab.picky import REFUSED_SENDER, Picky
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix


def lose(host, provider):
    """A message to nobody, until its bounce is gone."""
    host.sh("echo hi | mail -s 'to nobody' nobody@customer.example")
    wait_until(lambda: "MAIL FROM:<>" in provider.text().upper(), "the bounce")
    host.wait_queue_empty()


@pytest.mark.roots("debian-12", "debian-13")
def test_the_postmaster_hears_of_a_lost_message(host, smarthost):
    host.install("ses")
    host.credentials(RELAY_HOST=smarthost.name)
    host.resolver.set(smarthost.name, smarthost.sink)
    host.boot()
    with Picky(smarthost) as provider:
        assert ask(host) == []
        lose(host, provider)
        wait_until(lambda: "Postmaster Copy: Undelivered Mail" in provider.text(), "the notice")
        # From an address that the provider knows, to who gets root's mail.
        sent = provider.text()[provider.text().index("MAIL FROM:<>") :]
        assert "MAIL FROM:<noreply@acme.example>" in sent and "RCPT TO:<ops@acme.example>" in sent, sent
        check_what_is_said(host, told=1, why="the postmaster was told")


@pytest.mark.roots("debian-12")
def test_where_nobody_hears_of_it_status_and_doctor_do(relay, smarthost):
    """A smarthost of one's own of which nothing is known."""
    relay.resolver.set(smarthost.name, smarthost.sink)
    with Picky(smarthost) as provider:
        relay.sh("mail-relay metrics --textfile /run/m.prom", check=False)
        lose(relay, provider)
        check_what_is_said(relay, told=0, why="neither the sender nor the postmaster")
        figures = relay.sh("mail-relay metrics --textfile /run/m.prom && cat /run/m.prom").out
        assert "mail_relay_bounces_refused_total 1" in figures, figures


def check_what_is_said(host, told, why):
    said = json.loads(host.sh("mail-relay status --format json").out)["last_day"]
    assert (said["lost"], said["postmaster_told"]) == (1, told), said
    assert "1 lost" in host.sh("mail-relay status").out
    [one] = ask(host)
    assert (one["id"], one["severity"]) == ("bounces-refused", "warning"), one
    assert REFUSED_SENDER in one["what"] and why in one["why"], one
