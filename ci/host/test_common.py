"""common.sh: what every verb needs."""

import pytest

SETTINGS = "a = 1\nab = 2\nempty = \nglob = *[x]?\\\nof = a = b\ntwice = 1\ntwice = 2"


@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "1"), ("ab", "2"), ("empty", ""), ("glob", "*[x]?\\"), ("of", "a = b"), ("twice", "2"), ("b", None), ("1", None), ("", None)],
)
def test_a_parameter_is_found_by_its_whole_name(sh, name, value):
    code, out, err = sh("common", f"value_of '{name}' \"$settings_text\"", settings_text=SETTINGS)
    assert (code, out, err) == ((1, "", "") if value is None else (0, f"{value}\n", ""))
