"""Many answers of garbage, read by one run of the host command's own functions, without a network.

POSTPACK_ANSWERS=17000 reads that many of a mail server and that many of a token endpoint in each shell, more than 100,000 in all."""

import os
import random
import re
import subprocess

import pytest
from conftest import LIB, SHELLS
from test_words import assert_printable, garbage

# Each answer starts about twenty programs.
COUNT = int(os.environ.get("POSTPACK_ANSWERS", "150"))
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
SECRET = "AHVzZXIAc2VjcmV0LXBhc3N3b3Jk"


def run(shell, script, tmp_path, stdin=None):
    """Standard output, by lines; whatever the script has to say on standard error is a failure."""
    lines = [f"unset IFS; lib={LIB} state={tmp_path}", *(f". {LIB}/{part}.sh" for part in ("common", "place", "dialogue", "probe", "tokens"))]
    done = subprocess.run([*SHELLS[shell], "-uc", "\n".join([*lines, f"lib={LIB} state={tmp_path}", script])], stdin=stdin, capture_output=True,
                          env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, cwd=tmp_path, timeout=3600 * 4, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b""), done.stderr[-2000:]
    return done.stdout.decode("utf-8", "strict").split("\n")[:-1]


@pytest.mark.parametrize("shell", SHELLS)
def test_garbage_of_a_mail_server(shell, tmp_path):
    """Replies of one line and of several, with what was sent repeated in them."""
    dice = random.Random(f"server {shell}")
    replies = []
    for _ in range(COUNT):
        code = dice.choice([b"250", b"535", b"450", b"5", b"", b"999", b"\xff\xff\xff"])
        several = [code + b"-" + garbage(dice) for _ in range(dice.choice([0, 0, 0, 1, 3]))]
        last = garbage(dice)
        if dice.random() < 0.2:
            last += SECRET[: dice.randrange(8, len(SECRET))].encode()
        replies.append(b"\r\n".join([*several, code + b" " + last]) + b"\r\n")
    (tmp_path / "replies").write_bytes(b"".join(replies))
    script = f"""
        probe_folder={tmp_path} step_seconds=10 mechanism=PLAIN
        login() {{ case $1 in user) printf user ;; password) printf secret-password ;; esac; }}
        encoded() {{ base64 | tr -d '\\n'; echo; }}
        exec 3>/dev/null 4<{tmp_path}/pipe
        while read_reply; do
            hide_login
            failed step
            printf '%s\\n' "$probe_words"
        done"""
    (tmp_path / "pipe").touch()
    (tmp_path / "pipe").unlink()
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    writer = subprocess.Popen(["sh", "-c", "cat replies >pipe"], cwd=tmp_path)
    try:
        said = run(shell, script, tmp_path)
    finally:
        writer.kill()
        writer.wait()
    # A garbage code ends a reply at its first line, so there are at least as many.
    assert len(said) >= COUNT
    for line in said:
        assert_printable(line, 500)
        assert not [at for at in range(len(SECRET) - 7) if SECRET[at : at + 8] in line], line


def answers(dice):
    """Answers of a token endpoint, with what a right one would have kept: the access and the refresh token."""
    for count in range(COUNT):
        text = garbage(dice).replace(b'"', b"'")
        number = dice.choice([b"0899", b"99999999999999999999", b"-5", b"3600", b'"60"', b"1e9", b"0", b"", b"[]", text])
        fields = [b'"error":"%s"' % text, b'"error_description":"%s"' % text, b'"expires_in":%s' % number, b'"x":{"access_token":"inner"}',
                  b'"access_token":"%s"' % dice.choice([b"good.%d" % count, text]), b'"refresh_token":"%s"' % dice.choice([b"next-%d" % count, text]),
                  b'"x":["access_token","%s"]' % text]  # fmt: skip
        answer = b"{" + b",".join(dice.sample(fields, dice.randrange(len(fields) + 1))) + b"}"
        yield dice.choice([answer, answer, answer, text, answer[: dice.randrange(len(answer) + 1)], b"[" * 500 + answer, answer * 3])


@pytest.mark.parametrize("shell", SHELLS)
def test_garbage_of_a_token_endpoint(shell, tmp_path):
    """Every answer ends with a token of token characters and two numbers, or with a fault that can be shown."""
    dice = random.Random(f"endpoint {shell}")
    for part in ("answers", "login", "fresh"):
        (tmp_path / part).mkdir()
    for name in ("client_id", "client_secret", "refresh_token"):
        (tmp_path / "login" / name).write_text(name)
    for number, answer in enumerate(answers(dice)):
        (tmp_path / "answers" / str(number)).write_bytes(answer)
    script = f"""
        login=$state/login fresh=$state/fresh endpoint=https://token.example scope= app_scope=
        curl() {{ cat "$state/answers/$at"; }}
        at=0
        while [ "$at" -lt {COUNT} ]; do
            if ask_for_token; then
                printf 'token %s ' "$(tr '\\n' ' ' <"$fresh/access_token")"
                echo "$(($(cat "$fresh/renew") <= $(cat "$fresh/expires")))"
                rm "$fresh/access_token" "$fresh/renew" "$fresh/expires"
            else
                printf 'fault %s|%s\\n' "$fault" "$fault_mend"
            fi
            [ ! -e "$fresh/refresh_token" ] || {{ printf 'refresh %s\\n' "$(cat "$fresh/refresh_token")"; rm "$fresh/refresh_token"; }}
            at=$((at + 1))
        done"""
    seen = dict.fromkeys(("token", "fault", "refresh"), 0)
    for line in run(shell, script, tmp_path):
        word, _, rest = line.partition(" ")
        seen[word] += 1
        if word == "token":
            token, ordered = rest.split()
            assert TOKEN.fullmatch(token) and ordered == "1" and token != "inner", line
        elif word == "fault":
            fault, mend = rest.rsplit("|", 1)
            assert_printable(fault, 600)
            assert mend in ("", "the refresh token is expired or revoked, so make a new one and put it in its place", "check RELAY_CLIENT_ID and RELAY_CLIENT_SECRET")
        else:
            assert all(" " <= c <= "~" for c in rest), line
    assert seen["token"] + seen["fault"] == COUNT and min(seen.values()) > COUNT // 20, seen
