"""The programs behind status, test and show-config, fed with what Postfix 3.5 to 3.11 really wrote."""

import json
import subprocess

import pytest

from conftest import AWKS, LIB

LOG_310 = b"""\
Nov 21 09:14:11 web1 postfix/pickup[14640]: 7E12258405E: uid=0 from=<root>
Nov 21 09:14:11 web1 postfix/cleanup[14793]: 7E12258405E: message-id=<mail-relay-test.1.2@web1.corp.example>
Nov 21 09:14:11 web1 postfix/qmgr[14641]: 7E12258405E: from=<root@localhost.localdomain>, size=483, nrcpt=2 (queue active)
Nov 21 09:14:11 web1 postfix/tlsproxy[14809]: CONNECT to [10.55.0.2]:587
Nov 21 09:14:11 web1 postfix/smtp[14805]: Verified TLS connection established to smtp.lab.example[10.55.0.2]:587: TLSv1.3 with cipher X
Nov 21 09:14:11 web1 postfix/smtp[14805]: 7E12258405E: to=<ops@acme.example>, orig_to=<root>, relay=smtp.lab.example[10.55.0.2]:587, delay=0.19, delays=0.02/0.02/0.11/0.04, dsn=2.0.0, status=sent (250 2.0.0 queued as FAKE123)
Nov 21 09:14:11 web1 postfix/smtp[14805]: OTHER: to=<x@acme.example>, relay=none, delay=0.19, delays=0/0/0/0, dsn=4.4.1, status=deferred (connect to x: Connection refused)
Nov 21 09:14:11 web1 postfix/smtp[14805]: 7E12258405E: to=<two@acme.example>, orig_to=<root>, relay=none, delay=0.1, delays=0/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)
Nov 21 09:14:11 web1 postfix/qmgr[14641]: 7E12258405E: removed
"""


def test_follow(awk):
    code, out, error = awk("delivery.awk follow.awk", LOG_310, id="mail-relay-test.1.2@web1.corp.example")
    assert (code, error) == (0, b"")
    lines = out.decode().splitlines()
    assert lines[:3] == ["queue\t7E12258405E", "recipients\t2", "removed"]
    assert "to\tops@acme.example\tsmtp.lab.example[10.55.0.2]:587\tsent\t2.0.0\t250 2.0.0 queued as FAKE123" in lines
    assert "to\ttwo@acme.example\tnone\tdeferred\t4.7.5\tServer certificate not verified" in lines
    assert "tls\tsmtp.lab.example[10.55.0.2]:587\tVerified" in lines
    assert not any("x@acme.example" in line for line in lines)


def test_follow_finds_nothing(awk):
    assert awk("delivery.awk follow.awk", LOG_310, id="other@web1")[1].decode().startswith(("tls", "detail"))


QUEUE = rb"""{"queue_name": "deferred", "queue_id": "A", "arrival_time": 1795249737, "message_size": 402, "sender": "root@x", "recipients": [{"address": "o@x", "delay_reason": "said \"no\" \\ [1]\u00fc"}, {"address": "p@x", "delay_reason": "said \"no\" \\ [1]\u00fc"}]}
{"queue_name": "deferred", "queue_id": "B", "arrival_time": 1795249700, "message_size": 402, "sender": "root@x", "recipients": [{"address": "o@x", "delay_reason": "Connection refused"}]}
{"queue_name": "deferred", "queue_id": "C", "arrival_time": 1795249799, "message_size": 402, "sender": "root@x", "recipients": [{"address": "o@x", "delay_reason": "Connection refused"}]}
{"queue_name": "active", "queue_id": "D", "arrival_time": 1795249800, "message_size": 402, "sender": "root@x", "recipients": [{"address": "o@x"}]}
"""


def test_queue(awk):
    expected = b'count 4\noldest 1795249700\ndeferred 3\nreason 2 Connection refused\nreason 1 said "no" \\ [1]?\n'
    assert awk("json.awk queue.awk", QUEUE) == (0, expected, b"")
    assert awk("json.awk queue.awk", b"") == (0, b"count 0\ndeferred 0\n", b"")


