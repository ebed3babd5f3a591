"""Which keys of relay.env are the login at which smarthost."""

import pytest

TWO = "PRIMARY [one.example]:587 BACKUP [two.example]:587"
PORTS = "PRIMARY [one.example]:587 BACKUP [ONE.example]:2525"

# The smarthosts, relay.env, and what may be sent where.
LOGINS = [
    (TWO, "RELAY_USERNAME=u\nRELAY_PASSWORD=p\n", "[one.example]:587 u:p\n"),
    (PORTS, "RELAY_USERNAME=u\nRELAY_PASSWORD=p\n", "[one.example]:587 u:p\n[ONE.example]:2525 u:p\n"),
    (TWO, "RELAY_USERNAME=u\nRELAY_PASSWORD=p\nRELAY_BACKUP_USERNAME=v\nRELAY_BACKUP_PASSWORD=q\n", "[one.example]:587 u:p\n[two.example]:587 v:q\n"),
    (TWO, "RELAY_BACKUP_USERNAME=v\nRELAY_BACKUP_PASSWORD=q\n", "[two.example]:587 v:q\n"),
    (PORTS, "RELAY_USERNAME=u\nRELAY_PASSWORD=p\nRELAY_BACKUP_USERNAME=v\nRELAY_BACKUP_PASSWORD=q\n", "[one.example]:587 u:p\n[ONE.example]:2525 v:q\n"),
    ("A [192.0.2.1]:25 B [ipv6:2001:db8::1]:25", "RELAY_USERNAME=u\nRELAY_PASSWORD=p\n", "[192.0.2.1]:25 u:p\n"),
    ("A [ipv6:2001:db8::1]:25 B [ipv6:2001:db8::1]:587", "RELAY_USERNAME=u\nRELAY_PASSWORD=p\n", "[ipv6:2001:db8::1]:25 u:p\n[ipv6:2001:db8::1]:587 u:p\n"),
]


def test_a_password_goes_only_to_the_host_it_was_given_for(awk):
    for hosts, text, passwords in LOGINS:
        assert awk("env.awk", text.encode(), out="sasl", hosts=hosts) == (0, passwords.encode(), b""), (hosts, text)


# What "key" of the smarthosts, the sources that are in force, and the keys that a person is told.
KEYS = [
    (TWO, "PRIMARY", "", "RELAY_USERNAME and RELAY_PASSWORD"),
    (TWO, "BACKUP", "", "RELAY_BACKUP_USERNAME and RELAY_BACKUP_PASSWORD"),
    (TWO, "PRIMARY", "RELAY_PRIMARY_PASSWORD\trelay.env\n", "RELAY_PRIMARY_USERNAME and RELAY_PRIMARY_PASSWORD"),
    (PORTS, "BACKUP", "", "RELAY_USERNAME and RELAY_PASSWORD"),
    (PORTS, "BACKUP", "RELAY_BACKUP_PASSWORD\trelay.env\n", "RELAY_BACKUP_USERNAME and RELAY_BACKUP_PASSWORD"),
]


@pytest.mark.parametrize(("hosts", "key", "sources", "told"), KEYS)
def test_the_right_keys_are_named(sh, tmp_path, hosts, key, sources, told):
    (tmp_path / "sources").write_text(sources)
    hosts = hosts.replace("ONE", "one")
    script = f"password_hosts='{hosts}' token_hosts=''; login_keys {key} {tmp_path}/sources"
    assert sh("smarthosts", script) == (0, f"{told}\n", "")


# A line as people write it for a shell or in another format, and what the message says.
LINES = {
    "export RELAY_USERNAME=u": b'line 1: a line is KEY=value, without "export": write RELAY_USERNAME=...',
    "set RELAY_PASSWORD=secret": b'line 1: a line is KEY=value, without "set": write RELAY_PASSWORD=...',
    "declare -x RELAY_PASSWORD=secret": b'line 1: a line is KEY=value, without "declare": write RELAY_PASSWORD=...',
    "- RELAY_PASSWORD=secret": b"line 1: this is not a key of relay.env",
    "$RELAY_PASSWORD=secret": b"line 1: this is not a key of relay.env",
    "RELAY_PASSWORD: secret": b"line 1: this is not KEY=value",
    "RELAY_PASSWORT=secret": b"line 1: RELAY_PASSWORT is not a key of relay.env",
}


def test_lines_in_other_ways_of_writing(awk):
    for line, words in LINES.items():
        code, out, error = awk("env.awk", f"{line}\n".encode(), out="sasl", hosts="PRIMARY [h]:587")
        assert (code, out) == (2, b"") and words in error and b"secret" not in error, (line, error)


def test_half_of_a_login_is_named_with_its_line(awk):
    code, _, error = awk("env.awk", b"# mine\nRELAY_PASSWORD=secret\n", out="sasl", hosts="PRIMARY [h]:587")
    assert code == 2 and b"line 2: there is RELAY_PASSWORD but no RELAY_USERNAME" in error and b"secret" not in error
