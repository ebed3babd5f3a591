"""probe.sh and dialogue.sh against a real server over real TLS, in every sh that a host may have."""

import base64
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import HOST, LIB, SHELLS

POLICY = {
    "smtp_tls_security_level": "secure",
    "smtp_tls_wrappermode": "no",
    "smtp_tls_secure_cert_match": "nexthop, dot-nexthop",
    "smtp_tls_verify_cert_match": "hostname",
    "smtp_tls_mandatory_protocols": "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
    "smtp_tls_servername": "",
    "smtp_sasl_security_options": "noplaintext, noanonymous",
    "smtp_host_lookup": "native",
    "inet_protocols": "ipv4",
    "smtp_helo_name": "web1.example.com",
}
# Stands in for postmap(1): "table:FILE" has lines "KEY VALUE"; "broken:FILE" cannot be read.
POSTMAP = """#!/bin/sh
case $5 in broken:*) echo "postmap: fatal: open $5" >&2; exit 1 ;; esac
exec awk -v key="$4" '$1 == key { sub(/^[^ ]* /, ""); print; found = 1 } END { exit !found }' "${5#*:}"
"""
STATE = ("step", "words", "address", "protocol", "verify", "begins", "expires", "mechanisms", "auth")


@pytest.fixture(params=SHELLS)
def probe(request, pki, tmp_path):
    """probe(port, **...): what was found, as a dict. `policy` changes the policy; login is the text after the key of sasl_passwd."""

    def run(port, host=HOST, policy=(), login=b"user:secret", sender="", recipient="", seconds=5, plugins=("plain", "login"), way=""):
        values = POLICY | {"smtp_tls_CAfile": str(pki / "ca.crt")} | dict(policy)
        (tmp_path / f"policy{way and '.'}{way}").write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
        shutil.rmtree(tmp_path / "sasl", ignore_errors=True)
        (tmp_path / "sasl").mkdir()
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        (programs / "postmap").write_text(POSTMAP)
        (programs / "postmap").chmod(0o755)
        for plugin in plugins:
            (tmp_path / f"sasl/lib{plugin}.so.2").touch()
        lines = [f"lib={LIB}", *(f". {LIB}/{part}.sh" for part in ("common", "dialogue", "probe"))]
        lines += [f"probe_folder={tmp_path} state={tmp_path} policy_folder={tmp_path} sasl_folders={tmp_path}/sasl"]
        lines += [f"step_seconds={seconds}", f"probe_sender={sender}", f"probe_recipient={recipient}"]
        if login is not None:
            key = b"%s[%s]:%d" % (f"{way}{way and '/'}".encode(), host.encode(), port)
            (tmp_path / "login").write_bytes(b"[other]:25 no:no\nother/[%s]:%d no:no\n%s %s\n" % (host.encode(), port, key, login))
            lines.append(f"probe_login={tmp_path}/login")
        lines += [f"of_way={way}; probe {host} {port}; echo code=$?"]
        lines += [f'printf "%s=%s\\n" {name} "$probe_{name}"' for name in STATE]
        argv = [*SHELLS[request.param], "-uc", "\n".join(lines)]
        environment = {"LC_ALL": "C", "PATH": f"{programs}:{os.environ['PATH']}"}
        done = subprocess.run(argv, capture_output=True, env=environment, timeout=60, check=True)
        assert done.stderr == b""
        return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())

    return run


@pytest.fixture
def token(tmp_path):
    """An access token as long as those of Microsoft 365, where the host keeps it; sasl_passwd has its place."""
    text = b"ya29.MaRkEr" + b"7f3a_-.~+/" * 150 + b"=="
    home = tmp_path / "oauth2/PRIMARY"
    home.mkdir(parents=True)
    (home / "access_token").write_bytes(text)
    return text


BY_TOKEN = {"policy": {"smtp_sasl_mechanism_filter": "xoauth2"}, "login": b"robot@example.com:mail-relay/PRIMARY"}


def test_everything_is_accepted(probe, server):
    there = server()
    found = probe(there.port, sender="a@example.com", recipient="b@example.com")
    assert (found["code"], found["step"], found["auth"]) == ("0", "", "accepted"), found
    assert found["protocol"] == "TLSv1.3" and found["verify"] == "0" and found["address"] == "127.0.0.1"
    assert 0 < int(found["expires"]) - int(found["begins"]) <= 20 * 86400 + 1
    said = [line for _, line in there.lines]
    assert said[0] == b"EHLO web1.example.com"
    assert said[-4:] == [b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"RSET", b"QUIT"]
    assert there.logins() == [(b"user", b"secret")]


