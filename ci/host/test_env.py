"""env.awk: relay.env as systemd reads it, every password byte for byte or refused with its line."""

import random

import pytest

HOST = "PRIMARY [h]:587"


def single(value):
    return b"'" + value.replace(b"'", b"'\"'\"'") + b"'"


def double(value):
    for special in (b"\\", b'"', b"$", b"`"):
        value = value.replace(special, b"\\" + special)
    return b'"' + value + b'"'


def bare(value):
    """Every byte escaped: in an unquoted value a backslash takes the next byte as it is."""
    return b"".join(b"\\" + bytes([byte]) for byte in value)


PASSWORDS = [
    b"simple", b"p@ss:w #$0\"rd", b"a'b", b"'", b"''", b'"', b'""', b"\\", b"\\\\", b"a\\", b"\\n", b"$HOME", b"$(id)", b"`id`", b"${x}", b"#", b"#x",
    b"a#b", b"a #b", b" leading", b"\tleading", b"in side", b"in\tside", b"a;b", b";", b"=", b"a=b", b"==", b"a==", b"AbC+/dEf=", b"%s", b"%d%n", b"%%",
    b"!", b"!!", b"&", b"a&b", b"|", b"<", b">", b"*", b"?", b"[", b"]", b"[h]:587 x:y", b"{", b"}", b"{{}}", b"(", b")", b"~", b"^", b"@", b":", b"::",
    b"a:b:c", b",", b".", b"-", b"--", b"-n", b"-e x", b"/", b"//", b"\xc3\xbc", b"\xff\xfe", b"\x01", b"\x7f", b"\x1b[0m", b"x" * 500,
    bytes(range(0x21, 0x7F)), bytes(range(0x80, 0x100)), b"SG.abc-DEF_123.xyz", b"\\'\"$`#", b"a\\\"b", b"a b  c", b"0", b"END", b"getline", b"\xef\xbb\xbfx",
]


@pytest.mark.parametrize("quote", [single, double, bare])
def test_passwords_arrive_byte_for_byte(awk, quote):
    assert len(PASSWORDS) >= 60
    for password in PASSWORDS:
        text = b"RELAY_USERNAME=user\nRELAY_PASSWORD=" + quote(password) + b"\n"
        assert awk("env.awk", text, out="sasl", hosts=HOST) == (0, b"[h]:587 user:" + password + b"\n", b""), password


# Text of relay.env after RELAY_PASSWORD=, and what systemd 247, 252, 257 and 262 made of it (and of all passwords above).
GRAMMAR = [
    (b"plain", b"plain"),
    (b"  spaces around  ", b"spaces around"),
    (b"a b", b"a b"),
    (b"a#b", b"a#b"),
    (b"a # b", b"a # b"),
    (b"it's", b"it's"),
    (b"a\"b\"", b"a\"b\""),
    (b"'a'b", b"ab"),
    (b"'a' 'b'", b"ab"),
    (b"\"a\"'b'", b"ab"),
    (b"'a'   ", b"a"),
    (b"\"a  \"x", b"a  x"),
    (b"a\\ ", b"a "),
    (b"a\\\nb", b"ab"),
    (b"\"a\\\nb\"", b"ab"),
    (b"\"a\\nb\"", b"a\\nb"),
    (b"a\\nb", b"anb"),
    (b"'a\\nb'", b"a\\nb"),
    (b"\"\\$x\\`\\\\\\\"\"", b"$x`\\\""),
    (b"\tx\t", b"x"),
    (b"x\r", b"x"),
]


