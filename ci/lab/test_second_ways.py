"""Several ways for mail: a second account by recipient, slow lanes, lists of servers, backends in failover, and a backup MX."""

import time

import pytest

from lab.doctor import ask, settle
from lab.roots import EACH

pytestmark = pytest.mark.on_postfix

EU = {"RELAY_EU_2_USERNAME": "eu-user", "RELAY_EU_2_PASSWORD": "p@ss of eu"}


def found(host):
    return sorted((one["id"], one["severity"]) for one in ask(host))


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_several_ways(host, smarthost, lan):
    resolver = host.resolver
    for name in ("mail1.lab.example", "out.lab.example", "mx1.two.example"):
        resolver.set(name, smarthost.down)
    for name in ("mx.slow.example", "mx2.two.example", "mx.partner.example"):
        resolver.set(name, smarthost.elsewhere)
    resolver.set("stranger.example", smarthost.elsewhere)
    resolver.set("mx2.lab.example", host.address)
    resolver.mx("partner.example", "mx.partner.example")
    resolver.mx("alone.example", "mx2.lab.example")
    host.install("second-ways")
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""
    smarthost.expect((smarthost.user.encode(), smarthost.password.encode()), (b"eu-user", b"p@ss of eu"))

    # Without credentials: what needs none leaves, and each of the rest waits for its own.
    for domain in ("two.example", "slow.example"):
        mail = host.deliver(f"to {domain}", f"jane@{domain}")
        assert (mail.user, mail.tls, mail.envelope_to) == ("", "TLSv1.3", [f"jane@{domain}"])
    for domain in ("customer.example", "big.example", "other.example"):
        host.mail(f"to {domain}", f"jane@{domain}")
    waits = host.wait_deferred()
    for _ in range(20):
        waits = host.wait_deferred()
        if len(waits) == 3:
            break
        time.sleep(0.5)
    assert sorted("EU" in why for why in waits) == [False, False, True] and all("no credentials yet" in why for why in waits), waits
    said = host.sh("mail-relay status", check=False)
    assert said.code == 1 and "mail can NOT leave" in said.out, said.out

    # The account of all other mail opens its ways, and no other.
    host.credentials()
    settle(host)
    for domain in ("other.example", "big.example"):
        assert smarthost.wait_for(f"to {domain}", 60).user == smarthost.user
    assert "RELAY_EU" in host.wait_deferred()[0]
    said = host.sh("mail-relay status", check=False)
    assert said.code == 1 and "mail for the smarthost(s) eu can NOT leave" in said.out, said.out
    assert ("account-missing", "broken") in found(host)

    # The second account, by the second server of its list.
    host.credentials(RELAY_EU_USERNAME="eu-user", RELAY_EU_PASSWORD="p@ss of eu", **EU)
    settle(host)
    assert smarthost.wait_for("to customer.example", 60).user == "eu-user"
    host.wait_queue_empty()
    assert found(host) == [("next-hop-partly", "warning"), ("refused", "warning")]
    assert host.sh("mail-relay status").code == 0
    assert set(smarthost.received()) <= {(smarthost.user.encode(), smarthost.password.encode()), (b"eu-user", b"p@ss of eu")}

    # A slow lane: its service, by the same smarthost, with a pause after each message.
    begun = time.monotonic()
    for number in range(3):
        host.mail(f"slow {number}", "jane@big.example")
    for number in range(3):
        assert smarthost.wait_for(f"slow {number}").user == smarthost.user
    assert time.monotonic() - begun >= 4

    # Mail from strangers: to the backend that answers, and as a backup to a better MX host.
    lan.stranger.send("jane@stranger.example", "sales@acme.example", "From: jane@stranger.example\nSubject: to a backend\n\nhi\n")
    assert smarthost.wait_for("to a backend").envelope_to == ["sales@acme.example"]
    resolver.set("mx.partner.example", smarthost.down)
    lan.stranger.send("jane@stranger.example", "joe@partner.example", "From: jane@stranger.example\nSubject: for a backup\n\nhi\n")
    assert "Connection refused" in host.wait_deferred()[0]
    resolver.set("mx.partner.example", smarthost.elsewhere)
    host.sh("postqueue -f")
    mail = smarthost.wait_for("for a backup", 60)
    assert (mail.envelope_to, mail.user) == (["joe@partner.example"], "")
    # A domain whose only MX host is the relay itself: a mistake in DNS returns no mail.
    lan.stranger.send("jane@stranger.example", "joe@alone.example", "From: jane@stranger.example\nSubject: around and around\n\nhi\n")
    assert "loops back to myself" in host.wait_deferred()[0]
    host.sh("postsuper -d ALL")

    assert [line for line in host.warnings() if "SASL auth" not in line and "connect to" not in line] == []
