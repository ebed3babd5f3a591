"""mail-relay complete: the words that shells offer are those of the help."""

import re
import subprocess

import pytest

from conftest import LIB, SHELLS

PROGRAM = LIB.parent / "mail-relay"


@pytest.fixture(params=SHELLS)
def offered(request):
    """offered("status", "--format"): the words that may come next."""
    program = PROGRAM.read_text().replace("lib=/usr/lib/mail-relay", f"lib={LIB}")

    def words(*typed):
        result = subprocess.run([*SHELLS[request.param], "-c", program, "mail-relay", *typed], capture_output=True, text=True, timeout=60, check=True)
        assert not result.stderr
        return result.stdout.split()

    return lambda *typed: words("complete", *typed)


def test_commands_come_first(offered):
    [dispatched] = re.findall(r"\ncase \$verb in\n(.*)\nesac", PROGRAM.read_text(), re.DOTALL)
    internal = {"complete", "hand-over"}
    commands = set(re.findall(r"^([a-z-]+)\)", dispatched, re.MULTILINE)) - internal
    assert {word for word in offered() if not word.startswith("-")} == commands
    assert {"--help", "--version"} <= set(offered())


@pytest.mark.parametrize(("typed", "words"), [
    (("apply",), ["--verify"]),
    (("credentials",), ["--username"]),
    (("credentials", "PRIMARY"), ["--username"]),
    (("doctor",), ["--quiet", "--format", "--color"]),
    (("doctor", "--format"), ["text", "json"]),
    (("status", "--color"), ["auto", "always", "never"]),
    (("test",), ["--recipient", "--subject", "--timeout", "--format", "--color"]),
    (("show-config", "--all"), ["--all", "--format", "--color"]),
    (("remove",), []),
    (("no-such-command",), []),
])  # fmt: skip
def test_then_their_options_and_values(offered, typed, words):
    assert offered(*typed) == words


def test_the_shells_ask_the_program(tmp_path):
    """bash, which is on every host, with the completion as it is shipped."""
    program = tmp_path / "mail-relay"
    program.write_text(PROGRAM.read_text().replace("lib=/usr/lib/mail-relay", f"lib={LIB}"))
    program.chmod(0o755)
    completion = (LIB.parent / "completions/mail-relay.bash").read_text().replace("/usr/sbin/mail-relay", str(program))
    script = completion + 'COMP_WORDS=(mail-relay doctor --f) COMP_CWORD=2; _mail_relay; echo "${COMPREPLY[*]}"'
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "--format\n" and not result.stderr
