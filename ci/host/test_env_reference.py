"""env.awk against a second reader of relay.env, and that one against systemd's own: thousands of values, made by chance, many in a file."""

import os
import pathlib
import random
import re
import subprocess

import pytest

SYSTEMD = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
BLANK, NEWLINE = b" \t", b"\n\r"


class Reader:
    """The grammar of systemd's EnvironmentFile= (src/basic/env-file.c), and what relay.env refuses beyond it."""

    def __init__(self, text):
        self.values = {}  # key: (value, line, whether its quotes are odd)
        self.faults = set()  # lines
        self.text, self.at, self.line = text, 0, 1
        while self.skip(BLANK + NEWLINE):
            if self.peek() in (b"#", b";"):
                self.take_until(NEWLINE)
            else:
                self.assignment()

    def peek(self):
        return self.text[self.at:self.at + 1]

    def next(self):
        byte = self.peek()
        self.at += 1
        self.line += byte == b"\n"
        return byte

    def skip(self, what):
        while self.peek() and self.peek() in what:
            self.next()
        return self.peek()

    def take_until(self, what):
        taken = b""
        while self.peek() and self.peek() not in what:
            taken += self.next()
        return taken

    def assignment(self):
        line = self.line
        key = self.take_until(NEWLINE + b"=")
        if self.peek() != b"=":
            self.faults.add(line)
            return
        self.next()
        value = self.value()
        if value is not None:
            self.values[key.rstrip(BLANK)] = (value, line, self.odd)

    def value(self):
        """Quoted pieces, blanks between which vanish, then a bare one to the end of the line."""
        value, last, self.odd = b"", b"", False
        while self.skip(BLANK) in (b"'", b'"'):
            line, quote = self.line, self.next()
            self.odd |= quote == last
            last = quote
            while (byte := self.next()) != quote:
                if not byte:
                    self.faults.add(line)
                    return None
                if byte == b"\\" and quote == b'"':
                    byte = self.next()
                    if byte == b"\n":
                        continue
                    value += byte if byte and byte in b"\"\\`$" else b"\\" + byte
                else:
                    value += byte
        kept = len(value)
        while self.peek() and self.peek() not in NEWLINE:
            byte = self.next()
            if byte == b"\\":
                byte = self.next()
                value += byte if byte not in (b"\n", b"\r", b"") else b""
                kept = len(value)
            else:
                self.odd |= bool(last) and byte in (b"'", b'"')
                value += byte
                kept = kept if byte in BLANK else len(value)
        return value[:kept]

    def judged(self):
        """The lines with a fault, once every key is judged as well."""
        faults = set(self.faults)
        for key, (value, line, odd) in self.values.items():
            if not key.startswith(b"RELAY_"):
                continue
            wrong = odd or not value or re.search(rb"[\n\r]", value)
            if key.endswith(b"_PASSWORD"):
                wrong = wrong or re.search(rb"[ \t\v\f]\Z", value)
            else:
                wrong = wrong or b":" in value or re.search(rb"\A[ \t\v\f]|[ \t\v\f]\Z", value) or len(value) > 1024
            if wrong:
                faults.add(line)
        return faults


PIECES = [b"'", b'"', b"\\", b" ", b"\t", b"#", b";", b"=", b":", b"\\'", b'\\"', b"\\\\", b"`", b"%s", b"&", b"|", b"{{}}", b"[h]:1 ", b"a", b"B", b"7",
          b"\xc3\xbc", b"word", b"+/", b"'x y'", b'"x y"', b"\\\n", b"\\ "]
ONLY_OURS = [b"$", b"$x", b"${y}", b"$(id)", b"\xff", b"\x01", b"\x7f", b"\r", b"\x1b[0m", b"\v", b"\f"]


def written(chance, pieces):
    text = b"".join(chance.choice(pieces) for _ in range(chance.randrange(1, 9)))
    quote = chance.choice([b"", b"", b"'", b'"'])
    return chance.choice([b"", b" ", b"\t"]) + quote + text + quote + chance.choice([b"", b"", b" ", b" 'tail'"])


def closed(text):
    """Whether the value ends where its line does, so that it says nothing about the next ones."""
    reader = Reader(b"K=" + text + b"\nL=1\n")
    return list(reader.values) == [b"K", b"L"] and not reader.faults


def batch(chance, pieces, count, good):
    """A file of many smarthosts' accounts; with `good`, of such only as the host command takes."""
    lines = []
    for number in range(count):
        for key in (b"USERNAME", b"PASSWORD"):
            name = b"RELAY_N%d_%s" % (number, key)
            while True:
                line = name + b"=" + written(chance, pieces) + b"\n"
                if closed(line.split(b"=", 1)[1][:-1]) and not (good and Reader(line).judged()):
                    break
            lines.append(line)
            if chance.random() < 0.1:
                lines.append(chance.choice([b"# it's a comment\n", b";\"\n", b"\n", b"  \t\n", b"TZ=UTC\n", b"X='\n'\n"]))
            if not good and chance.random() < 0.02:
                lines.append(chance.choice([b"nonsense\n", b"RELAY_N0_PASSWORD\n"]))
    if not good and chance.random() < 0.3:
        lines.insert(chance.randrange(len(lines)), b"Y='never closed\n")
    return b"".join(lines)


def hosts(count):
    return " ".join(f"N{number} [h{number}]:25" for number in range(count))


@pytest.mark.parametrize("good", [True, False])
def test_two_readers_agree(awk, good):
    chance, values = random.Random(11), 0
    for _ in range(10):
        text = batch(chance, PIECES + ONLY_OURS, 100, good)
        reader = Reader(text)
        faults = reader.judged()
        code, out, error = awk("env.awk", text, out="sasl", hosts=hosts(100))
        assert [int(line) for line in re.findall(rb"relay\.env, line (\d+):", error)] == sorted(faults), text
        assert (code, good) == (2, False) if faults else code == 0
        if faults:
            assert out == b""
            continue
        get = lambda number, key: reader.values[b"RELAY_N%d_%s" % (number, key)][0]  # noqa: E731
        assert out.split(b"\n")[:-1] == [b"[h%d]:25 %s:%s" % (n, get(n, b"USERNAME"), get(n, b"PASSWORD")) for n in range(100)]
        values += 200
    assert values == (2000 if good else 0)


def unquoted(text):
    """A value as the generator prints it: bare, or in double quotes with backslashes."""
    if text.startswith(b'"'):
        return re.sub(rb"\\(.)", lambda found: found[1].replace(b"t", b"\t"), text[1:-1])
    return text


def test_systemd_agrees(tmp_path):
    """By way of environment.d(5), which is read by the same code; there a $ would be expanded, so there is none."""
    assert pathlib.Path(SYSTEMD).exists(), "systemd is not installed"
    chance, values = random.Random(12), 0
    folder = tmp_path / "environment.d"
    folder.mkdir()
    for _ in range(40):
        text = batch(chance, PIECES, 50, good=True).replace(b"X='\n'\n", b"")
        (folder / "relay.conf").write_bytes(text)
        result = subprocess.run([SYSTEMD], env={"XDG_CONFIG_HOME": str(tmp_path), "HOME": os.devnull}, capture_output=True, timeout=60, check=True)
        read = dict(line.split(b"=", 1) for line in result.stdout.splitlines() if line.startswith(b"RELAY_"))
        meant = {key: value for key, (value, *_) in Reader(text).values.items() if key.startswith(b"RELAY_")}
        assert {key: unquoted(value) for key, value in read.items()} == meant
        values += len(meant)
    assert values == 4000
