"""mail-relay credentials: the login goes from a terminal or standard input into relay.env, and nowhere else."""

import os
import pty
import subprocess
import time

import pytest

from conftest import LIB, SHELLS

PARTS = ("common", "place", "sources", "env", "smarthosts", "build", "service", "files", "credentials")
FACTS = """
    smarthosts='PRIMARY BACKUP' smarthost_PRIMARY='primary smtp.gmail.com 587 starttls password'
    smarthost_BACKUP='backup smtp.other.example 587 starttls password'"""
TEMPLATE = "# Credentials.\n\n#RELAY_USERNAME=\n#RELAY_PASSWORD=\n\n#RELAY_HOST=\n"
PASSWORDS = ["plain", "it's \"$HOME\" `id` \\ %s", " leading", "-n", "a#b;c", "ü€", "'", "''", "x" * 400]


@pytest.fixture(params=SHELLS)
def script(request, tmp_path):
    """script(*arguments): the command that runs the verb on files below the test's folder."""

    def command(*arguments, facts=FACTS):
        lines = [f". {LIB}/{part}.sh" for part in PARTS]
        lines.append(f"""
            lib={LIB} state={tmp_path}/state settings={tmp_path}/etc relay_env=$settings/relay.env verb=credentials database=
            umask 077
            need_root() {{ :; }}
            load_facts() {{ :; }}
            {facts}
            credentials_main "$@" """)
        return [*SHELLS[request.param], "-uc", "\n".join(lines), "mail-relay", *arguments]

    return command


def run(command, given):
    result = subprocess.run(command, input=given.encode(), capture_output=True, timeout=60, check=False, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def login(awk, tmp_path, hosts="PRIMARY [smtp.lab.example]:587"):
    code, out, error = awk("env.awk", (tmp_path / "etc/relay.env").read_bytes(), out="sasl", hosts=hosts)
    assert (code, error) == (0, b"")
    return out.decode()


def test_a_login_is_saved_as_it_was_given(script, awk, tmp_path):
    for password in PASSWORDS:
        code, out, error = run(script(), f"user@example.com\n{password}\n")
        assert (code, error) == (0, ""), password
        assert password not in out.replace("RELAY_PASSWORD", "") or len(password) < 6
        assert login(awk, tmp_path) == f"[smtp.lab.example]:587 user@example.com:{password}\n"
        assert (tmp_path / "etc/relay.env").stat().st_mode & 0o777 == 0o600
    # Nothing is left of the earlier ones, and no copy is left anywhere.
    assert (tmp_path / "etc/relay.env").read_text().count("RELAY_PASSWORD=") == 1
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["relay.env"]
    assert list((tmp_path / "state").iterdir()) == []


def test_other_lines_stay(script, tmp_path):
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc/relay.env"
    file.write_text(TEMPLATE + "RELAY_FROM=a@example.com\n RELAY_PASSWORD = old\\\nlines\n# RELAY_PASSWORD=was once\n")
    assert run(script("--username", "me"), "secret")[0] == 0
    kept = TEMPLATE.replace("#RELAY_USERNAME=\n#RELAY_PASSWORD=\n", "") + "RELAY_FROM=a@example.com\n# RELAY_PASSWORD=was once\n"
    assert file.read_text() == kept + "RELAY_USERNAME='me'\nRELAY_PASSWORD='secret'\n"


def test_a_smarthost_by_its_name(script, tmp_path):
    assert run(script("backup"), "b\nsecret\n")[0] == 0
    assert (tmp_path / "etc/relay.env").read_text() == "RELAY_BACKUP_USERNAME='b'\nRELAY_BACKUP_PASSWORD='secret'\n"


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        ((), "", "the user name is empty"),
        ((), "user\n", "the password is empty"),
        ((), "us:er\nsecret-word\n", "RELAY_USERNAME holds a colon"),
        ((), "user\nsecret-word \n", "RELAY_PASSWORD ends in white space"),
        (("nobody",), "user\nsecret-word\n", "no smarthost called 'nobody'"),
        (("--password", "secret-word"), "", "no option '--password'"),
    ],
)
def test_what_is_refused_changes_nothing(script, tmp_path, arguments, given, message):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/relay.env").write_text(TEMPLATE)
    code, out, error = run(script(*arguments), given)
    assert (code, out) == (2, "") and message in error and "secret-word" not in error
    assert (tmp_path / "etc/relay.env").read_text() == TEMPLATE
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["relay.env"]


def test_no_login_is_wanted(script):
    facts = "smarthosts=PRIMARY smarthost_PRIMARY='primary mx.example 25 starttls none'"
    assert "no smarthost of this package needs a login" in run(script(facts=facts), "a\nb\n")[2]
    facts = "smarthosts=PRIMARY smarthost_PRIMARY='primary smtp.gmail.com 587 starttls xoauth2'"
    assert "RELAY_CLIENT_ID" in run(script(facts=facts), "a\nb\n")[2]


def test_a_terminal_shows_no_password(script, awk, tmp_path):
    main, other = pty.openpty()
    with subprocess.Popen(script(), stdin=other, stdout=other, stderr=other, start_new_session=True) as process:
        os.close(other)
        seen = read_until(main, b"User name at [smtp.gmail.com]:587: ")
        os.write(main, b"me@gmail.com\n")
        seen += read_until(main, b"Password (not shown): ")
        time.sleep(0.2)  # the echo goes off right after the prompt
        os.write(main, b"abcd efgh ijkl mnop\n")
        seen += read_until(main, b"relay.env")
        assert process.wait(timeout=60) == 0
    os.close(main)
    assert b"abcd" not in seen
    assert login(awk, tmp_path, hosts="PRIMARY [smtp.gmail.com]:587") == "[smtp.gmail.com]:587 me@gmail.com:abcdefghijklmnop\n"


def read_until(file, end):
    seen = b""
    while end not in seen:
        seen += os.read(file, 1000)
    return seen


@pytest.mark.parametrize(
    ("host", "written", "sent"),
    [
        ("smtp.gmail.com", "abcd efgh ijkl mnop", "abcdefghijklmnop"),
        ("smtp-relay.gmail.com", "abcd\u00a0efgh\u00a0ijkl\u00a0mnop", "abcdefghijklmnop"),
        ("SMTP.Gmail.Com", "'abcd efgh  ijkl mnop'", "abcdefghijklmnop"),
        ("smtp.gmail.com", "abcd efgh ijkl mno", "abcd efgh ijkl mno"),
        ("smtp.gmail.com", "abcd efgh ijkl mnop qrst", "abcd efgh ijkl mnop qrst"),
        ("smtp.gmail.com", "Abcd efgh ijkl mnop", "Abcd efgh ijkl mnop"),
        ("smtp.gmail.com.example", "abcd efgh ijkl mnop", "abcd efgh ijkl mnop"),
        ("smtp.lab.example", "abcd efgh ijkl mnop", "abcd efgh ijkl mnop"),
    ],
)
def test_app_passwords_of_google_as_it_shows_them(awk, host, written, sent):
    text = f"RELAY_USERNAME=me\nRELAY_PASSWORD={written}\n".encode()
    code, out, error = awk("env.awk", text, out="sasl", hosts=f"PRIMARY [{host}]:587")
    assert (code, out.decode(), error) == (0, f"[{host}]:587 me:{sent}\n", b"")
