"""Applications that speak SMTP to localhost: relayed without AUTH, and from the host itself only."""

import pytest

from lab.shell import run

FROM = "noreply@acme.example"
APP, CUSTOMER = "app@web1.corp.example", "jane@customer.example"

# Each sends as an address of the application's, which is nobody's outside, to a customer.
CLIENTS = {
    "swaks": f"swaks --server localhost --from {APP} --to {CUSTOMER} --header 'Subject: by swaks'",
    "msmtp": f"printf 'Subject: by msmtp\\nFrom: {APP}\\nTo: {CUSTOMER}\\n\\nhi\\n'"
    f" | msmtp --host=localhost --port=25 --auth=off --tls=off --from={APP} {CUSTOMER}",
}
SMTPLIB = f"""
import smtplib
for way, address in ("4", "127.0.0.1"), ("6", "::1"):
    with smtplib.SMTP(address, 25) as client:
        client.sendmail("{APP}", ["{CUSTOMER}"], f"Subject: over IPv{{way}}\\nFrom: App <{APP}>\\nTo: {CUSTOMER}\\n\\nhi\\n")
"""


@pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5", "pacman-7")
def test_programs_of_the_host(server, smarthost):
    """As another user than root, without a word of AUTH or TLS."""
    for name, command in CLIENTS.items():
        server.sh('exec setpriv --reuid=daemon --regid=daemon --clear-groups sh -c "$(cat)"', input=command)
        relayed(smarthost, f"by {name}")
    assert server.warnings() == []


def test_clients_on_the_host_and_nobody_else(idle_relay, smarthost):
    """On every distribution, by either address of localhost; and not from another network namespace on the same network."""
    python(idle_relay.netns, SMTPLIB)
    for way in "46":
        relayed(smarthost, f"over IPv{way}")
    probe = f"import socket; socket.create_connection(('{idle_relay.address}', 25), timeout=10)"
    assert "ConnectionRefusedError" in python(smarthost.network.hub, probe, check=False).err


def relayed(smarthost, subject):
    mail = smarthost.wait_for(subject)
    assert mail.envelope_from == FROM
    assert mail["From"].addresses[0].addr_spec == FROM
    assert mail.envelope_to == [CUSTOMER]
    assert (mail.user, mail.tls) == (smarthost.user, "TLSv1.3")


def python(netns, script, check=True):
    """By the lab's own Python, in a network namespace."""
    return run(["nsenter", f"--net=/run/netns/{netns}", "python3", "-c", script], check=check)