def test_the_account_of_single_senders(probe, server):
    """Its policy and its login, though another account is at the same server."""
    there = server()
    found = probe(there.port, way="shop-eu", login=b"shop:its own")
    assert (found["code"], found["step"]) == ("1", "auth"), found
    assert there.logins() == [(b"shop", b"its own")]


DESTINATIONS = {
    "shop-eu/[smtp.example.com]:587": "smtp.example.com 587",
    "[smtp.example.com]:587": "smtp.example.com 587",
    "[ipv6:2001:db8::1]:465": "2001:db8::1 465",
    "[192.0.2.1]": "192.0.2.1 25",
    "[ipv6:2001:db8::1]": "2001:db8::1 25",
    "smtp.example.com:2525": "smtp.example.com 2525",
    "smtp.example.com": "smtp.example.com 25",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_destinations_are_split(shell):
    script = f". {LIB}/common.sh; for one in \"$@\"; do split_destination \"$one\"; echo \"$host $port\"; done"
    argv = [*SHELLS[shell], "-uc", script, "sh", *DESTINATIONS]
    assert subprocess.run(argv, capture_output=True, check=True, text=True).stdout.splitlines() == [*DESTINATIONS.values()]


def test_wrapped_tls(probe, server):
    there = server(wrapped=True)
    found = probe(there.port, policy={"smtp_tls_wrappermode": "yes"}, sender="a@example.com")
    assert (found["code"], found["auth"]) == ("0", "accepted"), found


def test_login_where_plain_is_not_offered(probe, server):
    found = probe(server(auth=["LOGIN"]).port)
    assert (found["code"], found["auth"], found["mechanisms"].split()) == ("0", "accepted", ["LOGIN"]), found


# What the server offers, the filter of Postfix, the plugins of the SASL library here; and the outcome: how the probe logs in, "unknown"
# where Postfix would use a mechanism that the probe cannot, or the words of the step auth-offered.
ALL = ("plain", "login", "crammd5", "digestmd5", "scram", "gssapiv2", "gs2", "ntlm", "otp", "xoauth2", "anonymous")
PASSWORDS_ONLY = "plain, login, cram-md5, digest-md5, scram-sha-1, scram-sha-256"
MECHANISMS = [
    ("GSSAPI PLAIN LOGIN", PASSWORDS_ONLY, ALL, "PLAIN"),
    ("GSS-SPNEGO GS2-KRB5 EXTERNAL OAUTHBEARER XOAUTH2 LOGIN", PASSWORDS_ONLY, ALL, "LOGIN"),
    ("EXTERNAL PLAIN", "", ALL, "PLAIN"),
    ("GSSAPI PLAIN", "", ALL, "unknown"),
    ("GSSAPI PLAIN", "", ("plain", "login"), "PLAIN"),
    ("CRAM-MD5 PLAIN", PASSWORDS_ONLY, ALL, "unknown"),
    ("CRAM-MD5 PLAIN", PASSWORDS_ONLY, ("plain", "login"), "PLAIN"),
    ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS LOGIN", PASSWORDS_ONLY, ALL, "unknown"),
    ("DIGEST-MD5", PASSWORDS_ONLY, ALL, "unknown"),
    ("CRAM-MD5 LOGIN", "!cram-md5, login", ALL, "LOGIN"),
    ("PLAIN LOGIN", "LOGIN", ALL, "LOGIN"),
    ("GSSAPI", PASSWORDS_ONLY, ALL, "offers GSSAPI, and Postfix uses only"),
    ("CRAM-MD5", PASSWORDS_ONLY, ("plain", "login"), "no plugin for CRAM-MD5"),
    ("OAUTHBEARER XOAUTH2", PASSWORDS_ONLY, ALL, "Postfix uses only"),
]


def test_the_probe_logs_in_as_postfix_does(probe, server):
    for offered, mechanisms, plugins, outcome in MECHANISMS:
        there = server(auth=offered.split())
        found = probe(there.port, sender="a@example.com", policy={"smtp_sasl_mechanism_filter": mechanisms}, plugins=plugins)
        case = (offered, mechanisms, plugins, found)
        said = [line.split()[1].decode() for _, line in there.lines if line.startswith(b"AUTH ")]
        if outcome in ("PLAIN", "LOGIN"):
            assert (found["code"], found["auth"], said) == ("0", "accepted", [outcome]), case
        elif outcome == "unknown":
            # It decides nothing, and nothing is tried after it.
            assert (found["code"], found["auth"], said) == ("0", "unknown", []), case
            assert not any(line.startswith(b"MAIL") for _, line in there.lines)
        else:
            assert (found["step"], said) == ("auth-offered", []) and outcome in found["words"], case


# What Postfix has set, and whether the probe may log in: only where it verifies the server as Postfix does.
LEVELS = [
    ({"smtp_tls_security_level": "may"}, True),
    ({"smtp_tls_security_level": "encrypt"}, True),
    ({"smtp_tls_security_level": "verify"}, True),
    ({"smtp_tls_security_level": "secure"}, True),
    ({"smtp_tls_security_level": "dane"}, False),
    ({"smtp_tls_security_level": "dane-only"}, False),
    ({"smtp_tls_security_level": "fingerprint"}, False),
    ({"smtp_tls_security_level": "half-dane"}, False),
    ({"smtp_tls_security_level": "", "smtp_enforce_tls": "yes"}, False),
    ({"smtp_tls_trust_anchor_file": "/etc/anchor"}, False),
    ({"smtp_tls_CApath": "/etc/authorities"}, False),
    ({"smtp_tls_per_site": "hash:/etc/postfix/sites"}, False),
    ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "table:POLICIES"}, False),
    ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "table:OTHERS, table:POLICIES"}, False),
    ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "table:OTHERS"}, True),
    ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "broken:OTHERS"}, False),
    # A policy that is a level alone is known here as well.
    ({"smtp_tls_security_level": "encrypt", "smtp_tls_policy_maps": "table:LEVELS"}, True),
    ({"smtp_tls_security_level": "dane", "smtp_tls_policy_maps": "table:LEVELS"}, True),
    ({"smtp_tls_security_level": "may", "smtp_tls_policy_maps": "table:LEVELS", "smtp_tls_CApath": "/etc/authorities"}, False),
]


