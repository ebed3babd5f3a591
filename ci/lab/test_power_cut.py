"""The power goes at any step of apply: the host boots, and mail leaves."""

import pytest

from lab import roots
from lab.host import RELAY_ENV, Host
from lab.kills import Victim, tree
from lab.shell import ALL, sample
from lab.steps import Disk
from conftest import LAST_WORDS
from test_kills import HAND_MADE


def shape(state):
    """What a boot meets: the live files, and which folders of the state are whole."""
    marks = ("var/lib/mail-relay/applied/complete", "var/lib/mail-relay/next/complete", "var/lib/mail-relay/previous/complete")
    return tuple(sorted(i for i in state.items() if i[0].startswith("etc/postfix/") or i[0] in marks))


@pytest.mark.long
@pytest.mark.roots("debian-12")
def test_boot_after_a_power_cut(root, installation, smarthost, tally):
    """A first apply over a hand-made relay whose smarthost is gone: whatever was on the disk, mail leaves by the new one."""
    disk = Disk([installation, roots.path(root)])
    try:
        env = f"RELAY_USERNAME='{smarthost.user}'\nRELAY_PASSWORD='{smarthost.password}'\n"
        hand_made = disk.after(f"mail-relay purge; {HAND_MADE}").after("true", {RELAY_ENV: env})
        victim = Victim(hand_made, "mail-relay apply")
        shapes = {}
        for number, layer in victim.states.values():
            with hand_made.on(layer).copy() as copy:
                shapes.setdefault(shape(tree(copy.root)), (number, layer))
        every = list(victim.states.values()) if ALL else sample(list(shapes.values()), 6)
        for number, layer in every:
            host = Host(root, smarthost, [layer, *hand_made.layers[:-1]])
            try:
                subject = f"power cut at step {number} {' '.join(victim.steps[number - 1])}"
                host.boot()
                host.deliver(subject)
                assert host.warnings() == [], subject
                assert "nothing to change" in host.sh("mail-relay apply").out, subject
                tally("boots after a power cut")
            except AssertionError as failed:
                raise AssertionError(f"{subject}: {failed}\n{host.sh(LAST_WORDS, check=False)}") from None
            finally:
                host.close()
    finally:
        disk.close()
