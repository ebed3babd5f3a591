"""Odd credentials: 300 and more user names and passwords, each a trap for somebody on the way to the smarthost."""

import random
import string

BLANKS = b" \t\v\f"
# What Cyrus SASL has room for.
LONGEST_USER = 1024


def pairs():
    """(user, password), bytes; the same ones in each run, all different."""
    return list(dict.fromkeys([*_punctuation(), *_controls(), *_texts(), *_lengths(), *_keys(), *_mixtures()]))


def dovecot_takes(password):
    """Dovecot lets nobody in whose password holds what its own protocols are made of."""
    return b"\1" not in password and b"\t" not in password


def fault(user, password):
    """What relay.env cannot carry to Postfix, in words of the message that must say so; None when all is well."""
    for name, value in (("RELAY_USERNAME", user), ("RELAY_PASSWORD", password)):
        if b"\0" in value:
            return "holds NUL bytes"
        if not value:
            return f"{name} is empty"
        if b"\n" in value or b"\r" in value:
            return f"{name} holds a line break"
    if b":" in user:
        return "RELAY_USERNAME holds a colon"
    if user[:1] in _bytes(BLANKS):
        return "RELAY_USERNAME begins with white space"
    if user[-1:] in _bytes(BLANKS):
        return "RELAY_USERNAME ends in white space"
    if len(user) > LONGEST_USER:
        return "RELAY_USERNAME is longer than 1024 bytes"
    if password[-1:] in _bytes(BLANKS):
        return "RELAY_PASSWORD ends in white space"
    return None


def lines(user, password, number, key=""):
    """relay.env, with the quotes that a person might choose: the ways take turns. `key` is the smarthost's part of the keys."""
    quote = [_single, _double, _bare][number % 3]
    begin = f"RELAY_{key}".encode()
    return begin + b"USERNAME=" + quote(user) + b"\n" + begin + b"PASSWORD=" + quote(password) + b"\n"


def _single(value):
    return b"'" + value.replace(b"'", b"'\"'\"'") + b"'"


def _double(value):
    for special in (b"\\", b'"', b"$", b"`"):
        value = value.replace(special, b"\\" + special)
    return b'"' + value + b'"'


def _bare(value):
    if not value or b"\n" in value or b"\r" in value:
        return _double(value)
    return b"".join(b"\\" + byte for byte in _bytes(value))


def _bytes(value):
    return [bytes([byte]) for byte in value]


def _punctuation():
    """Each sign alone, doubled, in the middle, and at both ends."""
    for sign in _bytes(string.punctuation.encode()):
        yield b"user", sign
        yield b"u" + sign + b"ser", sign + b"a" + sign + sign + b"b" + sign
        yield sign + b"user" + sign, b"pass" + sign + b"word"


def _controls():
    for number in [*range(0x20), 0x7F]:
        yield b"user", b"a" + bytes([number]) + b"b"
    for control in (b"\1", b"\t", b"\x1b", b"\x7f"):
        yield b"us" + control + b"er", b"secret"
    for blank in _bytes(BLANKS) + [b"  ", b"\t ", b" \t"]:
        yield b"user", b"a" + blank
        yield b"user", blank + b"a" + blank + b"b"
        yield blank + b"user", b"secret"
        yield b"user" + blank, b"secret"
    yield b"", b"secret"
    yield b"user", b""
    yield b"user", b" "


def _texts():
    for text in ("ü", "Zoë", "пароль", "密码", "パスワード", "🔑", "e\u0301", "\u202eabc", "a\u00a0b", "\u2028", "\ufeffx", "ß", "İı", "ẞ", "ﬁ"):
        yield text.encode(), (text + text).encode()
    for raw in (b"\xff\xfe", b"\x80", b"\xc3", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88", bytes(range(0x80, 0x100))):
        yield b"user", raw


def _lengths():
    for length in (1, 2, 63, 64, 127, 128, 255, 256, 499, 500):
        yield b"u" * length, b"y" * length
    for length in (LONGEST_USER, LONGEST_USER + 1):
        yield b"u" * length, b"secret"
    yield b"user", "ü".encode() * 250
    yield b"user", b'"\\' * 250
    yield b"user", bytes(range(0x21, 0x7F)) * 5


def _keys():
    """As providers make them."""
    chance = random.Random(1)
    letters = string.ascii_letters + string.digits
    for ending in ("", "=", "==", "+", "/", "+/=", "/+", "="):
        for _ in range(2):
            key = "".join(chance.choices(letters + "+/", k=44 - len(ending))) + ending
            yield b"AKIA" + "".join(chance.choices(string.ascii_uppercase + string.digits, k=16)).encode(), key.encode()
    for _ in range(4):
        key = "".join(chance.choices(letters + "-_", k=43))
        yield b"apikey", f"SG.{key[:22]}.{key}".encode()
        yield b"postmaster@mg.example.com", f"{key[:32]}-{key[:8]}-{key[8:16]}".encode()
        yield b"someone@gmail.com", " ".join(key[i : i + 4] for i in (0, 4, 8, 12)).encode()


def _mixtures():
    traps = [
        "$HOME", "${HOME}", "$(id)", "`id`", "$((1+1))", "$$", "$?", "$1", "\\n", "\\t", "\\x41", "\\101", "a\\", "a\\\\", "\\\\\\", "%s", "%n", "%%",
        "%d%n%s", "# x", "#", "a #b", "; x", "a;b", "a & b", "a && b", "a || b", "a | b", "> /etc/motd", "< /etc/passwd", "*", "/*", "~root", "!!", "!x",
        "'", "''", "'\"'", "\"'\"", "'a'", '"a"', "'a'b", "it's", "\\'", '\\"', "RELAY_USERNAME=x", "export A=b", "A=b", "= b", "==", "[h]:587 u:p",
        "user:password", ":", "::", "a:b:c", ": x", "{PLAIN}x", "{{x}}", "{}", "[]", "<>", "()", "-n", "-e", "--", "-x y", "END", "BEGIN", "getline",
        "hash:/etc/passwd", "/etc/shadow", "||", "true", "null", "0", "00", "1e3", "NaN", "a,b", ",", "@", "a@b", "@b", "!", "^", "a  b", "a   b  c",
    ]  # fmt: skip
    for trap in traps:
        yield b"user", trap.encode()
    for trap in traps[::6]:
        yield trap.replace(":", ".").encode(), b"secret " + trap.encode() + b"!"
