"""What the pages of docs/ tell a person to type, typed as it stands there."""

import re

import pytest
from lab.lan import RELAY
from lab.shell import REPOSITORY, run, wait_until


def commands(page):
    """The shell blocks of a page, each stopping at a command that fails."""
    text = (REPOSITORY / "docs" / page).read_text()
    return [f"set -e\n{block}" for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)]


@pytest.mark.roots("debian-12")
def test_how_to_try_a_relay(network_server, smarthost):
    """A LAN relay is all that a null client is: the commands of both pages work on it. Only the address is the lab's own."""
    host, lan = network_server, network_server.lan
    [on_the_relay, from_a_client, from_elsewhere] = commands("lan-relay.md")
    [on_a_host] = commands("null-client.md")

    # The root is smaller than a server's installation, and has no ss: this machine's looks there.
    sockets = re.search("^ss .*", on_the_relay, re.M)[0]
    host.sh(on_the_relay.replace(sockets, ""))
    looked = run(["nsenter", f"--net=/run/netns/{host.netns}", "/bin/sh", "-c", sockets]).out
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
