"""mail-relay doctor as a person uses it: ask, do what it says, ask again."""

import json

from .shell import wait_until


def judge(relay, finding, mend=""):
    """The doctor names the cause and nothing else; what it says is done. Returns the finding."""
    told = ask(relay)
    assert [one["id"] for one in told] == [finding], (finding, told)
    if not mend:
        assert told[0]["mend_is_command"], told
        mend = told[0]["mend"]
    relay.sh(mend, timeout=60)
    settle(relay)
    return told[0]


def ask(relay):
    """The findings as JSON; the exit code says the same."""
    done = relay.sh("mail-relay doctor --format json", check=False, timeout=120)
    assert done.err == "", done
    told = json.loads(done.out)
    broken = [finding for finding in told["findings"] if finding["severity"] == "broken"]
    assert told["healthy"] == (not broken) and done.code == bool(broken), done
    return told["findings"]


def settle(relay):
    """The path unit may be about to apply what was changed, and Debian's old postfix.service does not wait for the daemon's unit."""
    jobs = "systemctl list-jobs --no-legend | grep -v ' postfix.service '"
    units = "systemctl list-units --state=activating,deactivating --no-legend 'mail-relay*' 'postfix@*'"
    wait_until(lambda: not relay.sh(f"{jobs}; {units}", check=False).out.strip(), "the end of what changes set off")
