"""Kills a command at each of its steps, and judges what is left: what Postfix would read, and whether it can be mended."""

import hashlib
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from .shell import sample

# Each apply makes the folder anew; and the list of digests may name files of a generation that has just gone.
NO_STATE = "var/lib/mail-relay/stage/", "etc/mail-relay/before/.ours"
FOLDERS = ("etc/postfix", "etc/mail-relay", "var/lib/mail-relay", "tmp", "var/tmp")
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SAVED = re.compile(r"\.saved-\d{8}T\d{6}(-\d+)?$")

# What Postfix says of the live configuration, and the password that it would send to each smarthost. (postfix check says nothing to
# a pipe, but its exit code counts.)
SOUND = r"""
[ -f /etc/postfix/main.cf ] || { echo "no main.cf"; exit; }
postconf -n 2>&1 >/dev/null
postconf -M 2>&1 >/dev/null
postfix check || echo "postfix check: $?"
for map in $(postconf -xn 2>/dev/null | grep -oE '[a-z]+:/etc/postfix/[a-z_]+' | sort -u); do
    postmap -q probe "$map" 2>&1
done
maps=$(postconf -xh smtp_sasl_password_maps)
for host in $(postconf -xh relayhost | tr -d ,); do
    echo "to $host as $(postmap -q "$host" ${maps:-static:nobody})"
done
"""


# What stands in the tables that Postfix reads.
CONTENT = r"""
for table in /etc/postfix/*.db /etc/postfix/*.cdb /etc/postfix/*.lmdb; do
    [ -f "$table" ] || continue
    source=${table%.*} type=${table##*.}
    [ "$type" != db ] || type=hash
    echo "$table"; postmap -c /usr/share/mail-relay -s "$type:$source" | sort
done
"""


@dataclass
class Count:
    kills: int = 0
    states: int = 0
    repairs: int = 0
    faults: list = field(default_factory=list)


def tree(root, folders=FOLDERS, times=False):
    """What lies there: by name the kind, mode, owner and content, without what tells the time or a number of the process."""
    found = {}
    for folder in folders:
        for path in sorted((Path(root) / folder).rglob("*")):
            name = _name(path.relative_to(root))
            if not name.startswith(NO_STATE):
                found[name] = _entry(path, times)
    return found


def _name(path):
    return SAVED.sub(".saved-TIME", str(path))


def _entry(path, times):
    is_ = path.lstat()
    words = [stat.filemode(is_.st_mode), str(is_.st_uid), str(is_.st_gid)]
    if stat.S_ISREG(is_.st_mode):
        content = path.read_bytes()
        if path.suffix == ".db":
            # No two files of Berkeley DB are the same; what is in them, CONTENT says.
            content = str(len(content)).encode()
        words.append(hashlib.sha256(TIME.sub(b"TIME", content)).hexdigest()[:16])
        if times:
            words.append(str(is_.st_mtime_ns))
    return " ".join(words)


def difference(found, wanted):
    """What is not as it should be; '' when all is."""
    lines = [f"  {name}: {found.get(name, 'absent')}, should be {wanted.get(name, 'absent')}"
             for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]  # fmt: skip
    return "\n".join(lines)


class Victim:
    """A command on a disk, run to its end once. At each of its steps the disk is looked at: what a SIGKILL of everything, or a power
    cut, leaves there is what lies there while everything is stopped. The states that differ are kept."""

    def __init__(self, disk, script, keep=True):
        self.disk, self.script = disk, script
        self.steps, self.states = [], {}
        with disk.copy() as copy:
            self.sound_before = copy.sh(SOUND, check=False).text
        with disk.copy() as copy:

            def look(number, what, path):
                self.steps.append((what, path.removeprefix(str(copy.root))))
                key = keep and _key(tree(copy.root))
                if keep and key not in self.states:
                    self.states[key] = number, copy.freeze()
                return b"g"

            done, _ = copy.steps(script, 0, look)
            assert done.code == 0, done
            self.after = tree(copy.root)
            self.content = copy.sh(CONTENT).text
            self.sound_after = copy.sh(SOUND, check=False).text

    def commands(self):
        """The numbers of the steps where a program starts."""
        return [number for number, (what, _) in enumerate(self.steps, 1) if what == "exec"]

    def judge(self, repairs, kills, stride):
        """`repairs`: name to (script, judge); judge(copy) says what is wrong with a repaired copy. At the steps `kills` the command is
        killed in truth, one run each. Of the states, one of `stride` is repaired."""
        count, seen_live = Count(), set()
        for number, layer in sample(list(self.states.values()), stride):
            self._judge_state(count, number, layer, repairs, seen_live)
        for number in kills:
            with self.disk.copy() as copy:
                if not copy.kill_at(self.script, number):
                    continue  # two ends of a pipe took their steps in another order, and one of them none
                count.kills += 1
                key = _key(tree(copy.root))
                if key not in self.states:
                    self.states[key] = number, copy.keep()
                    self._judge_state(count, *self.states[key], repairs, seen_live)
        count.states = len(self.states)
        return count

    def _judge_state(self, count, number, layer, repairs, seen_live):
        disk = self.disk.on(layer)
        for name, (script, judge) in repairs.items():
            with disk.copy() as copy:
                live = _key(tree(copy.root, ["etc/postfix"]))
                if live not in seen_live:
                    seen_live.add(live)
                    self._note(count, number, "what Postfix would read", self.unsound(copy))
                done = copy.sh(script, check=False)
                count.repairs += 1
                self._note(count, number, name, judge(copy) if done.code == 0 else str(done))

    def _note(self, count, number, what, wrong):
        if wrong:
            step = " ".join(self.steps[number - 1]) if number <= len(self.steps) else "?"
            count.faults.append(f"killed at step {number} ({step}); {what}:\n{wrong}")

    def unsound(self, copy):
        """What is wrong with the configuration that Postfix would read now."""
        said = copy.sh(SOUND, check=False).text.splitlines()
        allowed = {*self.sound_before.splitlines(), *self.sound_after.splitlines()}
        return "\n".join(line for line in said if line not in allowed)


def _key(state):
    return hashlib.sha256(repr(sorted(state.items())).encode()).digest()
