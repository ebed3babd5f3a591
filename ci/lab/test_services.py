"""Single services of master.cf: taken out, changed, and one of the spec's own."""

import pytest

from lab import roots
from lab.shell import run

pytestmark = [pytest.mark.roots(*roots.EACH), pytest.mark.on_postfix]

# To the port of the service that the spec adds, from the host itself.
CLIENT = """
import smtplib
text = "Subject: by the second door\\nFrom: app@web1.corp.example\\nTo: root@web1.corp.example\\n\\nhi\\n"
with smtplib.SMTP() as client:
    print(client.connect("127.0.0.1", 10025))
    client.sendmail("app@web1.corp.example", ["root@web1.corp.example"], text)
"""


# What every relay changes or adds: TLS connections that are used again, and returned mail (src/plan/rewriting.rs).
OF_EVERY_RELAY = {"tlsproxy/unix", "bounce/unix", "defer/unix", "trace/unix", "bounce-cleanup/unix"}


def services(host):
    """Lines of master.cf by name and type, without a blank too many."""
    lines = [line.split() for line in host.sh("postconf -M").out.splitlines()]
    return {f"{words[0]}/{words[1]}": words for words in lines}


def without(services, names):
    return {name: words for name, words in services.items() if name not in names}


def assert_as_specified(host):
    now = services(host)
    assert not {"uucp/unix", "discard/unix"} & set(now)
    assert now["smtp/unix"][4] == "n"
    assert now["10025/inet"][2:8] == ["n", "-", "n", "-", "5", "smtpd"]
    for place, value in {
        "smtp/unix/smtp_helo_timeout": "60s",
        "smtp/inet/smtpd_helo_restrictions": "permit_mynetworks,reject_invalid_helo_hostname",
        "10025/inet/smtpd_banner": "$myhostname ESMTP second door",
    }.items():
        assert host.sh(f"postconf -P {place}").out.strip() == f"{place} = {value}"


def test_services_are_as_the_spec_says(host, smarthost):
    # Somebody has done without it: a change of what is not there is said, and mail does not wait for it.
    host.sh("postconf -MX lmtp/unix")
    handmade, before = host.path("/etc/postfix/master.cf").read_bytes(), services(host)
    host.boot()
    host.install("services")
    host.credentials()

    assert host.deliver("out").envelope_to == ["ops@acme.example"]
    banner = run(["nsenter", f"--net=/run/netns/{host.netns}", "python3", "-c", CLIENT]).out
    assert "ESMTP second door" in banner
    assert smarthost.wait_for("by the second door").envelope_to == ["ops@acme.example"]
    assert "postfix/second/smtpd" in host.sh("journalctl --boot --no-pager").out
    assert_as_specified(host)
    changed = {"uucp/unix", "discard/unix", "smtp/unix", "smtp/inet", "10025/inet", *OF_EVERY_RELAY}
    assert without(services(host), changed) == without(before, changed)

    again = host.sh("mail-relay apply").text
    assert "nothing to change" in again and "no service lmtp/unix" in again, again
    # Postfix puts back what it misses when it is upgraded.
    host.upgrade_postfix()
    assert_as_specified(host)
    host.deliver("upgraded")
    host.wait_queue_empty()
    assert host.warnings() == []

    # What somebody adds by hand stays; what only the old package had done goes with it.
    host.sh("echo '# mine' >>/etc/postfix/master.cf && mail-relay apply")
    assert_as_specified(host)
    host.install("null-client-next")
    assert "# mine" in host.read("/etc/postfix/master.cf")
    assert without(services(host), OF_EVERY_RELAY) == without(before, OF_EVERY_RELAY)
    assert host.deliver("without").envelope_to == ["oncall@acme.example"]

    host.purge()
    assert host.path("/etc/postfix/master.cf").read_bytes() == handmade
