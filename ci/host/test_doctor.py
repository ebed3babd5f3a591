"""The table of findings, and how they are shown."""

import json
import re

from conftest import LIB

FINDINGS = (
    b"auth\tbroken\tit says \"no\" \\ 1\twhy & how\t$ mail-relay apply && true\n"
    b"later\twarning\tsomething\tbecause\tlook at it\n"
)
LOOK = {"bold": "", "red": "", "yellow": "", "green": "", "plain": ""}


def test_text(awk):
    shown = b"""\
broken  it says "no" \\ 1 [auth]
  why:  why & how
  mend: mail-relay apply && true
warning  something [later]
  why:  because
  mend: look at it
"""
    assert awk("json_string.awk doctor.awk", FINDINGS, format="text", quiet="yes", **LOOK) == (0, shown, b"")
    assert awk("json_string.awk doctor.awk", FINDINGS, format="text", quiet="no", **LOOK)[1].startswith(shown + b"mail does not leave")
    assert awk("json_string.awk doctor.awk", b"", format="text", quiet="yes", **LOOK) == (0, b"", b"")
    assert awk("json_string.awk doctor.awk", b"", format="text", quiet="no", **LOOK)[1].startswith(b"nothing is broken")


def test_json(awk):
    code, out, error = awk("json_string.awk doctor.awk", FINDINGS, format="json", package="p", version="1", **LOOK)
    assert (code, error) == (0, b"")
    assert json.loads(out) == {
        "package": "p", "version": "1", "healthy": False, "findings": [
            {"id": "auth", "severity": "broken", "what": 'it says "no" \\ 1', "why": "why & how", "mend": "mail-relay apply && true", "mend_is_command": True},
            {"id": "later", "severity": "warning", "what": "something", "why": "because", "mend": "look at it", "mend_is_command": False},
        ],
    }  # fmt: skip
    assert json.loads(awk("json_string.awk doctor.awk", b"", format="json", **LOOK)[1])["healthy"] is True


def rows():
    return [line.split("\t") for line in (LIB / "findings.tsv").read_text().splitlines() if not line.startswith("#")]


def test_the_table_is_whole():
    names = [row[0] for row in rows()]
    assert len(names) == len(set(names))
    for row in rows():
        assert len(row) == 5 and all(row) and row[1] in ("broken", "warning"), row
        assert not re.search(r"\{(?![1-5]\}|install\}|reinstall\}|update-ca\})", "".join(row)), row


def test_the_doctor_finds_what_the_table_has():
    """No finding without a row, no row without a finding, and no sign without its value."""
    lines = [line for path in LIB.glob("doctor*.sh") for line in path.read_text().splitlines() if not line.strip().startswith("#")]
    found = set(re.findall(r"\b(?:queue_)?finding ([a-z-]+)", "\n".join(lines)))
    assert found == {row[0] for row in rows()}


def test_every_finding_is_in_the_documentation():
    documented = (LIB.parents[2] / "docs/doctor.md").read_text()
    assert [row[0] for row in rows() if f"`{row[0]}`" not in documented] == []
