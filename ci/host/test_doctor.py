"""The table of findings, and how they are shown."""

import ast
import json
import re

import pytest
from conftest import LIB

FINDINGS = (
    b"auth\tbroken\tstays\tit says \"no\" \\ 1\twhy & how\t$ mail-relay apply && true\n"
    b"later\twarning\tleaves\tsomething\tbecause\tlook at it\n"
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


def test_without_systemd_a_person_applies(awk):
    """No path unit watches the settings. Every fix of the table that relies on it is in the same words."""
    fixes = [line.split("\t")[5] for line in (LIB / "findings.tsv").read_text().splitlines() if "saving the file" in line]
    assert len(fixes) > 8
    lines = "".join(f"id\tbroken\tstays\twhat\twhy\t{fix}\n" for fix in fixes).encode()
    shown = awk("json_string.awk doctor.awk", lines, format="text", quiet="yes", alone="yes", **LOOK)[1].decode()
    assert shown.count("then run 'mail-relay apply'") == len(fixes) and "saving" not in shown
    assert "saving the file is enough" in awk("json_string.awk doctor.awk", lines, format="text", quiet="yes", alone="no", **LOOK)[1].decode()


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


def test_values_of_a_finding_stand_for_themselves(sh, tmp_path):
    """A server's words among them, which may hold anything."""
    words = "535 a\tb & \\1 {2} {install}\nnext {1}"
    script = f'probe_folder={tmp_path} broken=no stays=no; finding port-closed h{{3}} 25 "$words" "587 465" 587; echo $broken $stays'
    assert sh("doctor", script, words=words) == (0, "yes yes\n", "")
    [row] = [row for row in rows() if row[0] == "port-closed"]
    said = (tmp_path / "findings").read_text().rstrip("\n").split("\t")
    assert said[0:3] + said[4:] == [*row[0:3], row[4], row[5].replace("{5}", "587")]
    assert said[3] == "h{3} does not answer on port 25 (535 a b & \\1 {2} {install} next {1}), but it does on 587 465"


def test_the_table_is_whole():
    names = [row[0] for row in rows()]
    assert len(names) == len(set(names))
    for row in rows():
        assert len(row) == 6 and all(row), row
        assert tuple(row[1:3]) in (("broken", "stays"), ("broken", "leaves"), ("warning", "leaves")), row
        assert not re.search(r"\{(?![1-5]\}|install\}|reinstall\}|update-ca\})", "".join(row)), row


def test_the_doctor_finds_what_the_table_has():
    """No finding without a row, no row without a finding, and no sign without its value."""
    lines = [line for path in LIB.glob("doctor*.sh") for line in path.read_text().splitlines() if not line.strip().startswith("#")]
    found = set(re.findall(r"\b(?:queue_)?finding ([a-z0-9-]+)", "\n".join(lines)))
    assert found == {row[0] for row in rows()}


def test_every_finding_is_provoked():
    """By a scenario of the lab, which asserts that the doctor says it and nothing else."""
    scenarios = [ast.parse(path.read_text()) for path in (LIB.parents[2] / "ci/lab").glob("test_*.py")]
    words = {node.value for tree in scenarios for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [row[0] for row in rows() if row[0] not in words] == []


def test_every_finding_is_in_the_documentation():
    documented = (LIB.parents[2] / "docs/doctor.md").read_text()
    assert [row[0] for row in rows() if f"`{row[0]}`" not in documented] == []


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("0::/system.slice/exim4.service", "exim4.service"),
        ("0::/system.slice/system-exim.slice/exim@a.service", "exim@a.service"),
        # Who has a part of the tree names what is in it.
        ("0::/system.slice/app.service/x; touch owned; y.service", "app.service"),
        ("0::/machine.slice/machine.service/payload/system.slice/postfix.service", "machine.service"),
        ("0::/machine.slice/libpod-1.scope/container/$(touch owned).service", ""),
        ("0::/system.slice/a b.service", ""),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", ""),
        ("0::/init.scope", ""),
        ("1:name=systemd:/system.slice/exim4.service", "exim4.service"),
    ],
)
def test_the_unit_of_a_process(sh, tmp_path, line, unit):
    (tmp_path / "cgroup").write_text(f"2:cpu:/\n{line}\n" if line[0] == "1" else f"{line}\n")
    assert sh("doctor_service", 'unit_in "$state/cgroup"') == (0, unit and unit + "\n", "")
