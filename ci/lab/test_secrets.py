"""Secrets: each odd one reaches the smarthost byte for byte or is refused; and none is seen by anybody else."""

import os
import stat
from pathlib import Path

import pytest

from lab import odd, roots
from lab.host import RELAY_ENV
from lab.kills import difference, tree
from lab.shell import tier
from lab.sink import Sink
from lab.steps import Disk

# Three awks, three table types, three Postfix versions.
ROOTS = ("debian-11", "rpm-dnf5", "pacman-7")


# Those of specs/many-smarthosts.toml, all at one name.
PORTS = range(2600, 2616)


@pytest.mark.long
@pytest.mark.roots(*ROOTS)
def test_odd_credentials_arrive_byte_for_byte_or_are_refused(relay, smarthost, root, tally):
    """Each apply has an account for every port of the smarthost, and a message leaves by each."""
    relay.install("many-smarthosts")
    # The scenario says when, not the path unit.
    relay.sh("systemctl stop mail-relay-apply.path")
    ways = "".join(f"{{ {port}.example = smtp:{next_hop(port)} }} " for port in PORTS)
    relay.write("/etc/mail-relay/main.cf.d/ways.cf", f"transport_maps = inline:{{ {ways}}}\n")

    pairs = list(enumerate(odd.pairs()))
    of_this_root = [(number, pair) for number, pair in pairs if number % len(ROOTS) == ROOTS.index(root) and odd.dovecot_takes(pair[1])]
    for some in batches(of_this_root):
        apply_odd(relay, some, tally)
        smarthost.expect(*(pair for _, pair in some))
        send(relay, some)
        for number, _ in some:
            smarthost.wait_for(f"odd {number}")
        assert set(smarthost.received()) == {pair for _, pair in some}

    relay.resolver.set(smarthost.name, smarthost.sink)
    # The roots share them, too, except in the full tier.
    share = 1 if tier() == "full" else len(ROOTS)
    not_for_dovecot = [one for one in pairs if not odd.dovecot_takes(one[1][1])][ROOTS.index(root) % share :: share]
    for some in batches(not_for_dovecot):
        with Sink(smarthost, "any-password", ports=PORTS) as sink:
            apply_odd(relay, some, tally)
            send(relay, some)
            relay.wait_queue_empty()
            assert set(sink.logins()) == {pair for _, pair in some}

    for number, pair in of_this_root + not_for_dovecot:
        if odd.fault(*pair):
            refuse_odd(relay, number, pair, tally)


def next_hop(port):
    return f"[smtp.lab.example]:{port}"


def batches(numbered):
    """What Postfix can carry of these (number, pair), by as many as there are ports."""
    carried = [(number, pair) for number, pair in numbered if not odd.fault(*pair)]
    return [carried[at : at + len(PORTS)] for at in range(0, len(carried), len(PORTS))]


