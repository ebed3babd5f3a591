"""What the pages of docs/ tell a person to type, for relays without mailboxes; those of the others are tried in their own scenarios."""

import re

import pytest
from lab.lan import RELAY
from lab.pages import blocks, try_all
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix


@pytest.mark.roots("debian-12")
def test_how_to_try_a_relay(network_server, smarthost):
    """A LAN relay is all that a null client is: the commands of both pages work on it. Only the addresses are the lab's own."""
    host, lan = network_server, network_server.lan
    [on_the_relay, from_a_client, from_elsewhere] = blocks("lan-relay.md")
    [on_a_host] = blocks("null-client.md")

    looked = host.sh(on_the_relay).out
    assert "127.0.0.1:25 " in looked and f"{RELAY[0]}:25 " in looked
    host.sh(on_a_host)
    name = host.sh("hostname").out.strip()
    assert smarthost.wait_for(f"from {name}").envelope_to == ["you@example.com"]
    smarthost.wait_for("by sendmail")

    swaks = from_a_client.replace("192.168.1.5", RELAY[0])
    host.elsewhere(lan.app.netns, swaks)

    def by_swaks():
        return [mail for mail in smarthost.mails() if mail.envelope_from == "shop@acme.example"]

    [mail] = wait_until(by_swaks, "the mail by swaks")
    assert mail.envelope_to == ["you@example.com"]

    refused = host.elsewhere(lan.stranger.netns, from_elsewhere.replace("192.168.1.5", RELAY[0]), check=False)
    assert refused.code != 0
    assert re.search("554 5.7.1 .*Client host rejected: Access denied", refused.out)

    here = {"192.168.1.66": "10.66.0.66", "192.168.1.5": RELAY[0]}
    # There is no Dovecot here, as the doctor says, too.
    try_all(host, "lan-relay.md", here, but=("dovecot", "private/auth", "mail-relay doctor"))
    try_all(host, "accounts.md", {})
