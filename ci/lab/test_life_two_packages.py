"""Two teams' relay packages: the second is refused, or it replaces the first; a host never has a mixture."""

import pytest

from lab import roots
from lab.dialogue import Dialogue

pytestmark = pytest.mark.roots(*roots.EACH)

FIRST, SECOND = "acme-mail-relay", "other-mail-relay"


def assert_whole(host, name, sender):
    """One package is there, and all of the host is its own."""
    [other] = {FIRST, SECOND} - {name}
    assert {FIRST, SECOND} & host.packages() == {name}
    assert host.sh("mail-relay --version").out.split()[2] == name
    assert host.owner("/usr/share/mail-relay/facts") == name
    assert host.deliver(f"by {name}").envelope_from == sender
    for unit in ("mail-relay-apply.service", "mail-relay-apply.path", "postfix.service"):
        assert host.enabled(unit) == "enabled", unit
    host.sh("systemctl is-active mail-relay-apply.path && ! ls /etc/postfix/*.saved-* 2>/dev/null")
    assert host.sh("mail-relay apply").out == "mail-relay: nothing to change\n"
    folders = "/usr/share/mail-relay /usr/lib/systemd/system /etc/postfix /var/lib/mail-relay"
    assert host.sh(f"grep -rl {other} {folders}", check=False).out == ""


def test_one_replaces_the_other(relay):
    before = relay.tree("/etc/postfix")
    refused = relay.install("other", command=relay.os.install_low_level, check=False)
    assert refused.code != 0 and "conflict" in refused.text, refused
    assert relay.tree("/etc/postfix") == before
    assert_whole(relay, FIRST, "noreply@acme.example")

    replace(relay, "other", FIRST)
    assert_whole(relay, SECOND, "other@acme.example")
    assert relay.warnings() == []
    if relay.os.purges:
        # What the first has left as its own must not be the second's end.
        relay.sh(f"apt-get purge -y {FIRST}")
        assert_whole(relay, SECOND, "other@acme.example")
    replace(relay, "null-client", SECOND)
    assert_whole(relay, FIRST, "noreply@acme.example")
    relay.reboot()
    relay.deliver("after a boot")


def replace(host, spec, old):
    """As the family's tool does it when a person agrees."""
    dialogue = Dialogue(host, host.os.install_interactive.format(host.hand_over(spec)))
    while dialogue.expect(*host.os.questions):
        dialogue.answer("y")
    assert dialogue.end() == 0, dialogue.text
    assert old in dialogue.text
