"""Words of strangers are data: what a server, a token endpoint, DNS or the log says is cut, printable, and never a command."""

import os
import random
import socketserver
import subprocess
import threading
import unicodedata

import pytest
from conftest import AWKS, LIB
from test_probe import probe  # noqa: F401
from test_tokens import ask, endpoint  # noqa: F401

LINES = int(os.environ.get("POSTPACK_GARBAGE", "4000"))
HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}
# Signs of numbers and verses are of the category Cf, and are seen.
SEEN = {*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"}
SPECIAL = [
    b"\x1b]0;OWNED\x07", b"\\033]0;OWNED\\007\\c", b"\xc2\x9b31m", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xe2\x81\xa6", b"\xff\xfe", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x9f\x93\xa7", "größe".encode(), b"%s%n", b"$(touch x)", b"`x`", b"; mend: $ touch x", b"mend:", b"\t",
    b"\r", b"\x00", b"\x7f", b"\xcc\x80" * 20, b"A" * 700, b"550 5.7.1 ", b"250-", b"\xd8\x9c", b"\xc2\xad",
]  # fmt: skip


def garbage(dice):
    pieces = [dice.choice(SPECIAL) if dice.random() < 0.5 else dice.randbytes(dice.randrange(30)) for _ in range(dice.randrange(1, 6))]
    return b"".join(pieces).replace(b"\n", b" ")


def assert_printable(text, limit):
    text.encode().decode("utf-8", "strict")
    assert len(text.encode()) <= 3 * limit, text  # each byte that is no UTF-8 is one "?"
    odd = [c for c in text if unicodedata.category(c) in HIDDEN and c not in SEEN and c != "\t"]
    assert not odd, (odd, text)
    assert "mend:" not in text, text


@pytest.mark.parametrize("name", AWKS)
def test_garbage_is_printable(name):
    dice = random.Random(14)
    lines = [garbage(dice).replace(b"\0", b"") for _ in range(LINES)]
    done = subprocess.run([*AWKS[name], "-v", "limit=400", "-f", str(LIB / "words.awk")], input=b"\n".join(lines) + b"\n", capture_output=True,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, timeout=600, check=True)  # fmt: skip
    out = done.stdout.decode("utf-8", "strict").split("\n")[:-1]
    assert len(out) == len(lines)
    for line in out:
        assert_printable(line, 400)


def test_what_is_printable_stays(sh):
    for text in ("550 5.7.1 Größe überschritten: 10 € 📧", "said \"no\" \\ [1]", "a\tb", "%s \\n \\033[1m"):
        assert sh("", 'printf "%s\\n" "$text" | printable', text=text)[1] == text + "\n"
        assert sh("", 'echo "$text"', text=text)[1] == text + "\n"


def test_a_finding_holds_no_fix_of_strangers(sh, tmp_path):
    """A value that looks like a command stays a value: in the text, in JSON, and where a name of a table's sign is in it."""
    for words in ("down; mend: $ touch /owned #", "$ touch /owned", "x\t$ touch /owned", "{4}\n$ touch /owned", "{install}"):
        script = f"""probe_folder={tmp_path} broken=no
            : >"$probe_folder/findings"
            finding token-fault PRIMARY '5 minutes' "$words" 'see the endpoint'
            awk -v format=json -v package=p -v version=1 -f "$lib/json_string.awk" -f "$lib/doctor.awk" "$probe_folder/findings" """
        code, out, err = sh("doctor", script, words=words)
        assert (code, err) == (0, "") and '"mend_is_command":false' in out and '"mend":"see the endpoint"' in out, out


def test_garbage_of_a_token_endpoint(ask, endpoint, tmp_path):  # noqa: F811
    dice = random.Random(15)
    for count in range(max(8, LINES // 400)):
        text = garbage(dice).decode("latin-1").replace('"', "'")
        number = dice.choice(["0899", "99999999999999999999", "-5", "3600", '"60"', "1e9", "0", "", "[]"])
        endpoint.answer = dice.choice([
            f'{{"error":"{text}","error_description":"{text}"}}', f'{{"access_token":"{text}","expires_in":{number}}}', text, "{" * 2000,
            f'{{"access_token":"good.{count}","refresh_token":"next-{count}","expires_in":{number},"x":"{text}"}}',
        ])  # fmt: skip
        said = ask()
        if isinstance(said, str):
            assert_printable(said.replace("; mend: ", ""), 1000)
        else:
            assert said["renew"].isdigit() and said["expires"].isdigit(), (number, said)
            assert not set(said["access_token"]) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-"), said
    (tmp_path / "fresh").mkdir(exist_ok=True)


@pytest.mark.parametrize("answer", ["A" * 300_000, '{"access_token":"' + "a\n" * 100_000 + '"}', '{"x":[' + '"y",' * 60_000 + '"z"]}'], ids=["long", "lines", "strings"])
def test_a_long_answer_ends_soon(ask, endpoint, answer):  # noqa: F811
    endpoint.answer = answer
    assert "is longer than 65536 bytes" in ask()


def test_the_newest_refresh_token_is_kept_whatever_follows(ask, endpoint, tmp_path):  # noqa: F811
    for number in ("0899", "99999999999999999999", '"abc"', "null"):
        endpoint.answer = '{"refresh_token":"rotated","access_token":"t","expires_in":' + number + "}"
        assert ask()["refresh_token"] == "rotated"
        (tmp_path / "fresh" / "refresh_token").unlink()
    endpoint.answer = '{"refresh_token":"rotated","access_token":"a b"}'
    assert "characters that no token has" in ask()
    assert (tmp_path / "fresh" / "refresh_token").read_text() == "rotated"


def test_a_nul_is_no_part_of_a_token(ask, endpoint):  # noqa: F811
    endpoint.answer = '{"access_token":"a\0b"}'
    assert "characters that no token has" in ask()


FORGED = '"a, relay=x[1.2.3.4]:25, dsn=2.0.0, status=sent (250 ok"@x.example'


def test_a_recipient_cannot_forge_a_delivery(awk):
    tail = "relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx: Connection refused)"
    head = "Nov 21 09:14:11 web1 postfix/smtp[1]: 7E12258405E: to="
    for address in (f"<{FORGED}>", f"<ops@x.example>, orig_to=<{FORGED}>", '<"b\\", status=sent (x"@x.example>'):
        line = f"{head}{address}, {tail}\n".encode()
        assert b"delivered 0\ndeferred 1\n" in awk("delivery.awk metrics_log.awk", line)[1], address
        assert b"delivered 0" in awk("delivery.awk recent.awk", line)[1], address
        log = b"Nov 21 09:14:11 web1 postfix/cleanup[2]: 7E12258405E: message-id=<me>\n" + line
        assert b"\tnone\tdeferred\t4.4.1\tconnect to mx: Connection refused\n" in awk("delivery.awk follow.awk", log, id="me")[1], address
    # A client's words in the line of another program.
    spoofed = "postfix/smtp[1]: 7E12258405E: to=<a@b>, relay=x[1.2.3.4]:25, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)"
    for line in (f'NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 denied; from=<"{spoofed}"@x.example> to=<a@b>', f"warning: helo=<{spoofed}>"):
        line = f"Nov 21 09:14:11 web1 postfix/smtpd[1]: {line}\n".encode()
        assert awk("delivery.awk metrics_log.awk", line)[1].startswith(b"delivered 0\ndeferred 0\n")
        assert b"delivered 0" in awk("delivery.awk recent.awk", line)[1]
    words = f"{head}<a@x.example>, relay=m[1.2.3.4]:25, delay=1, delays=0/0/1/0, dsn=5.0.0, status=bounced (said: x, dsn=2.0.0, status=sent (250 ok))\n"
    assert b"delivered 0\ndeferred 0\nbounced 1" in awk("delivery.awk metrics_log.awk", words.encode())[1]


@pytest.mark.parametrize("name", AWKS)
def test_what_was_sent_is_taken_out_of_a_refusal(name):
    secrets = ["AHVzZXIAc2VjcmV0LXBhc3N3b3Jk", "dXNlcj1hAWF1dGg9QmVhcmVyIHRva2Vu", "c2VjcmV0LXBhc3N3b3Jk", "secret-password"]
    for reply in ("535 bad: AUTH PLAIN AHVzZXIAc2VjcmV0LXBhc3N3b3Jk", "535 AHVzZXIAc2VjcmV0", "535 xIAc2VjcmV0LXBh!", "535 got secret-passwo", "535 c2VjcmV0LXBhc3N3b3Jk"):
        done = subprocess.run([*AWKS[name], "-f", str(LIB / "hide.awk")], input="\n".join([*secrets, reply, ""]), text=True, capture_output=True, timeout=20, check=True)
        assert "(hidden)" in done.stdout and not any(secret[i : i + 8] in done.stdout for secret in secrets for i in range(len(secret) - 7)), done.stdout
    plain = "535 5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials ab-12345\n"
    done = subprocess.run([*AWKS[name], "-f", str(LIB / "hide.awk")], input="\n".join([*secrets, plain]), text=True, capture_output=True, timeout=20, check=True)
    assert done.stdout == plain


ROOT = LIB.parents[2]


def test_the_lint_knows_what_is_unsafe(tmp_path):
    def found(*files):
        return subprocess.run([ROOT / "ci/foreign-words", *files], capture_output=True, text=True, check=True).stdout

    assert found() == ""
    for line in ('printf "$words"', "printf $words", 'command echo "$words"', 'echo -e "$words"', 'echo "${fault#*; mend: }"',
                 "for word in $reply; do", "set -- $probe_words", "for word in $(printf '%s' $answer | tr , ' '); do"):
        file = tmp_path / "part.sh"
        file.write_text(f"    {line}\n")
        assert found(file) == f"{file}:1:     {line}\n"


class Garbage:
    """A smarthost in clear whose replies begin with a code and go on with garbage."""

    def __init__(self, dice):
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    self.say(b"220 ")
                    for line in self.rfile:
                        if line.startswith(b"EHLO"):
                            self.wfile.write(b"250-" + garbage(dice).replace(b"\r", b"") + b"\r\n250-AUTH PLAIN LOGIN\r\n")
                            self.say(b"250 ")
                        else:
                            self.say(dice.choice([b"535 ", b"550 ", b"450-x\r\n450 ", b"", b"235 ", b"250 "]))
                except OSError:
                    pass

            def say(self, code):
                owner.answers += 1
                self.wfile.write(code + garbage(dice).replace(b"\r", b"") + b"\r\n")

        socketserver.ThreadingTCPServer.daemon_threads = True
        self.answers = 0
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


def test_garbage_of_a_smarthost(probe):  # noqa: F811
    there = Garbage(random.Random(16))
    clear = {"smtp_tls_security_level": "none", "smtp_sasl_security_options": "noanonymous"}
    for _ in range(max(6, LINES // 400)):
        found = probe(there.server.server_address[1], policy=clear, sender="a@example.com", recipient="b@example.com", seconds=2)
        assert_printable(found["words"], 500)
        assert "\t" not in found["words"] and "secret" not in found["words"]
    there.server.shutdown()
    assert there.answers > 12


def test_a_reply_without_end_is_cut(probe):  # noqa: F811
    class Endless(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                self.request.sendall(b"220 ok\r\n")
                self.request.recv(100)
                while True:
                    self.request.sendall((b"250-" + b"x" * 60 + b"\r\n") * 1000)
            except OSError:
                pass

    socketserver.ThreadingTCPServer.daemon_threads = True
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found = probe(server.server_address[1], policy={"smtp_tls_security_level": "none"}, seconds=3)
    server.shutdown()
    assert found["step"] in ("greeting", "auth-offered") and len(found["words"]) <= 500, found


def test_a_mechanism_is_no_pattern_of_files(probe, server):  # noqa: F811
    """The shell replaces a word such as /* with names of files where it is not quoted."""
    one = server(auth=["PLAIN", "/*", "/*/*", "[A-Z]*", "*", "LOGIN", "$(ID)"])
    found = probe(one.port)
    assert (found["auth"], found["mechanisms"].split()) == ("accepted", ["PLAIN", "LOGIN"])
    # Also before TLS, where anybody can answer.
    assert probe(server(auth=["/*/*/*/*/*/*"]).port, policy={"smtp_tls_security_level": "none"}, login=None)["mechanisms"] == ""
