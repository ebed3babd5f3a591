"""build.sh: what is asked of Postfix while a generation is built."""

from conftest import LIB

# Stands in for Postfix's own, whose wait for a main.cf that is being written (dict_load_file_xt) is two seconds of every apply.
POSTCONF = """
postconf() {
    case $1 in
    -dh) echo 3.7.11 hash ;;
    -c) [ -z "$(find "$2/main.cf" -newermt '-2 seconds')" ] || echo "$2/main.cf is fresh" >&2; echo hash ;;
    esac
}
"""


def test_postfix_is_not_made_to_wait(sh):
    code, _, err = sh("build", f'{POSTCONF} ask_postfix "$state"')
    assert (code, err) == (0, "")


def test_the_rules_of_the_package_come_before_those_of_the_program(sh, tmp_path):
    script = f'share={tmp_path} profile=lan-relay; rules_file; : >"$share/refused"; rules_file'
    code, out, error = sh("build", script)
    assert (code, error) == (0, "") and out.split() == [f"{LIB}/refused.lan-relay", f"{tmp_path}/refused"]
