"""Mail that goes straight to MX hosts, and the smarthosts next to them."""

import pytest

from lab.doctor import ask, settle
from lab.roots import EACH
from lab.sink import Sink

pytestmark = pytest.mark.on_postfix

OWN, HELO = "203.0.113.5", "relay7.acme.example"


def found(host):
    return [(one["id"], one["severity"]) for one in ask(host)]


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_straight_to_mx_hosts(host, smarthost, tally):
    resolver = host.resolver
    for name in ("mx.customer.example", "mx.acme.example", "mx.unproven.example", "mx.blog.example"):
        resolver.set(name, smarthost.elsewhere)
    resolver.set("mx.greedy.example", smarthost.sink)
    resolver.set("mx.down.example", smarthost.down)
    for domain in ("customer", "acme", "unproven", "blog", "greedy", "down"):
        resolver.mx(f"{domain}.example", f"mx.{domain}.example")
    resolver.set("blog.example", smarthost.elsewhere)
    host.install("direct")
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""

    # Without any credentials mail leaves, except that of the sender with an account.
    mail = host.deliver("to a customer", "jane@customer.example")
    assert (mail.envelope_from, mail.envelope_to, mail.user, mail.tls, mail.helo) == ("noreply@acme.example", ["jane@customer.example"], "", "TLSv1.3", HELO)
    assert host.deliver("to root").envelope_to == ["ops@acme.example"]
    assert {("account-missing", "broken"), ("credentials-partly", "warning")} <= set(found(host))
    said = host.sh("mail-relay status", check=False)
    assert "mail for the smarthost(s) blog can NOT leave" in said.out and "waits for credentials" in said.out, said.out
    host.mail("to who is down", "jane@down.example")
    assert "Connection refused" in host.wait_deferred()[0]

    # With them, the smarthost takes what MX hosts do not accept now. It is verified, although MX hosts are not.
    host.credentials()
    settle(host)
    smarthost.expect((smarthost.user.encode(), smarthost.password.encode()), (b"blog-user", b"p@ss of blog"))
    host.sh("postqueue -f")
    mail = smarthost.wait_for("to who is down")
    assert (mail.user, mail.tls) == (smarthost.user, "TLSv1.3")
    assert host.sh("postconf -xh smtp_fallback_relay").out == "[smtp.lab.example]:587\n"
    host.credentials(RELAY_BLOG_USERNAME="blog-user", RELAY_BLOG_PASSWORD="p@ss of blog")
    host.sh("mail-relay apply")
    settle(host)
    host.sh("/usr/sbin/sendmail -i -f news@blog.example jane@customer.example", input="Subject: by an account\n\nhi\n")
    mail = smarthost.wait_for("by an account")
    assert (mail.user, mail.envelope_from, mail.tls) == ("blog-user", "news@blog.example", "TLSv1.3")
    assert host.deliver("past the smarthost", "lou@customer.example").user == ""
    assert host.sh("mail-relay status").code == 0

    # An MX host that asks for a password gets none, and one that must prove its name and cannot gets no mail.
    with Sink(smarthost, "any-password") as greedy:
        host.mail("to who asks for a password", "jane@greedy.example")
        host.wait_queue_empty()
        assert {"STARTTLS", "MAIL", "DATA"} <= greedy.verbs() and "AUTH" not in greedy.verbs()
    assert host.deliver("to who proves nothing", "jane@unproven.example").user == smarthost.user
    # What an MX host rejects is returned, and the smarthost is not asked.
    host.mail("to nobody", "nobody@customer.example")
    assert smarthost.wait_for("Undelivered Mail Returned to Sender").envelope_to == ["ops@acme.example"]
    # The password goes to no server with a certificate for another name.
    resolver.set(smarthost.name, smarthost.wrong_name)
    host.mail("to who is down again", "jane@down.example")
    assert "certificate" in host.wait_deferred()[0]
    assert ("certificate-name", "warning") in found(host)
    assert host.sh("mail-relay status").code == 0
    resolver.set(smarthost.name, smarthost.good)
    host.sh("postqueue -f")
    host.wait_queue_empty()


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_what_other_servers_expect(host, smarthost, tally):
    """PTR, the name in EHLO, SPF and block lists: each fault alone, and what corrects it."""
    resolver = host.resolver
    resolver.set("mx.acme.example", smarthost.elsewhere)
    resolver.mx("acme.example", "mx.acme.example")
    host.install("direct")
    host.credentials(RELAY_BLOG_USERNAME=smarthost.user, RELAY_BLOG_PASSWORD=smarthost.password)
    host.boot()
    assert sorted(found(host)) == [("direct-no-ptr", "warning"), ("spf-missing", "warning")]
    resolver.pointer(OWN, "static-5.provider.example")
    resolver.text("acme.example", "v=spf1 ip4:198.51.100.0/24 -all")
    assert sorted(found(host)) == [("direct-ptr-differs", "warning"), ("spf-refuses", "warning")]
    resolver.set("static-5.provider.example", OWN)
    assert sorted(found(host)) == [("direct-helo", "warning"), ("spf-refuses", "warning")]
    resolver.set(HELO, OWN)
    assert found(host) == [("spf-refuses", "warning")]
    resolver.text("_spf.acme.example", "v=spf1 a:relay7.acme.example ~all")
    resolver.replace_text("acme.example", "v=spf1 ip4:198.51.100.0/24 include:_spf.acme.example -all")
    assert found(host) == []
    resolver.set("5.113.0.203.bl.lab.example", "127.0.0.2")
    [one] = ask(host)
    assert one["id"] == "direct-listed" and "bl.lab.example" in one["what"] and OWN in one["what"], one
    resolver.set("5.113.0.203.bl.lab.example", None)

    # Port 25: closed, and a server that rejects the host. The fallback still takes mail.
    resolver.set("mx.acme.example", smarthost.down)
    [one] = [one for one in ask(host) if one["id"] == "port-25-closed"]
    assert "mx.acme.example" in one["what"], one
    resolver.set("mx.acme.example", smarthost.sink)
    with Sink(smarthost, "no-thanks"):
        [one] = ask(host)
        assert one["id"] == "direct-rejected" and "on our list" in one["what"], one
    # Without `addresses` in the spec, the private address of this host proves nothing.
    resolver.set("mx.acme.example", smarthost.elsewhere)
    host.sh("sed -i '/^direct_addresses=/d' /usr/share/mail-relay/facts")
    assert found(host) == [("direct-address-unknown", "warning")]
    tally("findings of a host that sends directly", 10)