ORIGINS = b"# comment\nmessage_size_limit\tlimits.message-size\nsmtp_generic_maps\trelay.from rewrite\nsmtputf8_enable\trelay.provider\n"
LIVE = b"""\
# === the package ===
inet_interfaces = loopback-only
message_size_limit = 1
smtp_generic_maps =
    inline:{a=b}
smtputf8_enable = no
biff = no
header_size_limit = 5
# ldap_pw: set by /x/own.cf

# === this host ===
relay_from = a@b

# === /x/own.cf ===
ldap_pw=TopSecret
smtp-slow_destination_rate_delay = 1s
smtp_sasl_password_maps = inline:{{h=u:TopSecret}}
by_hand = 1
"""
CONFIG = b"""\
biff = no
by_hand = 1
header_size_limit = 5
inet_interfaces = loopback-only
ldap_pw = TopSecret
message_size_limit = 1
relay_from = a@b
smtp-slow_destination_rate_delay = 1s
smtp_generic_maps = inline:{a=b}
smtp_sasl_password_maps = inline:{{h=u:TopSecret}}
smtputf8_enable = no
strict = "no"
"""
FACTS = {"stated": "relay.provider relay.from main-cf.biff", "preset": "limits.message-size", "provider": "ses", "profile": "null-client"}
SHOWN = """\
# the spec
biff = no
smtp_generic_maps = inline:{a=b}

# the provider ses
message_size_limit = 1
smtputf8_enable = no

# the profile null-client
header_size_limit = 5
inet_interfaces = loopback-only

# this host
relay_from = a@b

# the administrator
# /x/own.cf
ldap_pw = (hidden)
smtp-slow_destination_rate_delay = 1s
smtp_sasl_password_maps = (hidden)

# edited by hand, and gone with the next apply
by_hand = 1

# the distribution, or Postfix itself
strict = "no"
"""


def test_show_says_where_a_parameter_comes_from(awk):
    files = (ORIGINS, LIVE.replace(b"by_hand = 1\n", b""), LIVE, CONFIG)
    code, out, error = awk("json_string.awk show.awk", *files, format="text", bold="", plain="", **FACTS)
    assert (code, out.decode(), error) == (0, SHOWN, b"")


def test_show_as_json(awk):
    code, out, error = awk("json_string.awk show.awk", ORIGINS, b"", LIVE, CONFIG, format="json", **FACTS)
    assert (code, error) == (0, b"")
    told = {row.pop("name"): row for row in json.loads(out)}
    assert len(told) == 12 and b"TopSecret" not in out
    assert told["smtp_generic_maps"] == {"value": "inline:{a=b}", "origin": "spec", "detail": "relay.from"}
    assert told["message_size_limit"] == {"value": "1", "origin": "provider", "detail": "ses"}
    assert told["ldap_pw"] == {"value": None, "origin": "administrator", "detail": "/x/own.cf"}
    assert told["by_hand"]["detail"] == "/x/own.cf"
    assert told["strict"] == {"value": '"no"', "origin": "distribution", "detail": None}


def test_show_without_a_provider(awk):
    facts = FACTS | {"provider": "custom", "preset": "", "stated": ""}
    out = awk("json_string.awk show.awk", ORIGINS, b"", LIVE, CONFIG, format="json", **facts)[1]
    told = {row.pop("name"): row for row in json.loads(out)}
    assert told["smtputf8_enable"]["origin"] == told["message_size_limit"]["origin"] == "profile"


