"""Running commands, and where the lab keeps its things."""

import fcntl
import os
import shlex
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
REPOSITORY = LAB.parent.parent
CACHE = Path(os.environ.get("POSTPACK_LAB_CACHE", "/var/cache/postpack-lab"))
# What a running session holds: folders named after the owner's pid.
RUN = Path(os.environ.get("POSTPACK_LAB_RUN", CACHE / "run"))

# A command inside a root sees this and nothing of the caller's environment.
CLEAN_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


def tier():
    """How thoroughly a run looks: `standard`, or `full` (ci/lab/tiers.toml)."""
    return os.environ.get("LAB_TIER", "full")


# No kill, and no state of a disk that it leaves, is left out.
ALL = os.environ.get("POSTPACK_LAB_KILLS") == "all"


def sample(items, stride):
    """One item of so many; the standard tier takes a third of those."""
    if ALL:
        return items
    return items[:: stride if tier() == "full" else 3 * stride]


@contextmanager
def locked(file):
    """One process at a time between here and the end of the block."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class CommandFailed(AssertionError):
    """A command of a scenario ended otherwise than the scenario says."""


@dataclass(frozen=True)
class Result:
    command: str
    code: int
    out: str
    err: str

    @property
    def text(self):
        """Both streams, for messages that may go to either."""
        return self.out + self.err

    def __str__(self):
        return f"$ {self.command}\n{self.out}{self.err}[exit {self.code}]"


def run(argv, *, input=None, timeout=600, check=True, env=None, cwd=None, shown=None):
    """Run argv to its end; raise CommandFailed on a bad exit when check is set."""
    argv = [str(word) for word in argv]
    shown = shown or shlex.join(argv)
    try:
        done = subprocess.run(
            argv,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            env=env,
            cwd=cwd,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as expired:
        seen = b"".join(part or b"" for part in (expired.stdout, expired.stderr))
        seen = seen.decode(errors="replace")
        raise CommandFailed(f"$ {shown}\n{seen}[no end after {timeout} s]") from None
    result = Result(shown, done.returncode, done.stdout, done.stderr)
    if check and result.code != 0:
        raise CommandFailed(str(result))
    return result


def wait_until(condition, what, timeout=30):
    """Poll condition() until it is truthy and return its value."""
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        # What is waited for needs the processors as well: a question that is dear is asked less often.
        time.sleep(min(2, max(0.05, 3 * (now - asked))))