def test_credentials_go_only_to_a_server_that_was_verified_as_postfix_does(probe, server, tmp_path):
    for number, (policy, may_log_in) in enumerate(LEVELS):
        there = server()
        (tmp_path / f"policies{number}").write_text(f"[{HOST}]:{there.port} secure match=nexthop\n")
        (tmp_path / f"levels{number}").write_text(f"[{HOST}]:{there.port} secure\n")
        (tmp_path / f"others{number}").write_text(f"[{HOST}]:25 secure\n[other]:{there.port} secure\n")
        for name in ("policies", "levels", "others"):
            policy = {key: value.replace(f":{name.upper()}", f":{tmp_path}/{name}{number}") for key, value in policy.items()}
        found = probe(there.port, policy=policy)
        if may_log_in:
            assert (found["code"], there.logins()) == ("0", [(b"user", b"secret")]), (policy, found)
        else:
            assert (found["step"], there.logins()) == ("policy", []), (policy, found)
            assert not any(line.startswith(b"AUTH") for _, line in there.lines)


def test_without_a_bundle_nobody_is_trusted(probe, server):
    found = probe(server().port, policy={"smtp_tls_CAfile": ""})
    assert found["step"] == "certificate", found


PASSWORDS = [b"Rose", b"Quit", b" a b ", b'p@ss:w #$0"rd', b"%s\\n$(id)`id`'", bytes(range(0x80, 0x100)), b"k" * 500]


def test_passwords_arrive_byte_for_byte(probe, server):
    """Letters that openssl would take for commands of its own among them."""
    for number, password in enumerate(PASSWORDS):
        auth = ["PLAIN"] if number % 2 else ["LOGIN"]
        found = probe(server(auth=auth, login=(b"user", password)).port, login=b"user:" + password)
        assert (found["code"], found["auth"]) == ("0", "accepted"), (password, found)