REASONS = {
    "SASL authentication failed; server smtp.lab.example[10.55.0.2] said: 535 5.7.8 Authentication credentials invalid": "password-refused",
    "SASL authentication failed; cannot authenticate to server smtp.lab.example[1.2.3.4]: no mechanism available": "sasl-plugin",
    "warning: SASL authentication failure: No worthy mechs found": "sasl-plugin",
    "host smtp.office365.com said: 535 5.7.139 Authentication unsuccessful, basic authentication is disabled": "basic-auth-off",
    "Server certificate not verified": "certificate",
    "Server certificate not trusted": "certificate",
    "certificate verification failed for smtp.lab.example[10.55.0.2]:590: self-signed certificate\nServer certificate not trusted": "unknown-ca",
    "server certificate verification failed for smtp.lab.example[10.55.0.2]:598: certificate has expired": "certificate-expired",
    "certificate verification failed for x[1.2.3.4]:25: untrusted issuer /CN=LabCA": "unknown-ca",
    "delivery temporarily suspended: TLS is required, but was not offered by host smtp.lab.example[10.55.0.2]": "tls-not-offered",
    "non DNSSEC destination": "no-tlsa",
    "connect to smtp.lab.example[10.55.0.2]:599: Connection refused": "refused",
    "connect to smtp.lab.example[10.55.0.2]:587: Connection timed out": "timeout",
    "connect to smtp.lab.example[2001:db8::1]:587: Network is unreachable": "unreachable",
    "Host or domain name not found. Name service error for name=nx.lab.example type=AAAA: Host not found": "dns",
    "host smtp.lab.example[10.55.0.2] said: 554 Message rejected: Email address is not verified. The following": "sender-refused",
    "host x said: 550 5.1.1 no such user (in reply to RCPT TO command)": "recipient-refused",
    "host x said: 451 4.3.0 try again later (in reply to RCPT TO command)": "later",
    "SMTPUTF8 is required, but was not offered by host x": "smtputf8",
    "message size 41943040 exceeds size limit 10240000 of server x: message size exceeds": "size",
    "lost connection with x[1.2.3.4] while receiving the initial server greeting": "greeting",
    "host x said: 454 4.7.0 Too many login attempts, please try again later": "login-limit",
    "no credentials yet: put RELAY_USERNAME and RELAY_PASSWORD into /etc/mail-relay/relay.env": "no-credentials",
    "connect to private/tlsproxy service: No such file or directory": "tlsproxy",
    "host x said: 530 5.7.0 Authentication Required": "auth-required",
    "host x said: 554 5.7.1 <o@x>: Relay access denied": "relay-denied",
    "host x said: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org": "blocked",
    "host x said: 550 5.7.1 Your IP address 192.0.2.1 is on our block list": "blocked",
    "host x said: 550 5.4.5 Daily user sending quota exceeded": "quota",
    "cannot load Certification Authority data, CAfile=\"/nonexistent\": disabling TLS support": "ca-bundle",
}


@pytest.mark.parametrize(("words", "reason"), REASONS.items())
@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"], ["bash", "--posix"]])
def test_reasons(words, reason, shell):
    script = f"lib={LIB}; . {LIB}/reasons.sh; explain"
    result = subprocess.run([*shell, "-c", script], input=words.encode(), capture_output=True, check=True)
    assert result.stdout.split(b"\t")[0].decode() == reason


def test_reasons_are_whole():
    lines = [line for line in (LIB / "reasons.tsv").read_text().splitlines() if not line.startswith("#")]
    names = [line.split("\t")[0] for line in lines]
    assert len(names) == len(set(names))
    for line in lines:
        fields = line.split("\t")
        assert all(fields) and fields[1] in ("relay", "message"), line
        assert len(fields) == 5 or (len(fields) == 6 and fields[5] in ("server", "network")), line


@pytest.mark.parametrize("program", AWKS)
def test_a_string_becomes_json(program, tmp_path):
    """Of mawk, a backslash in a replacement wants more backslashes than of the others."""
    text = 'a\\b "c"\td\ne\x1b\u00fc'
    (tmp_path / "awk").write_text(f"#!/bin/sh\nexec {' '.join(AWKS[program])} \"$@\"\n")
    (tmp_path / "awk").chmod(0o755)
    script = f"PATH={tmp_path}:$PATH; . {LIB}/common.sh; json_string"
    result = subprocess.run(["dash", "-c", script], input=text.encode(), capture_output=True, check=True)
    assert json.loads(result.stdout) == text.replace("\x1b", "?")


def test_origins_names_parameters_and_keys_that_exist():
    root = LIB.parents[2]
    known = {line.split("\t")[0] for line in (root / "pkg/postfix/parameters.tsv").read_text().splitlines()}
    schema = json.loads((root / "docs/spec.schema.json").read_text())
    rows = [line.split("\t") for line in (LIB / "origins.tsv").read_text().splitlines() if not line.startswith("#")]
    for name, keys in rows:
        assert {name, "*_" + name.partition("_")[2]} & known or name.startswith("relay_"), name
        for key in keys.split():
            section, *names = key.split(".")
            here = schema["properties"][section]
            for part in names:
                here = properties(schema, here)[part]


def properties(schema, part):
    """Of a section, or of the items where it is a list."""
    if "$ref" in part:
        return properties(schema, schema["$defs"][part["$ref"].rpartition("/")[2]])
    if "anyOf" in part:
        return properties(schema, part["anyOf"][0])
    return properties(schema, part["items"]) if "items" in part else part["properties"]
