"""Every name that a host can have: mail leaves, or the name is given as the cause; RELAY_HOSTNAME is a way out."""

import re

import pytest

from lab.doctor import ask, judge, settle
from lab.host import RELAY_ENV
from lab.shell import sample, wait_until

LONG = "a" * 64

# The system's name, what the host says in EHLO, and a part of the warning of the doctor ("" for none).
NAMES = [
    ("web1.acme.example", "web1.acme.example", ""),
    ("WEB1.ACME.EXAMPLE", "WEB1.ACME.EXAMPLE", ""),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", ""),
    ("web1.acme.example.", "web1.acme.example", ""),
    ("web1", "web1.localdomain", "not a full name"),
    ("localhost", "localhost.localdomain", "not a full name"),
    ("web_1.acme.example", "web_1.acme.example", "characters"),
    ("web1.acme.0", "web1.acme.0", "ends in a number"),
    ("web16.0", "web16.localdomain", "'web16.0'"),
    ("10", "10.localdomain", "'10'"),
    ("10.0.0.5", "10.localdomain", "'10.0.0.5'"),
    (LONG, "localhost.localdomain", LONG),
    ("b\u00fccher.example", "localhost.localdomain", "'b\u00fccher.example'"),
    ("web1..acme", "web1.localdomain", "'web1..acme'"),
    ("-web1", "localhost.localdomain", "'-web1'"),
    ("...", "localhost.localdomain", "'...'"),
    ("", "localhost.localdomain", "''"),
]


def rename(host, name):
    """As a boot or a DHCP client does."""
    host.sh("python3 -c 'import socket, sys; socket.sethostname(sys.stdin.buffer.read())'", input=name)
    assert host.sh("uname -n").out.rstrip("\n") == name


def submitted(relay, subject, recipient):
    """Some versions of mail(1) refuse odd domains."""
    relay.sh(f"sendmail -i -- '{recipient}'", input=f"Subject: {subject}\n\nhi\n")
    return relay.smarthost.wait_for(subject)


@pytest.mark.long
@pytest.mark.roots("debian-11", "debian-12", "debian-13", "debian-sid")
def test_every_name_of_a_host(relay, tally):
    for number, (name, called, warning) in enumerate(sample(NAMES, 1)):
        if name == LONG and relay.name == "debian-11":
            continue  # its SASL library: see below
        rename(relay, name)
        # The sandbox (ProtectHostname=) shows Postfix the name that the host had when it started.
        relay.sh("systemctl stop postfix && mail-relay apply && systemctl start postfix")
        mail = relay.deliver(f"from host {number}")
        assert (mail.helo, mail.envelope_from) == (called, "noreply@acme.example"), name
        told = ask(relay)
        assert [one["id"] for one in told] == (["host-name"] if warning else []), (name, told)
        assert not warning or warning in told[0]["what"], (name, told)
        if re.fullmatch("[A-Za-z0-9._-]*[A-Za-z0-9][.]?", name):
            # As its own programs write root's address.
            to_root = submitted(relay, f"to root {number}", f"root@{name}")
            assert to_root.envelope_to == ["ops@acme.example"], name
        tally("names of a host")
    # The way out, from the oddest name and while Postfix refuses the name.
    relay.sh(f"echo RELAY_HOSTNAME=web1.corp.example >>{RELAY_ENV} && mail-relay apply")
    assert ask(relay) == []
    assert relay.deliver("by another name").helo == "web1.corp.example"


@pytest.mark.roots("debian-11")
def test_a_name_that_the_sasl_library_refuses_is_named_as_the_cause(relay):
    """Cyrus SASL 2.1.27 has no room for it. Postfix's smtp ends after the greeting, and the queue shows no reason."""
    rename(relay, LONG)
    relay.sh("systemctl stop postfix && mail-relay apply && systemctl start postfix")
    relay.sh("sendmail -i root", input="Subject: too long\n\nhi\n")
    wait_until(lambda: "give the host a shorter name" in relay.sh("mail-relay status", check=False).out, "the cause in status")
    assert relay.sh("mail-relay status", check=False).code == 1
    told = ask(relay)
    assert [one["id"] for one in told] == ["host-name", "program-dies"], told
    assert "hostnamectl set-hostname NAME" in told[1]["mend"], told
    rename(relay, "web1.acme.example")
    relay.sh("mail-relay apply && systemctl restart postfix")
    relay.smarthost.wait_for("too long", timeout=90)
    told = ask(relay)
    assert told == [], told
    assert relay.sh("mail-relay status").code == 0


@pytest.mark.roots("debian-12", "debian-13")
def test_a_name_that_postfix_refuses_is_named_as_the_cause(relay):
    """Nobody has applied since."""
    for name in sample(("web16.0", "10", ""), 1):
        # The row before ended with an apply, which names the host in main.cf.
        rename(relay, "web1.corp.example")
        relay.sh("mail-relay apply")
        rename(relay, name)
        said = relay.sh("mail-relay status", check=False)
        assert said.code == 1 and f"Postfix refuses the name of this host ({name})" in said.out, said
        judge(relay, "host-name-refused")
        assert [one["id"] for one in ask(relay)] == ["host-name"]
        relay.deliver(f"again {name}")
    rename(relay, "web1.corp.example")
    relay.sh("mail-relay apply")
    assert ask(relay) == []


@pytest.mark.roots("debian-12")
def test_installed_on_a_host_with_an_odd_name(host):
    host.boot()
    host.install_postfix()
    rename(host, "web16.0")
    host.install()
    host.credentials()
    host.sh("mail-relay apply")
    settle(host)
    assert host.deliver("at first").helo == "web16.localdomain"
    assert ask(host) != []
