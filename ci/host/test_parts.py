"""Each verb loads the parts that hold the functions it can come to: the shell says only at run time that one is missing."""

import re

import pytest

from conftest import LIB

PROGRAM = LIB.parent / "mail-relay"
VERBS = re.findall(r"^([a-z-]+)\)((?:.|\n)*?);;$", PROGRAM.read_text(), re.M)


def functions(text):
    """Name and body of each function: on one line, or up to the brace at the beginning of a line."""
    found = re.findall(r"^([a-z_]+)\(\) ([{(].*[)}]|[{(]\n(?:.|\n)*?^[)}])$", text, re.M)
    return {name: re.sub(r"(?m)^\s*#.*$|'[^'\n]*'", "", body) for name, body in found}


PARTS = {path.stem: functions(path.read_text()) for path in LIB.glob("*.sh")}
ALWAYS = re.findall(r'^\. "\$lib/([a-z_]+)\.sh"$', PROGRAM.read_text(), re.M)
COMMAND = re.compile(r"(?:^\s*|[;|&({!`]\s*|\b(?:then|do|else|if|elif|while|until)\s+)([a-z]+_[a-z_]+)\b(?![=(])", re.M)


def test_the_verbs_are_found():
    assert {"apply", "status", "doctor", "purge"} <= {verb for verb, _ in VERBS}
    assert sum(map(len, PARTS.values())) > 300


@pytest.mark.parametrize("verb, code", VERBS, ids=[verb for verb, _ in VERBS])
def test_every_function_is_loaded(verb, code):
    used = " ".join(re.findall(r"\buse ([a-z_ ]+)", code)).split()
    loaded = functions(PROGRAM.read_text()) | {name: body for part in ALWAYS + used for name, body in PARTS[part].items()}
    missing, reached, left = set(), set(), set(COMMAND.findall(code))
    elsewhere = {name for part in PARTS.values() for name in part}
    while left:
        name = left.pop()
        reached.add(name)
        if name in loaded:
            left |= set(COMMAND.findall(loaded[name])) - reached
        elif name in elsewhere:
            missing.add(name)
    assert not missing, (verb, missing)
