"""Senders with smarthosts and accounts of their own."""

import json

import pytest

from lab.doctor import ask, settle
from lab.host import RELAY_ENV, env_quote
from lab.roots import EACH

pytestmark = pytest.mark.on_postfix

# The keys of each account, and a sender that uses it. That of `shop-eu` is at a server that is down.
ACCOUNTS = {"BLOG": "news@blog.example", "BILLING": "billing@acme.example", "SHOP_BACKUP": "info@shop.example", "SHOP_EU": "orders@acme.example"}


def login(key):
    return {f"RELAY_{key}_USERNAME": f"{key.lower()}-user", f"RELAY_{key}_PASSWORD": f"p@ss of {key}"}


def pairs(*keys):
    return [tuple(value.encode() for value in login(key).values()) for key in keys]


def send(host, sender, subject, to="jane@customer.example"):
    text = f"From: {sender}\nTo: {to}\nSubject: {subject}\n\nhi\n"
    host.sh(f"/usr/sbin/sendmail -i -f '{sender}' {to}", input=text)


def settings(host, *keys, **more):
    """relay.env with these accounts, and nothing else."""
    values = {name: value for key in keys for name, value in login(key).items()} | more
    host.write(RELAY_ENV, "".join(f"{name}={env_quote(value)}\n" for name, value in values.items()), 0o600)
    host.sh("mail-relay apply", check=False)
    settle(host)


def told(host):
    return json.loads(host.sh("mail-relay status --format json", check=False).out)


@pytest.mark.roots(*EACH, "debian-12", "debian-13")
def test_accounts_by_sender(host, smarthost):
    host.resolver.set("out.shop.example", smarthost.down)
    host.install("by-sender")
    host.credentials()
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""
    smarthost.expect(*pairs(*ACCOUNTS))
    usual = {"RELAY_USERNAME": smarthost.user, "RELAY_PASSWORD": smarthost.password}

    # Each waits for its own credentials, and all others leave.
    for key, sender in ACCOUNTS.items():
        send(host, sender, f"by {key}")
    mail = host.deliver("by the account of all others")
    assert (mail.user, mail.envelope_from) == (smarthost.user, "root@acme.example")
    waits = sorted(host.wait_deferred())
    assert len(waits) == 4 and all("no credentials yet: put RELAY_" in why for why in waits), waits
    assert [name for name in ("BILLING", "BLOG", "SHOP_EU") if any(f"RELAY_{name}_PASSWORD" in why for why in waits)] == ["BILLING", "BLOG", "SHOP_EU"]
    findings = ask(host)
    assert [(one["id"], one["severity"]) for one in findings] == [("account-missing", "broken")] * 3, findings
    assert "RELAY_BLOG_USERNAME and RELAY_BLOG_PASSWORD" in findings[0]["mend"]
    said = host.sh("mail-relay status", check=False)
    assert said.code == 1 and "mail for the smarthost(s) blog billing shop-eu can NOT leave" in said.out, said.out
    assert "blog/[smtp.lab.example]:587 (waits for credentials)" in said.out, said.out

    # They leave once their account is there. That of `shop-eu` is left out, as long as the other one of its list has one.
    settings(host, "BLOG", "BILLING", "SHOP_BACKUP", **usual)
    for key, account in (("BLOG", "blog"), ("BILLING", "billing"), ("SHOP_BACKUP", "shop_backup"), ("SHOP_EU", "shop_backup")):
        mail = smarthost.wait_for(f"by {key}", 60)
        assert (mail.user, mail.envelope_from, mail.tls) == (f"{account}-user", ACCOUNTS[key], "TLSv1.3")
    host.wait_queue_empty()
    [one] = ask(host)
    assert (one["id"], one["severity"]) == ("credentials-partly", "warning") and "shop-eu" in one["what"]
    assert host.sh("mail-relay status", check=False).code == 0

    # Failover stays within the list, and a password goes to no other server.
    settings(host, *ACCOUNTS, **usual)
    send(host, "orders@acme.example", "by the backup of its list")
    assert smarthost.wait_for("by the backup of its list").user == "shop_backup-user"
    [one] = ask(host)
    assert (one["id"], one["severity"]) == ("refused", "warning") and "out.shop.example" in one["what"], one
    assert set(smarthost.received()) <= {*pairs("BLOG", "BILLING", "SHOP_BACKUP"), (smarthost.user.encode(), smarthost.password.encode())}
    ways = {way["smarthost"]: way["last_result"] for way in told(host)["ways"]}
    assert ways["shop-eu/[smtp.lab.example]:2525"] == "sent", ways
    assert (ways["shop-eu/[out.shop.example]:587"], ways["[smtp.lab.example]:587"], ways["blog/[smtp.lab.example]:587"]) == ("failed", "sent", "sent")
    figures = host.sh("mail-relay metrics").out
    assert 'smarthost_reachable{smarthost="blog/[smtp.lab.example]:587"} 1' in figures
    assert 'smarthost_reachable{smarthost="shop-eu/[out.shop.example]:587"} 0' in figures

    # A bounce has no sender, and is mail of all others.
    send(host, "news@blog.example", "to who has moved", "jane@old.example")
    bounce = smarthost.wait_for("Undelivered Mail Returned to Sender")
    assert (bounce.envelope_from, bounce.envelope_to, bounce.user) == ("", ["news@blog.example"], smarthost.user)

    # New credentials of one account are tried at its server.
    settings(host, *ACCOUNTS, **usual, RELAY_BLOG_PASSWORD="wrong", RELAY_VERIFY="yes")
    assert told(host)["configuration"]["in_step"] is False
    [one] = [one for one in ask(host) if one["severity"] == "broken"]
    assert one["id"] == "credentials-refused" and "blog/[smtp.lab.example]:587" in one["what"] and "RELAY_BLOG_PASSWORD" in one["mend"], one
    send(host, "news@blog.example", "by the old password")
    assert smarthost.wait_for("by the old password").user == "blog-user"

    # What is wrong with one account keeps no other mail here.
    settings(host, *ACCOUNTS, **usual, RELAY_BLOG_PASSWORD="wrong")
    send(host, "news@blog.example", "by the wrong password")
    assert "authentication failed" in host.wait_deferred()[0]
    [one] = [one for one in ask(host) if one["severity"] == "broken"]
    assert one["id"] == "password-refused" and "mail for the smarthost blog waits" in one["why"] and "RELAY_BLOG_PASSWORD" in one["mend"], one
    assert host.deliver("beside a wrong password").user == smarthost.user

    # The account of all others may be missing, and those of single senders work.
    settings(host, *ACCOUNTS)
    assert smarthost.wait_for("by the wrong password", 60).user == "blog-user"
    host.mail("by no account yet")
    assert "put RELAY_USERNAME and RELAY_PASSWORD" in host.wait_deferred()[0]
    settings(host, *ACCOUNTS, **usual)
    assert smarthost.wait_for("by no account yet", 60).user == smarthost.user

    shown = host.sh("mail-relay show-config").out
    assert "p@ss" not in shown and "relay_way_shop_eu = smarthost-shop-eu:[out.shop.example]:587, [smtp.lab.example]:2525" in shown
    assert [line for line in host.warnings() if "SASL auth" not in line and "connect to out.shop" not in line] == []
