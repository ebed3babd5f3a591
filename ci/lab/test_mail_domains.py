"""Mail domains whose mail DNS sends elsewhere: the doctor names them, and what it says helps."""

import pytest

from lab.doctor import ask, judge, settle
from lab.host import RELAY_ENV
from lab.rewriting import OPS

pytestmark = pytest.mark.on_postfix

NAME, MAILBOX = "web2.corp.example", "info@web2.corp.example"


def told(relay, finding, *words):
    """The doctor has this finding and no other, with these words in it."""
    found = ask(relay)
    assert [one["id"] for one in found] == [finding], (finding, found)
    assert all(word in found[0]["what"] for word in words), found


@pytest.mark.roots("debian-11", "debian-12", "debian-13", "rpm-dnf5", "pacman-7")
def test_what_dns_says_of_mail_domains(relay, smarthost, tally):
    resolver = relay.resolver
    # The sandbox shows Postfix the name that the host had when it started.
    relay.sh(f"hostname {NAME} && mail-relay apply")
    told(relay, "host-renamed", NAME)
    judge(relay, "host-renamed")
    assert relay.deliver("by the new name").helo == NAME
    assert ask(relay) == []

    # The name of the host is a mail domain, too: its mail goes to root's person, until the host has another name.
    resolver.mx(NAME, "mx.corp.example")
    told(relay, "host-name-mail", NAME, "mx.corp.example")
    assert relay.deliver("not for the mailbox", MAILBOX).envelope_to == [OPS]
    relay.sh(f"echo RELAY_HOSTNAME=relay7.corp.example >>{RELAY_ENV}")
    settle(relay)
    relay.sh("mail-relay apply")
    assert ask(relay) == []
    mail = relay.deliver("for the mailbox", MAILBOX)
    assert (mail.helo, mail.envelope_to) == ("relay7.corp.example", [MAILBOX])

    # The domain of the senders.
    resolver.set("acme.example", None)
    told(relay, "sender-domain", "acme.example", "does not exist")
    resolver.mx("acme.example", NAME)
    told(relay, "sender-domain-here", "acme.example", NAME)
    resolver.mx("acme.example", "mx.acme.example")
    assert ask(relay) == []
    relay.sh(f"echo RELAY_FROM=noreply@nomail.example >>{RELAY_ENV}")
    settle(relay)
    relay.sh("mail-relay apply")
    resolver.mx("nomail.example", ".")
    told(relay, "sender-domain", "nomail.example", "accepts no mail")
    tally("findings about mail domains", 5)
