"""Applications that speak SMTP to localhost: relayed without AUTH, and from the host itself only."""

import pytest

from lab.shell import run

FROM = "noreply@acme.example"

pytestmark = pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5", "pacman-7")

# Each sends as an address of the application's, which is nobody's outside, to a customer.
CLIENTS = {
    "swaks": "swaks --server localhost --from app@web1.corp.example --to jane@customer.example --header 'Subject: by swaks'",
    "msmtp": "printf 'Subject: by msmtp\\nFrom: app@web1.corp.example\\nTo: jane@customer.example\\n\\nhi\\n'"
    " | msmtp --host=localhost --port=25 --auth=off --tls=off --from=app@web1.corp.example jane@customer.example",
    "smtplib": """python3 -c '
import smtplib
text = "Subject: by smtplib\\nFrom: App <app@web1.corp.example>\\nTo: jane@customer.example\\n\\nhi\\n"
with smtplib.SMTP("127.0.0.1", 25) as client:
    client.sendmail("app@web1.corp.example", ["jane@customer.example"], text)
with smtplib.SMTP("::1", 25) as client:
    client.sendmail("app@web1.corp.example", ["jane@customer.example"], text.replace("by smtplib", "by smtplib over IPv6"))
'""",
}


def test_clients_on_the_host_and_nobody_else(server, smarthost):
    """As another user than root, without a word of AUTH or TLS."""
    for command in CLIENTS.values():
        server.sh('exec setpriv --reuid=daemon --regid=daemon --clear-groups sh -c "$(cat)"', input=command)
    for subject in ("by swaks", "by msmtp", "by smtplib", "by smtplib over IPv6"):
        mail = smarthost.wait_for(subject)
        assert mail.envelope_from == FROM
        assert mail["From"].addresses[0].addr_spec == FROM
        assert mail.envelope_to == ["jane@customer.example"]
        assert (mail.user, mail.tls) == (smarthost.user, "TLSv1.3")
    assert server.warnings() == []

    # From another network namespace, on the same network.
    probe = f"import socket; socket.create_connection(('{server.address}', 25), timeout=10)"
    elsewhere = ["nsenter", f"--net=/run/netns/{smarthost.network.hub}", "python3", "-c", probe]
    assert "ConnectionRefusedError" in run(elsewhere, check=False).err
