"""A person at a terminal who has prepared nothing: few questions, none of them ours, and the relay works."""

import pytest

from lab.dialogue import Dialogue

# What Debian's Postfix asks; what is answered makes no difference to the relay.
KIND = r"General type of mail configuration:|General mail configuration type:"
NAME, RELAY = r"System mail name:", r"SMTP relay host \(blank for none\):"
ANSWERS = {"debian-11": "2", "debian-12": "4", "debian-13": "5", "debian-sid": "1"}


def assert_relays(host):
    host.credentials()
    assert host.deliver("from a terminal").envelope_from == "noreply@acme.example"
    assert host.sh("postconf -h relayhost").out == "$relay_smarthosts\n"
    assert host.warnings() == []


@pytest.mark.roots(*ANSWERS)
def test_apt_asks_what_postfix_asks(host, root):
    host.boot()
    dialogue = Dialogue(host, f"DEBIAN_FRONTEND=teletype apt-get install {host.hand_over('null-client')}")
    asked = []
    answers = {KIND: ANSWERS[root], NAME: "builder.example", RELAY: "builder.example"}
    while question := dialogue.expect(*answers, *host.os.questions):
        asked.append(question)
        dialogue.answer(answers.get(question, "y"))
    # Any other question would have waited for an answer in vain.
    assert dialogue.end() == 0, dialogue.text
    assert asked[1] == KIND and set(asked[2:]) <= {NAME, RELAY}, dialogue.text
    assert_relays(host)
    assert "builder.example" not in host.read("/etc/postfix/main.cf")


@pytest.mark.roots("rpm-dnf4", "rpm-dnf5", "pacman-7")
def test_the_package_manager_asks_for_its_own_consent(host):
    host.boot()
    dialogue = Dialogue(host, host.os.install_interactive.format(host.hand_over("null-client")))
    asked = 0
    while dialogue.expect(*host.os.questions):
        asked += 1
        dialogue.answer("y")
    assert dialogue.end() == 0, dialogue.text
    assert asked == 1, dialogue.text
    assert_relays(host)
