"""Which files of a folder of secrets are settings, and whose they must be."""

import os
import pathlib
import subprocess

import pytest

TAKE = "taken=$state copies=0; : >$taken/list"


@pytest.fixture
def home():
    """A folder that only root can change, with one of another account in it."""
    home = pathlib.Path(subprocess.check_output(["mktemp", "-d", "/var/lib/postpack-test.XXXXXX"], text=True).strip())
    for name in ("ours", "theirs"):
        (home / name).mkdir()
    home.chmod(0o755)
    (home / "ours/get").write_text('#!/bin/sh\necho "RELAY_FROM=$0-$1"\n')
    (home / "ours/get").chmod(0o755)
    (home / "ours/secret").write_text("secret\n")
    (home / "ours/secret").chmod(0o600)
    for name in ("get", "secret"):
        (home / f"ours/link-{name}").symlink_to(name)
        (home / f"theirs/{name}").symlink_to(home / "ours" / name)
        (home / f"ours/by-theirs-{name}").symlink_to(home / "theirs" / name)
    os.chown(home / "theirs", 65534, 65534)
    yield home
    subprocess.run(["rm", "-rf", home], check=True)


def test_a_command_is_what_was_checked(sh, home):
    script = 'run_command; code=$?; cat "$state/command"; exit $code'
    code, out, error = sh("sources", script, relay_command=f"{home}/ours/link-get word")
    assert (code, out, error) == (0, f"RELAY_FROM={home}/ours/get-word\n", "")
    for name in ("theirs/get", "ours/by-theirs-get"):
        code, out, error = sh("sources", f"rm -f $state/command; {script}", relay_command=f"{home}/{name}")
        assert code == 2 and f"others than root can write to {home}/theirs; mend: chown" in error, name
    for mode in (0o777, 0o1777, 0o775):
        (home / "ours/get").chmod(mode)
        assert sh("sources", script, relay_command=f"{home}/ours/get")[0] == 2, oct(mode)


def test_a_secret_is_what_was_checked(sh, home):
    take = f'{TAKE}; take_file "$file" RELAY_PASSWORD it; code=$?; [ ! -e $state/1 ] || cat $state/1; exit $code'
    for name in ("ours/secret", "ours/link-secret"):
        assert sh("sources", take, file=f"{home}/{name}") == (0, "secret\n", ""), name
        sh("sources", "rm -f $state/1")
    for name in ("theirs/secret", "ours/by-theirs-secret"):
        code, out, error = sh("sources", take, file=f"{home}/{name}")
        assert (code, out) == (2, "") and f"others than root can write to {home}/theirs" in error, name


def test_a_secret_that_is_exchanged_after_the_check(sh, home):
    """cp(1) is given the path that was checked, and not the name."""
    take = f'{TAKE}; cp() {{ echo "$2"; command cp "$@"; }}; take_file {home}/ours/link-secret RELAY_PASSWORD it'
    assert sh("sources", take) == (0, f"{home}/ours/secret\n", "")


def test_keys_by_file_names(sh):
    names = {"relay.env": "-", "relay_password": "RELAY_PASSWORD", "relay_backup_username": "RELAY_BACKUP_USERNAME"}
    # What editors and agents leave there while they write.
    others = ["relay_password~", ".relay_password.swp", "relay_password.new", "relay_password#", "RELAY_PASSWORD", "relay_pass word"]
    for name in [*names, *others]:
        code, out, error = sh("sources", f'key_of "/run/secrets/{name}"')
        assert (code, out.strip(), error) == ((0, names[name], "") if name in names else (1, "", "")), name


@pytest.mark.parametrize("owner", [0, 65534])
def test_a_fix_follows_no_link_of_another_account(sh, home, owner):
    """In its folder an account can put a link to any file in place of a secret: chmod 600 of it would close /etc/passwd."""
    (home / "ours/passwd").write_text("x")
    (home / "ours/passwd").chmod(0o644)
    os.chown(home / "ours/passwd", owner, owner)
    (home / "theirs/relay_password").symlink_to(home / "ours/passwd")
    code, _, error = sh("sources", f"check_source {home}/theirs/relay_password")
    assert (code, error.count("\n")) == (2, 1) and f"mend: chown -h root:root {home}/theirs; chmod go-w {home}/theirs\n" in error
    # A link of theirs in a folder of root's.
    (home / "ours/relay_link").symlink_to(home / "ours/passwd")
    os.chown(home / "ours/relay_link", 65534, 65534, follow_symlinks=False)
    code, _, error = sh("sources", f"check_source {home}/ours/relay_link")
    assert code == 2 and error.endswith(f"mend: chown -h root:root {home}/ours/relay_link\n")
    # The file alone is open.
    code, _, error = sh("sources", f"check_source {home}/ours/passwd")
    assert code == 2 and error.endswith(f"mend: {'chown root:root' if owner else 'chmod 600'} {home}/ours/passwd\n")


def test_a_command_that_prints_without_end(sh, home, tmp_path):
    (home / "ours/get").write_text("#!/bin/sh\nexec yes RELAY_FROM=x\n")
    code, out, error = sh("sources", 'run_command; code=$?; du -sk "$state"; exit $code', relay_command=f"{home}/ours/get")
    assert code == 1 and "printed more than 65536 bytes" in error
    assert int(out.split()[0]) < 200 and not list(tmp_path.glob("command*"))
    for words, told in (("exit 3", "failed with exit code 3"), ("kill -9 $$", "was killed by signal 9")):
        (home / "ours/get").write_text(f"#!/bin/sh\n{words}\n")
        code, _, error = sh("sources", "run_command", relay_command=f"{home}/ours/get")
        assert code == 1 and told in error or "did not end" in error, error
