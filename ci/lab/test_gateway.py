"""The mail gateway: it takes mail for its domains from anybody, and hands it to the server behind."""

import pytest

from lab.lan import RELAY
from lab.relaying import Attempts

JANE = "jane@customer.example"
OPS = "ops@acme.example"


def test_a_message_comes_in(host, smarthost, lan):
    host.install("mail-gateway")
    begin(host)
    lan.stranger.send(JANE, "sales@acme.example", "Subject: an order\n\nhi\n")
    mail = smarthost.wait_for("an order")
    assert (mail.envelope_from, mail.envelope_to, mail.user) == (JANE, ["sales@acme.example"], "")
    assert host.warnings() == []


def begin(host):
    for domain in ("acme.example", "customer.example", "stranger.example"):
        host.resolver.set(domain, host.smarthost.elsewhere)
    host.boot()
    # As an administrator looks at it after the first boot.
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""
