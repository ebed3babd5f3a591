"""No root process follows a link, opens a FIFO, or changes the mode of a name in a folder that another account can change."""

import os
import pathlib
import subprocess

import pytest
from conftest import LIB, SHELLS

ROOT = LIB.parents[2]
# Every place where a process of ours writes, reads or makes something outside of folders that are root's alone, and by what.
PLACES = {
    "metrics.sh": ["put_file", "read_from"],  # textfile folder; the mail log and its rotated part
    "log.sh": ["read_from", "size_of"],  # the mail log
    "tokens.sh": ["make_folder", "put_file", "read_from"],  # tokens in the queue folder
    "apply.sh": ["has_room"],
    "doctor_host.sh": ["has_room"],  # the queue folder
    "sources.sh": ["only_roots"],  # RELAY_COMMAND, /run/secrets, credential stores
    "before.sh": ["read_from"],  # aliases of programs for mailing lists, .forward of root
    "doctor_settings.sh": ["read_from"],  # copies of /etc in the queue folder
    "needs.sh": ["only_roots", "in_time"],  # tables and certificates of the administrator
    "inputs.sh": ["in_time"],
    "verify.sh": ["only_roots"],  # copies of /etc in the queue folder
    "seal.sh": ["only_roots"],
}


@pytest.fixture
def folder(tmp_path):
    """A folder of somebody else, with the traps that its owner can lay, and what they lead to."""
    (tmp_path / "victim").write_text("secret\n")
    (tmp_path / "victim").chmod(0o600)
    (tmp_path / "victims").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "figures").write_text("figures\n")
    (tmp_path / "figures").chmod(0o644)
    return tmp_path / "theirs"


def trap(kind, path):
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.symlink_to("../victims")
    elif kind == "dangling":
        path.symlink_to("../made")
    elif kind == "victim":
        path.symlink_to("../victim")
    elif kind == "hard link":
        os.link(path.parents[1] / "victim", path)


KINDS = ["none", "fifo", "folder", "dangling", "victim", "hard link"]


