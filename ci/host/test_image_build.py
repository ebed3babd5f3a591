"""An installation outside a running system: what it writes, and what it leaves to the first boot."""

import stat

import pytest

# Debian names the helper that enables units itself; a rival that the image has is sendmail.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{0}/asked
case $1.$2 in
is-enabled.sendmail.service) [ -e {0}/disabled ] && echo disabled || echo enabled ;;
is-enabled.postfix.service) echo disabled ;;
is-enabled.*) echo not-found; exit 1 ;;
is-active.*) exit 0 ;;
--no-reload.disable) : >{0}/disabled ;;
esac
"""


@pytest.fixture
def image(sh, tmp_path):
    """image(mode, more): apply_once of the host command in an image that has the package; /etc, the package and the programs are below the test's folder."""
    for folder in ("etc", "share", "bin", "state", "postfix"):
        (tmp_path / folder).mkdir()
    (tmp_path / "share/facts").write_text("package=acme-mail-relay version=1.0.0\n")
    (tmp_path / "share/relay.env.example").write_text("# RELAY_USERNAME=\n")
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(tmp_path))
    (tmp_path / "bin/systemctl").chmod(0o755)

    def call(mode, more=""):
        return sh("sources env tokens name needs build verify files service takeover install inputs log recent before apply", f"""
            settings=$state/etc relay_env=$settings/relay.env share=$state/share postfix_dir=$state/postfix before=$settings/before
            root=$state state=$state/state mode={mode} quiet=no try=no PATH=$root/bin:$PATH
            in_system() {{ false; }}
            have() {{ case $1 in deb-systemd-helper | alternatives) return 1 ;; esac; command -v "$1" >/dev/null; }}
            # What comes after the decision.
            leave_held() {{ echo goes on; exit 0; }}
            {more}
            apply_once""")  # fmt: skip

    return call


def test_nothing_is_applied_and_nothing_is_in_var(image, tmp_path):
    code, out, error = image("package")
    assert (code, error) == (0, "")
    assert out.splitlines()[-1].endswith("or 'mail-relay apply' now") and "the next boot applies" in out
    assert list((tmp_path / "state").iterdir()) == [] and list((tmp_path / "postfix").iterdir()) == []
    env = tmp_path / "etc/relay.env"
    assert (env.read_text(), stat.S_IMODE(env.stat().st_mode)) == ("# RELAY_USERNAME=\n", 0o600)
    before = tmp_path / "etc/before"
    assert stat.S_IMODE(before.stat().st_mode) == 0o700
    # systemctl calls every unit active in a chroot; only one that is enabled would have run.
    services = dict(line.split(" ", 1) for line in (before / ".services").read_text().splitlines())
    assert services.pop("postfix.service") == "disabled inactive" and services.pop("sendmail.service") == "enabled active"
    assert set(services.values()) == {"other inactive"} and len(services) == 5
    asked = (tmp_path / "asked").read_text()
    assert "--no-reload preset postfix.service mail-relay-apply.service" in asked and "--no-reload disable sendmail.service" in asked
    assert "is-active" not in asked and "stop" not in asked and "start" not in asked


def test_a_second_installation_changes_nothing(image, tmp_path):
    image("package")
    (tmp_path / "asked").unlink()
    written = {path.name: path.read_bytes() for path in (tmp_path / "etc/before").iterdir()}
    assert image("package")[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "etc/before").iterdir()} == written
    assert not (tmp_path / "asked").exists()


def test_an_upgrade_of_postfix_says_nothing(image):
    image("package")
    assert image("trigger", 'have() { [ "$1" = postconf ] || command -v "$1" >/dev/null; }') == (0, "", "")


@pytest.mark.parametrize("mode", ["person", "boot"])
def test_a_person_and_a_boot_apply(image, mode):
    assert image(mode)[1].splitlines()[-1] == "goes on"


@pytest.mark.parametrize("sign", ["state/applied", "state/next", "etc/before/main.cf"])
def test_what_was_applied_in_the_image_stays_in_step_with_the_package(image, tmp_path, sign):
    (tmp_path / sign).mkdir(parents=True)
    assert image("package")[1].splitlines()[-1] == "goes on"


def test_version_0_1_0_kept_the_originals_in_var(sh, tmp_path):
    old = tmp_path / "before"
    old.mkdir()
    (old / "main.cf").write_text("by hand\n")
    (old / "sasl_passwd.absent").write_text("")
    for name in ("services", "enabled", "ours"):
        (tmp_path / name).write_text(f"{name}\n")
    script = "settings=$state/etc before=$settings/before; move_before && move_before && has_before"
    assert sh("files", script) == (0, "", "")
    moved = {path.name: path.read_text() for path in (tmp_path / "etc/before").iterdir()}
    assert moved == {".first": "", "main.cf": "by hand\n", "sasl_passwd.absent": "", ".services": "services\n", ".enabled": "enabled\n", ".ours": "ours\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["etc"]


def test_an_unchanged_list_of_digests_is_not_written_again(sh, tmp_path):
    """/etc may be read-only: only what changes in it is written."""
    for name, text in (("stage", "a"), ("applied", "a"), ("other", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest").write_text("main.cf\n")
        (tmp_path / name / "main.cf").write_text(text)
    (tmp_path / "before").mkdir()
    ours = tmp_path / "before/.ours"
    assert sh("files", 'settings=$state; intend "$state/stage"') == (0, "", "")
    script = 'settings=$state; sync_file() { echo writes; }; intend "$state/stage"; forget; echo; intend "$state/other" && forget'
    assert sh("files", script) == (0, "\nwrites\nwrites\n", "")
    assert len(ours.read_text().splitlines()) == 1
    # A list that cannot be written is a fault, unless nobody can write there.
    failing = 'settings=$state; sync_file() { false; }; intend "$state/other"; echo $?; rm -r "$state/applied"; mv "$state/other" "$state/applied"; forget; echo $?'
    assert sh("files", failing)[1] == "1\n1\n"