@pytest.mark.parametrize(("written", "meant"), GRAMMAR)
def test_grammar(awk, written, meant):
    code, out, error = awk("env.awk", b"RELAY_USERNAME=u\nRELAY_PASSWORD=" + written + b"\n", out="sasl", hosts=HOST)
    if meant.endswith(b" "):
        assert code == 2 and b"line 2" in error
    else:
        assert (code, out, error) == (0, b"[h]:587 u:" + meant + b"\n", b"")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        (b"RELAY_PASSWORD", 1, b"not KEY=value"),
        (b"\n\n  nonsense here\n", 3, b"not KEY=value"),
        (b"RELAY_PASWORD=x", 1, b"RELAY_PASWORD is not a key"),
        (b"relay_password=x", 1, b"write RELAY_PASSWORD"),
        (b"RELAY_OTHER_PASSWORD=x", 1, b"is not a key"),
        (b"RELAY_secret value=x", 1, b"this is not a key"),
        (b"RELAY_USERNAME=", 1, b"empty"),
        (b"RELAY_PASSWORD=''", 1, b"empty"),
        (b"RELAY_USERNAME=a:b", 1, b"colon"),
        (b"RELAY_USERNAME=' a'", 1, b"begins with white space"),
        (b"RELAY_USERNAME='a '", 1, b"ends in white space"),
        (b"RELAY_USERNAME='a\t'", 1, b"ends in white space"),
        (b"RELAY_USERNAME=" + b"a" * 1025, 1, b"longer than 1024 bytes"),
        (b"RELAY_PASSWORD='a '", 1, b"ends in white space"),
        (b"RELAY_PASSWORD='a\t'", 1, b"ends in white space"),
        (b"RELAY_PASSWORD='a\nb'", 1, b"line break"),
        (b"RELAY_PASSWORD=\"a\rb\"", 1, b"line break"),
        (b"# x\nRELAY_PASSWORD='a", 2, b"never closed"),
        (b"RELAY_PASSWORD=\"a\n\n\n", 1, b"never closed"),
        (b"RELAY_PORT=587x", 1, b"not a port"),
        (b"RELAY_PORT=0", 1, b"not a port"),
        (b"RELAY_PORT=65536", 1, b"not a port"),
        (b"RELAY_HOST=a b", 1, b"not a host"),
        (b"RELAY_HOST=$(id)", 1, b"not a host"),
        (b"RELAY_HOST=-x", 1, b"not a host"),
        (b"RELAY_HOSTNAME=short", 1, b"full host name"),
        (b"RELAY_FROM=nobody", 1, b"not an address"),
        (b"RELAY_FROM=a@b@c", 1, b"not an address"),
        (b"RELAY_FROM='a$x@b.example'", 1, b"not an address"),
        (b"RELAY_ROOT_MAIL_TO=a@b.example,root", 1, b"not a list"),
        (b"RELAY_ROOT_MAIL_TO='a@b.example}}'", 1, b"not a list"),
    ],
)
def test_faults_name_their_line_and_never_a_value(awk, text, line, word):
    if b"never" not in word:
        text += b"\nRELAY_USERNAME=TopSecret\n" if b"RELAY_PASSWORD=" in text else b"\nRELAY_PASSWORD=TopSecret\n"
    code, out, error = awk("env.awk", text, out="settings", hosts=HOST)
    assert code == 2
    assert out == b""
    assert b"line %d:" % line in error and word in error
    assert b"TopSecret" not in error


def test_all_faults_at_once_in_order(awk):
    code, _, error = awk("env.awk", b"RELAY_PORT=x\nRELAY_HOST=a b\njunk\n", out="settings", hosts=HOST)
    assert code == 2
    assert [line.split(b":")[1] for line in error.splitlines()] == [b" relay.env, line 1", b" relay.env, line 2", b" relay.env, line 3"]


def test_settings(awk):
    text = b"\xef\xbb\xbfRELAY_HOST=smtp.example.com\r\nRELAY_PORT = 465\r\n;x\n# RELAY_FROM=no\n  RELAY_FROM=@example.com\nTZ=UTC\nRELAY_PORT=587\n"
    expected = b"RELAY_HOST smtp.example.com\nRELAY_PORT 587\nRELAY_FROM @example.com\n"
    assert awk("env.awk", text, out="settings", hosts=HOST) == (0, expected, b"")


def test_named_smarthosts_fall_back_to_the_plain_keys(awk):
    """On the host of the first alone."""
    hosts = "PRIMARY [a]:1 BACK_UP [b]:2 THIRD [a]:3 FOURTH [d]:1"
    text = b"RELAY_USERNAME=u\nRELAY_PASSWORD=p\nRELAY_BACK_UP_USERNAME=bu\nRELAY_BACK_UP_PASSWORD=bp\n"
    assert awk("env.awk", text, out="sasl", hosts=hosts)[1] == b"[a]:1 u:p\n[b]:2 bu:bp\n[a]:3 u:p\n"
    only = b"RELAY_BACK_UP_USERNAME=bu\nRELAY_BACK_UP_PASSWORD=bp\n"
    assert awk("env.awk", only, out="names", hosts=hosts)[1] == b"BACK_UP\n"


def test_an_account_for_single_senders_is_never_the_plain_one(awk):
    """Nor at the same host; and a password of Google is read there as everywhere."""
    hosts = "PRIMARY [smtp.gmail.com]:587 SHOP shop/[smtp.gmail.com]:587 SHOP_TWO shop/[b]:2"
    text = b"RELAY_USERNAME=u\nRELAY_PASSWORD=p\nRELAY_SHOP_TWO_USERNAME=tu\nRELAY_SHOP_TWO_PASSWORD=tp\n"
    assert awk("env.awk", text, out="sasl", hosts=hosts)[1] == b"[smtp.gmail.com]:587 u:p\nshop/[b]:2 tu:tp\n"
    text = b"RELAY_SHOP_USERNAME=s\nRELAY_SHOP_PASSWORD=abcd efgh ijkl mnop\n"
    assert awk("env.awk", text, out="sasl", hosts=hosts)[1] == b"shop/[smtp.gmail.com]:587 s:abcdefghijklmnop\n"
    # Where it is the first that wants a login, too.
    assert awk("env.awk", b"RELAY_USERNAME=u\nRELAY_PASSWORD=p\n", out="sasl", hosts=hosts.partition(" SHOP")[0].replace("[", "a/["))[1] == b""