@pytest.mark.parametrize("at", ["m.prom.new", "m.prom"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_put_there(sh, folder, kind, at):
    trap(kind, folder / at)
    assert sh("", f"put_file $state/figures {folder}/m.prom") == (0, "", "")
    assert not (folder / "m.prom").is_symlink() and (folder / "m.prom").read_text() == "figures\n"
    assert (folder / "m.prom").stat().st_mode & 0o777 == 0o644
    victim = folder.parent / "victim"
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("secret\n", 0o600)
    assert [path.name for path in folder.iterdir()] == ["m.prom"] and not list((folder.parent / "victims").iterdir())
    assert not (folder.parent / "made").exists()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_room_is_tried(sh, folder, kind):
    trap(kind, folder / ".room.mail-relay")
    assert sh("", f"has_room {folder}") == (0, "", "")
    assert (folder.parent / "victim").read_text() == "secret\n" and not list(folder.iterdir())
    code, _, error = sh("", f"has_room {folder}/missing")
    assert code != 0 and error


@pytest.mark.parametrize("kind", KINDS[1:-1])
def test_a_log_is_read(sh, folder, kind):
    trap(kind, folder / "mail.log")
    assert sh("", f"read_from {folder}/mail.log 0") == (1 if kind != "fifo" else 0, "", "")
    (folder / "good").write_text("one\ntwo\n")
    assert sh("", f"read_from {folder}/good 4; size_of {folder}/good; size_of {folder}/none") == (0, "two\n8\n0\n", "")


def test_each_place_uses_the_helper():
    for name, helpers in PLACES.items():
        for helper in helpers:
            assert helper in (LIB / name).read_text(), (name, helper)


def lint(*files):
    return subprocess.run([ROOT / "ci/foreign-folders", *files], capture_output=True, text=True, check=True).stdout


def test_the_lint_is_silent():
    assert lint() == ""


@pytest.mark.parametrize(
    "line",
    [
        'cat "$scratch/figures" >"$textfile.new"',
        'chmod 0644 "$textfile.new"',
        'mv -f "$textfile.new" "$textfile"',
        'awk 1 x >"$published/.$key"',
        'chown postfix "$published/.$key" && true',
        '[ "$(wc -c <"$log_file")" -ge 3 ]',
        'tail -c "+1" "$log_file"',
        'if true; then cp x "${spool}/etc/hosts"; fi',
        'echo x >/tmp/mail-relay.$$',
        'touch "/var/tmp/x"',
        'mkdir "$published"',
    ],
)
def test_the_lint_finds(tmp_path, line):
    (tmp_path / "x.sh").write_text(f"true\n{line}\n")
    assert f"x.sh:2: {line}" in lint(str(tmp_path / "x.sh")), line


def test_paths_that_only_root_can_change(sh, tmp_path):
    """Each part of the path as written, and of where its links lead."""
    if os.getuid() != 0:
        pytest.fail("run as root: a folder has to belong to another account")
    home = pathlib.Path(subprocess.check_output(["mktemp", "-d", "/var/lib/postpack-test.XXXXXX"], text=True).strip())
    try:
        for name in ("ours", "theirs", "open"):
            (home / name).mkdir()
        os.chown(home / "theirs", 65534, 65534)
        (home / "open").chmod(0o777)
        (home / "ours/get").write_text("x")
        (home / "ours/get").chmod(0o755)
        (home / "ours/sticky").write_text("x")
        (home / "ours/sticky").chmod(0o1777)
        (home / "theirs/get").symlink_to(home / "ours/get")
        (home / "theirs/folder").symlink_to("../ours")
        (home / "ours/by-theirs").symlink_to("../theirs/get")
        (home / "ours/relative").symlink_to("../ours/get")
        (home / "ours/loop").symlink_to("loop")
        (home / "ours/of-them").symlink_to("get")
        os.chown(home / "ours/of-them", 65534, 65534, follow_symlinks=False)
        home.chmod(0o755)
        for path, answer in {
            "ours/get": f"{home}/ours/get", "ours/relative": "ours/get", "ours/../ours/get": "ours/get", "ours//get": "ours/get",
            "ours/sticky": None, "theirs/get": None, "theirs/folder/get": None, "ours/by-theirs": None, "ours/loop": None,
            "ours/of-them": None, "open/x": None, "ours/missing": None,
        }.items():  # fmt: skip
            code, out, error = sh("", f"only_roots {home}/{path} && echo $real")
            assert error == "" and (code == 0) == (answer is not None), path
            assert answer is None or out.strip().endswith(answer), path
        assert sh("", "only_roots /tmp && echo $real; only_roots / && echo $real") == (0, "/tmp\n/\n", "")
        code, _, error = sh("", f"make_folder {home}/theirs/new")
        assert code == 1 and f"others than root can write to {home}/theirs" in error
        assert sh("", f"make_folder {home}/ours/new") == (0, "", "")
        assert (home / "ours/new").stat().st_mode & 0o777 == 0o755
    finally:
        subprocess.run(["rm", "-rf", home], check=True)


@pytest.mark.parametrize("name", SHELLS)
def test_a_file_in_the_working_folder_is_no_smarthost(name, tmp_path):
    """A destination such as [smtp.example.com]:587 is a pattern, and fits a file called s:587."""
    (tmp_path / "lib").mkdir()
    for part in ("common", "place", "running"):
        (tmp_path / f"lib/{part}.sh").write_text((LIB / f"{part}.sh").read_text())
    (tmp_path / "lib/complete.sh").write_text("complete_main() { for relay in $1 $2; do echo \"$relay\"; done; }\n")
    program = (LIB.parent / "mail-relay").read_text().replace("lib=/usr/lib/mail-relay", f"lib={tmp_path}/lib")
    (tmp_path / "program").write_text(program)
    (tmp_path / "here/backup").mkdir(parents=True)
    for path in ("s:587", "backup/s:587"):
        (tmp_path / "here" / path).touch()
    words = ["[smtp.example.com]:587", "backup/[smtp.example.com]:587"]
    argv = [*SHELLS[name], str(tmp_path / "program"), "complete", *words]
    done = subprocess.run(argv, cwd=tmp_path / "here", capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines(), done.stderr) == (words, "")