def apply_odd(relay, some, tally):
    """Save and apply these credentials, an account for each port; the first has the keys without a name, which count for all the rest."""
    keys = ["", *(f"S{place:02}_" for place in range(1, len(PORTS)))]
    lines = [odd.lines(*pair, number // len(ROOTS), key) for (number, pair), key in zip(some, keys)]
    relay.path(RELAY_ENV).write_bytes(b"".join(lines))
    relay.sh("mail-relay apply")
    # What Postfix finds for each port, in hexadecimal.
    names = " ".join(f"'{next_hop(port)}'" for port, _ in zip(PORTS, some))
    looked_up = relay.sh(
        f"maps=$(postconf -xh smtp_sasl_password_maps); for name in {names}; do"
        " postmap -q \"$name\" \"$maps\" | od -An -v -tx1 | tr -d ' \\n'; echo; done"
    ).out.split()
    assert [bytes.fromhex(line) for line in looked_up] == [user + b":" + password + b"\n" for _, (user, password) in some], some
    tally("odd credentials that arrived", len(some))


def send(relay, some):
    relay.sh("; ".join(f"echo hi | mail -s 'odd {number}' who@{port}.example" for port, (number, _) in zip(PORTS, some)))


def refuse_odd(relay, number, pair, tally):
    """The fault is named, and no byte of what Postfix reads changes."""
    before = tree(relay.root, ["etc/postfix"], times=True)
    relay.path(RELAY_ENV).write_bytes(odd.lines(*pair, number // len(ROOTS)))
    applied = relay.sh("mail-relay apply", check=False)
    assert applied.code == 2 and odd.fault(*pair) in applied.err, (pair, applied)
    assert "stays in force" in applied.err, (pair, applied)
    assert not difference(tree(relay.root, ["etc/postfix"], times=True), before), pair
    tally("odd credentials refused")


MARKER = "MaRkEr7f3aSecret"
MARKED = f"RELAY_USERNAME='{MARKER}user'\nRELAY_PASSWORD='{MARKER}password'\n"
# What a person does on a host, all of which handles the secret.
LIFE = (
    "mail-relay apply; mail-relay status; mail-relay show-config; mail-relay doctor; echo RELAY_HOST=other.lab.example >>/etc/mail-relay/relay.env;"
    " mail-relay apply; mail-relay rollback; mail-relay apply; echo oops >>/etc/mail-relay/relay.env; mail-relay apply; mail-relay remove"
)


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
def test_no_program_is_told_a_secret(installation, root, tally):
    """At each step of a relay's life: no command line, no environment and no file that others can read holds it."""
    disk = Disk([installation, roots.path(root)])
    found = set()
    try:
        with disk.copy() as copy:
            copy.write(RELAY_ENV, MARKED)

            def look(number, what, path):
                if what == "exec":
                    found.update(f"{word} of {path}" for word in told(copy.root))
                    tally("programs looked at")
                found.update(open_to_others(copy.upper))
                return b"g"

            done, _ = copy.steps(LIFE, 0, look)
            assert MARKER not in done.out
            copy.sh("mail-relay purge")
            assert left(copy.upper) == []
    finally:
        disk.close()
    assert not found, found


def told(root):
    """Command line and environment of the processes in a root."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "root") == str(root):
                for name in ("cmdline", "environ"):
                    if MARKER.encode() in (process / name).read_bytes():
                        yield name
        except OSError:  # it has just ended
            continue


def holders(folder):
    """The files below a folder that hold the secret."""
    for path in Path(folder).rglob("*"):
        try:
            if path.is_file() and not path.is_symlink() and MARKER.encode() in path.read_bytes():
                yield path
        except FileNotFoundError:  # renamed meanwhile
            continue


def open_to_others(folder):
    return [f"{path} {stat.filemode(path.stat().st_mode)}" for path in holders(folder) if path.stat().st_mode & 0o077]


def left(folder):
    return [str(path) for path in holders(folder)]


@pytest.mark.roots("debian-12", "rpm-dnf4", "pacman-7")
def test_nothing_on_a_running_host_repeats_a_secret(relay, smarthost):
    """Applied by the path unit, used at the smarthost, refused by it, purged: in no log, no journal, no file of others."""
    smarthost.expect((f"{MARKER}user".encode(), f"{MARKER}password".encode()))
    relay.write(RELAY_ENV, MARKED, 0o600)
    relay.sh("mail-relay apply && mail-relay status; mail-relay test")
    smarthost.expect((b"somebody", b"else"))
    relay.sh("mail-relay test; systemctl restart postfix; mail-relay status", check=False)
    relay.write(RELAY_ENV, MARKED + "what is this\n", 0o600)
    relay.sh("mail-relay apply; mail-relay test", check=False)
    assert MARKER not in relay.sh("journalctl --no-pager --output=export --all", timeout=60).out
    upper = relay.home / "upper"
    assert not open_to_others(upper)
    allowed = {"etc/mail-relay", "etc/postfix", "var/lib/mail-relay"}
    places = {str(path.parent.relative_to(upper)) for path in holders(upper)}
    assert all(any(place.startswith(name) for name in allowed) for place in places), places

    relay.sh("mail-relay purge")
    assert left(upper) == []
