"""Copies of secrets are secrets: closed, and deleted with what they were copied from."""

import os

import pytest

NAMES = "main.cf transport\n"


@pytest.fixture
def run(sh, tmp_path):
    """run(script): files.sh and tokens.sh with /etc/postfix and the queue folder below the test's."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "applied").mkdir()
    (tmp_path / "applied/manifest").write_text("main.cf main\nsasl_passwd secret\nmysql.cf database\ntransport indexed\n")

    def call(script, parts="files tokens"):
        # The folders above a test's are not all root's.
        return sh(parts, f"""
            postfix_dir=$state/etc token_state=$state/oauth2
            token_folder() {{ echo "$state/queue"; }}
            only_roots() {{ [ -d "$1" ]; }}
            {script}""")  # fmt: skip

    return call


@pytest.mark.parametrize(("name", "mode"), [("sasl_passwd", 0o600), ("mysql.cf", 0o600), ("transport", 0o644), ("main.cf", 0o644)])
@pytest.mark.parametrize("left", [False, True])
def test_an_edit_is_kept_closed(run, tmp_path, name, mode, left):
    live = tmp_path / "etc" / name
    live.write_text("edited\n")
    live.chmod(0o644)
    if left:  # by a run that was killed
        (tmp_path / f"etc/.{name}.mail-relay").write_text("")
        (tmp_path / f"etc/.{name}.mail-relay").chmod(0o666)
    assert run(f"umask 077; save_edit {name}")[0] == 0
    (saved,) = (tmp_path / "etc").glob(f"{name}.saved-*")
    assert (saved.read_text(), saved.stat().st_mode & 0o777, saved.stat().st_uid) == ("edited\n", mode, os.getuid())


def test_copies_of_earlier_versions_are_closed(run, tmp_path):
    for name in ("sasl_passwd.saved-1", "mysql.cf.saved-1", "transport.saved-1"):
        (tmp_path / "etc" / name).write_text("x")
        (tmp_path / "etc" / name).chmod(0o644)
    (tmp_path / "victim").write_text("x")
    (tmp_path / "victim").chmod(0o644)
    (tmp_path / "etc/sasl_passwd.saved-2").symlink_to("../victim")
    assert run("close_saved_copies") == (0, "", "")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "etc").iterdir()}
    assert modes == {
        "sasl_passwd.saved-1": "0o600", "mysql.cf.saved-1": "0o600", "transport.saved-1": "0o644", "sasl_passwd.saved-2": "0o644",
    }  # fmt: skip


def tokens(tmp_path, *states):
    for key, there in states:
        (tmp_path / "oauth2" / key).mkdir(parents=True)
        if there:
            (tmp_path / "oauth2" / key / "access_token").write_text("t")
            (tmp_path / "oauth2" / key / "refresh_token").write_text("r")
    (tmp_path / "queue").mkdir()
    for key in ("PRIMARY", "BACKUP", ".PRIMARY"):
        (tmp_path / "queue" / key).write_text("t")


def test_tokens_go_with_what_wanted_them(run, tmp_path):
    tokens(tmp_path, ("PRIMARY", True), ("BACKUP", True))
    assert run("token_hosts=PRIMARY; drop_tokens") == (0, "", "")
    assert [path.name for path in (tmp_path / "queue").iterdir()] == ["PRIMARY"]
    assert [path.name for path in (tmp_path / "oauth2").iterdir()] == ["PRIMARY"]
    assert run("token_hosts=; drop_tokens") == (0, "", "")
    assert not (tmp_path / "queue").exists() and not (tmp_path / "oauth2").exists()
    assert run("token_hosts=; drop_tokens") == (0, "", "")


def test_a_token_goes_with_withdrawn_credentials(run, tmp_path):
    """fetch_token deletes the state of a smarthost without credentials."""
    tokens(tmp_path, ("BACKUP", True))
    assert run("token_hosts='PRIMARY BACKUP'; drop_tokens") == (0, "", "")
    assert [path.name for path in (tmp_path / "queue").iterdir()] == ["BACKUP"]