@pytest.mark.parametrize("text", [b"RELAY_USERNAME=u\n", b"RELAY_PASSWORD=TopSecret\n", b"RELAY_USERNAME=u\nRELAY_PASSWORD=p\nRELAY_PRIMARY_PASSWORD=TopSecret\n"])
def test_half_of_a_credential_is_refused(awk, text):
    code, out, error = awk("env.awk", text, out="sasl", hosts=HOST)
    assert (code, out) == (2, b"") and b"but no RELAY_" in error and b"TopSecret" not in error


@pytest.mark.parametrize("text", [b"", b"\n", b"# only\n#comments\n"])
def test_nothing_said(awk, text):
    assert awk("env.awk", text, out="sasl", hosts=HOST) == (0, b"", b"")


def test_any_bytes_end_well(awk):
    """No hang, no crash, no output beside a fault, whatever the bytes."""
    chance = random.Random(7)
    alphabet = b"RELAY_PASSWORD=\"'\\\n\r #;$`ab\x00\xff\t"
    for _ in range(60):
        text = bytes(chance.choice(alphabet) for _ in range(chance.randrange(400))).replace(b"\x00", b"")
        code, out, error = awk("env.awk", text, out="sasl", hosts=HOST)
        assert code in (0, 2)
        assert not (code == 2 and out), text
        assert code == 0 or b"mail-relay: relay.env" in error


def test_the_last_file_that_has_a_key_counts(awk):
    """The variables before a file are its own: what messages call it, and the key that all of it is for."""
    files = [b"RELAY_USERNAME=a\nRELAY_PASSWORD=weak\nRELAY_PORT=25", b"RELAY_USERNAME=b\n", b"pass word \n", b""]
    between = [[], ["source=other"], ["source=/run/secrets/relay_password", "whole=RELAY_PASSWORD"], ["source=none", "whole="]]
    code, out, error = awk("env.awk", *files, before=between, out="sasl", hosts=HOST)
    assert (code, out) == (2, b"") and error.startswith(b"mail-relay: /run/secrets/relay_password: RELAY_PASSWORD ends in white space")
    files[2] = b"#'pa\"ss\\\r\n"
    assert awk("env.awk", *files, before=between, out="sasl", hosts=HOST) == (0, b"[h]:587 b:#'pa\"ss\\\n", b"")
    expected = b"RELAY_USERNAME\tother\nRELAY_PASSWORD\t/run/secrets/relay_password\nRELAY_PORT\trelay.env\n"
    assert awk("env.awk", *files, before=between, out="sources", hosts=HOST) == (0, expected, b"")


def test_a_quote_ends_with_its_file(awk):
    code, out, error = awk("env.awk", b"RELAY_PORT='1", b"x\nRELAY_HOST='a b'\n", before=[[], ["source=other"]], out="settings", hosts=HOST)
    faults = [b"relay.env, line 1: the quote", b"other, line 1: this is not", b"other, line 2: RELAY_HOST"]
    assert (code, out) == (2, b"") and len(error.splitlines()) == 3
    assert all(line.startswith(b"mail-relay: " + fault) for line, fault in zip(error.splitlines(), faults, strict=True))


