"""What systemd says of Postfix's unit, and what that means."""

import pytest


@pytest.fixture
def systemctl(tmp_path):
    """systemctl("state/substate", ...): the folder of one that gives these answers, one a call, the last for ever; `asked` beside it has the calls."""

    def make(*answers):
        program = tmp_path / "systemctl"
        lines = "\n".join(f"{number}) echo ActiveState={a.replace('/', '; echo SubState=')} ;;" for number, a in enumerate(answers))
        program.write_text(
            f"#!/bin/sh\necho \"$*\" >>{tmp_path}/asked\nnumber=$(($(wc -l <{tmp_path}/asked) - 1))\n"
            f"[ $number -lt {len(answers)} ] || number={len(answers) - 1}\ncase $number in\n{lines}\nesac\n"
        )
        program.chmod(0o755)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (["active/running"], "active"),
        (["inactive/dead"], "inactive"),
        (["failed/failed"], "failed"),
        # A start, a stop and a reload under way are awaited.
        (["activating/start", "activating/start-post", "active/running"], "active"),
        (["reloading/reload", "active/running"], "active"),
        (["deactivating/stop-sigterm", "inactive/dead"], "inactive"),
        # Tried again and again: the look may meet a try, or the pause between two (systemd 254 has two kinds of it).
        (["activating/auto-restart"], "failed"),
        (["activating/start", "activating/auto-restart"], "failed"),
        (["activating/start", "activating/auto-restart-queued"], "failed"),
        # It never comes to an end.
        (["activating/start"], "activating"),
    ],
)
def test_a_unit_is_looked_at_until_it_is_settled(sh, systemctl, answers, state):
    programs = systemctl(*answers)
    assert sh("service", f"sleep() {{ :; }}; PATH={programs}:$PATH; settled_state postfix.service") == (0, f"{state}\n", "")


def test_a_systemd_that_does_not_answer(sh, tmp_path):
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    program.chmod(0o755)
    assert sh("service", f"PATH={tmp_path}:$PATH; settled_state postfix.service") == (0, "unknown\n", "")
