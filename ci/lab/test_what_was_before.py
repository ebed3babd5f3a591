"""Installed over a relay that somebody made by hand: what it did and does no longer is named, and its account is offered."""

import json

import pytest

from lab.doctor import ask, settle
from lab.host import RELAY_ENV

MAIN_CF = """\
compatibility_level = 2
myhostname = web1.corp.example
mydestination = $myhostname, web1, localhost.corp.example, localhost, shop.example
mynetworks = 127.0.0.0/8 192.168.50.0/24
relayhost = [smtp.lab.example]:587
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = encrypt
alias_maps = hash:/etc/aliases
virtual_alias_domains = lists.corp.example
virtual_alias_maps = hash:/etc/postfix/virtual
"""
ALIASES = """\
postmaster: root
root: ops@acme.example
dev: dev@acme.example,
  other@acme.example
rt: "|/usr/bin/rt-mailgate --token=MaRkEr"
log: /var/log/mails
team: :include:/etc/team
webmaster: postmaster
joe: jane
"""
# What users had for their programs, and what a content filter gives back.
SERVICES = """\
smtps inet n - y - - smtpd
127.0.0.1:10025 inet n - y - - smtpd
"""
LOST = {
    "dev": "dev@acme.example, other@acme.example",
    "rt": "the program /usr/bin/rt-mailgate",
    "log": "the file /var/log/mails",
    "team": "the list /etc/team",
    "joe": "the local user jane",
    "shop.example": "was delivered on this host",
    "submissions": "listened for mail of users",
    "mynetworks": "was 192.168.50.0/24",
    "virtual_alias_domains": "was lists.corp.example",
    "virtual_alias_maps": "was hash:/etc/postfix/virtual",
}


@pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5")
@pytest.mark.on_postfix
def test_over_a_relay_made_by_hand(host, smarthost):
    host.write("/etc/postfix/main.cf", MAIN_CF)
    host.write("/etc/postfix/master.cf", host.read("/etc/postfix/master.cf") + SERVICES)
    host.write("/etc/aliases", ALIASES)
    host.write("/etc/postfix/virtual", "team@lists.corp.example dev@acme.example\n")
    host.write("/etc/postfix/sasl_passwd", f"[smtp.lab.example]:587 {smarthost.user}:{smarthost.password}\n", 0o600)
    host.boot()
    host.sh("newaliases; cd /etc/postfix; postmap virtual sasl_passwd; true")
    said = host.install()
    text = said.out + said.err
    for name, words in LOST.items():
        assert f"{name} " in text and words in text, (name, text)
    for name in ("postmaster", "webmaster", "mail to root"):
        assert f"of before: mail to {name} " not in text and f"of before: {name} " not in text, text
    assert "'mail-relay adopt' takes it over" in text
    assert smarthost.password not in text and "MaRkEr" not in text

    told = {one["id"]: one for one in ask(host)}
    assert set(told) == {"account-unused", "settings-of-before", "credentials-missing"}, told
    assert all(name in told["settings-of-before"]["what"] for name in LOST), told
    assert json.loads(host.sh("mail-relay status --format json", check=False).out)["not_taken_over"] == len(LOST) + 1

    # Its account.
    adopted = host.sh("mail-relay adopt")
    assert smarthost.password not in adopted.out + adopted.err
    settle(host)
    assert host.sh(f"stat -c %a {RELAY_ENV}").out.strip() == "600"
    assert host.deliver("by the old account").user == smarthost.user
    assert [one["id"] for one in ask(host)] == ["settings-of-before"]
    # Once is enough for apply.
    assert "of before" not in host.sh("mail-relay apply").out
    host.sh("mail-relay before --acknowledge")
    assert ask(host) == []
    assert "of before" not in host.sh("mail-relay status").out


@pytest.mark.roots("debian-12", "pacman-7")
@pytest.mark.on_postfix
def test_over_a_relay_of_a_howto(host, smarthost):
    """One login for every server, in main.cf itself; root's mail by .forward; no alias."""
    login = f"static:{{{smarthost.user}:{smarthost.password.replace('$', '$$')}}}"
    host.write("/etc/postfix/main.cf", MAIN_CF.partition("smtp_sasl_password_maps")[0] + f"smtp_sasl_password_maps = {login}\n")
    host.write("/etc/aliases", "")
    host.write("/root/.forward", "# me\n\\root\nadmin@shop.example\n")
    host.boot()
    said = host.install()
    text = said.out + said.err
    assert "mail to root went to admin@shop.example" in text, text
    assert "'mail-relay adopt' takes it over" in text and smarthost.password not in text
    adopted = host.sh("mail-relay adopt")
    assert smarthost.password not in adopted.out + adopted.err
    settle(host)
    assert host.deliver("by the login for every server").user == smarthost.user


@pytest.mark.roots("debian-12")
def test_a_pristine_host_lost_nothing(relay):
    assert "nothing of before is missing" in relay.sh("mail-relay before").out