def test_several_answers_of_one_run(awk, tmp_path):
    """What is to be written goes into its file, the rest is printed, and a token that is looked for twice is there twice."""
    for name in ("PRIMARY", "SECOND"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access_token").write_text("token\n")
    text = b"RELAY_USERNAME=u\nRELAY_CLIENT_ID=i\nRELAY_REFRESH_TOKEN=r\n"
    wanted = {"out": f"names sources={tmp_path}/sources sasl={tmp_path}/sasl", "hosts": "PRIMARY [h]:587 SECOND [h]:25"}
    done = awk("env.awk", text, **wanted, tokens="PRIMARY SECOND", folder=tmp_path)
    assert done == (0, b"PRIMARY\nSECOND\n", b"")
    assert (tmp_path / "sasl").read_text() == "[h]:587 u:mail-relay/PRIMARY\n[h]:25 u:mail-relay/SECOND\n"
    assert (tmp_path / "sources").read_text().splitlines()[0] == "RELAY_USERNAME\trelay.env"
    # A full disk, or a folder that is gone.
    assert awk("env.awk", text, out="sources=/dev/full", hosts=HOST)[0] == 2


@pytest.mark.parametrize(("text", "word"), [(b"RELAY_VERIFY=maybe", b"yes or no"), (b"RELAY_COMMAND=x", b"absolute path")])
def test_switches(awk, text, word):
    code, _, error = awk("env.awk", text, out="settings", hosts=HOST)
    assert code == 2 and word in error


def test_only_relay_env_names_a_command(awk):
    code, _, error = awk("env.awk", b"", b"RELAY_COMMAND=/bin/true", before=[[], ["source=other"]], out="settings", hosts=HOST)
    assert code == 2 and b"other, line 1: RELAY_COMMAND belongs into relay.env" in error


SIGN_IN = b"RELAY_USERNAME=robot@acme.example\nRELAY_CLIENT_ID=id\nRELAY_CLIENT_SECRET='s e&c=ret+%'\nRELAY_REFRESH_TOKEN=1//x\n"


def test_a_token_stands_in_for_a_password(awk, tmp_path):
    """sasl_passwd has its path, once there is one; what it is fetched with goes into files, without a line feed."""
    asked = {"hosts": HOST, "tokens": "PRIMARY", "folder": tmp_path}
    assert awk("env.awk", SIGN_IN, out="names", **asked) == (0, b"", b"")
    (tmp_path / "PRIMARY").mkdir()
    (tmp_path / "PRIMARY/access_token").write_text("ya29")
    assert awk("env.awk", SIGN_IN, out="names", **asked) == (0, b"PRIMARY\n", b"")
    assert awk("env.awk", SIGN_IN, out="sasl", **asked) == (0, b"[h]:587 robot@acme.example:mail-relay/PRIMARY\n", b"")
    into = tmp_path / "into"
    into.mkdir()
    assert awk("env.awk", SIGN_IN + b"RELAY_PASSWORD=no\n", out="login", name="PRIMARY", into=into, **asked) == (0, b"", b"")
    written = {path.name: path.read_bytes() for path in into.iterdir()}
    assert written == {"username": b"robot@acme.example", "client_id": b"id", "client_secret": b"s e&c=ret+%", "refresh_token": b"1//x"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"RELAY_USERNAME=u\n", b"RELAY_USERNAME but no RELAY_CLIENT_ID"),
        (b"RELAY_USERNAME=u\nRELAY_CLIENT_ID=c\n", b"but no RELAY_REFRESH_TOKEN"),
        (b"RELAY_REFRESH_TOKEN=TopSecret\n", b"RELAY_REFRESH_TOKEN but no RELAY_USERNAME"),
        (SIGN_IN + b"RELAY_PRIMARY_CLIENT_ID=c\n", b"RELAY_PRIMARY_CLIENT_ID but no RELAY_PRIMARY_USERNAME"),
    ],
)
def test_half_of_a_sign_in_is_refused(awk, text, word):
    code, out, error = awk("env.awk", text, out="names", hosts=HOST, tokens="PRIMARY", folder="/nonexistent")
    assert (code, out) == (2, b"") and word in error and b"TopSecret" not in error


def test_a_relay_by_password_knows_no_tokens(awk):
    code, _, error = awk("env.awk", b"RELAY_CLIENT_ID=x", out="settings", hosts=HOST)
    assert code == 2 and b"RELAY_CLIENT_ID is not a key" in error


def test_the_login_of_a_database_arrives_byte_for_byte(awk):
    for password in PASSWORDS:
        text = b"RELAY_DATABASE_USERNAME='mail'\nRELAY_DATABASE_PASSWORD=" + single(password) + b"\n"
        code, out, err = awk("env.awk", text, out="database", database="mysql")
        if password[:1] in b" \t":
            assert code == 2 and not out and b"RELAY_DATABASE_PASSWORD has white space" in err, password
        else:
            assert (code, out, err) == (0, b"user = mail\npassword = " + password + b"\n", b""), password


def test_a_database_has_a_whole_login_or_none(awk):
    assert awk("env.awk", b"", out="database", database="mysql") == (0, b"", b"")
    text = b"RELAY_DATABASE_USERNAME=cn=mail,dc=acme\nRELAY_DATABASE_PASSWORD=x\n"
    assert awk("env.awk", text, out="database", database="ldap") == (0, b"bind_dn = cn=mail,dc=acme\nbind_pw = x\n", b"")
    for part, other in (("USERNAME", "PASSWORD"), ("PASSWORD", "USERNAME")):
        code, out, err = awk("env.awk", f"RELAY_DATABASE_{part}=x\n".encode(), out="database", database="pgsql")
        assert code == 2 and not out and f"but no RELAY_DATABASE_{other}".encode() in err
    # It is no key where there is no database.
    assert awk("env.awk", b"RELAY_DATABASE_USERNAME=x\n", out="settings")[0] == 2
