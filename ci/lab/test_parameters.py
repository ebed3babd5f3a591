"""What main.cf.d may do (pkg/postfix/verdicts.tsv): what would undo the relay is refused, and with everything else mail leaves as specified."""

import pytest
from lab.shell import LAB

OWN = "/etc/mail-relay/main.cf.d/own.cf"
CATALOGUE = LAB.parents[1] / "pkg/postfix"
# Lines that real hosts have, and that were accepted once.
REFUSED = (
    "smtpd_authorized_xclient_hosts = 0.0.0.0/1, 128.0.0.0/1",
    "qmqpd_authorized_clients = static:all",
    "smtpd_forbid_bare_newline = no",
    "append_dot_mydomain = no",
    "masquerade_domains = corp.example",
    "myorigin = $mydomain",
    "soft_bounce = yes",
    "maillog_file = /dev/stdout",
    "default_privs = root",
    "alias_maps = texthash:/etc/aliases",
    "mydestination = $myhostname, localhost",
    "smtp_generic_maps =",
    "smtp_sasl_security_options = noanonymous",
    "default_transport = smtp",
    "queue_directory = /srv/spool",
)


def rows(name):
    lines = (CATALOGUE / name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def free(kinds):
    """Parameters of these kinds that a null client leaves to everybody."""
    of_kind = {row[0] for row in rows("parameters.tsv") if row[1] in kinds and row[5] == "-"}
    verdicts = [(row[0], row[1].split(), row[2]) for row in rows("verdicts.tsv")]
    return [
        name
        for name, profiles, verdict in verdicts
        if name in of_kind and verdict == "free" and ("all" in profiles or "null-client" in profiles)
    ]


def defaults(relay, names):
    """Those that this Postfix has, with its own values."""
    said = relay.sh("postconf -d").out.splitlines()
    known = dict(line.split(" =", 1) for line in said if " =" in line)
    return {name: known[name].strip() for name in names if name in known}


def other(value):
    """Another value of the same kind, or none where the default is no plain one."""
    if value in ("yes", "no"):
        return "no" if value == "yes" else "yes"
    number = value.rstrip("smhdw")
    # 0 is often "without limit", or "never".
    if number.isdigit() and int(number) > 0:
        return f"{int(number) * 2}{value[len(number) :]}"
    return None


def assert_as_specified(mail):
    assert mail.envelope_from == "noreply@acme.example"
    assert mail.envelope_to == ["ops@acme.example"]
    assert mail["From"].addresses[0].addr_spec == "noreply@acme.example"
    assert mail["Received"] is None
    assert mail.tls and mail.user


@pytest.mark.roots("debian-12", "debian-13")
def test_what_would_undo_the_relay_is_refused(relay, tally):
    live = relay.read("/etc/postfix/main.cf")
    for line in REFUSED:
        relay.write(OWN, f"# own\n{line}\n")
        done = relay.sh("mail-relay apply", check=False)
        assert done.code == 2 and f"{OWN}, line 2: '{line.split()[0]}' would undo this relay" in done.err, (line, done)
        assert relay.read("/etc/postfix/main.cf") == live
    assert_as_specified(relay.deliver("nothing was changed"))
    relay.sh(f"rm {OWN}; mail-relay apply")
    tally("lines of main.cf.d refused", len(REFUSED))


@pytest.mark.roots("debian-11", "debian-12", "debian-13")
@pytest.mark.parametrize("kinds", [("boolean",), ("time",), ("integer", "number", "size")], ids=["switches", "times", "numbers"])
def test_free_parameters_leave_the_relay_what_it_is(relay, kinds, tally):
    """All of a kind at once, each with another value than its default."""
    changed = {name: other(value) for name, value in defaults(relay, free(kinds)).items()}
    changed = {name: value for name, value in changed.items() if value}
    assert len(changed) > 30
    relay.write(OWN, "".join(f"{name} = {value}\n" for name, value in changed.items()))
    relay.sh("mail-relay apply")
    assert_as_specified(relay.deliver("with everything changed"))
    relay.wait_queue_empty()
    tally("free parameters changed", len(changed))