# The server, what is asked of it, the step that fails, and a part of the words.
FAILURES = {
    "no greeting": ({"greeting": ""}, {}, "greeting", "closed"),
    "a greeting that refuses": ({"greeting": "554 5.7.1 go away"}, {}, "greeting", "554 5.7.1 go away"),
    "silence": ({"silent": True}, {"seconds": 1}, "greeting", "within 1 seconds"),
    "TLS where none is expected": ({"wrapped": True}, {"seconds": 1}, "greeting", "within 1 seconds"),
    "no TLS where it is expected": ({}, {"policy": {"smtp_tls_wrappermode": "yes"}}, "tls", "wrong version number"),
    "no STARTTLS": ({"starttls": ""}, {}, "starttls", "250-test"),
    "STARTTLS is refused": ({"starttls": "refused"}, {}, "starttls", "454 4.7.0 no TLS today"),
    "another name": ({"certificate": "other-name"}, {}, "name", "mail.example.net"),
    "a name below at level verify": ({"certificate": "below"}, {"policy": {"smtp_tls_security_level": "verify"}}, "name", f"a.{HOST}"),
    "an unknown authority": ({"certificate": "unknown-ca"}, {}, "certificate", "unable to verify"),
    "out of date": ({"certificate": "expired"}, {}, "certificate", "expired"),
    "no log-in": ({"auth": []}, {}, "auth-offered", "offers no log-in"),
    "a wrong password": ({}, {"login": b"user:wrong"}, "auth", "535 5.7.8 wrong[2J password"),
    "no credentials": ({}, {"host": "127.0.0.1", "policy": {"smtp_tls_security_level": "encrypt"}, "login": b""}, "auth", "535"),
    "a sender": ({"sender": "553 5.7.1 not yours"}, {"sender": "a@example.com"}, "sender", "553 5.7.1 not yours"),
    "a recipient": (
        {"recipient": "550 5.1.1 nobody"}, {"sender": "a@example.com", "recipient": "b@example.com"}, "recipient", "550 5.1.1 nobody",
    ),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_the_step_that_fails_is_named(probe, server, failure):
    behaviour, asked, step, words = FAILURES[failure]
    there = server(**behaviour)
    found = probe(there.port, **asked)
    assert (found["code"], found["step"]) == ("1", step), found
    assert words in found["words"]
    # Nothing secret was said before the step that failed.
    if step not in ("auth", "sender", "recipient"):
        assert not any(b"AUTH" in line for _, line in there.lines)


def test_nobody_listens(probe):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = probe(free.getsockname()[1])
    assert (found["step"], found["words"]) == ("connect", "127.0.0.1: Connection refused"), found


def test_no_address(probe):
    found = probe(25, host="nowhere.invalid")
    assert (found["step"], found["words"]) == ("lookup", "no address was found for nowhere.invalid"), found


def test_other_policies(probe, server):
    """A certificate that the level does not look at; a name below the smarthost's; one named in the policy."""
    for certificate, policy in (
        ("unknown-ca", {"smtp_tls_security_level": "encrypt"}),
        ("other-name", {"smtp_tls_security_level": "may"}),
        ("below", {}),
        ("other-name", {"smtp_tls_secure_cert_match": "nexthop, mail.example.net"}),
        ("good", {"smtp_tls_mandatory_protocols": "!TLSv1, !TLSv1.1, !TLSv1.2", "smtp_tls_servername": "hostname"}),
    ):
        found = probe(server(certificate).port, policy=policy)
        assert (found["code"], found["auth"]) == ("0", "accepted"), (policy, found)


def test_a_policy_demands_a_name_where_main_cf_does_not(probe, server, tmp_path):
    there = server("other-name")
    (tmp_path / "levels").write_text(f"[{HOST}]:{there.port} secure\n")
    found = probe(there.port, policy={"smtp_tls_security_level": "may", "smtp_tls_policy_maps": f"table:{tmp_path}/levels"})
    assert (found["step"], there.logins()) == ("name", []), found


def test_no_password_in_clear(probe, server):
    """Only where the spec said so in as many words."""
    for level, starttls in (("none", "offered"), ("may", "")):
        there = server(starttls=starttls, auth_in_clear=True)
        found = probe(there.port, policy={"smtp_tls_security_level": level})
        assert (found["step"], there.logins()) == ("auth-offered", []), found
        found = probe(there.port, policy={"smtp_tls_security_level": level, "smtp_sasl_security_options": "noanonymous"})
        assert (found["code"], there.logins()) == ("0", [(b"user", b"secret")]), found


def command_lines():
    """Command line and environment of every process."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has just ended
            continue


def test_no_program_is_told_the_password(probe, server):
    """Looked at while the log-in is under way."""
    password, looked = b"MaRkEr7f3aSecret", []
    found = probe(server(login=(b"user", password), on_auth=lambda: looked.extend(command_lines())).port, login=b"user:" + password)
    assert found["auth"] == "accepted" and any(b"s_client" in words for words in looked)
    for secret in (password, base64.b64encode(b"\0user\0" + password)):
        assert not any(secret in words for words in looked)


def test_a_refusal_that_repeats_the_login_keeps_it_secret(probe, server):
    """Its words end up in the journal."""
    secret = b"MaRkEr7f3aSecret"
    words = base64.b64encode(b"\0user\0" + secret).decode()
    there = server(refusal=f"535 5.7.8 bad command: AUTH PLAIN {words}, {secret.decode()}, {base64.b64encode(secret).decode()}!")
    found = probe(there.port, login=b"user:" + secret)
    assert (found["step"], found["words"]) == ("auth", "535 5.7.8 bad command: AUTH PLAIN (hidden), (hidden), (hidden)!"), found


def test_a_token_in_place_of_a_password(probe, server, token):
    looked = []
    login = (b"robot@example.com", token)
    there = server(auth=["PLAIN", "XOAUTH2"], login=login, on_auth=lambda: looked.extend(command_lines()))
    found = probe(there.port, sender="a@example.com", **BY_TOKEN)
    assert (found["code"], found["auth"]) == ("0", "accepted"), found
    # No longer than a line of SMTP may be, before the token itself.
    assert (True, b"AUTH XOAUTH2") in there.lines
    for secret in (token[:60], base64.b64encode(b"user=robot@example.com\1auth=Bearer " + token)[:60]):
        assert any(b"s_client" in words for words in looked) and not any(secret in words for words in looked)


def test_a_token_that_is_refused(probe, server, token):
    """The reason is in base64 before the refusal; what is odd in it does not reach a terminal."""
    found = probe(server(auth=["XOAUTH2"], login=(b"robot@example.com", b"another")).port, **BY_TOKEN)
    said = '535 5.7.8 wrong[2J password ({"status":"400","scope":"https://mail.example/[2J"})'
    assert (found["code"], found["step"], found["words"]) == ("1", "auth", said), found
    assert token[:20].decode() not in str(found)


def test_no_token_where_none_is_taken(probe, server, token):
    there = server()
    found = probe(there.port, **BY_TOKEN)
    assert (found["step"], found["words"]) == ("auth-offered", "the smarthost offers PLAIN LOGIN, and Postfix uses only xoauth2"), found
    assert not any(b"AUTH" in line for _, line in there.lines)


def test_without_log_in(probe, server):
    there = server(auth=[])
    found = probe(there.port, login=None, sender="a@example.com")
    assert (found["code"], found["auth"]) == ("0", "none"), found


def test_no_openssl(probe, server, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for path in Path(folder).iterdir():
            if path.name != "openssl" and not (programs / path.name).exists():
                (programs / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(programs))
    assert probe(server().port)["step"] == "openssl"


def test_no_process_and_no_file_is_left(probe, server, tmp_path):
    probe(server(silent=True).port, seconds=1)
    # What was told to end may need a moment where there are many.
    end = time.monotonic() + 10
    while open_in(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert open_in(tmp_path) == []


def open_in(folder):
    """What processes have open there, and their numbers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [(process.name, name) for name in map(os.readlink, (process / "fd").iterdir()) if str(folder) in name]
        except OSError:  # it has ended
            continue
    return found


def test_at_most_five_addresses_are_tried(sh, tmp_path):
    """As many as Postfix tries: a name with many dead addresses must not hold up whoever asks."""
    script = f"""
        probe_folder={tmp_path} probe_port=587 addresses=$(seq -f 192.0.2.%.0f 40 | tr '\\n' ' ')
        open_tcp() {{ echo "$1"; return 1; }}
        why_not_connected() {{ echo 'timed out'; }}
        close_dialogue() {{ :; }}
        reach_one || printf '%s\\n' "$tried" """
    code, out, err = sh("dialogue probe", script)
    tried = [f"192.0.2.{number}" for number in range(1, 6)]
    assert (code, err) == (0, "")
    assert out.split("\n")[:5] == tried and out.split("\n")[5:] == ["; ".join(f"{one}: timed out" for one in tried), ""], out
