"""Copies of secrets are secrets: closed, and deleted with what they were copied from."""

import os
import re

import pytest
from conftest import LIB

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


def test_what_a_killed_verb_left_is_deleted(sh, tmp_path):
    """Each folder that a verb makes may hold credentials when it is killed."""
    left = ["status.aB3xYz", "credentials.aB3xYz", "metrics.aB3xYz", "doctor.aB3xYz", "handed"]
    stay = ["credentials.lock", "metrics.smarthosts", "metrics", "credentials.fReSh1"]
    for name in left:
        (tmp_path / name).mkdir()
        (tmp_path / name / "sasl_passwd").write_text("x")
    for name in stay:
        (tmp_path / name).write_text("x")
    for name in [*left, *stay[:-1]]:
        os.utime(tmp_path / name, (1, 1))
    assert sh("sources", "handed_over=$state/handed doctor_folder=$state/doctor; drop_leftovers") == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)


def test_each_verb_with_a_folder_deletes_those_that_were_left():
    """In a container only a start applies, and Docker kills a health check that takes longer than half a minute."""
    for part in LIB.glob("*.sh"):
        for made in re.finditer(r'mktemp -d "\$(state/([a-z]+)|doctor_folder)\.XXXXXX"', part.read_text()):
            earlier = part.read_text()[: made.start()].split("_main() {")[-1].split("prepare_losses() {")[-1]
            assert "drop_leftovers\n" in earlier, part.name
            assert f'"${made[1]}".' in (sources := (LIB / "sources.sh").read_text()) or f'"$state"/{made[2]}.' in sources, made[0]


@pytest.mark.parametrize("parts", ["status", "before", "metrics"])
def test_a_verb_that_is_stopped_leaves_no_copy(sh, tmp_path, parts):
    script = """
        need_root() { :; }; load_facts() { :; }; choose_look() { :; }; drop_leftovers() { :; }
        stop() { : >"$scratch/sasl_passwd"; ls "$state"; kill -TERM $$; sleep 2; }
        find_service() { stop; }; build() { stop; }
        case $one in metrics) metrics_main ;; status) status_main ;; before) prepare_losses ;; esac"""
    code, out, _ = sh(f"look sources {parts}", script, one=parts)
    assert code == 1 and "." in out
    assert [path.name for path in tmp_path.iterdir()] == []


def test_an_adopted_account_leaves_no_copy(sh, tmp_path):
    (tmp_path / "mail-relay").write_text(f"#!/bin/sh\nls {tmp_path}/build 2>&1\n")
    (tmp_path / "mail-relay").chmod(0o755)
    _, out, _ = sh("before smarthosts", """
        PATH=$state:$PATH relay_env=$state/relay.env token_hosts= password_hosts="PRIMARY [smtp.example.com]:587" waiting='[smtp.example.com]:587'
        need_root() { :; }; sync_file() { :; }
        prepare_losses() { mkdir "$state/build"; : >"$state/build/sasl_passwd"; scratch=$state/build; trap 'rm -rf "$scratch"' EXIT; }
        read_old() { :; }; find_account() { account_at=$waiting account_key=PRIMARY account_entry=x account_file=$state/old; }
        echo "x user:secret" >"$state/old"
        adopt_main""")
    assert "No such file" in out and not (tmp_path / "build").exists() and "RELAY_PASSWORD='secret'" in (tmp_path / "relay.env").read_text()


def test_a_sealed_machine_keeps_no_copy_of_an_editor(sh, tmp_path):
    (tmp_path / "etc").mkdir()
    for name in ("relay.env", "relay.env~", ".relay.env.swp", "#relay.env#", ".#relay.env", "sasl_passwd.saved-1", "other.cf"):
        (tmp_path / "etc" / name).write_text("RELAY_PASSWORD=x")
    script = """settings=$state/etc relay_env=$state/etc/relay.env share=$state secrets=$state/none credential_folders= encrypted_folders=
        seal_sources"""
    assert sh("sources files apply seal", script)[0] == 0
    assert sorted(path.name for path in (tmp_path / "etc").iterdir()) == ["main.cf.d", "other.cf"]


@pytest.mark.parametrize("safe", [True, False])
def test_copies_in_a_queue_folder_of_another_account(sh, tmp_path, safe):
    """Its owner could put a link to /etc there."""
    for name in ("real", "spool"):
        (tmp_path / name).mkdir()
    (tmp_path / "spool/etc").symlink_to("../real")
    script = f"""
        postfix_dir=$state/p spool=$state/spool container=$state/none
        only_roots() {{ {'true' if safe else 'false'}; }}
        in_system() {{ false; }}; postconf() {{ echo "$state/spool"; }}; unnamed_postconf() {{ echo "$state/data"; }}
        has_before() {{ false; }}
        note_chroot_copies x; : >"$state/real/hosts"; drop_chroot_copies; ls "$state/real"
        : >"$state/real/hosts"; seal_postfix; ls "$state/real" """
    assert sh("files verify seal", script) == (0, "" if safe else "hosts\nhosts\n", "")


def test_a_purge_by_the_package_manager_finds_the_copies(run, tmp_path):
    """dpkg has `mail-relay remove` run, and then deletes /etc/mail-relay and /var/lib/mail-relay."""
    (tmp_path / "settings").mkdir()
    (tmp_path / "etc/sasl_passwd.saved-1").write_text("earlier")
    script = """
        settings=$state/settings share=$state handed_over=$state/run/x own_path=$state/none
        mkdir "$state/var" && mv "$state/applied" "$state/var/" && state=$state/var
        for name in stop_timer move_before services_back drop_own_compiled; do eval "$name() { :; }"; done
        has_before() { :; }; in_system() { false; }
        restore_files() { for name in sasl_passwd mysql.cf transport; do echo edited >"$postfix_dir/$name.saved-2"; done; }
        restore_all"""
    assert run(script, "sources files tokens needs remove")[0] == 0
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["transport.saved-2"]
    moved = ["mysql.cf.saved-2", "sasl_passwd.saved-1", "sasl_passwd.saved-2"]
    assert sorted(path.name for path in (tmp_path / "settings").iterdir()) == moved
