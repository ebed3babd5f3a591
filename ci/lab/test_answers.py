"""What status, test, show-config and doctor answer: in colour to a person, plain into a pipe, as JSON to a program."""

import json

import pytest

ROOTS = ("debian-12", "debian-13", "rpm-dnf4", "pacman-7")
VERBS = ("status", "test ops@acme.example", "show-config", "doctor")


@pytest.mark.roots(*ROOTS)
def test_people_see_colours_and_programs_json(relay, smarthost):
    on_terminal = "TERM=xterm {} script -qec 'mail-relay {}' /dev/null"
    # The same lines decide for all verbs: one shows what they decide, the others that they are asked.
    assert "\x1b[" not in relay.sh(on_terminal.format("NO_COLOR=1", "status")).out
    assert "\x1b[" not in relay.sh(on_terminal.format("", "status --color never")).out
    assert "\x1b[" in relay.sh("mail-relay status --color=always").out
    for verb in VERBS:
        assert "\x1b[" in relay.sh(on_terminal.format("", verb)).out, verb
        assert "\x1b[" not in relay.sh(f"mail-relay {verb}").out, verb
        json.loads(relay.sh(f"mail-relay {verb} --format json --color always").out)
        for wrong in ("--format xml", "--color blue", "--format", "--no-such-option"):
            done = relay.sh(f"mail-relay {verb} {wrong}", check=False)
            assert done.code == 2 and done.err.startswith("mail-relay: ") and not done.out, done


@pytest.mark.roots(*ROOTS)
def test_show_config_says_where_a_parameter_comes_from(relay, smarthost):
    relay.write("/etc/mail-relay/main.cf.d/own.cf", "smtp_connect_timeout = 9s\n")
    relay.sh("mail-relay apply; postconf -e 'smtp_helo_timeout = 8s'")
    told = {row["name"]: row for row in json.loads(relay.sh("mail-relay show-config --format json --all").out)}
    assert len(told) > 500
    expected = {
        "sender_canonical_maps": ("spec", "relay.from"),
        "virtual_alias_maps": ("spec", "relay.root-mail-to"),
        "smtp_header_checks": ("spec", "headers.strip"),
        "inet_interfaces": ("profile", "null-client"),
        "smtp_tls_security_level": ("profile", "null-client"),
        "relay_smarthosts": ("host", None),
        "smtp_connect_timeout": ("administrator", "/etc/mail-relay/main.cf.d/own.cf"),
        "smtp_helo_timeout": ("hand", "main.cf"),
        "smtp_quit_timeout": ("distribution", None),
    }
    assert {name: (told[name]["origin"], told[name]["detail"]) for name in expected} == expected
    assert told["relay_smarthosts"]["value"] == f"[{smarthost.name}]:587"
    text = relay.sh("mail-relay show-config").out
    assert "smtp_quit_timeout" not in text and smarthost.password not in text
    assert "# edited by hand, and gone with the next apply\nsmtp_helo_timeout = 8s\n" in text
