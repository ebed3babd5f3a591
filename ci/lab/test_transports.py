"""Mail that goes another way than by the smarthost."""

import pytest

from lab.roots import EACH
from lab.shell import wait_until
from lab.sink import Sink

pytestmark = pytest.mark.on_postfix


@pytest.mark.roots(*EACH)
def test_ways_past_the_smarthost(host, smarthost):
    for name in ("mx.partner.example", "mx.wrapped.example", "mx.unproven.example", "customer.example"):
        host.resolver.set(name, smarthost.elsewhere)
    host.resolver.set("mx.greedy.example", smarthost.sink)
    host.install("transports")
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""

    # Without credentials what goes by the smarthost waits, and nothing else.
    host.mail("by the smarthost")
    for domain in ("partner.example", "wrapped.example", "customer.example"):
        mail = host.deliver(f"to {domain}", f"jane@{domain}")
        assert (mail.envelope_from, mail.user, mail.tls) == ("noreply@acme.example", "", "TLSv1.3")
        assert mail["Received"] is None
    assert "no credentials yet" in host.wait_deferred()[0]

    with Sink(smarthost, "any-password") as greedy:
        host.credentials()
        assert smarthost.wait_for("by the smarthost").user == smarthost.user
        host.mail("to who asks for a password", "jane@office.greedy.example")
        host.wait_queue_empty()
        assert {"STARTTLS", "MAIL", "DATA"} <= greedy.verbs() and "AUTH" not in greedy.verbs()

    host.mail("to who has moved", "jane@old.example")
    bounce = smarthost.wait_for("Undelivered Mail Returned to Sender")
    assert bounce.envelope_to == ["ops@acme.example"] and bounce.user == smarthost.user
    assert "5.1.2" in bounce.raw and "this domain has moved" in bounce.raw

    # Other servers prove who they are, as the smarthost must.
    host.mail("to who proves nothing", "jane@unproven.example")
    assert host.wait_deferred() == ["Server certificate not verified"]
    assert host.warnings() == []
    host.sh("postsuper -d ALL")

    host.sh(host.os.purge.format(host.package_name("transports")))
    wait_until(lambda: "direct" not in host.sh("cat /etc/postfix/master.cf", check=False).out, "the distribution's master.cf")
    left = host.sh("ls -A /etc/postfix 2>/dev/null", check=False).out.split()
    assert not {"transport.db", "transport.lmdb", "tls_policy"} & set(left)
