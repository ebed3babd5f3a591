"""The exposure levels that the documentation states for each unit and root; the highest of all profiles."""

import csv
import os
from pathlib import Path

TABLE = Path(__file__).parents[3] / "pkg/systemd/exposure.tsv"


def too_high(root, rated):
    """The units with a higher level than the table has. POSTPACK_EXPOSURE=FILE collects the levels in FILE instead."""
    if collected := os.environ.get("POSTPACK_EXPOSURE"):
        with open(collected, "a") as file:
            file.writelines(f"{root}\t{unit}\t{level}\n" for unit, level in rated.items())
        return {}
    with TABLE.open() as file:
        rows = csv.reader((line for line in file if not line.startswith("#")), delimiter="\t")
        documented = {(root, unit): float(level) for root, unit, level in rows}
    return {unit: level for unit, level in rated.items() if level > documented[root, _documented(unit)]}


def _documented(unit):
    """The daemon's unit has another name in later releases of Debian, also on a host that was upgraded to one."""
    return "postfix.service" if unit.startswith("postfix@") else unit
